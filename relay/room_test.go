package relay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// people registers n accounts.
func people(t testing.TB, r *relay.Relay, n int) []relay.ID {
	t.Helper()
	ids := make([]relay.ID, n)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for i := range ids {
			a, err := tx.Register(relay.AccountDraft{Family: "test"})
			if err != nil {
				return err
			}
			ids[i] = a.ID
		}
		return nil
	})
	return ids
}

// room opens a room, with the first of the members as its owner.
func room(t testing.TB, r *relay.Relay, d relay.RoomDraft, members ...relay.ID) (got relay.Room) {
	t.Helper()
	d.Family = "test"
	for i, id := range members {
		s := relay.Seat{Account: id}
		if i == 0 {
			s.Role, d.By = relay.RoleOwner, id
		}
		d.Members = append(d.Members, s)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		got, err = tx.OpenRoom(d)
		return err
	})
	return got
}

// attempt runs fn in an update and returns its error.
func attempt(r *relay.Relay, fn func(tx *relay.Tx) error) error {
	return r.Update(context.Background(), fn)
}

// wantCode fails unless err is an Error of that code and subject.
func wantCode(t testing.TB, doing string, err error, code relay.Code, subject relay.Subject) {
	t.Helper()
	e := relay.AsError(err)
	if err == nil || e.Code != code || e.Subject != subject {
		t.Errorf("%s: got %v, want %s about %q", doing, err, code, subject)
	}
}

// happened returns the kinds of the events in a box after the first skip, with
// whom each is about.
func happened(t testing.TB, r *relay.Relay, b relay.BoxID, skip int) (kinds []string, evs []relay.MemberEvent) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		es, err := tx.Since(relay.Events, []relay.Reading{{Box: b}}, relay.Page{Entries: 1000, Bytes: 1 << 20})
		if err != nil {
			return err
		}
		for _, e := range es[min(skip, len(es)):] {
			ev, err := relay.ReadMemberEvent(e)
			if err != nil {
				return err
			}
			kinds, evs = append(kinds, e.Kind), append(evs, ev)
		}
		return nil
	})
	return kinds, evs
}

// own returns the number of an account's box.
func own(t testing.TB, r *relay.Relay, id relay.ID) (b relay.BoxID) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		a, err := tx.Account(id)
		b = a.Box
		return err
	})
	return b
}

func may(t testing.TB, r *relay.Relay, who, room relay.ID) (a relay.Access, err error) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		a, err = tx.Access(who, room)
		return nil
	})
	return a, err
}

func TestTx_OpenRoom_Members(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	got := room(t, r, relay.RoomDraft{Settings: []byte("set")}, p[0], p[1], p[1])
	relaytest.View(t, r, func(tx *relay.Tx) error {
		kept, err := tx.Room(got.ID)
		if err != nil {
			return err
		}
		if string(kept.Settings) != "set" || kept.Members != 2 || kept.Box != got.Box || kept.Created == 0 {
			t.Errorf("room is %+v", kept)
		}
		rooms, next, err := tx.RoomsOf(p[1], relay.ID{}, 10)
		if err != nil || len(rooms) != 1 || rooms[0].Room.ID != got.ID || !next.IsZero() {
			t.Errorf("rooms of a member: %v, next %v, %v", rooms, next, err)
		}
		return nil
	})
	if a, err := may(t, r, p[0], got.ID); err != nil || a.Member.Role != relay.RoleOwner || a.Member.Joined != got.Created {
		t.Errorf("owner: %+v, %v", a, err)
	}
	_, err := may(t, r, p[2], got.ID)
	wantCode(t, "a stranger", err, relay.NotFound, relay.SubjectRoom)
	if kinds, evs := happened(t, r, own(t, r, p[1]), 0); len(kinds) != 1 || kinds[0] != relay.EventJoined || evs[0].Room != got.ID {
		t.Errorf("a member's box says %v %v", kinds, evs)
	}
}

func TestTx_OpenRoom_Refused(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	nobody := relay.NewID()
	for _, c := range []struct {
		name    string
		d       relay.RoomDraft
		code    relay.Code
		subject relay.Subject
	}{
		{"unknown member", relay.RoomDraft{Members: []relay.Seat{{Account: nobody}}}, relay.NotFound, relay.SubjectAccount},
		{"unknown parent", relay.RoomDraft{Parent: nobody, Inherit: true}, relay.NotFound, relay.SubjectRoom},
		{"inherit from nothing", relay.RoomDraft{Inherit: true}, relay.Invalid, relay.SubjectRoom},
		{"open with members", relay.RoomDraft{Open: true, Members: []relay.Seat{{Account: p[0]}}}, relay.Invalid, relay.SubjectRoom},
		{"large settings", relay.RoomDraft{Settings: make([]byte, relay.MaxSettings+1)}, relay.TooLarge, relay.SubjectRoom},
		{"many members", relay.RoomDraft{Members: make([]relay.Seat, relay.MaxOpening+1)}, relay.TooLarge, relay.SubjectMember},
	} {
		err := attempt(r, func(tx *relay.Tx) error { _, err := tx.OpenRoom(c.d); return err })
		wantCode(t, c.name, err, c.code, c.subject)
	}
}

