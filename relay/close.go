package relay

// A closing is the removal of a room, a step at a time.
type closing struct {
	Room ID     `cbor:"1,keyasint"`
	By   ID     `cbor:"2,keyasint"`
	Note []byte `cbor:"3,keyasint,omitempty"`
}

const (
	verbCloseRoom = "close room"
	closeStep     = 200 // members told and removed in one step, or rooms below
)

// CloseRoom removes a room and the rooms below it. It is unreachable with this
// commit; each member's own box gets a closed event, and so does the parent's
// box where the room was open to its members, with the note (at most MaxRest
// bytes: what a family needs to name the room after it is gone). Rows and
// entries go in steps, the first of them now. NotFound: room.
func (tx *Tx) CloseRoom(by, room ID, note []byte) error {
	r, err := tx.Room(room)
	if err != nil {
		return err
	}
	if len(note) > MaxRest {
		return Errorf(TooLarge, SubjectRoom, "note too long")
	}
	c := closing{room, by, note}
	if err := tx.shut(r, c); err != nil {
		return err
	}
	return tx.closeStep(r, c)
}

// shut makes a room unreachable.
func (tx *Tx) shut(r Room, c closing) error {
	r.Closed = Time(tx.Now())
	if r.Direct {
		tx.Delete(newKey(kindPair).id(r.Pair[0]).id(r.Pair[1]))
	}
	if err := tx.tellParent(r, EventClosed, c.By, c.Note); err != nil {
		return err
	}
	return tx.putRoom(r)
}

// closeStep does one step: members first, then the rooms below, then the names
// given within the room, then the records that go with it, then the room.
func (tx *Tx) closeStep(r Room, c closing) error {
	left, err := tx.dismiss(r, c)
	if err != nil {
		return err
	}
	if !left {
		if left, err = tx.closeBelow(r, c); err != nil {
			return err
		}
	}
	if !left {
		left = tx.deleteSome(newKey(kindAlias).id(r.ID).all(), closeStep) // what is named within the room
	}
	if !left {
		if left, err = tx.dropOwned(r.ID); err != nil {
			return err
		}
	}
	if left {
		return tx.again(verbCloseRoom, c)
	}
	tx.Delete(newKey(kindChild).id(r.Parent).id(r.ID))
	tx.Delete(newKey(kindRoom).id(r.ID))
	return tx.DropBox(r.Box)
}

// dismiss removes rows of members and tells those who were in.
func (tx *Tx) dismiss(r Room, c closing) (left bool, err error) {
	rg := newKey(kindMember).id(r.ID).all()
	rg.Limit = closeStep
	var rows []Member
	for k, v := range tx.Scan(rg) {
		m, err := decodeMember(k, v)
		if err != nil {
			return false, err
		}
		rows = append(rows, m)
	}
	for _, m := range rows {
		tx.Delete(newKey(kindMember).id(r.ID).id(m.Account))
		tx.Delete(newKey(kindJoined).id(m.Account).id(r.ID))
		tx.Delete(cursorKey(m.Account, r.Box))
		if m.State != StateMember || r.Inherit {
			continue
		}
		ev := MemberEvent{Room: r.ID, Account: m.Account, Note: c.Note}
		if err := tx.tellAccount(m.Account, EventClosed, c.By, ev); err != nil {
			return false, err
		}
	}
	return len(rows) == closeStep, nil
}

// closeBelow shuts the rooms below, which then go by timers of their own.
func (tx *Tx) closeBelow(r Room, c closing) (left bool, err error) {
	rg := newKey(kindChild).id(r.ID).all()
	rg.Limit = closeStep
	var ids []ID
	for k := range tx.Scan(rg) {
		ids = append(ids, tailID(k))
	}
	for _, id := range ids {
		tx.Delete(newKey(kindChild).id(r.ID).id(id))
		below, err := tx.Room(id)
		if Is(err, NotFound) {
			continue // closing already
		}
		if err != nil {
			return false, err
		}
		sub := closing{Room: id, By: c.By}
		if err := tx.shut(below, sub); err != nil {
			return false, err
		}
		if err := tx.again(verbCloseRoom, sub); err != nil {
			return false, err
		}
	}
	return len(ids) == closeStep, nil
}

// roomVerbs are the steps of this file and its neighbours that timers ask for.
func (r *Relay) roomVerbs() {
	r.handleTimer(verbDropOpenRoom, dropOpenRoom)
	r.handleTimer(verbLeaveBelow, func(tx *Tx, arg []byte) error {
		var l leaving
		if err := decode(arg, &l); err != nil {
			return err
		}
		return tx.leaveBelow(l)
	})
	r.handleTimer(verbCloseRoom, func(tx *Tx, arg []byte) error {
		var c closing
		if err := decode(arg, &c); err != nil {
			return err
		}
		r := Room{ID: c.Room}
		if found, err := tx.get(newKey(kindRoom).id(c.Room), &r); err != nil || !found {
			return err
		}
		return tx.closeStep(r, c)
	})
}

// again sets a timer, due now, for the rest of a job.
func (tx *Tx) again(verb string, arg any) error {
	b, err := encoding.Marshal(arg)
	if err != nil {
		return err
	}
	_, err = tx.SetTimer(tx.r.Now(), verb, b)
	return err
}
