package relay_test

import (
	"slices"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func joining(by, who relay.ID) relay.Joining {
	return relay.Joining{By: by, Seat: relay.Seat{Account: who}}
}

// join has an account join a room.
func join(t testing.TB, r *relay.Relay, room relay.ID, j relay.Joining) (m relay.Member) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		m, err = tx.Join(room, j)
		return err
	})
	return m
}

// count returns how many members a room says it has, and how many it lists.
func count(t testing.TB, r *relay.Relay, room relay.ID) (says, lists int) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) (err error) {
		if says, err = tx.CountMembers(room); err != nil {
			return err
		}
		for after := (relay.ID{}); ; {
			ms, next, err := tx.Members(room, after, 2)
			lists += len(ms)
			if after = next; err != nil || next.IsZero() {
				return err
			}
		}
	})
	return says, lists
}

func wantCount(t testing.TB, r *relay.Relay, room relay.ID, want int) {
	t.Helper()
	if says, lists := count(t, r, room); says != want || lists != want {
		t.Errorf("the room says %d members and lists %d, want %d", says, lists, want)
	}
}

func TestTx_Join(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	got := room(t, r, relay.RoomDraft{}, p[0])
	m := join(t, r, got.ID, joining(p[0], p[1]))
	late := joining(p[2], p[2])
	late.FromNow, late.Rest = true, []byte("nick")
	n := join(t, r, got.ID, late)
	if m.SeesFrom != 0 || n.SeesFrom != n.Joined || n.Joined <= m.Joined || string(n.Rest) != "nick" {
		t.Errorf("rows %+v, %+v", m, n)
	}
	wantCount(t, r, got.ID, 3)
	for _, b := range []relay.BoxID{got.Box, own(t, r, p[1])} {
		kinds, evs := happened(t, r, b, 0)
		if i := slices.Index(kinds, relay.EventJoined); i < 0 || evs[i].Account != p[1] || evs[i].Room != got.ID {
			t.Errorf("a box says %v %v", kinds, evs)
		}
	}
}

func TestTx_Join_Twice(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	got := room(t, r, relay.RoomDraft{}, p[0])
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(got.ID, joining(p[0], p[0])); return err })
	wantCode(t, "join twice", err, relay.Conflict, relay.SubjectMember)
	wantCount(t, r, got.ID, 1)
}

func TestTx_Join_Nobody(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	got := room(t, r, relay.RoomDraft{}, p[0])
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(got.ID, joining(p[0], relay.NewID())); return err })
	wantCode(t, "unknown account", err, relay.NotFound, relay.SubjectAccount)
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(relay.NewID(), joining(p[0], p[0])); return err })
	wantCode(t, "unknown room", err, relay.NotFound, relay.SubjectRoom)
	large := joining(p[0], p[0])
	large.Rest = make([]byte, relay.MaxRest+1)
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(got.ID, large); return err })
	wantCode(t, "large rest", err, relay.TooLarge, relay.SubjectMember)
}

func TestTx_Join_Banned(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	got := room(t, r, relay.RoomDraft{}, p[0], p[1])
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if err := tx.Ban(p[0], got.ID, p[1], []byte("reason")); err != nil {
			return err
		}
		return tx.Ban(p[0], got.ID, p[2], nil)
	})
	wantCount(t, r, got.ID, 1)
	for _, id := range p[1:] {
		err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Join(got.ID, joining(id, id)); return err })
		wantCode(t, "join", err, relay.Forbidden, relay.SubjectMember)
	}
	_, err := may(t, r, p[1], got.ID)
	wantCode(t, "who knew the room", err, relay.Forbidden, relay.SubjectRoom)
	_, err = may(t, r, p[2], got.ID)
	wantCode(t, "who did not", err, relay.NotFound, relay.SubjectRoom)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		_, err := tx.Reach(p[1], got.ID)
		wantCode(t, "reach", err, relay.NotFound, relay.SubjectRoom)
		banned, _, err := tx.MembersByState(got.ID, relay.StateBanned, relay.ID{}, 10)
		if len(banned) != 2 {
			t.Errorf("banned are %v", banned)
		}
		return err
	})
	if kinds, _ := happened(t, r, own(t, r, p[2]), 0); len(kinds) != 0 {
		t.Errorf("who was not in is told %v", kinds)
	}
	err = attempt(r, func(tx *relay.Tx) error { return tx.Ban(p[0], got.ID, p[1], nil) })
	wantCode(t, "ban twice", err, relay.Conflict, relay.SubjectMember)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Unban(p[0], got.ID, p[1]) })
	_, err = may(t, r, p[1], got.ID)
	wantCode(t, "not banned any more", err, relay.NotFound, relay.SubjectRoom)
	join(t, r, got.ID, joining(p[1], p[1]))
	err = attempt(r, func(tx *relay.Tx) error { return tx.Unban(p[0], got.ID, p[1]) })
	wantCode(t, "unban a member", err, relay.NotFound, relay.SubjectMember)
}

