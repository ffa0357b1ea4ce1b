package dishis

import (
	"crypto/sha256"
	"encoding/hex"

	"restante/relay"
	"restante/relay/api/wire"
)

// An extra is what a message of this API has beside its content.
type extra struct {
	Media *string `json:"m,omitzero"`
	// EmptyReply: replyToId came as "", which is given back as it came.
	EmptyReply bool `json:"r,omitzero"`
	// Given is the id that a message was known by before it was sent.
	Given string `json:"g,omitzero"`
}

func (x extra) bytes() []byte {
	if x == (extra{}) {
		return nil
	}
	return wire.MustEncode(x)
}

// extraOf returns the extra of an entry, if its sender is of this family.
func extraOf(tx *relay.Tx, e relay.Entry) (x extra, ours bool, err error) {
	a, err := tx.Stub(e.From)
	if relay.Is(err, relay.NotFound) {
		return x, false, nil
	}
	if err != nil || a.Family != family {
		return x, false, err
	}
	if len(e.Extra) > 0 && e.Kind != relay.KindNotice && wire.Decode(e.Extra, &x) != nil {
		x = extra{} // it is not ours, whoever wrote it
	}
	return x, true, nil
}

// messageID writes the id under which a message is known.
func messageID(tx *relay.Tx, e relay.Entry, x extra) (string, error) {
	if x.Given != "" {
		return prefixMessage + x.Given, nil
	}
	return entryID(tx, e.ID)
}

// shownID is messageID for an entry that is only named.
func shownID(tx *relay.Tx, id relay.EntryID) (string, error) {
	e, err := tx.Entry(relay.Messages, id)
	if relay.Is(err, relay.NotFound) {
		return entryID(tx, id)
	}
	if err != nil {
		return "", err
	}
	x, _, err := extraOf(tx, e)
	if err != nil {
		return "", err
	}
	return messageID(tx, e, x)
}

// A head is what tells of a message without its content: what is pushed of it.
type head struct {
	MessageID string  `json:"messageId"`
	SenderID  string  `json:"senderId"`
	Type      string  `json:"type"`
	MediaID   *string `json:"mediaId"`
	ReplyToID *string `json:"replyToId"`
	SentAt    string  `json:"sentAt"`
}

func newHead(tx *relay.Tx, e relay.Entry) (h head, x extra, ours bool, err error) {
	if x, ours, err = extraOf(tx, e); err != nil {
		return h, x, ours, err
	}
	h = head{SenderID: userID(e.From), Type: shownKind(e.Kind), MediaID: x.Media, SentAt: wire.ISO(e.ID.Time)}
	if h.MessageID, err = messageID(tx, e, x); err != nil {
		return h, x, ours, err
	}
	switch {
	case e.Reply != 0:
		var target string
		target, err = shownID(tx, relay.EntryID{Box: e.ID.Box, Time: e.Reply})
		h.ReplyToID = &target
	case x.EmptyReply:
		h.ReplyToID = new(string)
	}
	return h, x, ours, err
}

// shownKind is the type of a message of any family.
func shownKind(kind string) string {
	switch {
	case kind == relay.KindNotice:
		return "system"
	case kind == "message" || !kinds.MatchString(kind):
		return "text"
	}
	return kind
}

// A message is what the three kinds of them have in common.
type message struct {
	head
	Content            string            `json:"content"`
	ContentHash        string            `json:"contentHash"`
	Reactions          map[string]string `json:"reactions,omitempty"`
	DeletedForEveryone bool              `json:"deletedForEveryone,omitzero"`
	DeletedAt          string            `json:"deletedAt,omitzero"`
}

// newMessage renders a message; hash is how its content is hashed.
func newMessage(tx *relay.Tx, e relay.Entry, hash func(string) string) (m message, err error) {
	var ours bool
	if m.head, _, ours, err = newHead(tx, e); err != nil {
		return m, err
	}
	if e.Erased {
		m.MediaID, m.DeletedForEveryone, m.DeletedAt = nil, true, wire.ISO(e.Edited)
		return m, nil
	}
	if m.Content, err = content(tx, e, ours); err != nil {
		return m, err
	}
	m.ContentHash = hash(m.Content)
	for mark, err := range tx.Marks(e.ID, relay.Reaction) {
		if err != nil {
			return m, err
		}
		if m.Reactions == nil {
			m.Reactions = map[string]string{}
		}
		m.Reactions[userID(mark.Who)] = mark.Name
	}
	return m, nil
}

