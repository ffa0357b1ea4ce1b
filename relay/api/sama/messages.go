package sama

import (
	"cmp"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxText is how many characters a body has at most.
const maxText = 65_536

type messageIn struct {
	ID          field          `json:"id"`
	CID         field          `json:"cid"`
	Body        field          `json:"body"`
	Attachments jsontext.Value `json:"attachments"`
	X           jsontext.Value `json:"x"`
	Replied     field          `json:"replied_message_id"`
	Forwarded   field          `json:"forwarded_message_id"`
	DeletedFor  []string       `json:"deleted_for"`
}

func (in *messageIn) Check() error {
	in.Attachments, in.X = absent(in.Attachments), absent(in.X)
	switch {
	case !in.ID.within(1, 512):
		return wrong("Incorrect message ID.")
	case !in.CID.set:
		return errNoCID
	case !in.Body.set && in.Attachments == nil:
		return wrong("Either message body or attachments required.")
	case in.Body.bad || utf8.RuneCountInString(in.Body.v) > maxText,
		in.X != nil && in.X.Kind() != '{', len(in.DeletedFor) > most, !in.Forwarded.optional(0, 64):
		return errShape
	}
	return checkAttachments(in.Attachments)
}

// absent makes nothing of null.
func absent(v jsontext.Value) jsontext.Value {
	if len(v) == 0 || v.Kind() == 'n' {
		return nil
	}
	return v
}

// checkAttachments bounds the members that clients go by; others are kept as
// they are.
func checkAttachments(v jsontext.Value) error {
	if v == nil {
		return nil
	}
	var list []struct {
		FileID   field    `json:"file_id"`
		FileName field    `json:"file_name"`
		BlurHash field    `json:"file_blur_hash"`
		Type     field    `json:"file_content_type"`
		Size     *float64 `json:"file_size"`
		Width    *float64 `json:"file_width"`
		Height   *float64 `json:"file_height"`
	}
	if decodeJSON(v, &list) != nil || len(list) == 0 {
		return errShape
	}
	over := func(n *float64, most float64) bool { return n != nil && (*n < 0 || *n > most) }
	for _, at := range list {
		if !at.FileID.optional(0, 255) || !at.FileName.optional(0, 255) || !at.BlurHash.optional(0, 255) ||
			!at.Type.optional(0, 255) || over(at.Size, maxFile+1) || over(at.Width, 10_000) || over(at.Height, 10_000) {
			return errShape
		}
	}
	return nil
}

// A receipt tells a sender what became of a packet.
type receipt struct {
	MID       string `json:"mid"`
	ServerMID string `json:"server_mid"`
	T         int64  `json:"t"`
}

// postMessage stores a message. One that comes again within a day, by the
// client's own id, gets the same receipt and is stored once.
func (a *api) postMessage(c *wire.Call, tx *relay.Tx, in messageIn) (after, error) {
	acc, err := writable(tx, c.Who.Account, in.CID.v)
	if err != nil {
		return after{}, err
	}
	draft := relay.Draft{Kind: kindMessage, Body: []byte(in.Body.v)}
	draft.Extra = extra{X: in.X, Attachments: in.Attachments, Forwarded: in.Forwarded.v, NoBody: !in.Body.set}.bytes()
	if in.Replied.set && in.Replied.v != "" {
		if draft.Reply, err = repliedTo(tx, acc, c.Who.Account, in.Replied.v); err != nil {
			return after{}, err
		}
	}
	who := c.Who.Account
	name := relay.DigestOf([]byte("sama message"), who[:], acc.Room.ID[:], []byte(in.ID.v))
	var e relay.Entry
	result, again, err := tx.OnceWith(name, relay.Digest{}, func() ([]byte, error) {
		e, err = a.deliver(tx, who, acc.Room, draft)
		if err == nil {
			err = hideFor(tx, acc.Room, e.ID, in.DeletedFor)
		}
		id := e.ID.Bytes()
		return id[:], err
	})
	if err != nil {
		return after{}, err
	}
	id := relay.EntryIDFrom([12]byte(result))
	out := receipt{in.ID.v, shownEntry(id), seconds(id.Time)}
	job := pushJob{room: acc.Room.ID, from: who, entry: id}
	return after{out, func(k *session) {
		if !again {
			k.push(job)
		}
	}}, nil
}

// writable finds a room that somebody may write to. In a dialog nobody writes
// who has blocked the other, or is blocked; one who left it may, and is back.
func writable(tx *relay.Tx, who relay.ID, cid string) (relay.Access, error) {
	acc, err := roomOf(tx, who, cid)
	if r := acc.Room; relay.Is(err, relay.Forbidden) && r.Direct && (r.Pair[0] == who || r.Pair[1] == who) {
		err = nil
	}
	if err == nil {
		err = notBlocked(tx, acc.Room, who)
	}
	return acc, err
}

// notBlocked fails in a dialog of two of whom one has blocked the other.
func notBlocked(tx *relay.Tx, r relay.Room, who relay.ID) error {
	if !r.Direct {
		return nil
	}
	if other := peer(r, who); tx.Blocked(other, who) || tx.Blocked(who, other) {
		return errBlocked
	}
	return nil
}

// deliver stores a message in a room. Into a dialog it goes by the relay's rule
// for two, which also fills the mailbox of somebody who keeps no history; whoever
// has left the dialog is back before it.
func (a *api) deliver(tx *relay.Tx, who relay.ID, room relay.Room, d relay.Draft) (relay.Entry, error) {
	if !room.Direct {
		return tx.Post(who, room.ID, d)
	}
	if err := bringBack(tx, room, who); err != nil {
		return relay.Entry{}, err
	}
	to := peer(room, who)
	if _, err := tx.Account(to); relay.Is(err, relay.NotFound) {
		return tx.Post(who, room.ID, d) // gone for good: it stays in the dialog
	}
	e, err := tx.Send(who, to, d)
	if relay.Is(err, relay.NotFound) {
		err = errBlocked
	}
	return e, err
}

// hideFor hides a new message from some members of its room.
func hideFor(tx *relay.Tx, room relay.Room, id relay.EntryID, people []string) error {
	ids, err := known(tx, people)
	for _, who := range ids {
		if err == nil {
			_, err = tx.SetMark(id, relay.Hidden, who, "")
		}
	}
	return err
}

// repliedTo finds the message of the same room that is answered.
func repliedTo(tx *relay.Tx, acc relay.Access, who relay.ID, s string) (relay.Time, error) {
	e, err := visible(tx, acc, who, s)
	if relay.Is(err, relay.NotFound) {
		err = wrong("Incorrect replied message ID.")
	}
	return e.ID.Time, err
}

// visible finds a message of a room that somebody may see. NotFound (message).
func visible(tx *relay.Tx, acc relay.Access, who relay.ID, s string) (relay.Entry, error) {
	id, ok := entryID(s)
	if !ok || id.Box != acc.Room.Box {
		return relay.Entry{}, errNotSeen
	}
	return visibleAt(tx, acc, who, id.Time)
}

var errNotSeen = relay.Errorf(relay.NotFound, relay.SubjectMessage, "no such message")

// visibleAt is visible by the message's time.
func visibleAt(tx *relay.Tx, acc relay.Access, who relay.ID, at relay.Time) (relay.Entry, error) {
	if at <= tx.Reading(acc, 0).After {
		return relay.Entry{}, errNotSeen
	}
	e, err := tx.Entry(relay.Messages, relay.EntryID{Box: acc.Room.Box, Time: at})
	if err != nil {
		return relay.Entry{}, err
	}
	if hidden, err := (viewer{who: who}).hides(tx, e); hidden || err != nil {
		return relay.Entry{}, cmp.Or(err, error(errNotSeen))
	}
	return e, nil
}

// found returns the messages that find finds for keys, without those that are
// gone or not for who asks.
func found[K any](keys []K, find func(K) (relay.Entry, error)) (got []relay.Entry, err error) {
	for _, k := range keys {
		e, err := find(k)
		if err == nil {
			got = append(got, e)
		} else if err = gone(err); err != nil {
			return nil, err
		}
	}
	return got, nil
}
