package dishis

import (
	"cmp"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// A said is the part of a request that all messages have in common.
type spoken struct {
	EncryptedContent string  `json:"encryptedContent"`
	Content          string  `json:"content"` // another name of the same
	Type             string  `json:"type"`
	MediaID          *string `json:"mediaId"`
	ReplyToID        *string `json:"replyToId"`
}

// check settles the content under one name, preferring the endpoint's own
// (which is first), and checks what does not need the store. shape says whether
// a content's wrapper has its members.
func (s *spoken) check(field, preferred, other string, shape func(members) bool) error {
	body := cmp.Or(preferred, other)
	kind, err := messageKind(s.Type)
	if err := first(required(field, body), err); err != nil {
		return err
	}
	if s.MediaID != nil && len(*s.MediaID) > maxMedia {
		return bad("mediaId")
	}
	var m members
	if wire.Decode([]byte(body), &m) != nil || !shape(m) {
		return refused("Encrypted content is malformed")
	}
	s.EncryptedContent, s.Type = body, kind
	return nil
}

// members are those of a content's wrapper that the API documents. More are
// allowed, and none is looked into.
type members struct {
	Message       string         `json:"message"`
	Key           jsontext.Value `json:"key"`
	IV            string         `json:"iv"`
	Keys          jsontext.Value `json:"keys"`
	EncryptedKeys jsontext.Value `json:"encryptedKeys"`
}

// direct: message, key and iv.
func (m members) direct() bool { return m.Message != "" && m.IV != "" && isText(m.Key) }

// group: message, iv, and keys in one of the forms that are in use.
func (m members) group() bool {
	if m.Message == "" || m.IV == "" {
		return false
	}
	var list []string
	listed := wire.Decode(m.Keys, &list) == nil && len(list) > 0
	return listed || isText(m.Keys) || isMap(m.Keys) || isMap(m.EncryptedKeys) || isText(m.Key)
}

// channel: message and iv.
func (m members) channel() bool { return m.Message != "" && m.IV != "" }

func isText(v jsontext.Value) bool {
	var s string
	return wire.Decode(v, &s) == nil && s != ""
}

func isMap(v jsontext.Value) bool {
	var m map[string]string
	return wire.Decode(v, &m) == nil && len(m) > 0
}

// draft makes a message of what was said into a room's box; b is zero while
// there is no room. NotFound: what it answers, or its file.
func (a *api) draft(tx *relay.Tx, s spoken, b relay.BoxID) (relay.Draft, error) {
	d := relay.Draft{Kind: s.Type, Body: []byte(s.EncryptedContent)}
	if len(d.Body) > a.o.MaxContent {
		return d, relay.Errorf(relay.TooLarge, relay.SubjectNone, "Payload too large")
	}
	x := extra{Media: s.MediaID}
	if s.MediaID != nil && *s.MediaID != "" {
		if err := findFile(tx, *s.MediaID); err != nil {
			return d, err
		}
	}
	if s.ReplyToID != nil && *s.ReplyToID == "" {
		x.EmptyReply = true
	} else if s.ReplyToID != nil {
		target, ok := findEntry(tx, *s.ReplyToID)
		if !ok || target.Box != b {
			return d, noTarget
		}
		if _, err := tx.Entry(relay.Messages, target); err != nil {
			return d, noTarget
		}
		d.Reply = target.Time
	}
	d.Extra = x.bytes()
	return d, nil
}

// say writes a message to a room, counts it as sent, and returns it with its id.
func (a *api) say(tx *relay.Tx, who relay.ID, room relay.Room, s spoken, to bool) (relay.Entry, string, error) {
	d, err := a.draft(tx, s, room.Box)
	if err != nil {
		return relay.Entry{}, "", err
	}
	e, err := tx.Post(who, room.ID, d)
	if err != nil {
		return e, "", err
	}
	if err := countSent(tx, who, to); err != nil {
		return e, "", err
	}
	id, err := entryID(tx, e.ID)
	return e, id, err
}

var noTarget = relay.Errorf(relay.NotFound, relay.SubjectNone, "Reply target not found")

// findFile checks that a media id names a stored file.
func findFile(tx *relay.Tx, s string) error {
	id, ok := parseID(prefixFile, s)
	if !ok {
		return noFile
	}
	b, err := tx.Blob(id)
	if err == nil && b.Stored == 0 {
		err = noFile
	}
	return err
}
