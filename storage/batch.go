package storage

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A batch is one transaction of the file, shared by the updates that were
// waiting together.
type batch struct {
	b      *Bolt
	tx     *bolt.Tx
	id     int // of tx, which forgets it when it ends
	bucket *bolt.Bucket
	over   overlay // what its updates have written so far
	now    int64   // the batch's time, see batchTime
	clock  stamps
	last   int64 // the greatest stamp ever, set when it commits
	space  space

	done  []*request // in order, those that failed alone included
	hooks []func()
}

func (b *Bolt) newBatch() (*batch, error) {
	tx, err := b.db.Begin(true)
	if err != nil {
		return nil, err
	}
	bucket := tx.Bucket(dataBucket)
	return &batch{
		b: b, tx: tx, id: tx.ID(), bucket: bucket,
		now:   batchTime(b.opts.Clock, bucket.Sequence()),
		space: b.measure(tx),
	}, nil
}

// open tells whether the batch takes one more.
func (ba *batch) open() bool {
	return len(ba.done) < maxBatch && ba.over.put < batchBytes && len(ba.over.entries) < MaxTxnKeys
}

// run runs one update on top of what the batch holds. It returns false when
// the update does not fit any more, and must be run again in the next batch.
func (ba *batch) run(r *request) (fits bool) {
	t := &txn{bucket: ba.bucket, batch: ba, now: ba.now}
	defer t.end()
	r.call(t)
	put := ba.over.put + t.over.put
	if r.err == nil && len(ba.done) > 0 && put > MaxTxnBytes {
		return false
	}
	if r.err == nil && ba.space.short(put) && t.grows() {
		r.err = ErrFull
	}
	ba.done = append(ba.done, r)
	if r.err == nil {
		ba.over.merge(&t.over)
		ba.clock.merge(t.clock)
		ba.hooks = append(ba.hooks, t.hooks...)
	}
	return true
}

// dirty tells whether there is something to commit.
func (ba *batch) dirty() bool { return !ba.over.empty() || ba.clock.max > 0 }

// commit writes and syncs, or, where nothing was written, just lets go. After
// an error the transaction is to be rolled back.
func (ba *batch) commit() error {
	if !ba.dirty() {
		return ba.tx.Rollback()
	}
	for _, e := range ba.over.entries {
		if err := ba.apply(e); err != nil {
			return fmt.Errorf("apply a batch: %w", err)
		}
	}
	// The last stamp is the bucket's sequence, which lies in the root page
	// that every commit writes anyway.
	if last := uint64(ba.clock.max); last > ba.bucket.Sequence() {
		if err := ba.bucket.SetSequence(last); err != nil {
			return fmt.Errorf("set the commit clock: %w", err)
		}
	}
	ba.last = int64(ba.bucket.Sequence())
	return ba.b.commit(ba.tx)
}

func (ba *batch) apply(e *entry) error {
	if e.value == nil {
		return ba.bucket.Delete(e.key)
	}
	return ba.bucket.Put(e.key, e.value)
}
