package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"
)

// sweep is how many slots a newcomer to a full table looks at for one that owes nothing. The hand goes on from where the
// last newcomer left it, so the whole table is seen in turn and no call pays for all of it.
const sweep = 16

// A digest stands for a key: two 64-bit hashes under two seeds.
type digest [2]uint64

// A table holds at most size buckets by key. B must be usable again as it is once clear reports true.
type table[B any] struct {
	seeds [2]maphash.Seed
	size  int
	fresh func() B
	clear func(b B, now time.Time) bool // b owes nothing: forgetting it changes no answer

	mu     sync.Mutex // guards the rest, and whatever the buckets hold
	index  map[digest]int
	slots  []slot[B]
	hand   int
	shared B // of all newcomers while the table is full of debts
}

type slot[B any] struct {
	key    digest
	bucket B
}

func newTable[B any](size int, fresh func() B, clear func(B, time.Time) bool) *table[B] {
	return &table[B]{
		seeds:  [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		size:   max(size, 1),
		fresh:  fresh,
		clear:  clear,
		index:  make(map[digest]int),
		shared: fresh(),
	}
}

func (t *table[B]) digest(key []byte) digest {
	return digest{maphash.Bytes(t.seeds[0], key), maphash.Bytes(t.seeds[1], key)}
}

// findLocked returns the key's bucket: its own, a new one, one that was clear, or the shared one.
func (t *table[B]) findLocked(key digest, now time.Time) B {
	if i, ok := t.index[key]; ok {
		return t.slots[i].bucket
	}
	if len(t.slots) < t.size {
		t.index[key] = len(t.slots)
		t.slots = append(t.slots, slot[B]{key, t.fresh()})
		return t.slots[len(t.slots)-1].bucket
	}
	for range min(sweep, t.size) {
		i := t.hand
		t.hand = (t.hand + 1) % t.size
		if s := &t.slots[i]; t.clear(s.bucket, now) {
			delete(t.index, s.key)
			s.key, t.index[key] = key, i
			return s.bucket
		}
	}
	return t.shared
}
