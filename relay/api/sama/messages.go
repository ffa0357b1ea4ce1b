package sama

import (
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// kindMessage is what clients send, in every family.
const kindMessage = "message"

// maxText is how many characters a body has at most.
const maxText = 65_536

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
	CreatedAt   string         `json:"created_at"`
	UpdatedAt   string         `json:"updated_at,omitempty"`
}

// message renders an entry of a room.
func (v viewer) message(tx *relay.Tx, room relay.Room, e relay.Entry) (messageOut, error) {
	x := extraOf(e)
	out := messageOut{
		ID: shownEntry(e.ID), CID: shownRoom(room), CType: typeOf(room), From: shown(e.From), T: seconds(e.ID.Time),
		Attachments: x.Attachments, X: x.X, Forwarded: x.Forwarded,
		CreatedAt: iso(e.ID.Time), UpdatedAt: iso(max(e.ID.Time, e.Edited)),
	}
	if out.X == nil {
		out.X = jsontext.Value(`{}`)
	}
	if e.Reply != 0 {
		out.Replied = shownEntry(relay.EntryID{Box: e.ID.Box, Time: e.Reply})
	}
	if !x.NoBody {
		body := text(e.Body)
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
	x, body := about{Type: or(notice.kind, n.What)}, notice.words
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
func (v viewer) status(tx *relay.Tx, e relay.Entry) string {
	switch {
	case e.From != v.who:
		return ""
	case tx.CountMarks(e.ID, relay.Read, 1) > 0:
		return "read"
	}
	return "sent"
}

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
	if err == nil && acc.Room.Direct {
		if other := peer(acc.Room, who); tx.Blocked(other, who) || tx.Blocked(who, other) {
			err = errBlocked
		}
	}
	return acc, err
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
	missing := relay.Errorf(relay.NotFound, relay.SubjectMessage, "no such message")
	id, ok := entryID(s)
	if !ok || id.Box != acc.Room.Box || id.Time <= tx.Reading(acc, 0).After {
		return relay.Entry{}, missing
	}
	e, err := tx.Entry(relay.Messages, id)
	if err != nil {
		return relay.Entry{}, err
	}
	if hidden, err := (viewer{who: who}).hides(tx, e); hidden || err != nil {
		return relay.Entry{}, or(err, error(missing))
	}
	return e, nil
}

type listMessagesIn struct {
	CID     field    `json:"cid"`
	Limit   *int     `json:"limit"`
	Updated span     `json:"updated_at"`
	IDs     []string `json:"ids"`
}

type messagesOut struct {
	Messages []messageOut `json:"messages"`
}

// listMessages shows what a conversation holds: the newest first, or what
// changed after a time, the oldest first.
func (a *api) listMessages(c *wire.Call, tx *relay.Tx, in listMessagesIn) (messagesOut, error) {
	out := messagesOut{[]messageOut{}}
	limit, err := page(in.Limit, 30)
	switch {
	case !in.CID.set:
		return out, errNoCID
	case err != nil, len(in.IDs) > 100:
		return out, errShape
	}
	acc, err := roomOf(tx, c.Who.Account, in.CID.v)
	if err != nil {
		return out, err
	}
	v := viewerOf(c)
	var list []relay.Entry
	switch {
	case in.IDs != nil:
		list, err = v.chosen(tx, acc, in.IDs)
	case in.Updated.After.set:
		list, err = v.changed(tx, acc, in.Updated, limit)
	default:
		list, err = v.history(tx, acc, in.Updated, limit)
	}
	for _, e := range list {
		m, err := v.message(tx, acc.Room, e)
		if err != nil {
			return out, err
		}
		m.Status = v.status(tx, e)
		out.Messages = append(out.Messages, m)
	}
	return out, err
}

// chosen returns those of a list of messages that the viewer may see, the newest
// first.
func (v viewer) chosen(tx *relay.Tx, acc relay.Access, ids []string) (list []relay.Entry, err error) {
	for _, s := range ids {
		e, err := visible(tx, acc, v.who, s)
		if err == nil {
			list = append(list, e)
		} else if err = gone(err); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b relay.Entry) int { return int(b.ID.Time - a.ID.Time) })
	return slices.CompactFunc(list, func(a, b relay.Entry) bool { return a.ID == b.ID }), nil
}

// slice is how many entries are looked at in one step: of them some may be
// hidden, and an answer that is short says that there is no more.
const slice = 200

// history returns up to n messages, the newest first, before a time of creation.
func (v viewer) history(tx *relay.Tx, acc relay.Access, s span, n int) (list []relay.Entry, err error) {
	from := tx.Reading(acc, 0).After + 1
	before := relay.Time(0)
	if s.Before.set {
		before = max(s.Before.time, 1)
	}
	for {
		got, err := tx.Before(relay.Messages, acc.Room.Box, before, from, slice)
		if err != nil {
			return nil, err
		}
		for _, e := range got {
			hidden, err := v.hides(tx, e)
			if err != nil {
				return nil, err
			}
			if !hidden {
				list = append(list, e)
			}
			if len(list) == n {
				return list, nil
			}
		}
		if len(got) < slice {
			return list, nil
		}
		before = got[len(got)-1].ID.Time
	}
}

// changed returns up to n messages that were stored or edited after a time, the
// oldest first. An edited one is found by the event of its edit.
func (v viewer) changed(tx *relay.Tx, acc relay.Access, s span, n int) (list []relay.Entry, err error) {
	after := tx.Reading(acc, s.After.time)
	edits, err := tx.Since(relay.Events, []relay.Reading{{Box: acc.Room.Box, After: s.After.time}}, relay.Page{Entries: 1000, Bytes: 1 << 20})
	if err != nil {
		return nil, err
	}
	floor := tx.Reading(acc, 0).After
	for _, e := range edits {
		if e.Kind != relay.EventEdited {
			continue
		}
		ev, err := relay.ReadEntryEvent(e)
		if err != nil {
			return nil, err
		}
		for _, at := range ev.Entries {
			if at <= floor || at > after.After {
				continue // not his to see, or found below
			}
			m, err := tx.Entry(relay.Messages, relay.EntryID{Box: acc.Room.Box, Time: at})
			if err == nil {
				list, err = v.keep(tx, list, m, s)
			}
			if err = gone(err); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(list, func(a, b relay.Entry) int { return int(a.ID.Time - b.ID.Time) })
	list = slices.CompactFunc(list, func(a, b relay.Entry) bool { return a.ID == b.ID })
	for len(list) < n {
		got, err := tx.Since(relay.Messages, []relay.Reading{after}, relay.Page{Entries: slice, Bytes: 8 << 20})
		if err != nil {
			return nil, err
		}
		for _, e := range got {
			if list, err = v.keep(tx, list, e, s); err != nil {
				return nil, err
			}
		}
		if len(got) == 0 {
			break
		}
		after.After = got[len(got)-1].ID.Time
	}
	return list[:min(n, len(list))], nil
}

// keep adds a message to a list if the viewer may see it, and it is old enough.
func (v viewer) keep(tx *relay.Tx, list []relay.Entry, e relay.Entry, s span) ([]relay.Entry, error) {
	if s.Before.set && e.ID.Time >= s.Before.time {
		return list, nil
	}
	hidden, err := v.hides(tx, e)
	if err != nil || hidden {
		return list, err
	}
	return append(list, e), nil
}
