package relay

// Leave takes a member out of a room at his own wish, or takes back his asking
// to be admitted. The room's box and his own get a left event. In a room that
// inherits he stays out until he joins again. NotFound: room or member.
func (tx *Tx) Leave(room, who ID) error { return tx.takeOut(who, room, who, EventLeft) }

// RemoveMember takes a member out of a room, or refuses somebody who asked. The
// room's box and his own get a removed event (refused: his own alone).
// NotFound: room or member. Forbidden: a direct room.
func (tx *Tx) RemoveMember(by, room, who ID) error { return tx.takeOut(by, room, who, EventRemoved) }

func (tx *Tx) takeOut(by, room, who ID, kind string) error {
	r, err := tx.Room(room)
	if err != nil {
		return err
	}
	m, found, err := tx.standing(r, who)
	if err != nil {
		return err
	}
	if own, had, err := tx.member(room, who); err != nil {
		return err
	} else if had && !r.Inherit {
		m, found = own, had // also where the parent's door is shut to him
	}
	switch {
	case !found || m.State == StateGone || m.State == StateBanned:
		return Errorf(NotFound, SubjectMember, "no such member")
	case r.Direct && kind != EventLeft:
		return Errorf(Forbidden, SubjectRoom, "a direct room is of two")
	}
	if err := tx.drop(r, m, by, kind, StateGone); err != nil || m.State != StateMember {
		return err // who only asked was in none of the rooms below
	}
	return tx.leaveBelow(leaving{Room: room, Who: who, By: by, Kind: kind})
}

// Ban takes an account out of a room, if it is in, and keeps it out. rest is
// what the home family keeps with the ban (a reason). The room's box gets a
// banned event, the account's own only if it was in. NotFound: room. Conflict
// (member): is banned already. Forbidden: a direct room. TooLarge: over MaxRest.
func (tx *Tx) Ban(by, room, who ID, rest []byte) error {
	r, own, err := tx.rowOf(room, who)
	switch {
	case err != nil:
		return err
	case r.Direct:
		return Errorf(Forbidden, SubjectRoom, "a direct room is of two")
	case own.State == StateBanned:
		return Errorf(Conflict, SubjectMember, "banned already")
	case len(rest) > MaxRest:
		return Errorf(TooLarge, SubjectMember, "too much to keep with a member")
	}
	m, found, err := tx.standing(r, who)
	if err != nil {
		return err
	}
	if !found || m.State == StateBanned || !r.Inherit {
		m = own
	}
	m.Rest = rest
	if err := tx.drop(r, m, by, EventBanned, StateBanned); err != nil {
		return err
	}
	return tx.leaveBelow(leaving{Room: room, Who: who, By: by, Kind: EventRemoved})
}

// Unban lets an account come in again; it is not in by that. The room's box
// gets an unbanned event. NotFound: room, or (member) no such ban.
func (tx *Tx) Unban(by, room, who ID) error {
	r, own, err := tx.rowOf(room, who)
	if err != nil {
		return err
	}
	if own.State != StateBanned {
		return Errorf(NotFound, SubjectMember, "no such ban")
	}
	if _, err := tx.tell(r.Box, EventUnbanned, by, MemberEvent{Room: room, Account: who}); err != nil {
		return err
	}
	own.Joined, own.Rest = 0, nil // in a room that inherits, the row above decides again
	return tx.putGone(r, own)
}

// drop takes a row out of a room, leaves it in another state, and tells the
// room and the account. m is how the account stands.
func (tx *Tx) drop(r Room, m Member, by ID, kind string, next MemberState) error {
	was := m.State
	if was == StateMember && !r.Inherit {
		r.Members--
		tx.Delete(newKey(kindJoined).id(m.Account).id(r.ID))
		if err := tx.putRoom(r); err != nil {
			return err
		}
	}
	ev := MemberEvent{Room: r.ID, Account: m.Account}
	if was == StateMember || next == StateBanned {
		if _, err := tx.tell(r.Box, kind, by, ev); err != nil {
			return err
		}
	}
	if was == StatePending && kind == EventRemoved {
		kind = EventRefused
	}
	if was == StateMember || was == StatePending {
		if err := tx.tellAccount(m.Account, kind, by, ev); err != nil {
			return err
		}
	}
	tx.Delete(cursorKey(m.Account, r.Box))
	if m.Room, m.Role = r.ID, RoleMember; next == StateBanned {
		m.State = next
		return tx.putMember(m)
	}
	m.Rest = nil
	return tx.putGone(r, m)
}