func TestTx_Admit(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	got := room(t, r, relay.RoomDraft{}, p[0])
	ask := joining(p[1], p[1])
	ask.Pending, ask.FromNow = true, true
	join(t, r, got.ID, ask)
	join(t, r, got.ID, ask)
	_, err := may(t, r, p[1], got.ID)
	wantCode(t, "while it waits", err, relay.NotFound, relay.SubjectRoom)
	wantCount(t, r, got.ID, 1)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		waiting, _, err := tx.MembersByState(got.ID, relay.StatePending, relay.ID{}, 10)
		if len(waiting) != 1 || waiting[0].Account != p[1] {
			t.Errorf("waiting are %v", waiting)
		}
		if err != nil {
			return err
		}
		_, err = tx.Admit(p[0], got.ID, p[1])
		return err
	})
	a, err := may(t, r, p[1], got.ID)
	if err != nil || a.Member.SeesFrom != a.Member.Joined {
		t.Errorf("admitted: %+v, %v", a, err)
	}
	wantCount(t, r, got.ID, 2)
	if kinds, _ := happened(t, r, own(t, r, p[1]), 0); !slices.Equal(kinds, []string{relay.EventAsked, relay.EventJoined}) {
		t.Errorf("its box says %v", kinds)
	}
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Admit(p[0], got.ID, p[1]); return err })
	wantCode(t, "admit a member", err, relay.Conflict, relay.SubjectMember)
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Admit(p[0], got.ID, relay.NewID()); return err })
	wantCode(t, "admit who did not ask", err, relay.NotFound, relay.SubjectMember)
}

func TestTx_RemoveMember_Pending(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	got := room(t, r, relay.RoomDraft{}, p[0])
	ask := joining(p[1], p[1])
	ask.Pending = true
	join(t, r, got.ID, ask)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveMember(p[0], got.ID, p[1]) })
	if kinds, _ := happened(t, r, own(t, r, p[1]), 1); !slices.Equal(kinds, []string{relay.EventRefused}) {
		t.Errorf("its box says %v", kinds)
	}
	if kinds, _ := happened(t, r, got.Box, 1); len(kinds) != 0 {
		t.Errorf("the room hears %v", kinds)
	}
	wantCount(t, r, got.ID, 1)
}

// Who is refused, or takes his asking back, keeps the place in a room below that
// was kept for him.
func TestTx_RemoveMember_PendingKeepsBelow(t *testing.T) {
	for name, out := range map[string]func(tx *relay.Tx, by, room, who relay.ID) error{
		"refused":  func(tx *relay.Tx, by, room, who relay.ID) error { return tx.RemoveMember(by, room, who) },
		"withdrew": func(tx *relay.Tx, _, room, who relay.ID) error { return tx.Leave(room, who) },
	} {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 2)
		up := room(t, r, relay.RoomDraft{}, p[0])
		below := room(t, r, relay.RoomDraft{Parent: up.ID, Within: true}, p[0], p[1])
		ask := joining(p[1], p[1])
		ask.Pending = true
		join(t, r, up.ID, ask)
		relaytest.Update(t, r, func(tx *relay.Tx) error { return out(tx, p[0], up.ID, p[1]) })
		join(t, r, up.ID, joining(p[1], p[1]))
		if _, err := may(t, r, p[1], below.ID); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTx_Leave(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	got := room(t, r, relay.RoomDraft{}, p[0], p[1])
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(got.ID, p[1]) })
	_, err := may(t, r, p[1], got.ID)
	wantCode(t, "who left", err, relay.NotFound, relay.SubjectRoom)
	wantCount(t, r, got.ID, 1)
	for _, b := range []relay.BoxID{got.Box, own(t, r, p[1])} {
		if kinds, evs := happened(t, r, b, 1); !slices.Equal(kinds, []string{relay.EventLeft}) || evs[0].Account != p[1] {
			t.Errorf("a box says %v %v", kinds, evs)
		}
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		_, err := tx.Member(got.ID, p[1])
		wantCode(t, "the row", err, relay.NotFound, relay.SubjectMember)
		rooms, _, err := tx.RoomsOf(p[1], relay.ID{}, 10)
		if len(rooms) != 0 {
			t.Errorf("rooms %v", rooms)
		}
		return err
	})
	err = attempt(r, func(tx *relay.Tx) error { return tx.Leave(got.ID, p[1]) })
	wantCode(t, "leave twice", err, relay.NotFound, relay.SubjectMember)
}

func TestTx_Leave_RoomsBelow(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	up := room(t, r, relay.RoomDraft{}, p[0], p[1])
	group := room(t, r, relay.RoomDraft{Parent: up.ID}, p[0], p[1])
	channel := room(t, r, relay.RoomDraft{Parent: group.ID}, p[0], p[1])
	elsewhere := room(t, r, relay.RoomDraft{}, p[0], p[1])
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveMember(p[0], up.ID, p[1]) })
	for _, below := range []relay.Room{group, channel} {
		_, err := may(t, r, p[1], below.ID)
		wantCode(t, "a room below", err, relay.NotFound, relay.SubjectRoom)
		wantCount(t, r, below.ID, 1)
		if kinds, _ := happened(t, r, below.Box, 1); !slices.Equal(kinds, []string{relay.EventRemoved}) {
			t.Errorf("a room below hears %v", kinds)
		}
	}
	if _, err := may(t, r, p[1], elsewhere.ID); err != nil {
		t.Errorf("a room elsewhere: %v", err)
	}
}

