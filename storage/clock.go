package storage

import "time"

// stamps are the times given out by one transaction, or by a whole batch: the
// last one of each sequence, and the greatest of all. The greatest is what a
// commit leaves in the file, so that the next batch begins above it.
type stamps struct {
	first string // nearly every transaction has one sequence only
	at    int64  // its last time; 0: there is none
	more  map[string]int64
	max   int64
}

// last returns the last time of a sequence, 0 when it has none.
func (s *stamps) last(seq string) int64 {
	if s.at != 0 && s.first == seq {
		return s.at
	}
	return s.more[seq]
}

// next gives a sequence its next time, not below base, above what the batch
// so far has given the sequence, and never falling within the transaction.
func (s *stamps) next(seq string, base int64, batch *stamps) int64 {
	t := max(base, s.max)
	for _, last := range [...]int64{batch.last(seq), s.last(seq)} {
		if last != 0 {
			t = max(t, last+1)
		}
	}
	s.keep(seq, t)
	return t
}

func (s *stamps) keep(seq string, t int64) {
	switch {
	case s.at == 0 || s.first == seq:
		s.first, s.at = seq, t
	case s.more == nil:
		s.more = map[string]int64{seq: t}
	default:
		s.more[seq] = t
	}
	s.raise(t)
}

func (s *stamps) raise(t int64) { s.max = max(s.max, t) }

// merge takes over what a transaction gave out, once it has succeeded.
func (s *stamps) merge(t *stamps) {
	if t.at != 0 {
		s.keep(t.first, t.at)
	}
	for seq, last := range t.more {
		s.keep(seq, last)
	}
	s.raise(t.max)
}

// batchTime is the time a batch begins with: the wall clock, but above
// everything committed, so a clock that was set back changes nothing.
func batchTime(clock func() time.Time, committed int64) int64 {
	return max(clock().UnixMilli(), committed+1)
}