func TestTx_OpenRoom_Depth(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	up := room(t, r, relay.RoomDraft{}, p[0])
	for range relay.MaxDepth - 1 {
		up = room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true})
	}
	if _, err := may(t, r, p[0], up.ID); err != nil {
		t.Errorf("the deepest room: %v", err)
	}
	err := attempt(r, func(tx *relay.Tx) error {
		_, err := tx.OpenRoom(relay.RoomDraft{Parent: up.ID, Inherit: true})
		return err
	})
	wantCode(t, "one deeper", err, relay.Invalid, relay.SubjectRoom)
}

func TestTx_OpenRoom_Open(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	open := room(t, r, relay.RoomDraft{Open: true})
	if a, err := may(t, r, p[1], open.ID); err != nil || !a.Room.Open || a.Room.Box != open.Box {
		t.Errorf("whoever knows the id: %+v, %v", a, err)
	}
	err := attempt(r, func(tx *relay.Tx) error {
		if _, err := tx.Room(open.ID); !relay.Is(err, relay.NotFound) {
			t.Errorf("an open room among those with members: %v", err)
		}
		_, err := tx.Join(open.ID, relay.Joining{By: p[0], Seat: relay.Seat{Account: p[0]}})
		return err
	})
	wantCode(t, "join", err, relay.NotFound, relay.SubjectRoom)
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.ChangeRoom(p[0], open.ID, nil, nil); return err })
	wantCode(t, "change", err, relay.NotFound, relay.SubjectRoom)
	err = attempt(r, func(tx *relay.Tx) error { return tx.CloseRoom(p[0], open.ID, nil) })
	wantCode(t, "close", err, relay.NotFound, relay.SubjectRoom)
}

func TestTx_OpenRoom_Open_Unused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 1)
		unused, used := room(t, r, relay.RoomDraft{Open: true}), room(t, r, relay.RoomDraft{Open: true})
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := tx.Post(p[0], used.ID, relay.Draft{Kind: "message", Body: []byte("x")})
			return err
		})
		time.Sleep(31 * 24 * time.Hour)
		synctest.Wait()
		if _, err := may(t, r, p[0], used.ID); err != nil {
			t.Errorf("a room that was used: %v", err)
		}
		_, err := may(t, r, p[0], unused.ID)
		wantCode(t, "a room that was not", err, relay.NotFound, relay.SubjectRoom)
	})
}

func TestTx_RoomByPrefix(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	a, b := room(t, r, relay.RoomDraft{}), room(t, r, relay.RoomDraft{})
	open := room(t, r, relay.RoomDraft{Open: true})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for _, want := range []relay.Room{a, b} {
			if got, err := tx.RoomByPrefix([12]byte(want.ID[:12])); err != nil || got.ID != want.ID {
				t.Errorf("got %v, %v; want %v", got.ID, err, want.ID)
			}
		}
		_, err := tx.RoomByPrefix([12]byte(open.ID[:12]))
		wantCode(t, "an open room by part of its id", err, relay.NotFound, relay.SubjectRoom)
		return nil
	})
}

func TestTx_ChangeRoom(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	got := room(t, r, relay.RoomDraft{}, p[0])
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, err := tx.ChangeRoom(p[0], got.ID, []byte("silently"), nil)
		return err
	})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, err := tx.ChangeRoom(p[0], got.ID, []byte("new"), []byte("renamed"))
		return err
	})
	if a, err := may(t, r, p[0], got.ID); err != nil || string(a.Room.Settings) != "new" || a.Room.Members != 1 {
		t.Errorf("room is %+v, %v", a.Room, err)
	}
	kinds, evs := happened(t, r, got.Box, 1)
	if len(kinds) != 1 || kinds[0] != relay.EventChanged || string(evs[0].Note) != "renamed" {
		t.Errorf("the room's box says %v %v", kinds, evs)
	}
}

func TestTx_DirectRoom(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	var first, second, other relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if first, err = tx.DirectRoom(p[0], p[1]); err != nil {
			return err
		}
		if second, err = tx.DirectRoom(p[1], p[0]); err != nil {
			return err
		}
		other, err = tx.DirectRoom(p[0], p[2])
		return err
	})
	if first.ID != second.ID || first.ID == other.ID || !first.Direct || first.Members != 2 {
		t.Errorf("direct rooms %+v, %+v, %+v", first, second, other)
	}
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.DirectRoom(p[0], p[0]); return err })
	wantCode(t, "with oneself", err, relay.Invalid, relay.SubjectAccount)
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.DirectRoom(p[0], relay.NewID()); return err })
	wantCode(t, "with nobody", err, relay.NotFound, relay.SubjectAccount)
	join := relay.Joining{By: p[0], Seat: relay.Seat{Account: p[2]}}
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(first.ID, join); return err })
	wantCode(t, "a third", err, relay.Forbidden, relay.SubjectMember)
	err = attempt(r, func(tx *relay.Tx) error { return tx.RemoveMember(p[0], first.ID, p[1]) })
	wantCode(t, "removing the other", err, relay.Forbidden, relay.SubjectRoom)
}

