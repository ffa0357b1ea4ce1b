package relay

// Access is what an account may do with a room: that it may be there at all,
// and the row that says as what. Member.Room tells whose row it is: the room's
// own, or that of a room above whose members it is open to. Roles mean what the
// home family says; a role above does not have to carry down.
type Access struct {
	Room   Room
	Member Member
}

// Access looks an account up in a room: in the room's own row, or where the
// room is open to its parent's members, in the parent's. Rows in such a room
// are exceptions: a role, a mute, a ban, or that somebody left. In an open room
// everybody is a plain member.
//
// NotFound (room): there is no such room, or the account is not in it; the two
// cannot be told apart. Forbidden (room): the account was in the room, so knows
// it, and is banned.
func (tx *Tx) Access(who, room ID) (Access, error) {
	r, err := tx.Room(room)
	if Is(err, NotFound) {
		r, err = tx.OpenRoomByID(room)
	}
	if err != nil {
		return Access{}, err
	}
	for _, id := range []ID{who, r.Pair[0], r.Pair[1]} {
		if id.IsZero() {
			continue
		}
		if err := tx.crosses(id, r.Family, SubjectRoom); err != nil {
			return Access{}, err
		}
	}
	if r.Open {
		return Access{r, Member{Room: r.ID, Account: who}}, nil
	}
	m, found, err := tx.standing(r, who)
	switch {
	case err != nil:
		return Access{}, err
	case found && m.State == StateMember:
		return Access{r, m}, nil
	case found && m.State == StateBanned && m.Joined != 0:
		return Access{}, Errorf(Forbidden, SubjectRoom, "banned from this room")
	}
	return Access{}, noRoom()
}

// Reach finds a room that somebody of any family names by its whole id: an open
// one, or one he is in. Anything else is the NotFound of an unknown id.
func (tx *Tx) Reach(who, room ID) (Access, error) {
	a, err := tx.Access(who, room)
	if Is(err, Forbidden) {
		return Access{}, noRoom()
	}
	return a, err
}

// standing returns the row that decides for an account in a room, in whatever
// state, and whether there is one. A row in a room that inherits counts only
// for as long as the membership above lasts under which it was made; bans and
// mutes count always.
func (tx *Tx) standing(r Room, who ID) (Member, bool, error) {
	own, had, err := tx.member(r.ID, who)
	if err != nil || !r.Inherit && !r.Within || had && own.State == StateBanned {
		return own, had, err
	}
	parent, err := tx.Room(r.Parent)
	if Is(err, NotFound) {
		return Member{}, false, nil // closing, and this room after it
	}
	if err != nil {
		return Member{}, false, err
	}
	up, found, err := tx.standing(parent, who)
	if err != nil || !found || up.State != StateMember {
		return up, found && up.State == StateBanned, err
	}
	if r.Within {
		return own, had, nil
	}
	muted := max(own.SilencedUntil, up.SilencedUntil)
	if !had || own.Joined != up.Joined {
		own = up
	}
	own.SilencedUntil = muted
	return own, true, nil
}

// A look is a page of the members of a room: who they are, and from where to
// go on.
type look struct {
	members []Member
	next    ID
}

// Members returns up to limit members of a room, in the order of their ids,
// from the one after a given id (zero: from the first); next is from where to
// go on, zero at the end. A page may be short, or empty, before the end.
func (tx *Tx) Members(room, after ID, limit int) (members []Member, next ID, err error) {
	r, err := tx.Room(room)
	if err != nil {
		return nil, ID{}, err
	}
	base := r
	for base.Inherit {
		if base, err = tx.Room(base.Parent); err != nil {
			return nil, ID{}, err
		}
	}
	keep := func(m Member) (Member, bool, error) {
		if base.ID == r.ID && !r.Within {
			return m, m.State == StateMember, nil
		}
		m, found, err := tx.standing(r, m.Account)
		return m, found && m.State == StateMember, err
	}
	l, err := tx.look(base.ID, after, limit, keep)
	return l.members, l.next, err
}

// MembersByState is Members for the room's own rows in one state: those who
// wait to be admitted, or are banned.
func (tx *Tx) MembersByState(room ID, s MemberState, after ID, limit int) (members []Member, next ID, err error) {
	l, err := tx.look(room, after, limit, func(m Member) (Member, bool, error) { return m, m.State == s, nil })
	return l.members, l.next, err
}

