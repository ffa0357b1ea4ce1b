package storage

import (
	"bytes"
	"errors"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// A snapshot is the store at one instant: the pages, and over them what the
// journal holds and the pages do not yet.
type snapshot struct {
	tx     *bolt.Tx
	bucket *bolt.Bucket
	look   *bolt.Cursor // for get: its memory is used again
	over   []*tree      // none of them empty; the first hides those behind
	now    int64        // the commit clock
}

// snapshot takes one. Its pages are let go with close.
//
// The trees are looked up first and the pages second. The pages may then hold
// more of the frozen tree than they did, which changes nothing, for the tree
// hides it. But if active was frozen in between, they may hold what was
// committed after the first look, and only some of it. So that is looked at
// again, and in this rare case it is all done once more.
func (b *Bolt) snapshot() (*snapshot, error) {
	for {
		s := b.state.Load()
		tx, err := b.db.Begin(false)
		if errors.Is(err, berrors.ErrDatabaseNotOpen) {
			return nil, ErrClosed
		}
		if err != nil {
			return nil, err
		}
		if b.state.Load().turns == s.turns {
			return newSnapshot(tx, s), nil
		}
		_ = tx.Rollback() // of a transaction that only reads: nothing can fail
	}
}

func newSnapshot(tx *bolt.Tx, s *state) *snapshot {
	sn := &snapshot{tx: tx, bucket: tx.Bucket(dataBucket)}
	if !s.active.empty() {
		sn.over = append(sn.over, s.active)
	}
	if s.frozen != nil && !s.frozen.tree.empty() {
		sn.over = append(sn.over, s.frozen.tree)
	}
	// A batch that bypassed the journal has left its time in the pages.
	sn.now = max(s.last, int64(sn.bucket.Sequence()))
	return sn
}

// close lets the pages go. What was read from them is invalid then.
func (s *snapshot) close() { _ = s.tx.Rollback() } // it only reads: nothing can fail

// get returns the value of a key, or nil.
func (s *snapshot) get(key []byte) []byte {
	for _, t := range s.over {
		if e := t.get(key); e != nil {
			return e.value
		}
	}
	if s.look == nil {
		s.look = s.bucket.Cursor()
	}
	if k, v := s.look.Seek(key); bytes.Equal(k, key) {
		return v
	}
	return nil
}

// source returns the pairs of a range; deleted ones have a nil value.
func (s *snapshot) source(r Range) source {
	var src source = newPages(s.bucket, r)
	for i := len(s.over) - 1; i >= 0; i-- {
		src = newMerged(src, newClimber(s.over[i], r), r.Reverse)
	}
	return src
}
