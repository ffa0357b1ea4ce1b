package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// pinOps are the rows of pinned messages.
func (a *api) pinOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/channels/:id/pins", wire.User, wire.Read(listPins), "the pinned messages of a channel, last pinned first"),
		wire.Row("POST /api/channels/:id/pins/:msg_id", wire.User, wire.Write(pinMessage), "pin a message"),
		wire.Row("DELETE /api/channels/:id/pins/:msg_id", wire.User, wire.Write(unpinMessage), "take a pin away"),
	}
}

// mostPins is more than any channel has, whatever the setting says.
const mostPins = 1000

type pinnedOut struct {
	messageOut
	PinnedBy uuid   `json:"pinned_by"`
	PinnedAt moment `json:"pinned_at"`
}

func listPins(c *wire.Call, tx *relay.Tx, _ wire.None) ([]pinnedOut, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	p, err := channelFor(tx, c.Who.Account, id, relay.ToRead)
	if err != nil {
		return nil, err
	}
	list, s := []pinnedOut{}, show(tx)
	for _, m := range tx.MarkedIn(p.Box, relay.Pinned, relay.Mark{}, mostPins) {
		e, err := tx.Entry(relay.Messages, m.Entry)
		if relay.Is(err, relay.NotFound) {
			continue // its time is over
		}
		if err != nil {
			return nil, err
		}
		out := pinnedOut{PinnedAt: moment(m.At)}
		if out.messageOut, err = s.bare(p.Room.ID, e); err != nil {
			return nil, err
		}
		if out.PinnedBy, err = pinnedBy(tx, e.ID); err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}

// pinnedBy returns who pinned a message, nobody if he is gone.
func pinnedBy(tx *relay.Tx, id relay.EntryID) (uuid, error) {
	for m, err := range tx.Marks(id, relay.Pinned) {
		if err != nil {
			return uuid{}, err
		}
		who, err := lasting(tx, m.Who)
		return uuid(who), err
	}
	return uuid{}, nil
}

// pinPlace is the channel of a pin for somebody who may set it: who tidies it,
// and both of a direct one.
func pinPlace(c *wire.Call, tx *relay.Tx) (p place, id relay.EntryID, err error) {
	channel, err := pathID(c, "id")
	if err != nil {
		return p, id, err
	}
	if id, err = pathMessage(c, "msg_id"); err != nil {
		return p, id, err
	}
	if p, err = channelAt(tx, c.Who.Account, channel); err != nil || p.Direct && p.In {
		return p, id, err
	}
	p, err = channelFor(tx, c.Who.Account, channel, relay.ToTidyLeaf)
	return p, id, err
}

func pinMessage(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, id, err := pinPlace(c, tx)
	if err != nil {
		return none, err
	}
	e, err := tx.Entry(relay.Messages, id)
	switch {
	case relay.Is(err, relay.NotFound):
		return none, noMessage()
	case err != nil:
		return none, err
	case id.Box != p.Box, e.Erased:
		return none, bad("only messages of this channel can be pinned")
	case tx.CountMarks(id, relay.Pinned, 1) > 0:
		return none, relay.Errorf(relay.Conflict, relay.SubjectMessage, "message is already pinned")
	}
	settings, err := instanceOf(tx)
	if err != nil {
		return none, err
	}
	if len(tx.MarkedIn(p.Box, relay.Pinned, relay.Mark{}, settings.MaxPins)) >= settings.MaxPins {
		return none, bad("a channel can have %d pins", settings.MaxPins)
	}
	if _, err := tx.SetMark(id, relay.Pinned, c.Who.Account, ""); err != nil {
		return none, err
	}
	_, err = tx.TellEntries(p.Box, relay.EventPinned, c.Who.Account, relay.EntryEvent{Entries: []relay.Time{id.Time}})
	return none, err
}

func unpinMessage(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, id, err := pinPlace(c, tx)
	if err != nil {
		return none, err
	}
	was := false
	if id.Box == p.Box {
		was, err = tx.ClearMark(id, relay.Pinned, c.Who.Account, "")
	}
	if err == nil && !was {
		err = relay.Errorf(relay.NotFound, relay.SubjectMessage, "message is not pinned")
	}
	if err != nil {
		return none, err
	}
	_, err = tx.TellEntries(p.Box, relay.EventUnpinned, c.Who.Account, relay.EntryEvent{Entries: []relay.Time{id.Time}})
	return none, err
}
