package ratelimit

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func mustPeek(t *testing.T, s *Shares, k []byte, bytes int, want bool) time.Duration {
	t.Helper()
	ok, retry := s.Peek(k, bytes)
	if ok != want {
		t.Fatalf("Peek(%d bytes): got %v, want %v", bytes, ok, want)
	}
	if ok != (retry == 0) {
		t.Fatalf("Peek: ok %v with retryAfter %v", ok, retry)
	}
	return retry
}

func TestShares_Entries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShares(Share{Entries: 3}, 8)
		for range 3 {
			mustPeek(t, s, key(1), 1<<30, true)
			s.Add(key(1), 1<<30)
			time.Sleep(time.Hour)
		}
		if retry := mustPeek(t, s, key(1), 1, false); retry != 21*time.Hour {
			t.Fatalf("retryAfter %v, want 21h: 24 from the first entry", retry)
		}
		mustPeek(t, s, key(2), 1, true)
		time.Sleep(21 * time.Hour)
		mustPeek(t, s, key(1), 1, true)
	})
}

func TestShares_Bytes(t *testing.T) {
	s := NewShares(Share{Bytes: 100}, 8)
	s.Add(key(1), 60)
	mustPeek(t, s, key(1), 41, false)
	mustPeek(t, s, key(1), 40, true)
	s.Add(key(1), 40)
	mustPeek(t, s, key(1), 1, false)
	if retry := mustPeek(t, s, key(2), 101, false); retry != day {
		t.Fatalf("larger than a share: retryAfter %v", retry)
	}
}

func TestShares_Full_DebtsStayAndNewcomersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 20
		s := NewShares(Share{Entries: 1}, size)
		for i := range size {
			s.Add(key(i), 1)
		}
		mustPeek(t, s, key(100), 1, true)
		s.Add(key(100), 1)
		for i := range 100 {
			mustPeek(t, s, key(200+i), 1, false)
		}
		for i := range size {
			mustPeek(t, s, key(i), 1, false)
		}
		time.Sleep(day)
		for i := range size {
			s.Add(key(300+i), 1)
			mustPeek(t, s, key(300+i), 1, false)
		}
		if n := len(s.table.slots); n != size {
			t.Fatalf("table holds %d, want %d", n, size)
		}
	})
}

func TestShares_NilAllowsEverything(t *testing.T) {
	var s *Shares
	s.Add(key(1), 1<<30)
	mustPeek(t, s, key(1), 1<<30, true)
}

func TestShares_ManyGoroutinesLoseNothing(t *testing.T) {
	s := NewShares(Share{Entries: 4001}, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				s.Add(key(1), 1)
				s.Peek(key(1), 1)
			}
		})
	}
	wg.Wait()
	mustPeek(t, s, key(1), 1, true)
	s.Add(key(1), 1)
	mustPeek(t, s, key(1), 1, false)
}
