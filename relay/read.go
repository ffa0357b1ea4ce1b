package relay

import (
	"container/heap"
	"iter"

	"restante/storage"
)

// A Page bounds one answer: so many entries, so many bytes of them as stored.
type Page struct {
	Entries int
	Bytes   int
}

// A Reading is one box and the time after which it is read.
type Reading struct {
	Box   BoxID
	After Time
}

// Since returns what a lane of several boxes holds after their times, merged,
// oldest first. The page is cut only between times, so a reader that goes on
// from the greatest time it got misses nothing; one time is never cut, even if
// it alone is more than the page.
func (tx *Tx) Since(lane Lane, from []Reading, p Page) ([]Entry, error) {
	got, _, err := tx.since(lane, from, maxTime, p)
	return got, err
}

// since is Since up to and including a time, and reports whether the page was
// cut.
func (tx *Tx) since(lane Lane, from []Reading, upTo Time, p Page) (_ []Entry, cut bool, _ error) {
	got := make([]Entry, 0, min(p.Entries, 16))
	whole, bytes, now := 0, 0, tx.r.Now() // got[:whole] ends between times
	for id, v := range tx.merge(lane, from, upTo) {
		if len(got) > 0 && got[len(got)-1].ID.Time != id.Time {
			whole = len(got)
		}
		bytes += len(v)
		if (len(got) >= p.Entries || bytes > p.Bytes) && whole > 0 {
			return got[:whole], true, nil
		}
		e, err := decodeEntry(lane, id, v)
		if err != nil {
			return nil, false, err
		}
		if e.readable(now) {
			got = append(got, e)
		}
	}
	return got, false, nil
}

// Before returns up to n entries of a box before a time, newest first. A zero
// time means from the end.
func (tx *Tx) Before(lane Lane, b BoxID, before, notBefore Time, n int) ([]Entry, error) {
	if before == 0 {
		before = maxTime
	}
	rg := between(byte(lane), b, max(notBefore, 1)-1, max(before, 1)-1)
	rg.Reverse = true
	var got []Entry
	now := tx.r.Now()
	for k, v := range tx.each(rg) {
		if len(got) == n {
			break
		}
		e, err := decodeEntry(lane, EntryID{b, entryTime(k)}, v)
		if err != nil {
			return nil, err
		}
		if e.readable(now) {
			got = append(got, e)
		}
	}
	return got, nil
}

// Replies returns up to n entries that hang under root, after a time, oldest
// first.
func (tx *Tx) Replies(root EntryID, from Time, n int) ([]Entry, error) {
	rg := newKey(kindReply).box(root.Box).time(root.Time).all()
	rg.From = newKey(kindReply).box(root.Box).time(root.Time).time(after(from))
	var got []Entry
	for k := range tx.each(rg) {
		if len(got) == n {
			break
		}
		e, err := tx.Entry(Messages, EntryID{root.Box, getTime(k[len(k)-6:])})
		if Is(err, NotFound) {
			continue // expired
		}
		if err != nil {
			return nil, err
		}
		got = append(got, e)
	}
	return got, nil
}

// HasSince reports which of the boxes, the first in order, holds something to
// read after its time; -1 when none does.
func (tx *Tx) HasSince(lane Lane, from []Reading) int {
	now := tx.r.Now()
	for i, f := range from {
		for k, v := range tx.each(between(byte(lane), f.Box, f.After, maxTime)) {
			// What does not decode counts: reading it says so.
			e, err := decodeEntry(lane, EntryID{f.Box, entryTime(k)}, v)
			if err != nil || e.readable(now) {
				return i
			}
		}
	}
	return -1
}

// each yields all pairs of a range, where one Scan ends after
// [storage.MaxScanKeys]. The loop bounds itself.
func (tx *Tx) each(rg storage.Range) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for {
			n, last := 0, key(nil)
			for k, v := range tx.Scan(rg) {
				if n++; n == storage.MaxScanKeys {
					last = append(last, k...)
				}
				if !yield(k, v) {
					return
				}
			}
			if last == nil {
				return
			}
			if rg.Reverse {
				rg.To = last
			} else {
				rg.From = last.byte(0)
			}
		}
	}
}

// merge yields the entries of several boxes in order of time; within one time
// in the order of from.
func (tx *Tx) merge(lane Lane, from []Reading, upTo Time) iter.Seq2[EntryID, []byte] {
	if len(from) == 1 {
		return tx.alone(lane, from[0], upTo)
	}
	return func(yield func(EntryID, []byte) bool) {
		var h merging
		for i, f := range from {
			s := &stream{box: f.Box, order: i}
			s.next, s.stop = iter.Pull2(tx.each(between(byte(lane), f.Box, f.After, upTo)))
			defer s.stop()
			if s.advance() {
				h = append(h, s)
			}
		}
		for heap.Init(&h); len(h) > 0; {
			if !yield(EntryID{h[0].box, h[0].time}, h[0].value) {
				return
			}
			if h[0].advance() {
				heap.Fix(&h, 0)
			} else {
				heap.Pop(&h)
			}
		}
	}
}

// alone is merge for one box, which is nearly always, without its price.
func (tx *Tx) alone(lane Lane, f Reading, upTo Time) iter.Seq2[EntryID, []byte] {
	return func(yield func(EntryID, []byte) bool) {
		for k, v := range tx.each(between(byte(lane), f.Box, f.After, upTo)) {
			if !yield(EntryID{f.Box, entryTime(k)}, v) {
				return
			}
		}
	}
}

// A stream is one box's part of a merge.
type stream struct {
	box   BoxID
	order int
	time  Time
	value []byte
	next  func() ([]byte, []byte, bool)
	stop  func()
}

// advance moves to the next pair and reports whether there is one.
func (s *stream) advance() bool {
	k, v, ok := s.next()
	if ok {
		s.time, s.value = entryTime(k), v
	}
	return ok
}

// merging is a heap of streams, the earliest first.
type merging []*stream

func (m merging) Len() int      { return len(m) }
func (m merging) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *merging) Push(x any)   { *m = append(*m, x.(*stream)) }
func (m *merging) Pop() any {
	old := *m
	s := old[len(old)-1]
	*m = old[:len(old)-1]
	return s
}
func (m merging) Less(i, j int) bool {
	if m[i].time != m[j].time {
		return m[i].time < m[j].time
	}
	return m[i].order < m[j].order
}