// putGone leaves of a row what outlives a membership: a mute, that one left a
// room one would otherwise be in by the room above, a place in a direct room.
func (tx *Tx) putGone(r Room, m Member) error {
	m.State, m.Role = StateGone, RoleMember
	if m.Silenced(tx.r.Now()) || r.Direct || r.Inherit && m.Joined != 0 {
		return tx.putMember(m)
	}
	tx.Delete(newKey(kindMember).id(r.ID).id(m.Account))
	return nil
}

// A leaving is somebody's way out of the rooms below one he left.
type leaving struct {
	Room ID     `cbor:"1,keyasint"`
	Who  ID     `cbor:"2,keyasint"`
	By   ID     `cbor:"3,keyasint"`
	Kind string `cbor:"4,keyasint"`
	Past ID     `cbor:"5,keyasint,omitzero"` // done with his rooms up to this one
}

const (
	verbLeaveBelow = "leave below"
	leaveStep      = 200 // rooms looked at in one step
)

// leaveBelow takes somebody who left a room out of the rooms below it in which
// he has a row of his own: a step of it now, the rest by timer.
func (tx *Tx) leaveBelow(l leaving) error {
	if !tx.hasChildren(l.Room) {
		return nil
	}
	rg := newKey(kindJoined).id(l.Who).all()
	rg.From, rg.Limit = newKey(kindJoined).id(l.Who).id(l.Past).byte(0), leaveStep
	var ids []ID
	for k := range tx.Scan(rg) {
		ids = append(ids, tailID(k))
	}
	for _, id := range ids {
		if err := tx.leaveIfBelow(id, l); err != nil {
			return err
		}
	}
	if len(ids) < leaveStep {
		return nil
	}
	l.Past = ids[len(ids)-1]
	return tx.again(verbLeaveBelow, l)
}

func (tx *Tx) leaveIfBelow(id ID, l leaving) error {
	r, err := tx.Room(id)
	if Is(err, NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for up := r.Parent; up != l.Room; {
		if up.IsZero() {
			return nil
		}
		above, err := tx.Room(up)
		if err != nil {
			return nil // closing, and this one with it
		}
		up = above.Parent
	}
	m, had, err := tx.member(id, l.Who)
	if err != nil || !had || m.State != StateMember {
		return err
	}
	return tx.drop(r, m, l.By, l.Kind, StateGone)
}

func (tx *Tx) hasChildren(room ID) bool {
	rg := newKey(kindChild).id(room).all()
	rg.Limit = 1
	for range tx.Scan(rg) {
		return true
	}
	return false
}

// LeaveRooms takes an account out of up to max of its rooms, as if it left
// each, and reports whether any are left: a step of removing it. A direct room
// goes when the second of the two is removed.
func (tx *Tx) LeaveRooms(who ID, max int) (left bool, err error) {
	rg := newKey(kindJoined).id(who).all()
	rg.Limit = max
	var ids []ID
	for k := range tx.Scan(rg) {
		ids = append(ids, tailID(k))
	}
	for _, id := range ids {
		r, m, err := tx.rowOf(id, who)
		if Is(err, NotFound) {
			tx.Delete(newKey(kindJoined).id(who).id(id)) // closing
			continue
		}
		if err != nil {
			return false, err
		}
		if err := tx.drop(r, m, who, EventLeft, StateGone); err != nil {
			return false, err
		}
		if err := tx.closeEmptyDirect(r, who); err != nil {
			return false, err
		}
	}
	return len(ids) == max, nil
}

// closeEmptyDirect closes a direct room that who left for good, if the other one
// is removed already.
func (tx *Tx) closeEmptyDirect(r Room, who ID) error {
	if !r.Direct {
		return nil
	}
	for _, id := range r.Pair {
		if _, err := tx.Account(id); id != who && !Is(err, NotFound) {
			return err
		}
	}
	return tx.CloseRoom(who, r.ID, nil)
}
