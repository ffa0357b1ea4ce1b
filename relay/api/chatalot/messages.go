package chatalot

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// messageOps are the rows of messages, their history and their threads.
func (a *api) messageOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/channels/:id/messages", wire.User, wire.Free(listMessages), "a page of a channel, newest first"),
		wire.Row("GET /api/channels/:id/messages/:msg_id/history", wire.User, wire.Read(listEdits), "what a message said before"),
		wire.Row("GET /api/channels/:id/threads/:msg_id", wire.User, wire.Read(listThread), "a page of the replies to a message, oldest first"),
	}
}

// Bounds of pages.
const (
	pageDefault = 50
	pageMost    = 100
	slice       = 500    // messages looked at in one transaction
	pageLooks   = 20_000 // messages looked at for one page
)

// A wanted is what a page of messages is asked for.
type wanted struct {
	channel  relay.ID
	before   relay.EntryID // zero: from the end
	nowhere  bool          // before names no message
	limit    int
	rootOnly bool
}

func wantMessages(c *wire.Call) (w wanted, err error) {
	if w.channel, err = pathID(c, "id"); err != nil {
		return w, err
	}
	if w.limit, err = queryInt(c, "limit", pageDefault, 1, pageMost); err != nil {
		return w, err
	}
	w.rootOnly = c.Query("root_only") == "true"
	w.before, w.nowhere, err = queryBefore(c)
	return w, err
}

// queryBefore reads the message before which a page ends. One that is no
// message's id ends it before everything.
func queryBefore(c *wire.Call) (before relay.EntryID, nowhere bool, err error) {
	s := c.Query("before")
	if s == "" {
		return before, false, nil
	}
	id, ok := parseID(s)
	if !ok {
		return before, false, bad("before must be a UUID")
	}
	before = entryID(id)
	return before, before.IsZero(), nil
}

// listMessages gives out a page, newest first. It looks in slices, each in a
// transaction of its own, for most of a channel may be replies that were not
// asked for.
func listMessages(c *wire.Call, r *relay.Relay, _ wire.None) ([]messageOut, error) {
	w, err := wantMessages(c)
	if err != nil {
		return nil, err
	}
	list := []messageOut{}
	before := w.before.Time
	for looked, more := 0, true; more && looked < pageLooks && len(list) < w.limit; looked += slice {
		err := r.View(c.Context(), func(tx *relay.Tx) error {
			p, err := channelFor(tx, c.Who.Account, w.channel, relay.ToRead)
			if err != nil || w.nowhere || !w.before.IsZero() && w.before.Box != p.Box {
				more = false
				return err
			}
			es, err := p.page(tx, before, w.limit-len(list), w.rootOnly)
			if err != nil || len(es.found) == 0 && es.end {
				more = false
				return err
			}
			more, before = !es.end, es.next
			outs, err := show(tx).messages(p.Room.ID, es.found)
			list = append(list, outs...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// A slicePage is what one look at a channel found: messages, newest first, from
// where to go on, and whether that is the end.
type slicePage struct {
	found []relay.Entry
	next  relay.Time
	end   bool
}

// page looks at one slice of a channel before a time, and keeps up to n that are
// not deleted.
func (p place) page(tx *relay.Tx, before relay.Time, n int, rootOnly bool) (got slicePage, err error) {
	acc, err := p.access(tx)
	if err != nil {
		return got, err
	}
	many := n + n/4 + 1 // some may be deleted
	if rootOnly {
		many = slice
	}
	es, err := tx.Before(relay.Messages, p.Box, before, tx.Reading(acc, 0).After+1, many)
	if err != nil {
		return got, err
	}
	got.end = len(es) < many
	for _, e := range es {
		got.next = e.ID.Time
		if e.Erased || rootOnly && e.Thread != 0 {
			continue
		}
		if got.found = append(got.found, e); len(got.found) == n {
			got.end = false
			return got, nil
		}
	}
	return got, nil
}

type editOut struct {
	ID       uuid   `json:"id"`
	Body     Bytes  `json:"old_ciphertext"`
	Nonce    Bytes  `json:"old_nonce"`
	EditedAt moment `json:"edited_at"`
}

// listEdits lists what a message said before each time it was changed, oldest
// first.
func listEdits(c *wire.Call, tx *relay.Tx, _ wire.None) ([]editOut, error) {
	e, _, err := pathIn(c, tx)
	if err != nil {
		return nil, err
	}
	list := []editOut{}
	for v, err := range tx.Versions(e.ID) {
		if err != nil {
			return nil, err
		}
		id := messageID(relay.EntryID{Box: e.ID.Box, Time: v.Until})
		list = append(list, editOut{id, Bytes(v.Body), Bytes(v.Nonce), moment(v.Until)})
	}
	return list, nil
}

// pathIn finds the message that the path names in the channel that it names,
// for a member of that. NotFound: a message of another channel, too.
func pathIn(c *wire.Call, tx *relay.Tx) (relay.Entry, place, error) {
	channel, err := pathID(c, "id")
	if err != nil {
		return relay.Entry{}, place{}, err
	}
	id, err := pathMessage(c, "msg_id")
	if err != nil {
		return relay.Entry{}, place{}, err
	}
	p, err := channelFor(tx, c.Who.Account, channel, relay.ToRead)
	if err != nil {
		return relay.Entry{}, p, err
	}
	e, err := p.message(tx, id)
	return e, p, err
}

// message finds a message of this channel that was not deleted.
func (p place) message(tx *relay.Tx, id relay.EntryID) (relay.Entry, error) {
	if id.Box != p.Box {
		return relay.Entry{}, noMessage()
	}
	e, err := tx.Entry(relay.Messages, id)
	if relay.Is(err, relay.NotFound) || err == nil && e.Erased {
		err = noMessage()
	}
	return e, err
}

// listThread gives out the newest replies to a message, or the newest before
// one of them, oldest first. What a deleted message began goes on without it.
func listThread(c *wire.Call, tx *relay.Tx, _ wire.None) ([]messageOut, error) {
	w, err := wantMessages(c)
	if err != nil {
		return nil, err
	}
	e, p, err := pathIn(c, tx)
	if err != nil {
		return nil, err
	}
	if w.nowhere || !w.before.IsZero() && w.before.Box != p.Box {
		return []messageOut{}, nil
	}
	es, err := tx.RepliesBefore(e.ID, w.before.Time, w.limit)
	if err != nil {
		return nil, err
	}
	es = slices.DeleteFunc(es, func(e relay.Entry) bool { return e.Erased })
	slices.Reverse(es)
	return show(tx).messages(p.Room.ID, es)
}