func TestTx_SetRole(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	got := room(t, r, relay.RoomDraft{}, p[0], p[1])
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.SetRole(p[0], got.ID, p[1], relay.RoleModerator); return err })
	if a, err := may(t, r, p[1], got.ID); err != nil || a.Member.Role != relay.RoleModerator {
		t.Errorf("%+v, %v", a, err)
	}
	kinds, evs := happened(t, r, got.Box, 1)
	if !slices.Equal(kinds, []string{relay.EventRole}) || evs[0].Role != relay.RoleModerator || evs[0].Account != p[1] {
		t.Errorf("the room hears %v %v", kinds, evs)
	}
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.SetRole(p[0], got.ID, p[2], relay.RoleAdmin); return err })
	wantCode(t, "a stranger's role", err, relay.NotFound, relay.SubjectMember)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if n, err := tx.CountRole(got.ID, relay.RoleModerator, 10); n != 2 || err != nil {
			t.Errorf("%d of rank, %v", n, err)
		}
		if n, err := tx.CountRole(got.ID, relay.RoleMember, 1); n != 1 || err != nil {
			t.Errorf("counted to %d, %v", n, err)
		}
		return nil
	})
}

func TestTx_Transfer(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	got := room(t, r, relay.RoomDraft{}, p[0], p[1])
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Transfer(p[0], got.ID, p[0], p[1]) })
	old, _ := may(t, r, p[0], got.ID)
	now, _ := may(t, r, p[1], got.ID)
	if old.Member.Role != relay.RoleAdmin || now.Member.Role != relay.RoleOwner {
		t.Errorf("roles %v and %v", old.Member.Role, now.Member.Role)
	}
	err := attempt(r, func(tx *relay.Tx) error { return tx.Transfer(p[1], got.ID, p[1], p[2]) })
	wantCode(t, "to a stranger", err, relay.NotFound, relay.SubjectMember)
	if now, _ = may(t, r, p[1], got.ID); now.Member.Role != relay.RoleOwner {
		t.Errorf("a failed transfer left %v", now.Member.Role)
	}
}

func TestTx_Silence_Outlived(t *testing.T) {
	now := time.Now()
	r := relaytest.New(t, relay.Options{Now: func() time.Time { return now }})
	p := people(t, r, 2)
	got := room(t, r, relay.RoomDraft{}, p[0], p[1])
	until := relay.At(now.Add(time.Hour))
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if _, err := tx.Silence(p[0], got.ID, p[1], until); err != nil {
			return err
		}
		return tx.Leave(got.ID, p[1])
	})
	m := join(t, r, got.ID, joining(p[1], p[1]))
	if !m.Silenced(until-1) || m.Silenced(until) {
		t.Errorf("back in, silenced until %v, want %v", m.SilencedUntil, until)
	}
	wantCount(t, r, got.ID, 2)
}

func TestTx_SetRest(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	got := room(t, r, relay.RoomDraft{}, p[0])
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if _, err := tx.SetRest(p[0], got.ID, p[0], []byte("quiet"), nil); err != nil {
			return err
		}
		_, err := tx.SetRest(p[0], got.ID, p[0], []byte("nick"), []byte("renick"))
		return err
	})
	if a, err := may(t, r, p[0], got.ID); err != nil || string(a.Member.Rest) != "nick" || a.Member.Role != relay.RoleOwner {
		t.Errorf("%+v, %v", a, err)
	}
	if kinds, evs := happened(t, r, got.Box, 1); !slices.Equal(kinds, []string{relay.EventMember}) || string(evs[0].Note) != "renick" {
		t.Errorf("the room hears %v %v", kinds, evs)
	}
}

func TestTx_Eldest(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 4)
	got := room(t, r, relay.RoomDraft{}, p[3])
	for _, id := range []relay.ID{p[2], p[0], p[1]} {
		join(t, r, got.ID, joining(id, id))
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if err := tx.Leave(got.ID, p[3]); err != nil {
			return err
		}
		if m, err := tx.Eldest(got.ID, relay.RoleMember); err != nil || m.Account != p[2] {
			t.Errorf("eldest is %v, %v; want %v", m.Account, err, p[2])
		}
		_, err := tx.Eldest(got.ID, relay.RoleAdmin)
		wantCode(t, "no admin", err, relay.NotFound, relay.SubjectMember)
		return nil
	})
}

func TestTx_LeaveRooms(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	var rooms []relay.Room
	for range 3 {
		rooms = append(rooms, room(t, r, relay.RoomDraft{}, p[0], p[1]))
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if left, err := tx.LeaveRooms(p[1], 2); !left || err != nil {
			t.Errorf("left %v, %v", left, err)
		}
		left, err := tx.LeaveRooms(p[1], 2)
		if left {
			t.Error("some are left")
		}
		return err
	})
	for _, got := range rooms {
		wantCount(t, r, got.ID, 1)
	}
}
