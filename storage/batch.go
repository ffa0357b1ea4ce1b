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
	now    int64 // the batch's time, see batchTime
	clock  stamps
	space  space
	put    int  // bytes put
	keys   int  // keys put or deleted
	dirty  bool // something to commit

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
	return len(ba.done) < maxBatch && ba.put < batchBytes && ba.keys < MaxTxnKeys
}

// run runs one update on top of what the batch holds. It returns false when
// the update does not fit any more, and must be run again in the next batch.
func (ba *batch) run(r *request) (fits bool, err error) {
	t := &txn{bucket: ba.bucket, batch: ba, now: ba.now}
	r.call(t)
	if r.err == nil && ba.put > 0 && ba.put+t.over.put > MaxTxnBytes {
		t.end()
		return false, nil
	}
	if r.err == nil && ba.space.short(ba.put+t.over.put) && t.grows() {
		r.err = ErrFull
	}
	ba.done = append(ba.done, r)
	if r.err == nil {
		err = ba.accept(t)
	}
	t.end()
	return true, err
}

// accept makes a successful update part of the batch.
func (ba *batch) accept(t *txn) error {
	if err := t.apply(); err != nil {
		return err
	}
	ba.clock.merge(t.clock)
	ba.put += t.over.put
	ba.keys += len(t.over.entries)
	ba.dirty = ba.dirty || !t.over.empty() || t.clock.max > 0
	ba.hooks = append(ba.hooks, t.hooks...)
	return nil
}

// commit writes and syncs, or, where nothing was written, just lets go. After
// an error the transaction is rolled back.
func (ba *batch) commit() error {
	if !ba.dirty {
		return ba.tx.Rollback()
	}
	// The last stamp is the bucket's sequence, which lies in the root page
	// that every commit writes anyway.
	if last := uint64(ba.clock.max); last > ba.bucket.Sequence() {
		if err := ba.bucket.SetSequence(last); err != nil {
			return fmt.Errorf("set the commit clock: %w", err)
		}
	}
	return ba.b.commit(ba.tx)
}
