package chatalot

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// A stepper counts what each update touches, and ends after some as a power cut
// does: nothing is written any more.
type stepper struct {
	storage.Engine
	mu     sync.Mutex
	most   int // keys that one update wrote
	reads  int // keys that one update looked up
	ran    int
	refuse int // updates that still run; negative: all
}

func (s *stepper) Update(ctx context.Context, fn func(storage.Txn) error) error {
	s.mu.Lock()
	if s.refuse == 0 {
		s.mu.Unlock()
		return storage.ErrClosed
	}
	s.refuse--
	s.mu.Unlock()
	return s.Engine.Update(ctx, func(t storage.Txn) error {
		c := &counting{Txn: t}
		err := fn(c)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.most, s.reads, s.ran = max(s.most, c.writes), max(s.reads, c.reads), s.ran+1
		return err
	})
}

// reset starts counting, with so many updates left.
func (s *stepper) reset(updates int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most, s.reads, s.ran, s.refuse = 0, 0, 0, updates
}

// counted returns how much one update wrote and looked up at most, and how many
// there were.
func (s *stepper) counted() (most, reads, ran int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most, s.reads, s.ran
}

type counting struct {
	storage.Txn
	writes, reads int
}

func (c *counting) Put(k, v []byte)     { c.writes++; c.Txn.Put(k, v) }
func (c *counting) Delete(k []byte)     { c.writes++; c.Txn.Delete(k) }
func (c *counting) Get(k []byte) []byte { c.reads++; return c.Txn.Get(k) }

