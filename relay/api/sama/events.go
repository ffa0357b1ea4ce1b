package sama

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// A telling collects the frames of one pass.
type telling struct {
	k      *session
	frames [][]byte
	proved bool // the session was seen to last, in this pass
}

func (t *telling) add(packet any) { t.frames = append(t.frames, wire.MustEncode(packet)) }

func (t *telling) viewer() viewer { return t.k.viewer() }

// entry renders what a feed tells. What the connection did itself it knows from
// its answer; notices it does not.
func (t *telling) entry(tx *relay.Tx, told relay.Told) error {
	if !t.proved {
		if _, err := t.k.prove(tx); err != nil {
			return err
		}
		t.proved = true
	}
	if told.Own && told.Entry.Kind != relay.KindNotice {
		return nil
	}
	packets, err := t.viewer().packets(tx, told.Entry, told.Owner)
	for _, p := range packets {
		t.add(p)
	}
	return err
}

// A viewer is for whom things are rendered.
type viewer struct {
	a       *api
	r       *relay.Relay
	who     relay.ID
	base    string
	dialect string
}

func (k *session) viewer() viewer {
	return viewer{k.a, k.svc.Relay, k.who.caller.Account, k.base, k.who.dialect}
}

// viewerOf is the viewer of an answer.
func viewerOf(c *wire.Call) viewer { return sessionOf(c).viewer() }

// packets renders an entry of the stream: none, if it is not the viewer's to
// see, or says nothing in this API.
func (v viewer) packets(tx *relay.Tx, e relay.Entry, owner relay.Owner) ([]any, error) {
	switch {
	case owner.Kind == relay.OwnerAccount && e.Lane == relay.Events:
		return v.ownEvent(tx, e)
	case owner.Kind != relay.OwnerRoom:
		return nil, nil
	}
	room, err := tx.Room(owner.ID)
	if err != nil {
		return nil, gone(err)
	}
	if e.Lane == relay.Messages {
		return v.newMessage(tx, room, e)
	}
	return v.roomEvent(tx, room, e)
}

func (v viewer) newMessage(tx *relay.Tx, room relay.Room, e relay.Entry) ([]any, error) {
	if hidden, err := v.hides(tx, e); hidden || err != nil {
		return nil, err
	}
	m, err := v.message(tx, room, e)
	return one("message", m), err
}

// hides reports whether a message is not to be seen by the viewer.
func (v viewer) hides(tx *relay.Tx, e relay.Entry) (bool, error) {
	if e.Erased {
		return true, nil
	}
	_, hidden, err := tx.Marked(e.ID, relay.Hidden, v.who, "")
	return hidden, err
}

// seen returns those of a room's messages that the viewer may see, as they are
// now.
func (v viewer) seen(tx *relay.Tx, room relay.Room, times []relay.Time) ([]relay.Entry, error) {
	acc, err := tx.Access(v.who, room.ID)
	if err != nil {
		return nil, gone(err)
	}
	return found(times, func(at relay.Time) (relay.Entry, error) { return visibleAt(tx, acc, v.who, at) })
}

func one(key string, value any) []any { return []any{map[string]any{key: value}} }

// roomEvent renders what happened in a room. What cannot be read is some other
// family's of the same name, and says nothing here.
func (v viewer) roomEvent(tx *relay.Tx, room relay.Room, e relay.Entry) ([]any, error) {
	switch e.Kind {
	case relay.EventEdited, relay.EventErased, relay.EventRead, relay.EventReacted, relay.EventUnreacted:
		ev, err := relay.ReadEntryEvent(e)
		if err != nil {
			return nil, nil
		}
		switch e.Kind {
		case relay.EventEdited:
			return v.edited(tx, room, e, ev)
		case relay.EventErased:
			return one("message_delete", newDeleted(room, e, ev)), nil
		case relay.EventReacted, relay.EventUnreacted:
			return v.reacted(tx, room, e, ev)
		}
		return v.read(tx, room, e, ev)
	case relay.EventChanged:
		ev, err := relay.ReadMemberEvent(e)
		if err != nil || readChange(ev.Note).added(v.who) {
			return nil, nil // who was added just now has been shown the room
		}
		return v.system(tx, e, room, "conversation_updated")
	case relay.EventJoined, relay.EventLeft, relay.EventRemoved, relay.EventBanned, relay.EventRole:
		if room.Family == family {
			return nil, nil // notices tell of it
		}
		return v.system(tx, e, room, "conversation_updated")
	}
	return nil, nil
}

