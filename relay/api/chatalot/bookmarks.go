package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// bookmarkOps are the rows of bookmarks.
func (a *api) bookmarkOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/bookmarks/:id", wire.User, wire.Write(bookmarkPath), "bookmark a message"),
		wire.Row("POST /api/bookmarks", wire.User, wire.Write(bookmarkBody), "bookmark a message: named in the body"),
		wire.Row("DELETE /api/bookmarks/:id", wire.User, wire.Write(deleteBookmark), "take a bookmark away, by its own id or the message's"),
		wire.Row("GET /api/bookmarks", wire.User, wire.Read(listBookmarks), "the caller's bookmarks, newest first").NamesNobody(),
	}
}

// Bounds of bookmarks.
const (
	maxNote      = 500
	maxBookmarks = 5000 // of one account
)

// A bookmark is a message that somebody wants to find again. It goes with him
// and with the channel; one whose message is gone is not shown any more.
type bookmark struct {
	User    relay.ID   `cbor:"1,keyasint"`
	Channel relay.ID   `cbor:"2,keyasint"`
	Message []byte     `cbor:"3,keyasint"` // the 12 bytes of its id
	Note    string     `cbor:"4,keyasint,omitempty"`
	Created relay.Time `cbor:"5,keyasint"`
}

var bookmarks = relay.NewRecords("chatalot bookmark",
	relay.Index[bookmark]{Name: "message", Unique: true, Key: func(b *bookmark) [][]byte {
		return [][]byte{append(b.User[:], b.Message...)}
	}},
	relay.Index[bookmark]{Name: "user", Key: func(b *bookmark) [][]byte {
		return [][]byte{append(b.User[:], timeKey(b.Created)...)}
	}},
	relay.Index[bookmark]{Name: "channel", Key: func(b *bookmark) [][]byte { return [][]byte{b.Channel[:]} }},
).GoesWith("user", nil).GoesWith("channel", nil)

// entry is the message that is bookmarked.
func (b *bookmark) entry() (id relay.EntryID) {
	if len(b.Message) == 12 {
		id = relay.EntryIDFrom([12]byte(b.Message))
	}
	return id
}

type bookmarkOut struct {
	ID        uuid     `json:"id"`
	MessageID uuid     `json:"message_id"`
	Note      nullable `json:"note"`
	CreatedAt moment   `json:"created_at"`
}

func newBookmark(id relay.ID, b *bookmark) bookmarkOut {
	return bookmarkOut{uuid(id), messageID(b.entry()), nullable(b.Note), moment(b.Created)}
}

type bookmarkIn struct {
	wire.Optional
	Note      *string `json:"note"`
	MessageID uuid    `json:"message_id"`
}

func (in *bookmarkIn) Check() (err error) {
	if in.Note != nil {
		*in.Note, err = sized(*in.Note, "note", 0, maxNote)
	}
	return err
}

func bookmarkPath(c *wire.Call, tx *relay.Tx, in bookmarkIn) (bookmarkOut, error) {
	id, err := pathMessage(c, "id")
	if err != nil {
		return bookmarkOut{}, err
	}
	return putBookmark(tx, c.Who.Account, id, in.Note)
}

func bookmarkBody(c *wire.Call, tx *relay.Tx, in bookmarkIn) (bookmarkOut, error) {
	if in.MessageID == (uuid{}) {
		return bookmarkOut{}, wire.MissingField("message_id")
	}
	return putBookmark(tx, c.Who.Account, entryID(in.MessageID.id()), in.Note)
}

// putBookmark bookmarks a message. One that is there stays, with the new note if
// one is given.
func putBookmark(tx *relay.Tx, who relay.ID, message relay.EntryID, note *string) (bookmarkOut, error) {
	e, acc, err := readable(tx, who, message)
	if err != nil {
		return bookmarkOut{}, err
	}
	raw := e.ID.Bytes()
	id, b, found, err := bookmarks.Find(tx, "message", append(who[:], raw[:]...))
	if err != nil {
		return bookmarkOut{}, err
	}
	if !found {
		if bookmarks.Count(tx, "user", relay.Span{Prefix: who[:], Limit: maxBookmarks}) >= maxBookmarks {
			return bookmarkOut{}, bad("at most %d bookmarks", maxBookmarks)
		}
		id = newRecordID(tx)
		b = &bookmark{User: who, Channel: acc.Room.ID, Message: raw[:], Created: relay.Time(tx.Now())}
	}
	if note != nil {
		b.Note = *note
	}
	return newBookmark(id, b), bookmarks.Put(tx, id, b)
}

// deleteBookmark takes one away by its own id, or by its message's.
func deleteBookmark(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	id, err := pathID(c, "id")
	if err != nil {
		return none, err
	}
	b, found, err := bookmarks.Get(tx, id)
	if err != nil {
		return none, err
	}
	if !found || b.User != c.Who.Account {
		raw := entryID(id).Bytes()
		if id, _, found, err = bookmarks.Find(tx, "message", append(c.Who.Account[:], raw[:]...)); err != nil {
			return none, err
		}
	}
	if !found {
		return none, relay.Errorf(relay.NotFound, relay.SubjectRecord, "bookmark not found")
	}
	_, err = bookmarks.Delete(tx, id)
	return none, err
}

// listBookmarks leaves out those whose message is gone, or not the caller's to
// read any more.
func listBookmarks(c *wire.Call, tx *relay.Tx, _ wire.None) ([]bookmarkOut, error) {
	limit, err := queryInt(c, "limit", 100, 1, 500)
	if err != nil {
		return nil, err
	}
	offset, err := queryInt(c, "offset", 0, 0, maxBookmarks)
	if err != nil {
		return nil, err
	}
	list := []bookmarkOut{}
	for f, err := range bookmarks.Scan(tx, "user", relay.Span{Prefix: c.Who.Account[:], Reverse: true}) {
		if err != nil {
			return nil, err
		}
		if _, _, err := readable(tx, c.Who.Account, f.Record.entry()); err != nil {
			if silently(err) != nil {
				return nil, err
			}
			continue
		}
		if offset--; offset >= 0 {
			continue
		}
		if list = append(list, newBookmark(f.ID, f.Record)); len(list) == limit {
			break
		}
	}
	return list, nil
}