// reopened opens a relay on a directory, and returns what ends it.
func reopened(t testing.TB, dir string) (*relay.Relay, *stepper, func()) {
	t.Helper()
	store, err := storage.Open(filepath.Join(dir, "store"), storage.Options{NoSync: true, NoBallast: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &stepper{Engine: store, refuse: -1}
	r, err := relay.New(s, relay.Options{Dir: dir, NoLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	return r, s, func() {
		r.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// crowd registers people, and lets them into a community and its public groups.
func crowd(t testing.TB, r *relay.Relay, n int, community relay.ID) {
	t.Helper()
	for done := 0; done < n; done += 100 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range min(100, n-done) {
				acc, err := tx.Register(relay.AccountDraft{Family: family})
				if err != nil {
					return err
				}
				_, err = tx.Join(community, relay.Joining{By: acc.ID, Seat: relay.Seat{Account: acc.ID}})
				if err == nil {
					err = enterPublicGroups(tx, community, acc.ID, acc.ID)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// newTown makes a community of one owner with groups and channels, and things in
// the channels, and returns the rooms' ids and boxes, as they stand in keys.
func newTown(t testing.TB, r *relay.Relay, groups, channels int) (community relay.ID, owner relay.ID, traces [][]byte) {
	t.Helper()
	acc := person(t, r, "owner"+strconv.Itoa(groups))
	note := func(room relay.Room) {
		traces = append(traces, bytes.Clone(room.ID[:]), bytes.Clone(room.Box[:]))
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		set := roomSettings{Kind: roomCommunity, Name: "town", Owner: acc.ID}
		room, err := tx.OpenRoom(relay.RoomDraft{By: acc.ID, Family: family, Settings: set.bytes(), Members: []relay.Seat{{Account: acc.ID, Role: relay.RoleOwner}}})
		if err != nil {
			return err
		}
		community = room.ID
		note(room)
		return directory.Put(tx, room.ID, &directoryRow{room.ID})
	})
	for range groups {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			set := roomSettings{Kind: roomGroup, Name: "group", Owner: acc.ID}
			room, err := tx.OpenRoom(relay.RoomDraft{
				By: acc.ID, Family: family, Parent: community, Within: true, Settings: set.bytes(), Members: []relay.Seat{{Account: acc.ID, Role: relay.RoleOwner}},
			})
			if err != nil {
				return err
			}
			note(room)
			for range channels {
				if err := furnish(tx, acc.ID, room.ID, note); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return community, acc.ID, traces
}

// furnish makes a channel with one of everything that goes with it.
func furnish(tx *relay.Tx, who, group relay.ID, note func(relay.Room)) error {
	g := groupPlace{place: place{who: who}}
	var err error
	if g.Room, err = tx.Room(group); err != nil {
		return err
	}
	out, err := g.newChannel(tx, who, roomSettings{Kind: roomText, Name: "channel", Owner: who})
	if err != nil {
		return err
	}
	room, err := tx.Room(out.ID.id())
	if err != nil {
		return err
	}
	note(room)
	_, e, err := sendMessage(tx, who, posting{Channel: room.ID, Kind: kindText, Body: []byte("m"), Nonce: []byte{0}})
	if err != nil {
		return err
	}
	if _, err := tx.SetMark(e.ID, relay.Reaction, who, "x"); err != nil {
		return err
	}
	raw := e.ID.Bytes()
	p := newRecordID(tx)
	return firstError(
		polls.Put(tx, p, &poll{Channel: room.ID, By: who, Options: []string{"a", "b"}, Counts: []int{1, 0}}),
		votes.Put(tx, voteID(p, who, 0), &vote{Poll: p, User: who, Channel: room.ID}),
		webhooks.Put(tx, newRecordID(tx), &webhook{Channel: room.ID, Digest: webhookDigest(string(room.ID[:]))}),
		warnings.Put(tx, newRecordID(tx), &warning{Channel: room.ID, User: who, By: who}),
		bookmarks.Put(tx, newRecordID(tx), &bookmark{User: who, Channel: room.ID, Message: raw[:]}),
		schedule.Put(tx, newRecordID(tx), &scheduled{User: who, Channel: room.ID}),
	)
}

// left counts the keys that name what is gone.
func left(t testing.TB, r *relay.Relay, traces [][]byte) (n int) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for from := []byte(nil); ; {
			seen := 0
			for k := range tx.Scan(storage.Range{From: from}) {
				seen++
				from = append(bytes.Clone(k), 0)
				for _, trace := range traces {
					if bytes.Contains(k, trace) {
						n++
						break
					}
				}
			}
			if seen < storage.MaxScanKeys {
				return nil
			}
		}
	})
	return n
}

// A community of 5,000 goes in steps, of which none writes more than a bounded
// number of keys; a restart in between takes them up again; and nothing of it is
// left.
func TestDeleteCommunity_Steps(t *testing.T) {
	members, groups, channels := 5000, 3, 20
	if testing.Short() {
		members = 500
	}
	dir := t.TempDir()
	r, s, end := reopened(t, dir)
	community, owner, traces := newTown(t, r, groups, channels)
	crowd(t, r, members, community)
	s.reset(12) // the deletion and a few steps, then the power goes
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.CloseRoom(owner, community, []byte(roomCommunity)) })
	if err := r.RunDue(t.Context()); err == nil {
		t.Fatal("all was done before the restart")
	}
	most, _, _ := s.counted()
	end()

	r, s, end = reopened(t, dir)
	defer end()
	s.reset(-1)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if _, err := tx.Room(community); !relay.Is(err, relay.NotFound) {
			t.Errorf("the community can be reached: %v", err)
		}
		return nil
	})
	if err := r.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := left(t, r, traces); n > 0 {
		t.Errorf("%d keys are left", n)
	}
	more, reads, ran := s.counted()
	if most = max(most, more); most > 2500 {
		t.Errorf("one step wrote %d keys", most)
	}
	if ran < members/200 {
		t.Errorf("only %d steps after the restart", ran)
	}
	t.Logf("%d members: %d steps after the restart, at most %d keys written and %d looked up in one", members, ran, most, reads)
}

// A public group of a large community fills in steps, of which the first comes
// with the group.
func TestPostGroup_Steps(t *testing.T) {
	dir := t.TempDir()
	r, s, end := reopened(t, dir)
	defer end()
	community, owner, _ := newTown(t, r, 0, 0)
	crowd(t, r, 1000, community)
	s.reset(-1)
	var group relay.ID
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		set := roomSettings{Kind: roomGroup, Name: "all", Owner: owner}
		room, err := tx.OpenRoom(relay.RoomDraft{By: owner, Family: family, Parent: community, Within: true, Settings: set.bytes()})
		if err != nil {
			return err
		}
		group = room.ID
		return seatSome(tx, seating{Group: group, By: owner})
	})
	if err := r.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		room, err := tx.Room(group)
		if room.Members != 1001 {
			t.Errorf("%d members, want 1,001", room.Members)
		}
		return err
	})
	if most, _, _ := s.counted(); most > 1500 {
		t.Errorf("one step wrote %d keys", most)
	}
}
