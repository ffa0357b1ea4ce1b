package storage

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// A scan merges two ordered sides, the pages of the file and the overlay of
// the closure. Where both hold a key the overlay wins.
type scan struct {
	r    Range
	base *baseCursor
	over *overlay

	i     int    // the overlay's entry that comes next
	grown int    // over.grown when i was computed
	last  []byte // the last key passed, on either side
}

func newScan(bucket *bolt.Bucket, over *overlay, r Range) *scan {
	s := &scan{r: r, base: newBaseCursor(bucket, r), over: over}
	s.place()
	return s
}

// place finds the overlay's next entry anew: at the start, and after the loop
// that is being fed has inserted something.
func (s *scan) place() {
	s.grown = s.over.grown
	from, to := s.r.From, s.r.To
	if s.r.Reverse {
		if s.last != nil {
			to = s.last
		}
		s.i = len(s.over.entries) - 1
		if to != nil {
			i, _ := s.over.search(to)
			s.i = i - 1
		}
		return
	}
	if s.last == nil {
		s.i, _ = s.over.search(from)
		return
	}
	i, found := s.over.search(s.last)
	if found {
		i++
	}
	s.i = i
}

// peek returns the overlay's next entry inside the range, or nil.
func (s *scan) peek() *entry {
	if s.grown != s.over.grown {
		s.place()
	}
	e := s.over.at(s.i)
	if e == nil || !s.r.holds(e.key) {
		return nil
	}
	return e
}

// next returns the next pair, or a nil key at the end.
func (s *scan) next() (key, value []byte) {
	for {
		k, v := s.base.key, s.base.value
		e := s.peek()
		if e == nil || k != nil && s.before(k, e.key) {
			if k != nil {
				s.last = k
				s.base.advance()
			}
			return k, v
		}
		if k != nil && bytes.Equal(k, e.key) {
			s.base.advance()
		}
		s.last = e.key
		s.i += s.step()
		if e.value != nil {
			return e.key, e.value
		}
	}
}

func (s *scan) step() int {
	if s.r.Reverse {
		return -1
	}
	return 1
}

// before tells whether a comes before b in the direction of the scan.
func (s *scan) before(a, b []byte) bool {
	return bytes.Compare(a, b)*s.step() < 0
}

// holds tells whether the range contains the key.
func (r Range) holds(key []byte) bool {
	return bytes.Compare(key, r.From) >= 0 && (r.To == nil || bytes.Compare(key, r.To) < 0)
}

// A baseCursor walks a range of the file, one pair ahead: key and value are
// the pair that comes next, key is nil at the end.
type baseCursor struct {
	c          *bolt.Cursor
	r          Range
	key, value []byte
	first      []byte // the bucket's first key, once Prev has needed it
}

func newBaseCursor(bucket *bolt.Bucket, r Range) *baseCursor {
	b := &baseCursor{c: bucket.Cursor(), r: r}
	switch {
	case !r.Reverse && r.From == nil:
		b.take(b.c.First())
	case !r.Reverse:
		b.take(b.c.Seek(r.From))
	case r.To == nil:
		b.take(b.c.Last())
	default:
		if k, _ := b.c.Seek(r.To); k == nil {
			b.take(b.c.Last())
		} else {
			b.take(b.prev(k))
		}
	}
	return b
}

func (b *baseCursor) take(k, v []byte) {
	if k != nil && !b.r.holds(k) {
		k, v = nil, nil
	}
	b.key, b.value = k, v
}

func (b *baseCursor) advance() {
	if b.r.Reverse {
		b.take(b.prev(b.key))
	} else {
		b.take(b.c.Next())
	}
}

// prev is the pair before key, where the cursor stands. bbolt's Prev returns
// nil at the beginning, but also when it comes to a page that earlier closures
// of the same batch have emptied (its Next steps over those). So a nil is
// believed only at the first key of all.
func (b *baseCursor) prev(key []byte) (k, v []byte) {
	k, v = b.c.Prev()
	if k != nil {
		return k, v
	}
	if b.first == nil {
		b.first, _ = b.c.Bucket().Cursor().First()
	}
	for k == nil && bytes.Compare(b.first, key) < 0 {
		k, v = b.c.Prev()
	}
	return k, v
}
