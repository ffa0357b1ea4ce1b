// Package storagetest is the suite that every engine of package storage must
// pass: what [storage.Engine] and [storage.Txn] promise, and nothing of how
// one engine keeps it.
package storagetest

import (
	"testing"
	"time"

	"restante/storage"
)

// An Opener opens the store that belongs to dir, a fresh one at the first call
// for that dir. The suite closes it, and may open it again.
type Opener func(t testing.TB, dir string, clock func() time.Time) storage.Engine

// A Batcher is an engine that can be made to run several updates as one batch,
// in order. The suite uses it where it is there: much goes wrong only among
// neighbours.
type Batcher interface {
	Together(fns ...func(storage.Txn) error) []error
}

// Run runs the whole suite.
func Run(t *testing.T, open Opener) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *store)
	}{
		{"Get", testGet},
		{"Get_OwnWrites", testGetOwnWrites},
		{"Recall", testRecall},
		{"Recall_Changed", testRecallChanged},
		{"Put_Copies", testPutCopies},
		{"Put_EmptyValue", testPutEmptyValue},
		{"Put_EmptyKey", testPutEmptyKey},
		{"Reopen", testReopen},
		{"Scan", testScan},
		{"Scan_Limit", testScanLimit},
		{"Scan_WritesInLoop", testScanWritesInLoop},
		{"Scan_InsertsBehind", testScanInsertsBehind},
		{"Scan_Model", testScanModel},
		{"Limit_Keys", testLimitKeys},
		{"Limit_Sizes", testLimitSizes},
		{"View_ReadOnly", testViewReadOnly},
		{"View_Snapshot", testViewSnapshot},
		{"Update_FailsAlone", testUpdateFailsAlone},
		{"Update_Panics", testUpdatePanics},
		{"Update_Sticky", testUpdateSticky},
		{"Update_Cancelled", testUpdateCancelled},
		{"Update_Concurrent", testUpdateConcurrent},
		{"OnCommit", testOnCommit},
		{"Feed", testFeed},
		{"Stamp", testStamp},
		{"Stamp_Batch", testStampBatch},
		{"Stamp_Failed", testStampFailed},
		{"Stamp_ClockSetBack", testStampClockSetBack},
		{"Stamp_Restart", testStampRestart},
		{"Stamp_Concurrent", testStampConcurrent},
		{"Close", testClose},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &store{t: t, dir: t.TempDir(), opener: open, wall: time.UnixMilli(1_800_000_000_000)}
			s.open()
			defer s.close()
			c.test(t, s)
		})
	}
}

// A store is an engine under test, with its directory and clock.
type store struct {
	storage.Engine
	t      *testing.T
	dir    string
	opener Opener
	wall   time.Time // changed by the test between updates only
}

func (s *store) open() {
	s.Engine = s.opener(s.t, s.dir, func() time.Time { return s.wall })
}

func (s *store) close() {
	if err := s.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

func (s *store) reopen() {
	s.close()
	s.open()
}

// together runs updates as one batch where the engine can, else one by one.
func (s *store) together(fns ...func(storage.Txn) error) []error {
	if b, ok := s.Engine.(Batcher); ok {
		return b.Together(fns...)
	}
	var errs []error
	for _, fn := range fns {
		errs = append(errs, s.Update(s.t.Context(), fn))
	}
	return errs
}

// update runs an update that must succeed.
func (s *store) update(fn func(tx storage.Txn)) {
	s.t.Helper()
	err := s.Update(s.t.Context(), func(tx storage.Txn) error { fn(tx); return nil })
	if err != nil {
		s.t.Fatalf("update: %v", err)
	}
}

// view runs a view that must succeed.
func (s *store) view(fn func(tx storage.Txn)) {
	s.t.Helper()
	err := s.View(s.t.Context(), func(tx storage.Txn) error { fn(tx); return nil })
	if err != nil {
		s.t.Fatalf("view: %v", err)
	}
}

// put commits pairs: key, value, key, value.
func (s *store) put(pairs ...string) {
	s.t.Helper()
	s.update(func(tx storage.Txn) {
		for i := 0; i < len(pairs); i += 2 {
			tx.Put([]byte(pairs[i]), []byte(pairs[i+1]))
		}
	})
}

// want checks what is committed under key; "-" stands for absent.
func (s *store) want(key, value string) {
	s.t.Helper()
	s.view(func(tx storage.Txn) {
		if got := text(tx.Get([]byte(key))); got != value {
			s.t.Errorf("get %q: got %q, want %q", key, got, value)
		}
	})
}

func text(value []byte) string {
	if value == nil {
		return "-"
	}
	return string(value)
}

// keys collects the keys of a range.
func keys(tx storage.Txn, r storage.Range) (list []string) {
	for k := range tx.Scan(r) {
		list = append(list, string(k))
	}
	return list
}
