package storage

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// A scan merges ordered sources: the pages of the file, above them what the
// journal holds, then what the batch has written so far, and above that what
// the closure has. Where several hold a key the highest wins.
//
// bbolt's own transaction stays untouched until the batch is complete, because
// its cursors do not stand changes: going backwards over a page that was
// emptied since the last commit they stop too early or loop for ever.

// A source is a cursor over part of a range. It stands on a pair: a nil key is
// the end, a nil value says that the key is deleted.
type source interface {
	peek() (key, value []byte)
	advance()
}

// holds tells whether the range contains the key.
func (r Range) holds(key []byte) bool {
	return bytes.Compare(key, r.From) >= 0 && (r.To == nil || bytes.Compare(key, r.To) < 0)
}

// pages are the pairs of the file.
type pages struct {
	c          *bolt.Cursor
	r          Range
	key, value []byte
}

func newPages(bucket *bolt.Bucket, r Range) *pages {
	p := &pages{c: bucket.Cursor(), r: r}
	switch {
	case !r.Reverse:
		p.take(p.c.Seek(r.From))
	case r.To == nil:
		p.take(p.c.Last())
	default:
		if k, _ := p.c.Seek(r.To); k == nil {
			p.take(p.c.Last())
		} else {
			p.take(p.c.Prev())
		}
	}
	return p
}

func (p *pages) take(k, v []byte) {
	if k != nil && !p.r.holds(k) {
		k, v = nil, nil
	}
	p.key, p.value = k, v
}

func (p *pages) peek() (key, value []byte) { return p.key, p.value }

func (p *pages) advance() {
	if p.r.Reverse {
		p.take(p.c.Prev())
	} else {
		p.take(p.c.Next())
	}
}

// written are the pairs of an overlay.
type written struct {
	o     *overlay
	r     Range
	i     int // index of the current entry
	grown int // o.grown when i was right
}

func newWritten(o *overlay, r Range) *written {
	w := &written{o: o, r: r, grown: o.grown}
	switch {
	case !r.Reverse:
		w.i, _ = o.search(r.From)
	case r.To == nil:
		w.i = len(o.entries) - 1
	default:
		i, _ := o.search(r.To)
		w.i = i - 1
	}
	return w
}

func (w *written) peek() (key, value []byte) {
	if w.i < 0 || w.i >= len(w.o.entries) || !w.r.holds(w.o.entries[w.i].key) {
		return nil, nil
	}
	return w.o.entries[w.i].key, w.o.entries[w.i].value
}

func (w *written) advance() {
	if w.r.Reverse {
		w.i--
	} else {
		w.i++
	}
}

// follow finds the place behind the pair last yielded again, where the loop
// that the scan feeds has inserted something.
func (w *written) follow(last []byte) {
	if w.grown == w.o.grown {
		return
	}
	w.grown = w.o.grown
	i, found := w.o.search(last)
	switch {
	case w.r.Reverse:
		w.i = i - 1
	case found:
		w.i = i + 1
	default:
		w.i = i
	}
}

// merged is one source above another. Where the lower one stands is kept, so
// that a stack of them asks each once a step; the upper one is asked each time,
// since what a closure has written may change while it scans.
type merged struct {
	low, high        source
	reverse          bool
	lowKey, lowValue []byte
}

func newMerged(low, high source, reverse bool) *merged {
	m := &merged{low: low, high: high, reverse: reverse}
	m.lowKey, m.lowValue = low.peek()
	return m
}

// side compares where the two stand: below 0 the low one comes first, above 0
// the high one, and at 0 the high one hides the low one.
func (m *merged) side(high []byte) int {
	switch {
	case high == nil:
		return -1
	case m.lowKey == nil:
		return 1
	case m.reverse:
		return bytes.Compare(high, m.lowKey)
	}
	return bytes.Compare(m.lowKey, high)
}

func (m *merged) peek() (key, value []byte) {
	key, value = m.high.peek()
	if m.side(key) < 0 {
		return m.lowKey, m.lowValue
	}
	return key, value
}

func (m *merged) advance() {
	high, _ := m.high.peek()
	side := m.side(high)
	if side <= 0 {
		m.low.advance()
		m.lowKey, m.lowValue = m.low.peek()
	}
	if side >= 0 {
		m.high.advance()
	}
}