func TestTx_DirectRoom_Left(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	var direct, again relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if direct, err = tx.DirectRoom(p[0], p[1]); err != nil {
			return err
		}
		if err := tx.Leave(direct.ID, p[0]); err != nil {
			return err
		}
		if again, err = tx.DirectRoom(p[1], p[0]); err != nil {
			return err
		}
		_, err = tx.Join(again.ID, relay.Joining{By: p[1], Seat: relay.Seat{Account: p[0]}})
		return err
	})
	if again.ID != direct.ID {
		t.Errorf("another room after one left")
	}
	if _, err := may(t, r, p[0], direct.ID); err != nil {
		t.Errorf("back in: %v", err)
	}
}

func TestTx_Children(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	up := room(t, r, relay.RoomDraft{}, p[0])
	want := map[relay.ID]bool{}
	for range 5 {
		want[room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true}).ID] = true
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for after := (relay.ID{}); ; {
			page, err := tx.Children(up.ID, after, 2)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, c := range page {
				if !want[c.ID] {
					t.Errorf("%v is no child, or came twice", c.ID)
				}
				delete(want, c.ID)
				after = c.ID
			}
		}
	})
	if len(want) > 0 {
		t.Errorf("%d children missing", len(want))
	}
	if kinds, _ := happened(t, r, up.Box, 1); len(kinds) != 5 || kinds[0] != relay.EventOpened {
		t.Errorf("the parent's box says %v", kinds)
	}
}

func TestTx_CloseRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{NoLimits: true})
		p := people(t, r, 500) // more than one step
		big := room(t, r, relay.RoomDraft{}, p...)
		child := room(t, r, relay.RoomDraft{Parent: big.ID}, p[0])
		below := room(t, r, relay.RoomDraft{Parent: child.ID, Inherit: true})
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			if err := tx.CloseRoom(p[0], big.ID, []byte("name")); err != nil {
				return err
			}
			_, err := tx.Access(p[499], big.ID)
			wantCode(t, "at once", err, relay.NotFound, relay.SubjectRoom)
			return nil
		})
		synctest.Wait()
		for _, id := range []relay.ID{p[0], p[250], p[499]} {
			kinds, evs := happened(t, r, own(t, r, id), 0)
			if last := len(kinds) - 1; kinds[last] != relay.EventClosed && kinds[last-1] != relay.EventClosed {
				t.Errorf("a member's box says %v %v", kinds, evs)
			}
			relaytest.View(t, r, func(tx *relay.Tx) error {
				rooms, _, err := tx.RoomsOf(id, relay.ID{}, 10)
				if len(rooms) != 0 {
					t.Errorf("still in %v", rooms)
				}
				if ms, _, _ := tx.MembersByState(big.ID, relay.StateMember, relay.ID{}, 10); len(ms) != 0 {
					t.Errorf("rows left: %v", ms)
				}
				for _, b := range []relay.BoxID{big.Box, child.Box, below.Box} {
					if _, err := tx.Box(b); !relay.Is(err, relay.NotFound) {
						t.Errorf("a box is left: %v", err)
					}
				}
				return err
			})
		}
	})
}

func TestTx_CloseRoom_Direct(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	var before, after relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if before, err = tx.DirectRoom(p[0], p[1]); err != nil {
			return err
		}
		if err := tx.CloseRoom(p[0], before.ID, nil); err != nil {
			return err
		}
		after, err = tx.DirectRoom(p[0], p[1])
		return err
	})
	if before.ID == after.ID {
		t.Error("the closed room is still the direct room of the two")
	}
}

func TestTx_CloseRoom_Inherited(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	up := room(t, r, relay.RoomDraft{}, p[0])
	child := room(t, r, relay.RoomDraft{Parent: up.ID, Inherit: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.CloseRoom(p[0], child.ID, []byte("n")) })
	kinds, evs := happened(t, r, up.Box, 2)
	if len(kinds) != 1 || kinds[0] != relay.EventClosed || evs[0].Room != child.ID || string(evs[0].Note) != "n" {
		t.Errorf("the parent's box says %v %v", kinds, evs)
	}
	if _, err := may(t, r, p[0], up.ID); err != nil {
		t.Errorf("the parent: %v", err)
	}
}
