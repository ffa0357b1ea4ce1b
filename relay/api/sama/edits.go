package sama

import (
	"slices"
	"unicode/utf8"

	"restante/relay"
	"restante/relay/api/wire"
)

type readIn struct {
	CID field    `json:"cid"`
	IDs []string `json:"ids"`
}

func (in *readIn) Check() error {
	if !in.CID.set {
		return errNoCID
	}
	if len(in.IDs) > 1000 {
		return errShape
	}
	return nil
}

// readStep is how many messages one transaction marks as read.
const readStep = 500

// readMessages marks others' messages as read: those named, or all after the
// last that was read. Their authors are told, of what they had not been before.
func (a *api) readMessages(c *wire.Call, r *relay.Relay, in readIn) (success, error) {
	for more := true; more; {
		err := c.Update(func(tx *relay.Tx) error {
			acc, err := roomOf(tx, c.Who.Account, in.CID.v)
			if err != nil {
				return err
			}
			rd := &reading{tx: tx, acc: acc, who: c.Who.Account}
			if in.IDs != nil {
				more, err = false, rd.these(in.IDs)
			} else {
				more, err = rd.next()
			}
			if err != nil {
				return err
			}
			return rd.tell()
		})
		if err != nil {
			return success{}, err
		}
	}
	return yes, nil
}

// A reading is a message_read under way.
type reading struct {
	tx   *relay.Tx
	acc  relay.Access
	who  relay.ID
	news []relay.Time // read now, and not before
	to   relay.Time   // the latest of them
}

// these reads the messages that are named.
func (rd *reading) these(ids []string) error {
	for _, s := range ids {
		e, err := visible(rd.tx, rd.acc, rd.who, s)
		if err == nil {
			err = rd.mark(e)
		}
		if err = gone(err); err != nil {
			return err
		}
	}
	return nil
}

// next reads a step of what comes after the last message that was read.
func (rd *reading) next() (more bool, err error) {
	from := rd.tx.Reading(rd.acc, rd.tx.Cursor(rd.who, rd.acc.Room.Box))
	list, err := rd.tx.Since(relay.Messages, []relay.Reading{from}, relay.Page{Entries: readStep, Bytes: 4 << 20})
	if err != nil || len(list) == 0 {
		return false, err
	}
	for _, e := range list {
		if err := gone(rd.mark(e)); err != nil {
			return false, err
		}
		rd.to = e.ID.Time
	}
	from.After = rd.to
	return rd.tx.HasSince(relay.Messages, []relay.Reading{from}) >= 0, nil
}

// mark reads one message. Own ones are not read, nor what is gone.
func (rd *reading) mark(e relay.Entry) error {
	if e.From == rd.who || e.Erased {
		return nil
	}
	isNew, err := rd.tx.SetMark(e.ID, relay.Read, rd.who, "")
	if isNew {
		rd.news = append(rd.news, e.ID.Time)
	}
	rd.to = max(rd.to, e.ID.Time)
	return err
}

// tell moves the mark of what was read, and tells the room.
func (rd *reading) tell() error {
	if rd.to == 0 {
		return nil
	}
	if _, err := rd.tx.MoveCursor(rd.who, rd.acc.Room.Box, rd.to); err != nil || len(rd.news) == 0 {
		return err
	}
	_, err := rd.tx.TellEntries(rd.acc.Room.Box, relay.EventRead, rd.who, relay.EntryEvent{Entries: rd.news})
	return err
}

type editIn struct {
	ID   field `json:"id"`
	Body field `json:"body"`
}

var errNoMessage = wrong("Message ID not found.")

func (in *editIn) Check() error {
	switch {
	case !in.ID.within(1, 64):
		return errNoMessage
	case !in.Body.set || in.Body.v == "" && !in.Body.bad:
		return wrong("Either message body or attachments required.")
	case in.Body.bad || utf8.RuneCountInString(in.Body.v) > maxText:
		return errShape
	}
	return nil
}