// An editedOut is the event of an edit.
type editedOut struct {
	ID    string `json:"id"`
	CID   string `json:"cid"`
	CType string `json:"c_type"`
	From  string `json:"from"`
	Body  string `json:"body"`
}

func (v viewer) edited(tx *relay.Tx, room relay.Room, e relay.Entry, ev relay.EntryEvent) (packets []any, err error) {
	messages, err := v.seen(tx, room, ev.Entries)
	for _, m := range messages {
		out := editedOut{shownEntry(m.ID), shownRoom(room), typeOf(room), shown(e.From), relay.Text(m.Body)}
		packets = append(packets, one("message_edit", out)...)
	}
	return packets, err
}

// A deletedOut is the event of a deletion.
type deletedOut struct {
	CID   string   `json:"cid"`
	CType string   `json:"c_type"`
	IDs   []string `json:"ids"`
	Type  string   `json:"type"`
	From  string   `json:"from"`
}

func newDeleted(room relay.Room, e relay.Entry, ev relay.EntryEvent) deletedOut {
	out := deletedOut{CID: shownRoom(room), CType: typeOf(room), Type: deleteAll, From: shown(e.From)}
	for _, at := range ev.Entries {
		out.IDs = append(out.IDs, shownEntry(relay.EntryID{Box: room.Box, Time: at}))
	}
	return out
}

// A readOut is the event of a receipt.
type readOut struct {
	CID  string   `json:"cid"`
	IDs  []string `json:"ids"` // the latest first
	From string   `json:"from"`
}

// receiptPage is how many messages one receipt names.
const receiptPage = 100

// read renders a receipt for an author: his own messages in it, the latest
// first. Others have no part in it, nor has the reader, who reads others' only.
func (v viewer) read(tx *relay.Tx, room relay.Room, e relay.Entry, ev relay.EntryEvent) (packets []any, err error) {
	slices.Sort(ev.Entries)
	var mine []string
	for _, at := range slices.Backward(ev.Entries) {
		m, err := tx.Entry(relay.Messages, relay.EntryID{Box: room.Box, Time: at})
		if err != nil {
			if err = gone(err); err != nil {
				return nil, err
			}
			continue
		}
		if m.From == v.who {
			mine = append(mine, shownEntry(m.ID))
		}
	}
	for ids := range slices.Chunk(mine, receiptPage) {
		packets = append(packets, one("message_read", readOut{shownRoom(room), ids, shown(e.From)})...)
	}
	return packets, nil
}

// ownEvent renders what happened to the viewer: into which room he came, and
// out of which.
func (v viewer) ownEvent(tx *relay.Tx, e relay.Entry) ([]any, error) {
	switch e.Kind {
	case relay.EventJoined, relay.EventLeft, relay.EventRemoved, relay.EventBanned, relay.EventClosed:
	default:
		return nil, nil
	}
	ev, err := relay.ReadMemberEvent(e)
	if err != nil {
		return nil, nil // another family's of the same name
	}
	if e.Kind == relay.EventJoined {
		acc, err := tx.Access(v.who, ev.Room)
		if err != nil {
			return nil, gone(err)
		}
		if acc.Room.Direct || acc.Member.Joined == acc.Room.Created {
			return v.system(tx, e, acc.Room, "conversation_created")
		}
		return v.system(tx, e, acc.Room, "conversation_updated")
	}
	room, err := tx.Room(ev.Room)
	if relay.Is(err, relay.NotFound) { // closed: its name is all that is left
		room, err = relay.Room{ID: ev.Room, Created: e.ID.Time}, nil
	}
	if err != nil {
		return nil, err
	}
	return v.system(tx, e, room, "conversation_kicked")
}

// A systemOut is a packet about a conversation, or one that a client made.
type systemOut struct {
	ID   string `json:"_id"`
	CID  string `json:"cid,omitempty"`
	T    int64  `json:"t"`
	From string `json:"from"`
	X    any    `json:"x"`
}

// system renders an event about a whole conversation. Who was added gets to see
// what it holds, too.
func (v viewer) system(tx *relay.Tx, e relay.Entry, room relay.Room, what string) ([]any, error) {
	var conv conversationOut
	var err error
	if what == "conversation_updated" && e.Kind == relay.EventJoined {
		conv, err = v.listed(tx, room)
	} else {
		conv, err = v.conversation(tx, room)
	}
	if err == nil && what != "conversation_kicked" {
		conv.Participants, err = participantsOf(tx, room)
	}
	if err != nil {
		return nil, err
	}
	return one("system_message", systemOut{
		ID: shownRoom(room), CID: shownRoom(room), T: seconds(e.ID.Time), From: shown(e.From),
		X: map[string]any{what: conv},
	}), nil
}
