package jetico

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

const (
	maxNewlyRead = 100  // messages that are told of when everything is read
	lookBack     = 2000 // messages looked at for that
	catchUpStep  = 200
)

// Receipts are who of a conversation's people has got and read a message.
type receipts struct {
	members, read, delivered int
	has                      map[relay.ID]bool // who has read it, its author included
}

// receipts counts the people who have got and read a message. Its author has.
// Who has a cursor behind it has read it, if he may see it; so has who marked
// it in his present membership.
func (cv *conv) receipts(tx *relay.Tx, e relay.Entry) (r receipts, err error) {
	people, err := cv.present(tx)
	if err != nil {
		return r, err
	}
	r = receipts{members: max(len(people), cv.Room.Members), has: make(map[relay.ID]bool, len(people))}
	var open map[relay.ID]relay.Time // who may have marked it, since he joined
	for _, p := range people {
		if p.Account == e.From || p.SeesFrom <= e.ID.Time && e.ID.Time <= p.cursor {
			r.has[p.Account] = true
			continue
		}
		if open == nil {
			open = map[relay.ID]relay.Time{}
		}
		open[p.Account] = p.Joined
	}
	r.read = len(r.has)
	if open == nil {
		r.delivered = r.read
		return r, nil
	}
	for m, err := range tx.Marks(e.ID, relay.Read) {
		if err != nil {
			return r, err
		}
		if joined, may := open[m.Who]; may && m.At >= joined {
			r.has[m.Who] = true
			delete(open, m.Who)
		}
	}
	r.read = len(r.has)
	r.delivered = r.read
	for m, err := range tx.Marks(e.ID, relay.Delivered) {
		if err != nil {
			return r, err
		}
		if joined, may := open[m.Who]; may && m.At >= joined {
			r.delivered++
		}
	}
	return r, nil
}

// hasRead reports whether the caller has read a message that he sees.
func (cv *conv) hasRead(tx *relay.Tx, who relay.ID, e relay.Entry) (bool, error) {
	if e.From == who || e.ID.Time <= tx.Cursor(who, cv.Room.Box) {
		return true, nil
	}
	return cv.marked(tx, who, e, relay.Read)
}

// marked reports whether the caller marked a message in this membership.
func (cv *conv) marked(tx *relay.Tx, who relay.ID, e relay.Entry, kind relay.MarkKind) (bool, error) {
	at, found, err := tx.Marked(e.ID, kind, who, "")
	return found && at >= cv.Member.Joined, err
}

// mark marks a message for the caller, and reports whether it was not so yet.
// Read implies delivered.
func (cv *conv) mark(tx *relay.Tx, who relay.ID, e relay.Entry, kind relay.MarkKind) (changed bool, err error) {
	if e.Erased {
		return false, nil
	}
	if read, err := cv.hasRead(tx, who, e); read || err != nil {
		return false, err
	}
	if had, err := cv.marked(tx, who, e, kind); had || err != nil {
		return false, err
	}
	if _, err := tx.ClearMark(e.ID, kind, who, ""); err != nil { // of an earlier membership
		return false, err
	}
	return tx.SetMark(e.ID, kind, who, "")
}

// catchUp moves the caller's cursor over what follows it and is read, so that
// what is unread is not looked for from the beginning.
func (cv *conv) catchUp(tx *relay.Tx, who relay.ID) error {
	for {
		from := cv.sees(tx, tx.Cursor(who, cv.Room.Box))
		list, err := tx.Since(relay.Messages, []relay.Reading{from}, relay.Page{Entries: catchUpStep, Bytes: 1 << 20})
		if err != nil {
			return err
		}
		to := relay.Time(0)
		for _, e := range list {
			read, err := cv.hasRead(tx, who, e)
			if err != nil {
				return err
			}
			if !read && !e.Erased {
				break
			}
			to = e.ID.Time
		}
		if to == 0 {
			return nil
		}
		if _, err := tx.MoveCursor(who, cv.Room.Box, to); err != nil {
			return err
		}
		if to != list[len(list)-1].ID.Time {
			return nil
		}
	}
}

