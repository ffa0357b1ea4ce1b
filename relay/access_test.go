package relay_test

import (
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTx_Access_Inherited(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	up := room(t, r, relay.RoomDraft{}, p[0], p[1])
	child := room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true})
	if a, err := may(t, r, p[0], child.ID); err != nil || a.Member.Room != up.ID || a.Member.Role != relay.RoleOwner || a.Room.ID != child.ID {
		t.Errorf("a member above: %+v, %v", a, err)
	}
	_, err := may(t, r, p[2], child.ID)
	wantCode(t, "a stranger above", err, relay.NotFound, relay.SubjectRoom)
	wantCount(t, r, child.ID, 2)
	join(t, r, up.ID, joining(p[2], p[2]))
	if _, err := may(t, r, p[2], child.ID); err != nil {
		t.Errorf("joined above: %v", err)
	}
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(child.ID, joining(p[2], p[2])); return err })
	wantCode(t, "joining below", err, relay.Conflict, relay.SubjectMember)
}

func TestTx_Access_Inherited_Role(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	up := room(t, r, relay.RoomDraft{}, p[0], p[1])
	child := room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.SetRole(p[0], child.ID, p[1], relay.RoleModerator); return err })
	below, _ := may(t, r, p[1], child.ID)
	above, _ := may(t, r, p[1], up.ID)
	if below.Member.Role != relay.RoleModerator || below.Member.Room != child.ID || above.Member.Role != relay.RoleMember {
		t.Errorf("below %+v, above %+v", below.Member, above.Member)
	}
	// A role goes with the membership above under which it was given.
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(up.ID, p[1]) })
	_, err := may(t, r, p[1], child.ID)
	wantCode(t, "left above", err, relay.NotFound, relay.SubjectRoom)
	join(t, r, up.ID, joining(p[1], p[1]))
	if below, err = may(t, r, p[1], child.ID); err != nil || below.Member.Role != relay.RoleMember {
		t.Errorf("back again: %+v, %v", below.Member, err)
	}
	wantCount(t, r, child.ID, 2)
}

func TestTx_Access_Inherited_Banned(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	up := room(t, r, relay.RoomDraft{}, p[0], p[1])
	child := room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Ban(p[0], child.ID, p[1], nil) })
	_, err := may(t, r, p[1], child.ID)
	wantCode(t, "banned below", err, relay.Forbidden, relay.SubjectRoom)
	if _, err := may(t, r, p[1], up.ID); err != nil {
		t.Errorf("above: %v", err)
	}
	wantCount(t, r, child.ID, 1)
	wantCount(t, r, up.ID, 2)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Unban(p[0], child.ID, p[1]) })
	if _, err := may(t, r, p[1], child.ID); err != nil {
		t.Errorf("unbanned at once: %v", err)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Ban(p[0], child.ID, p[1], nil) })
	// A ban outlives the membership above.
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(up.ID, p[1]) })
	wantCount(t, r, child.ID, 1)
	join(t, r, up.ID, joining(p[1], p[1]))
	if _, err := may(t, r, p[1], child.ID); err == nil {
		t.Error("rejoining above lifted the ban")
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Unban(p[0], child.ID, p[1]) })
	if _, err := may(t, r, p[1], child.ID); err != nil {
		t.Errorf("unbanned: %v", err)
	}
	wantCount(t, r, child.ID, 2)
}

func TestTx_Access_Inherited_Left(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	up := room(t, r, relay.RoomDraft{}, p[0], p[1])
	child := room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(child.ID, p[1]) })
	_, err := may(t, r, p[1], child.ID)
	wantCode(t, "left below", err, relay.NotFound, relay.SubjectRoom)
	wantCount(t, r, child.ID, 1)
	join(t, r, child.ID, joining(p[1], p[1]))
	if _, err := may(t, r, p[1], child.ID); err != nil {
		t.Errorf("back again: %v", err)
	}
	wantCount(t, r, child.ID, 2)
}

func TestTx_Access_Inherited_Silenced(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	up := room(t, r, relay.RoomDraft{}, p[0], p[1])
	child := room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true})
	until := r.Now().Add(time.Hour)
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Silence(p[0], up.ID, p[1], until); return err })
	if a, err := may(t, r, p[1], child.ID); err != nil || a.Member.SilencedUntil != until {
		t.Errorf("silenced above: %+v, %v", a.Member, err)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Silence(p[0], child.ID, p[0], until); return err })
	if a, err := may(t, r, p[0], up.ID); err != nil || a.Member.SilencedUntil != 0 {
		t.Errorf("silenced below, above: %+v, %v", a.Member, err)
	}
	// A mute outlives the membership above.
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(up.ID, p[0]) })
	join(t, r, up.ID, joining(p[0], p[0]))
	if a, err := may(t, r, p[0], child.ID); err != nil || a.Member.SilencedUntil != until {
		t.Errorf("silenced below, back again: %+v, %v", a.Member, err)
	}
}

func TestTx_Access_Within(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	up := room(t, r, relay.RoomDraft{}, p[0], p[1])
	private := room(t, r, relay.RoomDraft{Parent: up.ID, Within: true}, p[0], p[2])
	if _, err := may(t, r, p[0], private.ID); err != nil {
		t.Errorf("in both: %v", err)
	}
	for _, id := range p[1:] {
		_, err := may(t, r, id, private.ID)
		wantCode(t, "in one of the two", err, relay.NotFound, relay.SubjectRoom)
	}
	wantCount(t, r, private.ID, 1)
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(private.ID, joining(p[2], p[2])); return err })
	wantCode(t, "joining twice", err, relay.Conflict, relay.SubjectMember)
	join(t, r, up.ID, joining(p[2], p[2]))
	if _, err := may(t, r, p[2], private.ID); err != nil {
		t.Errorf("joined above: %v", err)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(up.ID, p[0]) })
	wantCount(t, r, private.ID, 1)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		_, err := tx.Member(private.ID, p[0])
		wantCode(t, "the row of who left above", err, relay.NotFound, relay.SubjectMember)
		return nil
	})
}

func TestTx_RoomsOf_Pages(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	want := map[relay.ID]bool{}
	for range 5 {
		want[room(t, r, relay.RoomDraft{}, p[0]).ID] = true
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for after, pages := (relay.ID{}), 0; ; pages++ {
			rooms, next, err := tx.RoomsOf(p[0], after, 2)
			for _, a := range rooms {
				if !want[a.Room.ID] {
					t.Errorf("%v came twice", a.Room.ID)
				}
				delete(want, a.Room.ID)
			}
			if after = next; err != nil || next.IsZero() || pages > 5 {
				return err
			}
		}
	})
	if len(want) > 0 {
		t.Errorf("%d rooms missing", len(want))
	}
}
