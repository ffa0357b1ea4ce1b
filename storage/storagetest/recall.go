package storagetest

import (
	"errors"
	"testing"

	"restante/storage"
)

// recall checks a value, and what was left beside it: "" where that must be
// nothing. An engine need not keep anything.
func (s *store) recall(tx storage.Txn, key, value, left string) {
	s.t.Helper()
	got, kept := tx.Recall([]byte(key))
	if text(got) != value {
		s.t.Errorf("recall %q: got %q, want %q", key, text(got), value)
	}
	if kept != nil && *kept != nil && *kept != left {
		s.t.Errorf("beside %q: got %v, want %q", key, *kept, left)
	}
}

// leave leaves something beside a value.
func leave(tx storage.Txn, key, what string) {
	if _, kept := tx.Recall([]byte(key)); kept != nil {
		*kept = what
	}
}

func testRecall(_ *testing.T, s *store) {
	s.put("a", "1")
	s.update(func(tx storage.Txn) {
		s.recall(tx, "a", "1", "")
		s.recall(tx, "b", "-", "")
		leave(tx, "a", "one")
	})
	s.update(func(tx storage.Txn) { s.recall(tx, "a", "1", "one") })
	s.view(func(tx storage.Txn) {
		s.recall(tx, "a", "1", "")
		if _, kept := tx.Recall([]byte("a")); kept != nil {
			s.t.Error("a view may leave something")
		}
	})
}

// What is left beside a value is gone with it, and what is not committed is
// left nowhere.
func testRecallChanged(_ *testing.T, s *store) {
	s.put("a", "1", "b", "1")
	left := func(tx storage.Txn) error {
		leave(tx, "a", "one")
		leave(tx, "b", "one")
		return nil
	}
	errs := s.together(left,
		func(tx storage.Txn) error {
			tx.Put([]byte("a"), []byte("9"))
			leave(tx, "a", "nine")
			return errOnPurpose
		},
		func(tx storage.Txn) error { s.recall(tx, "a", "1", "one"); return nil },
		func(tx storage.Txn) error {
			tx.Put([]byte("a"), []byte("2"))
			s.recall(tx, "a", "2", "")
			tx.Delete([]byte("b"))
			s.recall(tx, "b", "-", "")
			return nil
		},
		func(tx storage.Txn) error {
			s.recall(tx, "a", "2", "")
			s.recall(tx, "b", "-", "")
			leave(tx, "a", "two, not yet")
			return nil
		},
	)
	for i, err := range errs {
		if (i == 1) != errors.Is(err, errOnPurpose) {
			s.t.Errorf("update %d: %v", i, err)
		}
	}
	s.update(func(tx storage.Txn) {
		s.recall(tx, "a", "2", "")
		s.recall(tx, "b", "-", "")
		leave(tx, "a", "two")
	})
	s.reopen()
	s.update(func(tx storage.Txn) { s.recall(tx, "a", "2", "") })
}
