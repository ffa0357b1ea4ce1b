package relay

// A Role is what a member may do, as the home family says. Greater is more.
type Role uint8

const (
	RoleMember Role = iota
	RoleModerator
	RoleAdmin
	RoleOwner
)

// A MemberState says how an account stands to a room.
type MemberState uint8

const (
	StateMember  MemberState = iota
	StatePending             // asked to be admitted
	StateBanned              // may not come in
	StateGone                // left; the row stays for what outlives it, a mute or a direct room
)

// MaxRest is how many bytes a family keeps in a member's row.
const MaxRest = 4 << 10

// A Member is one account in one room.
type Member struct {
	Room    ID `cbor:"-"` // both from the key
	Account ID `cbor:"-"`

	Role          Role        `cbor:"1,keyasint,omitempty"`
	State         MemberState `cbor:"2,keyasint,omitempty"`
	Joined        Time        `cbor:"3,keyasint,omitempty"` // or asked to; in a room that inherits: joined above
	SeesFrom      Time        `cbor:"4,keyasint,omitempty"` // nothing older is his to see
	SilencedUntil Time        `cbor:"5,keyasint,omitempty"`
	Rest          []byte      `cbor:"6,keyasint,omitempty"` // the home family's
}

// Silenced reports whether the member may not write at a time.
func (m Member) Silenced(at Time) bool { return m.SilencedUntil > at }

// SetRole gives a member another role; the room's box gets a role event. Who
// may give which, and who may be the last of his rank, is the home family's.
// NotFound: room or member.
func (tx *Tx) SetRole(by, room, who ID, role Role) (Member, error) {
	return tx.changeMember(by, room, who, EventRole, nil, func(m *Member) { m.Role = role })
}

// Transfer makes one member the owner and the one who was an admin, with a role
// event for each. NotFound: room, or either member.
func (tx *Tx) Transfer(by, room, from, to ID) error {
	if from == to {
		return Errorf(Invalid, SubjectMember, "ownership passes to somebody else")
	}
	if _, err := tx.SetRole(by, room, from, RoleAdmin); err != nil {
		return err
	}
	_, err := tx.SetRole(by, room, to, RoleOwner)
	return err
}

// Silence keeps a member from writing until a time; 0 lets him write again. The
// room's box gets a silenced event. It outlives his leaving and coming back.
// NotFound: room or member.
func (tx *Tx) Silence(by, room, who ID, until Time) (Member, error) {
	return tx.changeMember(by, room, who, EventSilenced, nil, func(m *Member) { m.SilencedUntil = until })
}

// SetRest replaces what the home family keeps with a member (a nick, the mark
// of slow mode). With a note, the room's box gets a member event that carries
// it. NotFound: room or member. TooLarge: over MaxRest.
func (tx *Tx) SetRest(by, room, who ID, rest, note []byte) (Member, error) {
	if len(rest) > MaxRest {
		return Member{}, Errorf(TooLarge, SubjectMember, "too much to keep with a member")
	}
	kind := EventMember
	if note == nil {
		kind = ""
	}
	return tx.changeMember(by, room, who, kind, note, func(m *Member) { m.Rest = rest })
}

// changeMember changes the row of a member, tells the room's box if kind is
// given, and returns how the member stands then. In a room that inherits, a row
// is made where there is none: a plain member with that one exception.
func (tx *Tx) changeMember(by, room, who ID, kind string, note []byte, change func(*Member)) (Member, error) {
	r, err := tx.Room(room)
	if err != nil {
		return Member{}, err
	}
	m, found, err := tx.standing(r, who)
	if err != nil {
		return Member{}, err
	}
	if !found || m.State != StateMember {
		return Member{}, Errorf(NotFound, SubjectMember, "no such member")
	}
	if m.Room != r.ID {
		own, _, err := tx.member(r.ID, who)
		if err != nil {
			return Member{}, err
		}
		m = Member{Room: r.ID, Account: who, Joined: m.Joined, SilencedUntil: own.SilencedUntil}
	}
	change(&m)
	if kind != "" {
		ev := MemberEvent{Room: r.ID, Account: who, Role: m.Role, Until: m.SilencedUntil, Note: note}
		if _, err := tx.tell(r.Box, kind, by, ev); err != nil {
			return Member{}, err
		}
	}
	return m, tx.putMember(m)
}

// Member returns a room's own row of an account, in whatever state; NotFound
// (member) when there is none.
func (tx *Tx) Member(room, who ID) (Member, error) {
	m, found, err := tx.member(room, who)
	if err == nil && !found {
		err = Errorf(NotFound, SubjectMember, "no such member")
	}
	return m, err
}

// rowOf returns a room and its own row of an account, zero but for its names if
// there is none, in StateGone.
func (tx *Tx) rowOf(room, who ID) (Room, Member, error) {
	r, err := tx.Room(room)
	if err != nil {
		return Room{}, Member{}, err
	}
	m, _, err := tx.member(room, who)
	return r, m, err
}

// member reads a row. Without one it returns the row of somebody gone.
func (tx *Tx) member(room, who ID) (Member, bool, error) {
	m := Member{Room: room, Account: who}
	found, err := recall(tx, newKey(kindMember).id(room).id(who), &m)
	if !found {
		m.State = StateGone
	}
	return m, found, err
}

func decodeMember(k, v []byte) (Member, error) {
	m := Member{Room: ID(k[1:17]), Account: tailID(k)}
	return m, decode(v, &m)
}

func (tx *Tx) putMember(m Member) error {
	return tx.put(newKey(kindMember).id(m.Room).id(m.Account), m)
}
