package storage

import (
	"os"
	"sync/atomic"
	"time"
)

// Stats are numbers about an open store. They name nobody.
type Stats struct {
	FileSize   int64 // bytes, free pages included
	FreeBytes  int64 // in free pages, as of the last commit
	Batches    int64 // committed since Open
	Updates    int64 // answered since Open, those that failed alone included
	Waiting    int   // updates in the queue
	LastCommit time.Time
	LastStamp  int64 // the commit clock
	Full       bool  // the disk was found full a moment ago
	Broken     bool  // the writer has stopped, see ErrBroken
	Journal    JournalStats
}

// JournalStats are zero where there is no journal.
type JournalStats struct {
	Size        int64 // of its two files together
	Epoch       int64 // how often a file was begun
	Bytes       int64 // in the file that is being filled
	Memory      int64 // roughly, what is not in the store's file yet takes
	Checkpoints int64 // since Open
	Waits       int64 // since Open, how often the writer waited for one
}

// MeanBatch is the mean number of updates a commit carried.
func (s Stats) MeanBatch() float64 {
	if s.Batches == 0 {
		return 0
	}
	return float64(s.Updates) / float64(s.Batches)
}

// counters are what the writer counts.
type counters struct {
	batches, updates, lastCommit, lastStamp atomic.Int64
}

// count notes a batch that was committed.
func (b *Bolt) count(ba *batch) {
	c := &b.counters
	c.batches.Add(1)
	c.updates.Add(int64(len(ba.done)))
	if ba.dirty() {
		c.lastCommit.Store(b.opts.Clock().UnixMilli())
	}
	c.lastStamp.Store(max(c.lastStamp.Load(), ba.clock.max))
}

// Stats returns the numbers of this moment. It is cheap.
func (b *Bolt) Stats() Stats {
	c := &b.counters
	s := Stats{
		FreeBytes: b.freeBytes(),
		Batches:   c.batches.Load(),
		Updates:   c.updates.Load(),
		Waiting:   len(b.queue),
		LastStamp: c.lastStamp.Load(),
		Full:      b.pressure.pressed.Load() || b.tight.Load(),
		Broken:    b.broken.Load() != nil,
	}
	if t := c.lastCommit.Load(); t != 0 {
		s.LastCommit = time.UnixMilli(t)
	}
	if j := b.journal; j != nil {
		now := b.state.Load()
		s.Journal = JournalStats{
			Size:        j.segs[0].size + j.segs[1].size,
			Epoch:       int64(now.epoch),
			Bytes:       now.tail - blockSize,
			Memory:      now.outstanding(),
			Checkpoints: j.check.done.Load(),
			Waits:       j.check.waits.Load(),
		}
	}
	if info, err := os.Stat(b.path); err == nil {
		s.FileSize = info.Size()
	}
	return s
}
