package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"restante/storage"
)

func testGet(t *testing.T, s *store) {
	s.want("a", "-")
	s.put("a", "1", "b", "2")
	s.want("a", "1")
	s.put("a", "3")
	s.want("a", "3")
	s.update(func(tx storage.Txn) {
		tx.Delete([]byte("a"))
		tx.Delete([]byte("never there"))
	})
	s.want("a", "-")
	s.want("b", "2")
	s.want("", "-")
}

func testGetOwnWrites(t *testing.T, s *store) {
	s.put("a", "1", "b", "2")
	s.update(func(tx storage.Txn) {
		tx.Put([]byte("a"), []byte("x"))
		tx.Delete([]byte("b"))
		tx.Put([]byte("c"), []byte("y"))
		for _, c := range []struct{ key, want string }{{"a", "x"}, {"b", "-"}, {"c", "y"}, {"d", "-"}} {
			if got := text(tx.Get([]byte(c.key))); got != c.want {
				t.Errorf("get %q: got %q, want %q", c.key, got, c.want)
			}
		}
		tx.Put([]byte("b"), []byte("again"))
		if got := text(tx.Get([]byte("b"))); got != "again" {
			t.Errorf("put after delete: got %q", got)
		}
	})
	s.want("b", "again")
}

func testPutCopies(t *testing.T, s *store) {
	s.update(func(tx storage.Txn) {
		key, value := []byte("key"), []byte("value")
		tx.Put(key, value)
		copy(key, "xxx")
		copy(value, "xxxxx")
	})
	s.want("key", "value")
	s.want("xxx", "-")
}

// An empty value is there; only a missing key reads as nil.
func testPutEmptyValue(t *testing.T, s *store) {
	s.update(func(tx storage.Txn) {
		tx.Put([]byte("a"), nil)
		if tx.Get([]byte("a")) == nil {
			t.Error("absent in its own transaction")
		}
	})
	s.want("a", "")
	errs := s.together(
		func(tx storage.Txn) error { tx.Put([]byte("b"), []byte{}); return nil },
		func(tx storage.Txn) error {
			if tx.Get([]byte("b")) == nil {
				return errors.New("absent for the next in the batch")
			}
			if got := keys(tx, storage.Range{}); !slices.Equal(got, []string{"a", "b"}) {
				return fmt.Errorf("scan: %q", got)
			}
			return nil
		})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	s.reopen()
	s.want("a", "")
	s.want("b", "")
}

func testPutEmptyKey(t *testing.T, s *store) {
	err := s.Update(t.Context(), func(tx storage.Txn) error {
		tx.Put([]byte("a"), []byte("1"))
		tx.Put(nil, []byte("2"))
		return nil
	})
	if err == nil {
		t.Error("no error")
	}
	s.want("a", "-")
}

func testReopen(t *testing.T, s *store) {
	s.put("a", "1")
	s.reopen()
	s.want("a", "1")
}

func testLimitKeys(t *testing.T, s *store) {
	write := func(n int) error {
		return s.Update(t.Context(), func(tx storage.Txn) error {
			for i := range n {
				tx.Put(fmt.Appendf(nil, "%06d", i/2), nil)
				tx.Delete(fmt.Appendf(nil, "%06d", n+i/2))
			}
			return nil
		})
	}
	if err := write(storage.MaxTxnKeys); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	if err := write(storage.MaxTxnKeys + 2); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("beyond the limit: got %v", err)
	}
}

func testLimitSizes(t *testing.T, s *store) {
	big := storage.MaxValueBytes
	for _, c := range []struct {
		name  string
		write func(tx storage.Txn)
		want  error
	}{
		{"key", func(tx storage.Txn) { tx.Put(make([]byte, storage.MaxKeyBytes), nil) }, nil},
		{"long key", func(tx storage.Txn) { tx.Put(make([]byte, storage.MaxKeyBytes+1), nil) }, storage.ErrTooLarge},
		{"long key deleted", func(tx storage.Txn) { tx.Delete(make([]byte, storage.MaxKeyBytes+1)) }, storage.ErrTooLarge},
		{"value", func(tx storage.Txn) { tx.Put([]byte("a"), make([]byte, big)) }, nil},
		{"long value", func(tx storage.Txn) { tx.Put([]byte("a"), make([]byte, big+1)) }, storage.ErrTooLarge},
		{"all the bytes", func(tx storage.Txn) {
			tx.Put([]byte("a"), make([]byte, big-1))
			tx.Put([]byte("b"), make([]byte, storage.MaxTxnBytes-big-1))
		}, nil},
		{"a byte more", func(tx storage.Txn) {
			tx.Put([]byte("a"), make([]byte, big-1))
			tx.Put([]byte("b"), make([]byte, storage.MaxTxnBytes-big))
		}, storage.ErrTooLarge},
		{"the same key again and again", func(tx storage.Txn) {
			for range 3 {
				tx.Put([]byte("a"), make([]byte, big-1))
			}
		}, storage.ErrTooLarge},
		{"long sequence", func(tx storage.Txn) { tx.Stamp(make([]byte, 65)) }, storage.ErrTooLarge},
	} {
		err := s.Update(t.Context(), func(tx storage.Txn) error { c.write(tx); return nil })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}
