package sama

import (
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// Kinds of signals. Typing and presence are every family's; the others are told
// to connections of this one.
const (
	signalTyping   = "typing"
	signalPresence = "presence"
	signalPacket   = "sama packet"  // Data is a tagged packet
	signalSession  = "sama session" // a session of this account has ended: look whether it is yours
)

// maxSignal is how large a packet may be that is kept nowhere.
const maxSignal = 32 << 10

// A tagged packet does not go back to the connection it came from.
type tagged struct {
	Tag    string         `json:"tag"`
	Status string         `json:"status,omitempty"` // of typing
	Packet jsontext.Value `json:"packet,omitzero"`
}

// ring gives a signal to whoever listens to a box.
func (k *session) ring(box relay.BoxID, kind string, from relay.ID, data []byte) {
	k.svc.Relay.Hub().Signal(box, relay.Signal{Kind: kind, Box: box, From: from, Data: data})
}

// ringPacket has a packet told to all connections but this one that listen to
// a box.
func (k *session) ringPacket(box relay.BoxID, packet any) {
	data := wire.MustEncode(tagged{Tag: k.tag, Packet: wire.MustEncode(packet)})
	k.ring(box, signalPacket, k.who.caller.Account, data)
}

// signals renders what came by the bell itself.
func (t *telling) signals(got []relay.Signal) error {
	if len(got) == 0 {
		return nil
	}
	k := t.k
	return k.svc.Relay.View(k.s.Context(), func(tx *relay.Tx) error {
		t.frames = nil
		if _, err := k.prove(tx); err != nil {
			return err
		}
		t.proved = true
		for _, s := range got {
			if err := t.signal(tx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *telling) signal(tx *relay.Tx, s relay.Signal) error {
	switch s.Kind {
	case signalTyping:
		return t.typing(tx, s)
	case signalPacket:
		if !t.k.feed.Watches(s.Box) {
			return nil // it rang at somebody of whom only the coming and going is told
		}
		var p tagged
		if decodeJSON(s.Data, &p) == nil && p.Tag != t.k.tag {
			t.frames = append(t.frames, p.Packet)
		}
	case signalPresence:
		if s.Box == t.k.target.box {
			return t.presence(tx, t.k.target.id)
		}
	}
	return nil
}

// presence tells that the watched account came or went, unless it has blocked
// the viewer since.
func (t *telling) presence(tx *relay.Tx, who relay.ID) error {
	if tx.Blocked(who, t.k.who.caller.Account) {
		return nil
	}
	value, err := t.viewer().activity(tx, who)
	if err != nil {
		return gone(err)
	}
	t.add(activityOut{map[string]any{shown(who): value}})
	return nil
}

// A typingOut says who types where.
type typingOut struct {
	CID    string `json:"cid"`
	CType  string `json:"c_type"`
	From   string `json:"from"`
	T      int64  `json:"t"`
	Status string `json:"status,omitempty"`
}

// typing tells that somebody types, whatever his family: who has left the room
// meanwhile does not hear of it.
func (t *telling) typing(tx *relay.Tx, s relay.Signal) error {
	var p tagged
	if len(s.Data) > 0 && decodeJSON(s.Data, &p) == nil && p.Tag == t.k.tag {
		return nil
	}
	box, err := tx.Box(s.Box)
	if err != nil || box.Owner.Kind != relay.OwnerRoom {
		return gone(err)
	}
	acc, err := tx.Access(t.k.who.caller.Account, box.Owner.ID)
	if err != nil {
		return gone(err)
	}
	t.add(map[string]any{"typing": typingOut{
		CID: shownRoom(acc.Room), CType: typeOf(acc.Room), From: shown(s.From),
		T: seconds(t.k.svc.Relay.Now()), Status: p.Status,
	}})
	return nil
}

// gone makes nothing of what is not there any more, or not for the viewer.
func gone(err error) error {
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		return nil
	}
	return err
}