// editMessage gives an own message another body.
func (a *api) editMessage(c *wire.Call, tx *relay.Tx, in editIn) (success, error) {
	acc, e, err := ownRoomOf(tx, c.Who.Account, in.ID.v)
	if err != nil {
		return success{}, err
	}
	if e.From != c.Who.Account || e.Kind == relay.KindNotice {
		return success{}, errForbidden
	}
	if _, err := tx.Amend(e.ID, []byte(in.Body.v), nil, false); err != nil {
		return success{}, err
	}
	_, err = tx.TellEntries(acc.Room.Box, relay.EventEdited, c.Who.Account, relay.EntryEvent{Entries: []relay.Time{e.ID.Time}})
	return yes, err
}

// ownRoomOf finds a message by its id alone, in a room of the caller's, with
// the room. Unknown, elsewhere and hidden are one answer.
func ownRoomOf(tx *relay.Tx, who relay.ID, s string) (acc relay.Access, e relay.Entry, err error) {
	id, ok := entryID(s)
	if !ok {
		return acc, e, errNoMessage
	}
	box, err := tx.Box(id.Box)
	if err == nil && box.Owner.Kind != relay.OwnerRoom {
		err = errNoMessage
	}
	if err == nil {
		acc, err = tx.Access(who, box.Owner.ID)
	}
	if err == nil {
		e, err = visible(tx, acc, who, s)
	}
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		err = errNoMessage
	}
	return acc, e, err
}

// Types of deletions.
const (
	deleteMyself = "myself"
	deleteAll    = "all"
)

type deleteIn struct {
	CID  field    `json:"cid"`
	IDs  []string `json:"ids"`
	Type field    `json:"type"`
}

func (in *deleteIn) Check() error {
	switch {
	case !in.CID.set:
		return errNoCID
	case !in.Type.set:
		return wrong("Message type missed.")
	case in.Type.v != deleteMyself && in.Type.v != deleteAll:
		return wrong("The type you entered is incorrect.")
	case len(in.IDs) == 0:
		return wrong("Message ID missed.")
	case len(in.IDs) > 1000:
		return errShape
	}
	return nil
}

// deleteMessages removes messages for the caller, whose other connections are
// told, or for everybody.
func (a *api) deleteMessages(c *wire.Call, tx *relay.Tx, in deleteIn) (after, error) {
	acc, err := roomOf(tx, c.Who.Account, in.CID.v)
	if err != nil {
		return after{}, err
	}
	list, err := viewer{who: c.Who.Account}.chosen(tx, acc, in.IDs)
	if err != nil {
		return after{}, err
	}
	if in.Type.v == deleteAll {
		return after{out: yes}, erase(tx, acc, list)
	}
	out := deletedOut{CID: shownRoom(acc.Room), CType: typeOf(acc.Room), Type: deleteMyself, From: shown(c.Who.Account)}
	for _, e := range slices.Backward(list) {
		if _, err := tx.SetMark(e.ID, relay.Hidden, c.Who.Account, ""); err != nil {
			return after{}, err
		}
		out.IDs = append(out.IDs, shownEntry(e.ID))
	}
	return after{yes, func(k *session) {
		if len(out.IDs) > 0 {
			k.ringPacket(k.who.caller.Box, map[string]any{"message_delete": out})
		}
	}}, nil
}

// erase removes messages for everybody: all of them, or none if one is not the
// caller's to remove. In a dialog all are.
func erase(tx *relay.Tx, acc relay.Access, list []relay.Entry) error {
	who := acc.Member.Account
	var erased []relay.Time
	for _, e := range slices.Backward(list) {
		if e.From != who && !acc.Room.Direct && acc.Member.Role < relay.RoleAdmin {
			return errForbidden
		}
		if _, err := tx.Tombstone(e.ID); err != nil {
			return err
		}
		erased = append(erased, e.ID.Time)
	}
	if len(erased) == 0 {
		return nil
	}
	_, err := tx.TellEntries(acc.Room.Box, relay.EventErased, who, relay.EntryEvent{Entries: erased})
	return err
}
