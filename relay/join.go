package relay

// A Joining says how somebody comes into a room.
type Joining struct {
	By      ID   // who lets him in; himself where the room lets everybody in
	Came    bool // of his own accord, on an invitation of By's
	Pending bool // he only asks, and waits for [Tx.Admit]
	FromNow bool // he sees nothing older than his joining
	Seat         // Account is who; SeesFrom counts unless FromNow
}

// Join makes an account a member of a room, or has it ask to become one. The
// room's box and the account's own get a joined event (asking: an asked event
// in its own box alone), and what the room holds so far counts as read.
//
// Asking again changes nothing and is no error. Conflict (member): is one
// already. Forbidden (member): banned, or the room is a direct one of others.
// Forbidden (room): the room is for its parent's members. NotFound: room or
// account. Full: the room has all the members it can have. TooMany: By has
// brought in as many strangers as he may today.
func (tx *Tx) Join(room ID, j Joining) (Member, error) {
	r, own, err := tx.rowOf(room, j.Account)
	if err != nil {
		return Member{}, err
	}
	if err := tx.crosses(j.Account, r.Family, SubjectAccount); err != nil {
		return Member{}, err
	}
	old, found, err := tx.standing(r, j.Account)
	switch {
	case err != nil:
		return Member{}, err
	case len(j.Rest) > MaxRest:
		return Member{}, Errorf(TooLarge, SubjectMember, "too much to keep with a member")
	case found && old.State == StateMember, r.Within && own.State == StateMember:
		return Member{}, Errorf(Conflict, SubjectMember, "already a member")
	case found && old.State == StateBanned, own.State == StateBanned:
		return Member{}, Errorf(Forbidden, SubjectMember, "banned from this room")
	case r.Direct && j.Account != r.Pair[0] && j.Account != r.Pair[1]:
		return Member{}, Errorf(Forbidden, SubjectMember, "a direct room is of two")
	case r.Inherit && found:
		return tx.comeBack(r, own, j)
	case r.Inherit:
		return Member{}, Errorf(Forbidden, SubjectRoom, "the room is for members of the one above")
	case j.Pending && own.State == StatePending:
		return own, nil
	case j.Pending:
		return tx.ask(r, own, j)
	}
	if !j.Came && !r.Direct {
		if err := tx.meet(j.By, j.Seat); err != nil {
			return Member{}, err
		}
	}
	return tx.enter(r, j)
}

// Admit makes a member of somebody who asked. Conflict (member): is one
// already. NotFound (member): has not asked.
func (tx *Tx) Admit(by, room, who ID) (Member, error) {
	r, own, err := tx.rowOf(room, who)
	switch {
	case err != nil:
		return Member{}, err
	case own.State == StateMember:
		return Member{}, Errorf(Conflict, SubjectMember, "already a member")
	case own.State != StatePending:
		return Member{}, Errorf(NotFound, SubjectMember, "no such member")
	}
	j := Joining{By: by, Seat: Seat{who, own.Role, own.SeesFrom, own.Rest}}
	j.FromNow = own.SeesFrom == seesFromJoining
	return tx.enter(r, j)
}

// seesFromJoining is the SeesFrom of somebody who waits and will see nothing
// older than his joining.
const seesFromJoining = maxTime

// ask writes the row of somebody who waits.
func (tx *Tx) ask(r Room, own Member, j Joining) (Member, error) {
	a, err := tx.Account(j.Account)
	if err != nil {
		return Member{}, err
	}
	m := Member{
		Room: r.ID, Account: j.Account, Role: j.Role, State: StatePending, Joined: Time(tx.Now()),
		SeesFrom: j.SeesFrom, SilencedUntil: own.SilencedUntil, Rest: j.Rest,
	}
	if j.FromNow {
		m.SeesFrom = seesFromJoining
	}
	if _, err := tx.tell(a.Box, EventAsked, j.By, MemberEvent{Room: r.ID, Account: j.Account}); err != nil {
		return Member{}, err
	}
	return m, tx.putMember(m)
}

// enter writes the row of a new member.
func (tx *Tx) enter(r Room, j Joining) (Member, error) {
	if r.Members >= MaxMembers {
		return Member{}, Errorf(Full, SubjectRoom, "the room is full")
	}
	e, err := tx.tell(r.Box, EventJoined, j.By, MemberEvent{Room: r.ID, Account: j.Account, Role: j.Role})
	if err != nil {
		return Member{}, err
	}
	if j.FromNow {
		j.SeesFrom = e.ID.Time
	}
	m, err := tx.seat(&r, j.By, j.Seat, e.ID.Time)
	if err != nil {
		return Member{}, err
	}
	if _, err := tx.MoveCursor(j.Account, r.Box, m.Joined); err != nil {
		return Member{}, err
	}
	return m, tx.putRoom(r)
}

// seat gives an account its place in a room and tells it, in its own box. The
// caller tells the room and stores r, whose count has grown.
func (tx *Tx) seat(r *Room, by ID, s Seat, at Time) (Member, error) {
	if len(s.Rest) > MaxRest {
		return Member{}, Errorf(TooLarge, SubjectMember, "too much to keep with a member")
	}
	a, err := tx.Account(s.Account)
	if err != nil {
		return Member{}, err
	}
	before, _, err := tx.member(r.ID, s.Account)
	if err != nil || before.State == StateMember {
		return before, err // named twice in a draft: the first counts
	}
	m := Member{
		Room: r.ID, Account: s.Account, Role: s.Role, State: StateMember, Joined: at, SeesFrom: s.SeesFrom,
		SilencedUntil: before.SilencedUntil, Rest: s.Rest,
	}
	if _, err := tx.tell(a.Box, EventJoined, by, MemberEvent{Room: r.ID, Account: s.Account, Role: s.Role}); err != nil {
		return Member{}, err
	}
	if a.Mailbox && !r.Direct && by != s.Account {
		if err := tx.inviteByMail(a, by, r.ID); err != nil {
			return Member{}, err
		}
	}
	r.Members++
	tx.Put(newKey(kindJoined).id(s.Account).id(r.ID), nil)
	return m, tx.putMember(m)
}

// KindAdded is the kind of the message that somebody with a mailbox gets when
// another lets him into a room: he reads no events. Its Extra is a
// [MemberEvent]. No client may send one.
const KindAdded = "added to a room"

func (tx *Tx) inviteByMail(to Account, by, room ID) error {
	extra, err := encoding.Marshal(MemberEvent{Room: room, Account: to.ID})
	if err != nil {
		return err
	}
	_, err = tx.Append(to.Box, Draft{Kind: KindAdded, From: by, Extra: extra})
	return err
}

// comeBack takes back that a member of the parent had left a room that
// inherits.
func (tx *Tx) comeBack(r Room, own Member, j Joining) (Member, error) {
	own.State, own.Role = StateMember, j.Role
	ev := MemberEvent{Room: r.ID, Account: j.Account, Role: j.Role}
	if _, err := tx.tell(r.Box, EventJoined, j.By, ev); err != nil {
		return Member{}, err
	}
	if err := tx.tellAccount(j.Account, EventJoined, j.By, ev); err != nil {
		return Member{}, err
	}
	return own, tx.putMember(own)
}
