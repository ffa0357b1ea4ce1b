package storage

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A batch is one commit, shared by the updates that were waiting together. It
// reads from a snapshot, and becomes a record of the journal; without a
// journal, or when it is longer than a file of it, a commit of bbolt's.
type batch struct {
	b     *Bolt
	base  *snapshot
	over  overlay // what its updates have written so far
	now   int64   // the batch's time, see batchTime
	clock stamps
	last  int64 // the greatest stamp ever, set when it commits
	space space

	done  []*request // in order, those that failed alone included
	hooks []func()
}

func (b *Bolt) newBatch() (*batch, error) {
	if b.journal != nil {
		b.lookAtDisk()
	}
	base, err := b.snapshot()
	if err != nil {
		return nil, err
	}
	return &batch{
		b: b, base: base,
		now:   batchTime(b.opts.Clock, base.now),
		space: b.measure(base.tx),
	}, nil
}

// open tells whether the batch takes one more.
func (ba *batch) open() bool {
	return len(ba.done) < maxBatch && ba.over.put < batchBytes && len(ba.over.entries) < MaxTxnKeys
}

// run runs one update on top of what the batch holds. It returns false when
// the update does not fit any more, and must be run again in the next batch.
func (ba *batch) run(r *request) (fits bool) {
	t := &txn{base: ba.base, batch: ba, now: ba.now}
	defer t.end()
	r.call(t)
	put := ba.over.put + t.over.put
	if r.err == nil && len(ba.done) > 0 && put > MaxTxnBytes {
		return false
	}
	if r.err == nil && ba.space.short(put) && !ba.space.takes(t) {
		r.err = ErrFull
	}
	ba.done = append(ba.done, r)
	if r.err == nil {
		ba.over.merge(&t.over)
		ba.clock.merge(&t.clock)
		ba.hooks = append(ba.hooks, t.hooks...)
	}
	return true
}

// dirty tells whether there is something to commit.
func (ba *batch) dirty() bool { return !ba.over.empty() || ba.clock.max > 0 }

// commit makes what was written durable and visible. The errors are ErrFull,
// when nothing of it is kept, and what makes the writer stop.
func (ba *batch) commit() error {
	ba.base.close() // what was written is in memory of its own
	if !ba.dirty() {
		return nil
	}
	ba.last = max(ba.base.now, ba.clock.max)
	if ba.b.journal == nil {
		return ba.toPages()
	}
	err := ba.toJournal()
	if errors.Is(err, errTooLong) {
		err = ba.pastJournal()
	}
	return err
}

// toPages commits the batch with bbolt.
func (ba *batch) toPages() error {
	b := ba.b
	tx, err := b.db.Begin(true)
	if err != nil {
		return fmt.Errorf("begin a batch: %w", err)
	}
	id := tx.ID()
	if err := ba.apply(tx.Bucket(dataBucket)); err != nil {
		return errors.Join(fmt.Errorf("apply a batch: %w", err), tx.Rollback())
	}
	if err := b.commit(tx); err != nil {
		return b.pagesFailed(tx, id, err)
	}
	return nil
}

func (ba *batch) apply(bucket *bolt.Bucket) error {
	for _, e := range ba.over.entries {
		if err := apply(bucket, e); err != nil {
			return err
		}
	}
	return raiseClock(bucket, ba.last)
}

// toJournal appends the batch to the journal and lays it over active.
func (ba *batch) toJournal() error {
	b := ba.b
	if err := b.makeRoom(padded(recordSize(ba.over.entries)), ba.space.pressed); err != nil {
		return err
	}
	if err := b.journal.append(ba.over.entries, ba.last); err != nil {
		if errors.Is(err, ErrFull) {
			b.pressure.press(b.opts.Clock())
		}
		return err
	}
	b.change(func(s *state) {
		s.active = s.active.with(ba.over.entries)
		s.last = ba.last
		s.tail = b.journal.tail
	})
	b.afterAppend()
	return nil
}

// pastJournal commits a batch that is longer than a file of the journal. The
// pages must hold everything that came before it, or a replay would undo it.
func (ba *batch) pastJournal() error {
	if err := ba.b.drain(); err != nil {
		return err
	}
	if err := ba.toPages(); err != nil {
		return err
	}
	ba.b.change(func(s *state) { s.last = ba.last })
	return nil
}
