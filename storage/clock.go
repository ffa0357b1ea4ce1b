package storage

import "time"

// stamps are the times given out by one transaction, or by a whole batch: the
// last one of each sequence, and the greatest of all. The greatest is what a
// commit leaves in the file, so that the next batch begins above it.
type stamps struct {
	last map[string]int64
	max  int64
}

// next gives a sequence its next time, not below base, above what the batch
// so far has given the sequence, and never falling within the transaction.
func (s *stamps) next(seq string, base int64, batch stamps) int64 {
	t := max(base, s.max)
	if last, ok := batch.last[seq]; ok {
		t = max(t, last+1)
	}
	if last, ok := s.last[seq]; ok {
		t = max(t, last+1)
	}
	s.keep(seq, t)
	return t
}

func (s *stamps) keep(seq string, t int64) {
	if s.last == nil {
		s.last = make(map[string]int64, 1)
	}
	s.last[seq] = t
	s.raise(t)
}

func (s *stamps) raise(t int64) { s.max = max(s.max, t) }

// merge takes over what a transaction gave out, once it has succeeded.
func (s *stamps) merge(t stamps) {
	for seq, last := range t.last {
		s.keep(seq, last)
	}
	s.raise(t.max)
}

// batchTime is the time a batch begins with: the wall clock, but above
// everything committed, so a clock that was set back changes nothing.
func batchTime(clock func() time.Time, committed int64) int64 {
	return max(clock().UnixMilli(), committed+1)
}
