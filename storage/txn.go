package storage

import (
	"errors"
	"iter"
)

var errEmptyKey = errors.New("storage: empty key")

// maxSeqBytes bounds the name of a sequence, see [Txn.Stamp].
const maxSeqBytes = 64

// A txn is the transaction of one closure: what is committed, above it what
// the batch has written so far, and above that its own writes.
type txn struct {
	base  *snapshot
	batch *batch // nil in a View
	now   int64
	over  overlay // unused in a View
	clock stamps
	hooks []func()
	err   error // the first failure; it sticks
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
	if value, written := t.over.get(key); written {
		return value
	}
	return t.under(key)
}

func (t *txn) Recall(key []byte) (value []byte, kept *any) {
	if t.batch == nil || t.err != nil || len(key) == 0 {
		return t.Get(key), nil
	}
	if value, written := t.over.get(key); written {
		return value, nil
	}
	if value, written := t.batch.over.get(key); written {
		return value, nil
	}
	r := t.batch.b.recent.recall(t.base, key)
	if r == nil {
		return nil, nil
	}
	return r.value, &r.kept
}

// under is the value that the closure began with.
func (t *txn) under(key []byte) []byte {
	if t.batch != nil {
		if value, written := t.batch.over.get(key); written {
			return value
		}
	}
	return t.base.get(key)
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
	if r.Limit <= 0 || r.Limit > MaxScanKeys {
		r.Limit = MaxScanKeys
	}
	return func(yield func(k, v []byte) bool) {
		if t.err != nil {
			return
		}
		own := newWritten(&t.over, r)
		s := t.source(own, r)
		for n := 0; n < r.Limit && t.err == nil; {
			k, v := s.peek()
			if k == nil {
				return
			}
			s.advance()
			if v == nil {
				continue
			}
			if !yield(k, v) {
				return
			}
			own.follow(k)
			n++
		}
	}
}

// source is everything that the transaction sees of a range.
func (t *txn) source(own *written, r Range) source {
	s := t.base.source(r)
	if t.batch == nil {
		return s
	}
	if !t.batch.over.empty() {
		s = newMerged(s, newWritten(&t.batch.over, r), r.Reverse)
	}
	return newMerged(s, own, r.Reverse)
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
	return t.clock.next(string(seq), t.now, &t.batch.clock)
}

func (t *txn) OnCommit(fn func()) {
	if t.batch == nil {
		t.fail(ErrReadOnly)
		return
	}
	t.hooks = append(t.hooks, fn)
}

// growth is how many bytes the overlay adds, less those that it removes. It
// looks every key up, so it is asked only when space is short.
func (t *txn) growth() int {
	sum := 0
	for _, e := range t.over.entries {
		if e.value != nil {
			sum += len(e.key) + len(e.value)
		}
		if old := t.under(e.key); old != nil {
			sum -= len(e.key) + len(old)
		}
	}
	return sum
}