// look goes through rows of a room until it has found enough to keep, or has
// looked at as many as one scan gives.
func (tx *Tx) look(room, after ID, limit int, keep func(Member) (Member, bool, error)) (l look, err error) {
	rg := newKey(kindMember).id(room).all()
	rg.From, rg.Limit = newKey(kindMember).id(room).id(after).byte(0), lookRows
	seen := 0
	for k, v := range tx.Scan(rg) {
		m, err := decodeMember(k, v)
		if err != nil {
			return look{}, err
		}
		seen, l.next = seen+1, m.Account
		m, ok, err := keep(m)
		if err != nil {
			return look{}, err
		}
		if ok {
			if l.members = append(l.members, m); len(l.members) == limit {
				return l, nil
			}
		}
	}
	if seen < lookRows {
		l.next = ID{}
	}
	return l, nil
}

// lookRows is how many rows of members one call goes through at most.
const lookRows = 2000

// CountMembers returns how many members a room has.
func (tx *Tx) CountMembers(room ID) (int, error) {
	r, err := tx.Room(room)
	if err != nil || !r.Inherit && !r.Within {
		return r.Members, err
	}
	n := 0
	if r.Inherit {
		if n, err = tx.CountMembers(r.Parent); err != nil {
			return 0, err
		}
	}
	rg := newKey(kindMember).id(room).all()
	for k := range tx.Scan(rg) {
		who := tailID(k)
		m, found, err := tx.standing(r, who)
		if err != nil {
			return 0, err
		}
		in := found && m.State == StateMember
		if r.Within && in {
			n++
		}
		if r.Inherit && !in {
			parent, err := tx.Access(who, r.Parent)
			if err == nil && parent.Member.State == StateMember {
				n--
			}
		}
	}
	return n, nil
}

// Eldest returns the member who has been in a room the longest, of those with
// at least a role; NotFound (member) when there is none. Ownership passes to
// him where the owner goes.
func (tx *Tx) Eldest(room ID, atLeast Role) (Member, error) {
	var eldest Member
	for after := (ID{}); ; {
		ms, next, err := tx.Members(room, after, MaxMembers)
		if err != nil {
			return Member{}, err
		}
		for _, m := range ms {
			if m.Role >= atLeast && (eldest.Joined == 0 || m.Joined < eldest.Joined) {
				eldest = m
			}
		}
		if after = next; next.IsZero() {
			break
		}
	}
	if eldest.Joined == 0 {
		return Member{}, Errorf(NotFound, SubjectMember, "no such member")
	}
	return eldest, nil
}

// CountRole returns how many members have at least a role, counting to max:
// whether somebody is the last of his rank.
func (tx *Tx) CountRole(room ID, atLeast Role, max int) (int, error) {
	n := 0
	for after := (ID{}); ; {
		ms, next, err := tx.Members(room, after, MaxMembers)
		if err != nil {
			return 0, err
		}
		for _, m := range ms {
			if m.Role >= atLeast {
				n++
			}
		}
		if after = next; next.IsZero() || n >= max {
			return min(n, max), nil
		}
	}
}

// RoomsOf returns up to limit rooms of an account, each with its row there, in
// the order of their ids, from the one after a given id; next is from where to
// go on, zero at the end. Rooms that inherit are found below their parents
// ([Tx.Children]).
func (tx *Tx) RoomsOf(who, after ID, limit int) (rooms []Access, next ID, err error) {
	limit = min(limit, lookRows)
	rg := newKey(kindJoined).id(who).all()
	rg.From, rg.Limit = newKey(kindJoined).id(who).id(after).byte(0), limit
	seen := 0
	for k := range tx.Scan(rg) {
		seen, next = seen+1, tailID(k)
		a, err := tx.Access(who, next)
		if Is(err, NotFound) || Is(err, Forbidden) {
			continue // closing, or the parent's door is shut
		}
		if err != nil {
			return nil, ID{}, err
		}
		rooms = append(rooms, a)
	}
	if seen < limit {
		next = ID{}
	}
	return rooms, next, nil
}