// A wrapper is what a content has around its ciphertext at the least.
type wrapper struct {
	Message string `json:"message"`
	Key     string `json:"key"`
	IV      string `json:"iv"`
}

// content gives a message's content out: as it came if it came through this API,
// else in a wrapper, since clients expect one.
func content(tx *relay.Tx, e relay.Entry, ours bool) (string, error) {
	if e.Kind == relay.KindNotice {
		text, err := noticeText(tx, e)
		return string(wire.MustEncode(wrapper{Message: text})), err
	}
	if ours {
		return relay.Text(e.Body), nil
	}
	return string(wire.MustEncode(wrapper{Message: relay.Text(e.Body), IV: relay.Text(e.Nonce)})), nil
}

// noticeText words what happened in a room.
func noticeText(tx *relay.Tx, e relay.Entry) (string, error) {
	n, err := relay.ReadNotice(e)
	if err != nil || n.Account.IsZero() {
		return n.What, err
	}
	p, err := profileBy(tx, n.Account)
	return p.Username + " " + n.What, err
}

// hashBytes is the hash of a content in direct and group messages.
func hashBytes(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// hashLiteral is the hash of a content in channels: of the JSON string literal
// that JavaScript's JSON.stringify makes of it.
func hashLiteral(content string) string { return hashBytes(literal(content)) }

// literal writes a JSON string as JSON.stringify does: quotes, backslashes and
// control characters escaped, nothing else.
func literal(s string) string {
	const short = "btn\x00fr" // for 0x08 to 0x0d
	out := append(make([]byte, 0, len(s)+len(s)/8+2), '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c >= 0x20:
			out = append(out, c)
		case c >= 0x08 && c <= 0x0d && c != 0x0b:
			out = append(out, '\\', short[c-0x08])
		default:
			const digits = "0123456789abcdef"
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return string(append(out, '"'))
}

// A place is a message where it lies, as somebody who may see it finds it.
type place struct {
	entry relay.Entry
	extra extra
	relay.Access
}

// find returns the message of an id and the access of somebody to its room.
// Which of the two fails is told by the error: NotFound (message) for a message
// that is not there or not in a room; for somebody who is not in the room, what
// outside makes of that room.
func find(tx *relay.Tx, who relay.ID, id string, outside func(relay.Room) error) (p place, err error) {
	at, ok := findEntry(tx, id)
	if !ok {
		return p, noMessage
	}
	if p.entry, err = tx.Entry(relay.Messages, at); err != nil {
		return p, err
	}
	box, err := tx.Box(at.Box)
	if err != nil || box.Owner.Kind != relay.OwnerRoom {
		return p, noMessage
	}
	room, err := tx.Room(box.Owner.ID)
	if err != nil {
		return p, noMessage // closing
	}
	p.Access, err = tx.Access(who, room.ID)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		err = outside(room)
	}
	if err != nil {
		return p, err
	}
	if p.entry.ID.Time < p.Member.SeesFrom {
		return p, noMessage
	}
	p.extra, _, err = extraOf(tx, p.entry)
	return p, err
}

// hidden is the outside of a room whose messages are not to be known of.
func hidden(relay.Room) error { return noMessage }

// maxLooks bounds how many messages are looked at for one answer: who deletes a
// whole room for himself does not have it read through each time.
const maxLooks = 10_000

// history returns up to limit messages of a room before a time, newest first,
// without those that the reader deleted for himself.
func history(tx *relay.Tx, acc relay.Access, who relay.ID, before relay.Time, limit int, each func(relay.Entry) error) error {
	oldest := tx.Reading(acc, 0).After + 1
	for left, looked := limit, 0; left > 0 && looked < maxLooks; looked += limit {
		got, err := tx.Before(relay.Messages, acc.Room.Box, before, oldest, limit)
		if err != nil {
			return err
		}
		for _, e := range got {
			_, gone, err := tx.Marked(e.ID, relay.Hidden, who, "")
			if err == nil && !gone && left > 0 {
				left--
				err = each(e)
			}
			if err != nil {
				return err
			}
		}
		if len(got) < limit {
			return nil
		}
		before = got[len(got)-1].ID.Time
	}
	return nil
}
