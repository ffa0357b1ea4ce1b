package relay

// Kinds of the events that rooms and memberships leave in boxes. Their Extra is
// a [MemberEvent].
const (
	EventOpened   = "opened"  // in the room's box, and the parent's if the room inherits
	EventChanged  = "changed" // settings; in the room's box, as all below except where said
	EventAsked    = "asked"   // to be admitted; in the account's box only
	EventRefused  = "refused" // not admitted; in the account's box only
	EventJoined   = "joined"  // in the account's box, too
	EventLeft     = "left"    // in the account's box, too
	EventRemoved  = "removed" // in the account's box, too
	EventBanned   = "banned"  // in the account's box, too, if it was in
	EventUnbanned = "unbanned"
	EventRole     = "role"
	EventSilenced = "silenced" // or, with Until 0, not any more
	EventMember   = "member"   // what the home family keeps with a member
	EventClosed   = "closed"   // in each member's box; and the parent's if the room inherits
)

// A MemberEvent is what an event says about a room and a member: what happened
// to whom, never how it looks.
type MemberEvent struct {
	Room    ID     `cbor:"1,keyasint"`
	Account ID     `cbor:"2,keyasint,omitzero"` // the member it is about
	Role    Role   `cbor:"3,keyasint,omitempty"`
	Until   Time   `cbor:"4,keyasint,omitempty"` // silenced until
	Note    []byte `cbor:"5,keyasint,omitempty"` // the home family's words for what changed
}

// ReadMemberEvent returns what one of the events above says.
func ReadMemberEvent(e Entry) (MemberEvent, error) {
	var ev MemberEvent
	return ev, decode(e.Extra, &ev)
}

// tell appends an event to a box.
func (tx *Tx) tell(b BoxID, kind string, by ID, ev MemberEvent) (Entry, error) {
	extra, err := encoding.Marshal(ev)
	if err != nil {
		return Entry{}, err
	}
	return tx.Append(b, Draft{Lane: Events, Kind: kind, From: by, Extra: extra})
}

// tellAccount appends an event to an account's own box, if there still is one.
func (tx *Tx) tellAccount(who ID, kind string, by ID, ev MemberEvent) error {
	a, err := tx.Account(who)
	if Is(err, NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.tell(a.Box, kind, by, ev)
	return err
}

// tellParent tells the members of the room above of a room that is open to
// them. A parent that is closing tells nobody any more.
func (tx *Tx) tellParent(r Room, kind string, by ID, note []byte) error {
	if !r.Inherit {
		return nil
	}
	parent, err := tx.Room(r.Parent)
	if Is(err, NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.tell(parent.Box, kind, by, MemberEvent{Room: r.ID, Note: note})
	return err
}
