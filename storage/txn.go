package storage

import (
	"errors"
	"iter"

	bolt "go.etcd.io/bbolt"
)

var errEmptyKey = errors.New("storage: empty key")

// maxSeqBytes bounds the name of a sequence, see [Txn.Stamp].
const maxSeqBytes = 64

// A txn is the transaction of one closure: the pages of the file as the batch
// has them so far, and above them an overlay of its own writes.
type txn struct {
	bucket *bolt.Bucket
	batch  *batch // nil in a View
	now    int64
	over   overlay
	clock  stamps
	hooks  []func()
	err    error // the first failure; it sticks
}

// fail records the first failure.
func (t *txn) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// end makes the transaction useless, for closures that let it escape: its
// slices and pages are gone.
func (t *txn) end() { t.fail(ErrClosed) }

func (t *txn) Get(key []byte) []byte {
	if t.err != nil || len(key) == 0 {
		return nil
	}
	if !t.over.empty() {
		if i, found := t.over.search(key); found {
			return t.over.at(i).value
		}
	}
	return t.bucket.Get(key)
}

func (t *txn) Put(key, value []byte) {
	if !t.mayWrite(key) {
		return
	}
	t.over.put += len(key) + len(value)
	if len(value) > MaxValueBytes || t.over.put > MaxTxnBytes {
		t.fail(ErrTooLarge)
		return
	}
	t.set(key, append(make([]byte, 0, len(value)), value...))
}

func (t *txn) Delete(key []byte) {
	if t.mayWrite(key) {
		t.set(key, nil)
	}
}

func (t *txn) set(key, value []byte) {
	t.over.set(key, value)
	if len(t.over.entries) > MaxTxnKeys {
		t.fail(ErrTooLarge)
	}
}

// mayWrite checks what a put and a delete have in common.
func (t *txn) mayWrite(key []byte) bool {
	switch {
	case t.batch == nil:
		t.fail(ErrReadOnly)
	case len(key) == 0:
		t.fail(errEmptyKey)
	case len(key) > MaxKeyBytes:
		t.fail(ErrTooLarge)
	}
	return t.err == nil
}

func (t *txn) Scan(r Range) iter.Seq2[[]byte, []byte] {
	limit := r.Limit
	if limit <= 0 || limit > MaxScanKeys {
		limit = MaxScanKeys
	}
	return func(yield func(k, v []byte) bool) {
		if t.err != nil {
			return
		}
		s := newScan(t.bucket, &t.over, r)
		for n := 0; n < limit && t.err == nil; n++ {
			k, v := s.next()
			if k == nil || !yield(k, v) {
				return
			}
		}
	}
}

func (t *txn) Now() int64 { return t.now }

func (t *txn) Stamp(seq []byte) int64 {
	switch {
	case t.batch == nil:
		t.fail(ErrReadOnly)
	case len(seq) > maxSeqBytes:
		t.fail(ErrTooLarge)
	}
	if t.err != nil {
		return 0
	}
	return t.clock.next(string(seq), t.now, t.batch.clock)
}

func (t *txn) OnCommit(fn func()) {
	if t.batch == nil {
		t.fail(ErrReadOnly)
		return
	}
	t.hooks = append(t.hooks, fn)
}

// grows tells whether the overlay adds more bytes than it removes. It looks
// every key up, so it is asked only when space is short.
func (t *txn) grows() bool {
	sum := 0
	for _, e := range t.over.entries {
		if e.value != nil {
			sum += len(e.key) + len(e.value)
		}
		if old := t.bucket.Get(e.key); old != nil {
			sum -= len(e.key) + len(old)
		}
	}
	return sum > 0
}

// apply moves the overlay into the batch's pages. The limits were checked when
// the overlay was written, so an error here is bbolt's own trouble.
func (t *txn) apply() error {
	for _, e := range t.over.entries {
		var err error
		if e.value == nil {
			err = t.bucket.Delete(e.key)
		} else {
			err = t.bucket.Put(e.key, e.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
