package chatalot

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// unreadOps are the rows of what is unread, and read cursors.
func (a *api) unreadOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/channels/unread", wire.User, wire.Free(listUnread), "how much is unread in each of the caller's channels").NamesNobody(),
		wire.Row("GET /api/channels/:id/read-cursors", wire.User, wire.Read(listCursors), "how far each member of a channel has read"),
	}
}

type unreadOut struct {
	ChannelID   uuid `json:"channel_id"`
	UnreadCount int  `json:"unread_count"`
}

// unreadAtOnce is how many channels are counted in one transaction.
const unreadAtOnce = 20

// listUnread counts, to 999, what others wrote in each channel since the caller
// read it or, if he never did, joined it. Channels where that is nothing are left
// out. Where much is unread counting takes long, so it goes in slices.
func listUnread(c *wire.Call, r *relay.Relay, _ wire.None) ([]unreadOut, error) {
	var ids []relay.ID
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		ids = nil
		return eachChannel(tx, c.Who.Account, func(acc relay.Access) error {
			ids = append(ids, acc.Room.ID)
			return nil
		})
	})
	list := []unreadOut{}
	for some := range slices.Chunk(ids, unreadAtOnce) {
		if err != nil {
			break
		}
		err = r.View(c.Context(), func(tx *relay.Tx) error {
			for _, id := range some {
				acc, err := inChannel(tx, c.Who.Account, id)
				if err != nil {
					if silently(err) == nil {
						continue // left since
					}
					return err
				}
				n, err := unread(tx, acc)
				if err != nil {
					return err
				}
				if n > 0 {
					list = append(list, unreadOut{uuid(id), n})
				}
			}
			return nil
		})
	}
	return list, err
}

func unread(tx *relay.Tx, acc relay.Access) (int, error) {
	from := acc.Member.SeesFrom
	if !acc.Room.Direct { // both were in it from the start
		from = max(from, acc.Member.Joined)
	}
	return tx.Unread(acc.Member.Account, acc.Room.Box, from, relay.MaxUnread)
}

type cursorOut struct {
	UserID   uuid   `json:"user_id"`
	LastRead uuid   `json:"last_read_message_id"`
	At       moment `json:"last_read_at"`
}

// listCursors lists how far the members of a channel have read. Who keeps it to
// himself is shown to himself alone.
func listCursors(c *wire.Call, tx *relay.Tx, _ wire.None) ([]cursorOut, error) {
	acc, err := memberOf(c, tx, "id")
	if err != nil {
		return nil, err
	}
	list := []cursorOut{}
	for after := (relay.ID{}); ; {
		members, next, err := tx.Members(acc.Room.ID, after, membersAtOnce)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			at := tx.Cursor(m.Account, acc.Room.Box)
			if at == 0 || m.Account != c.Who.Account && !givesReceipts(tx, m.Account) {
				continue
			}
			list = append(list, newCursor(tx, m.Account, relay.EntryID{Box: acc.Room.Box, Time: at}))
		}
		if after = next; next.IsZero() || len(list) >= maxCursors {
			return list, nil
		}
	}
}

// Bounds of lists of members.
const (
	membersAtOnce = 500
	maxCursors    = 5000
)

// newCursor shows a cursor. It stays where a message was that is gone, and then
// names none.
func newCursor(tx *relay.Tx, who relay.ID, at relay.EntryID) cursorOut {
	out := cursorOut{UserID: uuid(who), At: moment(at.Time)}
	if e, err := tx.Entry(relay.Messages, at); err == nil && !e.Erased {
		out.LastRead = messageID(at)
	}
	return out
}

// givesReceipts reports whether others may see how far somebody has read.
func givesReceipts(tx *relay.Tx, who relay.ID) bool {
	_, p, err := account(tx, who)
	return err == nil && !p.NoReceipts
}

type markReadIn struct {
	ChannelID uuid `json:"channel_id"`
	MessageID uuid `json:"message_id"`
}

// markRead moves the caller's cursor up to a message, never back, and tells the
// channel unless he keeps it to himself. Channels and messages that are not his
// are passed over: the web client does not look at the answer.
func (a *api) markRead(c *wire.Call, tx *relay.Tx, in markReadIn) (wire.None, error) {
	who, id := c.Who.Account, entryID(in.MessageID.id())
	acc, err := inChannel(tx, who, in.ChannelID.id())
	if err != nil || id.Box != acc.Room.Box {
		return wire.None{}, silently(err)
	}
	if _, err := tx.Entry(relay.Messages, id); err != nil {
		return wire.None{}, silently(err)
	}
	moved, err := tx.MoveCursor(who, id.Box, id.Time)
	if err == nil && moved && givesReceipts(tx, who) {
		_, err = tx.TellEntries(id.Box, relay.EventRead, who, relay.EntryEvent{Entries: []relay.Time{id.Time}})
	}
	return wire.None{}, err
}

// silently drops what is wrong with a frame that is never answered, but not what
// is wrong with us.
func silently(err error) error {
	for _, c := range []relay.Code{relay.NotFound, relay.Forbidden, relay.Invalid} {
		if relay.Is(err, c) {
			return nil
		}
	}
	return err
}

// markAllRead moves the caller's cursors to the newest message of each of his
// channels. Nobody is told.
func (a *api) markAllRead(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	return wire.None{}, eachChannel(tx, c.Who.Account, func(acc relay.Access) error {
		last, err := tx.Before(relay.Messages, acc.Room.Box, 0, 0, 1)
		if err == nil && len(last) > 0 {
			_, err = tx.MoveCursor(c.Who.Account, acc.Room.Box, last[0].ID.Time)
		}
		return err
	})
}

// maxChannels is how many channels of one account anything is done with.
const maxChannels = 2000

// eachChannel calls fn for the channels that somebody is in: those he has a row
// in, and those that are open to the members of his groups.
func eachChannel(tx *relay.Tx, who relay.ID, fn func(relay.Access) error) error {
	left := maxChannels
	seen := map[relay.ID]bool{} // in a group's channel he may have a row as well
	one := func(acc relay.Access) error {
		if left <= 0 || seen[acc.Room.ID] || !isChannel(acc.Room) {
			return nil
		}
		left--
		seen[acc.Room.ID] = true
		return fn(acc)
	}
	for after := (relay.ID{}); left > 0; {
		rooms, next, err := tx.RoomsOf(who, after, roomsAtOnce)
		if err != nil {
			return err
		}
		for _, acc := range rooms {
			if err := one(acc); err != nil {
				return err
			}
			if err := eachBelow(tx, who, acc.Room, one); err != nil {
				return err
			}
		}
		if after = next; next.IsZero() {
			break
		}
	}
	return nil
}

// eachBelow calls fn for the rooms right below one that are open to its members.
func eachBelow(tx *relay.Tx, who relay.ID, above relay.Room, fn func(relay.Access) error) error {
	if isChannel(above) {
		return nil
	}
	for after := (relay.ID{}); ; {
		rooms, err := tx.Children(above.ID, after, roomsAtOnce)
		if err != nil || len(rooms) == 0 {
			return err
		}
		for _, r := range rooms {
			after = r.ID
			if !r.Inherit {
				continue
			}
			acc, err := tx.Access(who, r.ID)
			if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
				continue // he left it, or is banned there
			}
			if err == nil {
				err = fn(acc)
			}
			if err != nil {
				return err
			}
		}
	}
}
