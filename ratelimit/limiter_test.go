package ratelimit

import (
	"bytes"
	"encoding/binary"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func key(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }

func mustAllow(t *testing.T, l *Limiter, k []byte, want bool) time.Duration {
	t.Helper()
	ok, retry := l.Allow(k)
	if ok != want {
		t.Fatalf("Allow: got %v, want %v", ok, want)
	}
	if ok != (retry == 0) {
		t.Fatalf("Allow: ok %v with retryAfter %v", ok, retry)
	}
	return retry
}

func TestLimiter_Allow_BurstThenOneEachPer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(PerSecond(10, 3), 8)
		for range 3 {
			mustAllow(t, l, key(1), true)
		}
		retry := mustAllow(t, l, key(1), false)
		if retry != 100*time.Millisecond {
			t.Fatalf("retryAfter %v, want 100ms", retry)
		}
		time.Sleep(retry - time.Millisecond)
		mustAllow(t, l, key(1), false)
		time.Sleep(time.Millisecond)
		mustAllow(t, l, key(1), true)
		mustAllow(t, l, key(1), false)
	})
}

func TestLimiter_Allow_KeysApart(t *testing.T) {
	l := New(PerHour(1, 1), 8)
	mustAllow(t, l, key(1), true)
	mustAllow(t, l, key(1), false)
	mustAllow(t, l, key(2), true)
}

func TestLimiter_AllowN_AllOrNothing(t *testing.T) {
	l := New(PerHour(1, 5), 8)
	if ok, _ := l.AllowN(key(1), 6); ok {
		t.Fatal("more than the burst passed")
	}
	if ok, _ := l.AllowN(key(1), 4); !ok {
		t.Fatal("4 of 5 refused")
	}
	if ok, _ := l.AllowN(key(1), 2); ok {
		t.Fatal("2 of the 1 left passed")
	}
	if ok, _ := l.AllowN(key(1), 1); !ok {
		t.Fatal("a refused call took tokens")
	}
}

func TestLimiter_Peek_TakesNothing(t *testing.T) {
	l := New(PerHour(1, 1), 8)
	for range 3 {
		if ok, _ := l.Peek(key(1), 1); !ok {
			t.Fatal("Peek took the token")
		}
	}
	mustAllow(t, l, key(1), true)
	if ok, retry := l.Peek(key(1), 1); ok || retry <= 0 {
		t.Fatalf("Peek on an empty bucket: %v, %v", ok, retry)
	}
}

func TestLimiter_Spend_GoesIntoDebt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(PerSecond(1, 2), 8)
		l.Spend(key(1), 5)
		if retry := mustAllow(t, l, key(1), false); retry != 4*time.Second {
			t.Fatalf("retryAfter %v, want 4s: 3 owed and 1 to have", retry)
		}
		time.Sleep(4 * time.Second)
		mustAllow(t, l, key(1), true)
	})
}

func TestLimiter_Spend_DebtIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(PerSecond(1, 2), 8)
		l.Spend(key(1), math.MaxInt)
		if retry := mustAllow(t, l, key(1), false); retry > 30*time.Second {
			t.Fatalf("retryAfter %v: a debt for ever", retry)
		}
	})
}

// A full table neither grows, nor forgets who owes, nor lets newcomers pass unlimited.
func TestLimiter_Full_DebtsStayAndNewcomersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 50
		l := New(PerHour(60, 2), size)
		for i := range size {
			mustAllow(t, l, key(i), true)
			mustAllow(t, l, key(i), true)
		}
		passed := 0
		for i := range 1000 {
			if ok, _ := l.Allow(key(size + i)); ok {
				passed++
			}
		}
		if passed != 2 {
			t.Fatalf("%d newcomers passed, want the 2 of one shared bucket", passed)
		}
		for i := range size {
			mustAllow(t, l, key(i), false)
		}
		if n := len(l.table.slots); n != size || len(l.table.index) != size {
			t.Fatalf("table holds %d, %d indexed, want %d", n, len(l.table.index), size)
		}
	})
}

func TestLimiter_Full_RefilledIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(PerSecond(1, 1), 2)
		mustAllow(t, l, key(1), true)
		l.Spend(key(2), 10)
		time.Sleep(time.Second) // key 1 has all it can have, key 2 owes
		for range 3 {           // the shared bucket alone would pass one
			mustAllow(t, l, key(3), true)
			mustAllow(t, l, key(3), false)
			time.Sleep(time.Second)
		}
		mustAllow(t, l, key(2), false)
	})
}

func TestLimiter_NilAndZeroAllowEverything(t *testing.T) {
	if New(Rate{}, 8) != nil {
		t.Fatal("the zero Rate is a limit")
	}
	var l *Limiter
	for range 100 {
		mustAllow(t, l, key(1), true)
	}
	l.Spend(key(1), 1e9)
	if ok, _ := l.Peek(key(1), 1e9); !ok {
		t.Fatal("nil Limiter refused")
	}
}

func TestRate_NoneAnHour(t *testing.T) {
	l := New(PerHour(0, 1), 8)
	mustAllow(t, l, key(1), true)
	if retry := mustAllow(t, l, key(1), false); retry < 24*time.Hour {
		t.Fatalf("retryAfter %v", retry)
	}
}

// The table holds hashes only, and another table hashes otherwise.
func TestTable_KeysAreHashed(t *testing.T) {
	a, b := New(PerHour(1, 1), 8), New(PerHour(1, 1), 8)
	k := []byte("0123456789abcdef")
	da, db := a.table.digest(k), b.table.digest(k)
	if da == db {
		t.Fatal("two tables share a seed")
	}
	raw := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, da[0]), da[1])
	if bytes.Equal(raw, k) || da[0] == da[1] {
		t.Fatal("key is not hashed")
	}
}

func TestLimiter_ManyGoroutinesShareOneBurst(t *testing.T) {
	l := New(PerDay(1, 1000), 16)
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				if ok, _ := l.Allow(key(0)); ok {
					passed.Add(1)
				}
				l.Peek(key(i), 1)
			}
		})
	}
	wg.Wait()
	if n := passed.Load(); n != 1000 {
		t.Fatalf("%d passed, want 1000", n)
	}
}

func BenchmarkLimiter_Allow(b *testing.B) {
	l := New(PerSecond(20, 200), 1<<14)
	keys := make([][]byte, 1<<14)
	for i := range keys {
		keys[i] = append(key(i), key(i)...)
	}
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			l.Allow(keys[i%len(keys)])
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				l.Allow(keys[i%len(keys)])
			}
		})
	})
	full := New(PerDay(1, 1), 1<<14)
	for _, k := range keys {
		full.Allow(k)
	}
	b.Run("newcomerToFullTable", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			full.Allow(key(i + 1<<20))
		}
	})
}