// firstUnread returns the uuid of the oldest message that the caller has not
// read.
func firstUnread(tx *relay.Tx, cv *conv, who relay.ID) (string, error) {
	from := cv.sees(tx, tx.Cursor(who, cv.Room.Box))
	for {
		list, err := tx.Since(relay.Messages, []relay.Reading{from}, relay.Page{Entries: catchUpStep, Bytes: 1 << 20})
		if err != nil || len(list) == 0 {
			return "", err
		}
		for _, e := range list {
			if read, err := cv.hasRead(tx, who, e); err != nil {
				return "", err
			} else if !read && !e.Erased {
				return messageUUID(tx, e)
			}
		}
		from.After = list[len(list)-1].ID.Time
	}
}

type messageIn struct {
	Conversation *string `json:"conversationUuid"`
	Message      *string `json:"messageUuid"`
}

func (in *messageIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), uuid("messageUuid", in.Message))
}

// messageDelivered notes that the caller has got a message.
func (a *api) messageDelivered(c *wire.Call, tx *relay.Tx, in messageIn) (wire.None, error) {
	me, none := c.Who.Account, wire.None{}
	cv, err := findConv(tx, me, *in.Conversation)
	if err != nil {
		return none, err
	}
	e, err := cv.findMessage(tx, *in.Message)
	if err != nil {
		return none, err
	}
	changed, err := cv.mark(tx, me, e, relay.Delivered)
	if err != nil || !changed {
		return none, err
	}
	return none, cv.tell(tx, relay.EventDelivered, me, e.ID.Time)
}

// tell appends an event about messages of a conversation, unless there are none.
func (cv *conv) tell(tx *relay.Tx, kind string, by relay.ID, times ...relay.Time) error {
	if len(times) == 0 {
		return nil
	}
	_, err := tx.TellEntries(cv.Room.Box, kind, by, relay.EntryEvent{Entries: times})
	return err
}

type messagesReadIn struct {
	Conversation *string   `json:"conversationUuid"`
	Messages     *[]string `json:"messageUuids"`
}

func (in *messagesReadIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), each("messageUuids", in.Messages, maxUUIDs, uuid))
}

// messagesRead notes that the caller has read messages; those there are not are
// passed over.
func (a *api) messagesRead(c *wire.Call, tx *relay.Tx, in messagesReadIn) (wire.None, error) {
	me, none := c.Who.Account, wire.None{}
	cv, err := findConv(tx, me, *in.Conversation)
	if err != nil {
		return none, err
	}
	var read []relay.Time
	for _, id := range *in.Messages {
		e, err := cv.findMessage(tx, id)
		if relay.Is(err, relay.NotFound) {
			continue
		}
		if err != nil {
			return none, err
		}
		changed, err := cv.mark(tx, me, e, relay.Read)
		if err != nil {
			return none, err
		}
		if changed {
			read = append(read, e.ID.Time)
		}
	}
	if len(read) > 0 && !cv.Room.Open {
		if err := cv.catchUp(tx, me); err != nil {
			return none, err
		}
	}
	slices.Sort(read)
	return none, cv.tell(tx, relay.EventRead, me, read...)
}

// markAllRead moves the caller's cursor to the end. Of what that changes, the
// newest are told of.
func (a *api) markAllRead(c *wire.Call, tx *relay.Tx, in convIn) (wire.None, error) {
	me, none := c.Who.Account, wire.None{}
	cv, err := findConv(tx, me, *in.Conversation)
	if err != nil || cv.Room.Open {
		return none, err
	}
	from := cv.sees(tx, tx.Cursor(me, cv.Room.Box))
	var read []relay.Time
	var newest, before relay.Time
	for looked := 0; len(read) < maxNewlyRead && looked < lookBack; {
		list, err := tx.Before(relay.Messages, from.Box, before, from.After+1, 50)
		if err != nil {
			return none, err
		}
		if len(list) == 0 {
			break
		}
		newest = max(newest, list[0].ID.Time)
		for _, e := range list {
			had, err := cv.hasRead(tx, me, e)
			if err != nil {
				return none, err
			}
			if !had && !e.Erased && len(read) < maxNewlyRead {
				read = append(read, e.ID.Time)
			}
		}
		looked += len(list)
		before = list[len(list)-1].ID.Time
	}
	if _, err := tx.MoveCursor(me, cv.Room.Box, newest); err != nil {
		return none, err
	}
	slices.Sort(read)
	return none, cv.tell(tx, relay.EventRead, me, read...)
}
