package relay_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// A setClock is a wall clock that a test sets, back as well.
type setClock struct{ ms atomic.Int64 }

func clockAt(ms int64) *setClock {
	c := new(setClock)
	c.ms.Store(ms)
	return c
}

func (c *setClock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

// Whatever several transactions write at once, whoever has seen one commit
// finds only greater times in the next; one transaction's times never fall, and
// no two of a box are equal.
func TestTx_Append_CommitOrder(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	boxes := manyBoxes(t, r, 8)
	var mu sync.Mutex
	var commits [][]relay.Entry // in commit order: hooks run in it
	var wg sync.WaitGroup
	for g := range 16 {
		rnd := rand.New(rand.NewPCG(1, uint64(g)))
		wg.Go(func() {
			for range 40 {
				picked := make([]relay.BoxID, 1+rnd.IntN(4))
				for i := range picked {
					picked[i] = boxes[rnd.IntN(len(boxes))]
				}
				err := attempt(r, func(tx *relay.Tx) error {
					var es []relay.Entry
					for i, b := range picked {
						lane := []relay.Lane{relay.Messages, relay.Events}[i%2]
						e, err := tx.Append(b, relay.Draft{Lane: lane})
						if err != nil {
							return err
						}
						es = append(es, e)
					}
					tx.OnCommit(func() { mu.Lock(); commits = append(commits, es); mu.Unlock() })
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	last, seen := map[relay.BoxID]relay.Time{}, relay.Time(0)
	for _, es := range commits {
		own := relay.Time(0)
		for i, e := range es {
			if e.ID.Time < own || e.Place != uint16(i) {
				t.Fatalf("within a transaction time %d of place %d follows %d", e.ID.Time, e.Place, own)
			}
			if e.ID.Time <= last[e.ID.Box] {
				t.Fatalf("within a box %d follows %d", e.ID.Time, last[e.ID.Box])
			}
			own, last[e.ID.Box] = e.ID.Time, e.ID.Time
		}
		seen = max(seen, own)
	}
	after := group(t, r, 1, boxes...)
	for _, e := range after {
		if e.ID.Time <= seen {
			t.Errorf("a later commit has time %d, not after %d", e.ID.Time, seen)
		}
	}
	if len(commits) != 16*40 {
		t.Errorf("%d commits", len(commits))
	}
}

// A clock that is set back changes nothing about the order, within a run and
// over restarts.
func TestTx_Append_ClockSetBack(t *testing.T) {
	dir, clock := t.TempDir(), clockAt(1_700_000_000_000)
	var b, other relay.BoxID
	var times []relay.Time
	for i, at := range []int64{1_700_000_000_000, 1_000, 1_700_000_000_000 - 86_400_000, 0, 1_700_000_100_000, 5} {
		clock.ms.Store(at)
		t.Run("open", func(t *testing.T) {
			r := relaytest.Open(t, dir, relay.Options{Now: clock.now})
			if i == 0 {
				b, other = box(t, r), box(t, r)
			}
			for j := range 5 {
				if j == 3 {
					clock.ms.Add(-3_600_000)
				}
				es := group(t, r, 1, b, other)
				times = append(times, es[0].ID.Time)
				if es[0].ID.Time != es[1].ID.Time {
					t.Errorf("one commit has times %d and %d", es[0].ID.Time, es[1].ID.Time)
				}
			}
			got := since(t, r, relay.Page{Entries: 1000, Bytes: 1 << 20}, relay.Reading{Box: b})
			if len(got) != len(times) {
				t.Errorf("%d entries, want %d", len(got), len(times))
			}
		})
	}
	for i := range times[1:] {
		if times[i+1] <= times[i] {
			t.Errorf("time %d follows %d", times[i+1], times[i])
		}
	}
	if want := relay.Time(1_700_000_100_000); times[20] != want {
		t.Errorf("the clock set forward again gives %d, want %d", times[20], want)
	}
}

// One cursor over several boxes, pages of a few, posters at work on all of them,
// a clock that jumps: the reader gets every entry once, in order.
func TestTx_Since_Cursor(t *testing.T) {
	for seed := range uint64(4) {
		clock := clockAt(1_700_000_000_000)
		r := relaytest.New(t, relay.Options{Now: clock.now})
		boxes := manyBoxes(t, r, 6)
		var mu sync.Mutex
		written := map[relay.EntryID]bool{}
		var posters, readers sync.WaitGroup
		for p := range uint64(4) {
			rnd := rand.New(rand.NewPCG(seed, p))
			posters.Go(func() {
				for range 60 {
					clock.ms.Add(rnd.Int64N(5) - 2)
					posted, err := postSome(r, rnd, boxes)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					for _, id := range posted {
						written[id] = true
					}
					mu.Unlock()
				}
			})
		}
		done := make(chan struct{})
		seen := make([][]relay.EntryID, 3)
		for i, page := range []relay.Page{{Entries: 1, Bytes: 1 << 20}, {Entries: 7, Bytes: 1 << 20}, {Entries: 1000, Bytes: 100}} {
			readers.Go(func() { seen[i] = poll(t, r, boxes, page, done) })
		}
		posters.Wait()
		close(done)
		readers.Wait()
		for i, got := range seen {
			for j, id := range got {
				if !written[id] || j > 0 && got[j-1].Time > id.Time {
					t.Fatalf("reader %d: %v at %d is out of order or was never written", i, id, j)
				}
			}
			slices.SortFunc(got, func(a, b relay.EntryID) int {
				x, y := a.Bytes(), b.Bytes()
				return slices.Compare(x[:], y[:])
			})
			if n := len(slices.Compact(got)); n != len(got) || n != len(written) {
				t.Errorf("reader %d saw %d, %d of them different, of %d", i, len(got), n, len(written))
			}
		}
	}
}

// postSome appends up to five messages in one update, which fails now and then.
func postSome(r *relay.Relay, rnd *rand.Rand, boxes []relay.BoxID) (ids []relay.EntryID, err error) {
	picked, fail := make([]int, 1+rnd.IntN(5)), rnd.IntN(8) == 0
	for i := range picked {
		picked[i] = rnd.IntN(len(boxes))
	}
	failed := errors.New("fails")
	err = attempt(r, func(tx *relay.Tx) error {
		ids = nil
		for _, i := range picked {
			e, err := tx.Append(boxes[i], relay.Draft{Body: []byte("0123456789")})
			if err != nil {
				return err
			}
			ids = append(ids, e.ID)
		}
		if fail {
			return failed
		}
		return nil
	})
	if errors.Is(err, failed) {
		return nil, nil
	}
	return ids, err
}

// poll reads until done is closed and nothing is left.
func poll(t *testing.T, r *relay.Relay, boxes []relay.BoxID, page relay.Page, done <-chan struct{}) (seen []relay.EntryID) {
	w := r.Hub().Watch(boxes...)
	defer w.Close()
	ring := w.C()
	for at, last := relay.Time(0), false; ; {
		es := since(t, r, page, readings(boxes, at)...)
		if len(es) > 0 {
			seen, at = append(seen, ids(es)...), es[len(es)-1].ID.Time
			continue
		}
		if last {
			return seen
		}
		select {
		case <-ring:
		case <-done:
			last = true
		}
	}
}
