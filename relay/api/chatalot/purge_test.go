package chatalot

import (
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// newUsers makes accounts of this family.
func newUsers(t testing.TB, r *relay.Relay, names ...string) (ids []relay.ID) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		ids = nil
		for _, name := range names {
			p := profile{Username: name, Email: name + "@example.com", DisplayName: name}
			acc, err := tx.Register(relay.AccountDraft{Family: family, Profile: pack(p), Logins: p.logins()})
			if err != nil {
				return err
			}
			ids = append(ids, acc.ID)
		}
		return nil
	})
	return ids
}

// newRoom opens a room of this family in which the first is the owner.
func newRoom(t testing.TB, r *relay.Relay, set roomSettings, d relay.RoomDraft, members ...relay.ID) (room relay.Room) {
	t.Helper()
	d.Family, d.By = family, members[0]
	set.Owner, d.Members = members[0], nil
	for i, id := range members {
		s := relay.Seat{Account: id}
		if i == 0 {
			s.Role = relay.RoleOwner
		}
		d.Members = append(d.Members, s)
	}
	d.Settings = set.bytes()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		room, err = tx.OpenRoom(d)
		return err
	})
	return room
}

// fillRoom appends n messages of an account to a room, and files if asked for.
func fillRoom(t testing.TB, r *relay.Relay, room relay.Room, from relay.ID, n int) {
	t.Helper()
	for at := 0; at < n; at += 1000 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range min(1000, n-at) {
				if _, err := tx.Append(room.Box, relay.Draft{Kind: kindText, From: from, Body: []byte("b"), Nonce: []byte{0}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func held(t testing.TB, r *relay.Relay, room relay.Room) (n int) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		h, err := tx.Holding(room.Box)
		n = h.Entries
		return err
	})
	return n
}

// A purge goes on by itself when nobody drives it any more, to the end; it
// leaves what others sent, and rooms of other families.
func TestPurging_GoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{NoLimits: true})
		ids := newUsers(t, r, "alice", "bob", "olga")
		a := newRoom(t, r, roomSettings{Kind: roomText}, relay.RoomDraft{}, ids[0], ids[1])
		b := newRoom(t, r, roomSettings{Kind: roomText}, relay.RoomDraft{}, ids[1], ids[0])
		var elsewhere relay.Room
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			elsewhere, err = tx.OpenRoom(relay.RoomDraft{By: ids[0], Family: "other", Members: []relay.Seat{{Account: ids[0]}}})
			return err
		})
		fillRoom(t, r, a, ids[0], 2600)
		fillRoom(t, r, a, ids[1], 10)
		fillRoom(t, r, b, ids[0], 700)
		fillRoom(t, r, elsewhere, ids[0], 5)
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for i := range 120 {
				f := fileRow{Owner: ids[0], Name: "n", Size: 1, Checksum: relay.DigestOf([]byte{byte(i % 100)}), Created: relay.Time(i)}
				if err := fileRows.Put(tx, newRecordID(tx), &f); err != nil {
					return err
				}
			}
			return nil
		})
		p := purging{
			Erasing: relay.Erasing{From: ids[0]}, Index: "owner", Of: ids[0], Block: true,
			Audit: auditRow{Who: ids[2], Action: "admin_purge_user_messages"},
		}
		relaytest.Update(t, r, func(tx *relay.Tx) error { // and then the relay stops
			next := p
			more, err := next.step(tx, purgeResumes)
			if !more {
				t.Error("one step did it all")
			}
			return err
		})
		time.Sleep(purgeResumes + time.Second) // of the test's own clock
		synctest.Wait()
		for i, want := range []int{10, 0, 5} {
			if got := held(t, r, []relay.Room{a, b, elsewhere}[i]); got != want {
				t.Errorf("room %d holds %d, want %d", i, got, want)
			}
		}
		relaytest.View(t, r, func(tx *relay.Tx) error {
			if n := fileRows.Count(tx, "time", relay.Span{}); n != 0 {
				t.Errorf("%d files are left", n)
			}
			if n := blockedHashes.Count(tx, "time", relay.Span{}); n != 100 {
				t.Errorf("%d hashes are blocked, want 100", n)
			}
			rows, err := listAll(tx, audits, "time", relay.Span{}, 10)
			want := `{"block_hashes":true,"files_deleted":120,"hashes_blocked":100,"messages_deleted":3300,"target_user_id":"` + uuid(ids[0]).String() + `"}`
			if len(rows) != 1 || string(rows[0].Record.Meta) != want {
				t.Errorf("got %v, want one with %s", rows, want)
			}
			return err
		})
	})
}

// No step of a purge of very much takes the writer for long.
func TestPurging_Steps(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	r := relaytest.New(t, relay.Options{NoLimits: true})
	ids := newUsers(t, r, "alice", "olga")
	room := newRoom(t, r, roomSettings{Kind: roomText}, relay.RoomDraft{}, ids[0])
	fillRoom(t, r, room, ids[0], n)
	p := purging{Erasing: relay.Erasing{From: ids[0]}, Index: "owner", Of: ids[0], Audit: auditRow{Who: ids[1], Action: "x"}}
	var longest, all time.Duration
	steps := 0
	for more := true; more; steps++ {
		next := p
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			began := time.Now()
			next = p
			more, err = next.step(tx, purgeResumes)
			took := time.Since(began)
			longest, all = max(longest, took), all+took
			return err
		})
		p = next
	}
	if p.Done[0] != n || held(t, r, room) != 0 {
		t.Errorf("erased %d of %d, %d are left", p.Done[0], n, held(t, r, room))
	}
	t.Logf("%d messages in %d steps, %v in all, the longest %v", n, steps, all, longest)
}
