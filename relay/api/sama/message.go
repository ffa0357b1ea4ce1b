package sama

import (
	"cmp"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// kindMessage is what clients send, in every family.
const kindMessage = "message"

// An extra is what a message of this API has beside its body.
type extra struct {
	X           jsontext.Value `json:"x,omitzero"`
	Attachments jsontext.Value `json:"a,omitzero"`
	Forwarded   string         `json:"f,omitempty"`
	NoBody      bool           `json:"n,omitempty"`
}

// sealed is how an extra lies in an entry: under the name of this API, so that
// no other takes it for its own.
type sealed struct {
	Sama *extra `json:"sama"`
}

func (x extra) bytes() []byte {
	if x.X == nil && x.Attachments == nil && x.Forwarded == "" && !x.NoBody {
		return nil
	}
	return wire.MustEncode(sealed{&x})
}

// extraOf returns what this API keeps with an entry: of others' nothing.
func extraOf(e relay.Entry) extra {
	var s sealed
	if len(e.Extra) == 0 || e.Extra[0] != '{' || decodeJSON(e.Extra, &s) != nil || s.Sama == nil {
		return extra{}
	}
	return *s.Sama
}

// A messageOut is how a message is shown.
type messageOut struct {
	ID          string         `json:"_id"`
	CID         string         `json:"cid,omitempty"`
	CType       string         `json:"c_type,omitempty"`
	From        string         `json:"from"`
	T           int64          `json:"t"`
	Body        *string        `json:"body,omitzero"`
	Attachments jsontext.Value `json:"attachments,omitzero"`
	X           jsontext.Value `json:"x"`
	Replied     string         `json:"replied_message_id,omitempty"`
	Forwarded   string         `json:"forwarded_message_id,omitempty"`
	Status      string         `json:"status,omitempty"`
	Reactions   reactions      `json:"reactions,omitempty"` // in lists only
	CreatedAt   string         `json:"created_at"`
	UpdatedAt   string         `json:"updated_at,omitempty"`
}

// message renders an entry of a room.
func (v viewer) message(tx *relay.Tx, room relay.Room, e relay.Entry) (messageOut, error) {
	x := extraOf(e)
	out := messageOut{
		ID: shownEntry(e.ID), CID: shownRoom(room), CType: typeOf(room), From: shown(e.From), T: seconds(e.ID.Time),
		Attachments: x.Attachments, X: x.X, Forwarded: x.Forwarded,
		CreatedAt: wire.ISO(e.ID.Time), UpdatedAt: wire.ISO(max(e.ID.Time, e.Edited)),
	}
	if out.X == nil {
		out.X = jsontext.Value(`{}`)
	}
	if e.Reply != 0 {
		out.Replied = shownEntry(relay.EntryID{Box: e.ID.Box, Time: e.Reply})
	}
	if !x.NoBody {
		body := relay.Text(e.Body)
		out.Body = &body
	}
	if e.Kind == relay.KindNotice {
		return out, v.word(tx, e, &out)
	}
	return out, nil
}

// Types of notices, which clients go by, and their words.
var notices = map[string]struct{ kind, words string }{
	relay.NoticeAdded:   {"added_participant", " has been added to the group"},
	relay.NoticeRemoved: {"removed_participant", " has been removed from the group"},
	relay.NoticeLeft:    {"left_participants", " has left the group"},
	relay.NoticePicture: {"update_image", "Group chat image was updated"},
	relay.NoticeRenamed: {"update_name", "Group chat name was updated"},
}

// word puts a notice into words.
func (v viewer) word(tx *relay.Tx, e relay.Entry, out *messageOut) error {
	n, err := relay.ReadNotice(e)
	if err != nil {
		return err
	}
	type about struct {
		Type string   `json:"type"`
		User *userOut `json:"user,omitempty"`
	}
	notice := notices[n.What]
	x, body := about{Type: cmp.Or(notice.kind, n.What)}, notice.words
	if !n.Account.IsZero() {
		name, err := nameOf(tx, n.Account)
		if err != nil {
			return err
		}
		body = name + body
		u, err := v.user(tx, n.Account)
		if relay.Is(err, relay.NotFound) {
			u, err = userOut{ID: shown(n.Account), NativeID: shown(n.Account), Login: name}, nil
		}
		if err != nil {
			return err
		}
		x.User = &u
	}
	out.Body, out.X = &body, wire.MustEncode(x)
	return nil
}

// status says of an own message whether somebody has read it; of others nothing.
func (v viewer) status(tx *relay.Tx, room relay.Room, e relay.Entry) string {
	switch {
	case e.From != v.who:
		return ""
	case tx.CountMarks(e.ID, relay.Read, 1) > 0:
		return "read"
	case room.Direct: // other families keep no mark for each message
		for _, id := range room.Pair {
			if id != v.who && tx.Cursor(id, room.Box) >= e.ID.Time {
				return "read"
			}
		}
	}
	return "sent"
}
