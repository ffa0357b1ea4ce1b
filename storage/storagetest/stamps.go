package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"restante/storage"
)

// stamp gives out one stamp of each sequence, in a commit of its own.
func (s *store) stamp(seqs ...string) (list []int64) {
	s.t.Helper()
	s.update(func(tx storage.Txn) {
		list = nil
		for _, seq := range seqs {
			list = append(list, tx.Stamp([]byte(seq)))
		}
	})
	return list
}

// now is the clock that a View sees.
func (s *store) now() (now int64) {
	s.t.Helper()
	s.view(func(tx storage.Txn) { now = tx.Now() })
	return now
}

func testStamp(t *testing.T, s *store) {
	if got := s.now(); got != 0 {
		t.Errorf("a fresh store's clock: got %d", got)
	}
	wall := s.wall.UnixMilli()
	if got := s.stamp("a", "b", "a", "a", "b", "c"); !slices.Equal(got, []int64{wall, wall, wall + 1, wall + 2, wall + 2, wall + 2}) {
		t.Errorf("within one transaction: got %v above %d", got, wall)
	}
	if got := s.now(); got != wall+2 {
		t.Errorf("clock: got %d, want %d", got, wall+2)
	}
	s.update(func(tx storage.Txn) {
		if tx.Now() != wall+3 {
			t.Errorf("Now in an update: got %d, want %d", tx.Now(), wall+3)
		}
	})
	if got := s.stamp("z"); got[0] != wall+3 {
		t.Errorf("next commit: got %d, want %d", got[0], wall+3)
	}
	s.wall = s.wall.Add(time.Minute)
	if got := s.stamp("a"); got[0] != s.wall.UnixMilli() {
		t.Errorf("after a minute: got %d, want %d", got[0], s.wall.UnixMilli())
	}
}

// In a batch each sequence rises by itself. Engines without batches give later
// times, which is no less right.
func testStampBatch(t *testing.T, s *store) {
	var got []int64
	stamp := func(seq string) func(storage.Txn) error {
		return func(tx storage.Txn) error { got = append(got, tx.Stamp([]byte(seq))); return nil }
	}
	if err := errors.Join(s.together(stamp("a"), stamp("b"), stamp("a"), stamp("b"), stamp("a"))...); err != nil {
		t.Fatal(err)
	}
	if !(got[0] < got[2] && got[2] < got[4] && got[1] < got[3]) {
		t.Errorf("got %v", got)
	}
	if now := s.now(); now != slices.Max(got) {
		t.Errorf("clock: got %d, want the greatest of %v", now, got)
	}
	if _, ok := s.Engine.(Batcher); ok {
		wall := s.wall.UnixMilli()
		if want := []int64{wall, wall, wall + 1, wall + 1, wall + 2}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// What a failed update was given is given again.
func testStampFailed(t *testing.T, s *store) {
	before := s.stamp("a")[0]
	s.together(
		func(tx storage.Txn) error { tx.Stamp([]byte("a")); tx.Stamp([]byte("a")); return errOnPurpose },
		func(tx storage.Txn) error {
			if got := tx.Stamp([]byte("a")); got != before+1 {
				t.Errorf("got %d, want %d", got, before+1)
			}
			return nil
		})
	if got := s.now(); got != before+1 {
		t.Errorf("clock: got %d, want %d", got, before+1)
	}
}

func testStampClockSetBack(t *testing.T, s *store) {
	last := s.stamp("a")[0]
	for _, back := range []time.Time{s.wall.Add(-time.Hour), time.Unix(0, 0), time.Unix(-1000, 0), {}} {
		s.wall = back
		if got := s.stamp("a")[0]; got != last+1 {
			t.Errorf("clock at %v: got %d, want %d", back, got, last+1)
		}
		last++
	}
}

func testStampRestart(t *testing.T, s *store) {
	last := s.stamp("a", "a", "a")[2]
	s.wall = s.wall.Add(-time.Hour)
	s.reopen()
	if got := s.now(); got != last {
		t.Errorf("clock: got %d, want %d", got, last)
	}
	if got := s.stamp("b")[0]; got != last+1 {
		t.Errorf("got %d, want %d", got, last+1)
	}
}

// Whoever has seen time T finds everything that is committed later above T.
func testStampConcurrent(t *testing.T, s *store) {
	const writers, rounds = 8, 25
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for w := range writers {
		wg.Go(func() {
			for range rounds {
				err := s.Update(t.Context(), func(tx storage.Txn) error {
					seq := fmt.Append(nil, w%3)
					tx.Put(fmt.Appendf(nil, "%s/%016d", seq, tx.Stamp(seq)), nil)
					return nil
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
			}
		})
	}
	var reader sync.WaitGroup
	reader.Go(func() { s.follow(t, stop, writers*rounds) })
	wg.Wait()
	close(stop)
	reader.Wait()
}

// follow reads three sequences behind a cursor until stop, and then once more.
func (s *store) follow(t *testing.T, stop chan struct{}, want int) {
	seen, cursor := 0, int64(0)
	for last := false; ; {
		err := s.View(t.Context(), func(tx storage.Txn) error {
			for seq := range 3 {
				from := fmt.Appendf(nil, "%d/%016d", seq, cursor+1)
				to := fmt.Appendf(nil, "%d0", seq)
				seen += len(keys(tx, storage.Range{From: from, To: to}))
			}
			cursor = tx.Now()
			return nil
		})
		if err != nil {
			t.Errorf("view: %v", err)
		}
		if last {
			break
		}
		select {
		case <-stop:
			last = true
		default:
		}
	}
	if seen != want {
		t.Errorf("the reader saw %d entries of %d", seen, want)
	}
}
