package relay

import "bytes"

// DirectRoom returns the direct room in which from writes to to. If there is
// none yet it is made, at home in the family of to, or of from where to keeps
// no history. Invalid: one account is not two. NotFound: an account.
func (tx *Tx) DirectRoom(from, to ID) (Room, error) {
	if r, err := tx.FindDirect(from, to); err == nil || !Is(err, NotFound) {
		return r, err
	}
	home, err := tx.Account(to)
	if err == nil && home.Mailbox {
		home, err = tx.Account(from)
	}
	if err != nil {
		return Room{}, err
	}
	r, _, err := tx.OpenDirect(from, to, RoomDraft{By: from, Family: home.Family})
	return r, err
}

// OpenDirect returns the direct room of two accounts, and makes it from d
// (family, settings, who opens it) if there is none yet. Errors as for
// [Tx.DirectRoom] and [Tx.OpenRoom].
func (tx *Tx) OpenDirect(a, b ID, d RoomDraft) (r Room, made bool, err error) {
	if a == b {
		return Room{}, false, Errorf(Invalid, SubjectAccount, "a direct room takes two")
	}
	if r, err = tx.FindDirect(a, b); err == nil || !Is(err, NotFound) {
		return r, false, err
	}
	d.Open, d.Inherit, d.Within, d.Parent = false, false, false, ID{}
	d.Members = []Seat{{Account: a}, {Account: b}}
	if err := tx.checkRoomDraft(d); err != nil {
		return Room{}, false, err
	}
	other, err := tx.Account(b)
	if err != nil {
		return Room{}, false, err
	}
	if err := tx.crosses(a, other.Family, SubjectAccount); err != nil {
		return Room{}, false, err
	}
	if err := tx.r.space.founding(); err != nil {
		return Room{}, false, err
	}
	if err := tx.meet(d.By, d.Members...); err != nil {
		return Room{}, false, err
	}
	pair := pairOf(a, b)
	if r, err = tx.openRoom(d, pair); err != nil {
		return Room{}, false, err
	}
	tx.Put(newKey(kindPair).id(pair[0]).id(pair[1]), r.ID[:])
	return r, true, nil
}

// FindDirect returns the direct room of two accounts; NotFound when they have
// none. Either may have left it.
func (tx *Tx) FindDirect(a, b ID) (Room, error) {
	pair := pairOf(a, b)
	v := tx.Get(newKey(kindPair).id(pair[0]).id(pair[1]))
	if len(v) != len(ID{}) {
		return Room{}, noRoom()
	}
	return tx.Room(ID(v))
}

func pairOf(a, b ID) [2]ID {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return [2]ID{a, b}
}
