package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"restante/storage"
)

func testViewReadOnly(t *testing.T, s *store) {
	s.put("a", "1")
	for _, c := range []struct {
		name  string
		write func(tx storage.Txn)
	}{
		{"put", func(tx storage.Txn) { tx.Put([]byte("a"), []byte("2")) }},
		{"delete", func(tx storage.Txn) { tx.Delete([]byte("a")) }},
		{"stamp", func(tx storage.Txn) { tx.Stamp([]byte("s")) }},
		{"hook", func(tx storage.Txn) { tx.OnCommit(func() { t.Error("hook of a view ran") }) }},
	} {
		err := s.View(t.Context(), func(tx storage.Txn) error { c.write(tx); return nil })
		if !errors.Is(err, storage.ErrReadOnly) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
	s.want("a", "1")
	if err := s.View(t.Context(), func(storage.Txn) error { return errOnPurpose }); !errors.Is(err, errOnPurpose) {
		t.Errorf("the closure's own error: got %v", err)
	}
}

// A View shows all keys at the instant it began, whatever is committed while
// it runs.
func testViewSnapshot(t *testing.T, s *store) {
	s.put("a", "1", "b", "1")
	s.view(func(tx storage.Txn) {
		now := tx.Now()
		if got := text(tx.Get([]byte("a"))); got != "1" {
			t.Errorf("a: got %q", got)
		}
		done := make(chan error)
		go func() { // another goroutine: a closure opens no transaction
			done <- s.Update(t.Context(), func(tx storage.Txn) error {
				tx.Put([]byte("b"), []byte("2"))
				tx.Put([]byte("c"), []byte("2"))
				tx.Stamp(nil)
				return nil
			})
		}()
		if err := <-done; err != nil {
			t.Errorf("update beside a view: %v", err)
		}
		if got := text(tx.Get([]byte("b"))); got != "1" {
			t.Errorf("b: got %q", got)
		}
		if got := keys(tx, storage.Range{}); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("scan: got %q", got)
		}
		if tx.Now() != now {
			t.Errorf("the clock moved within a view")
		}
	})
	s.want("b", "2")
}

func testUpdateFailsAlone(t *testing.T, s *store) {
	s.put("n", "0")
	put := func(value string, err error) func(storage.Txn) error {
		return func(tx storage.Txn) error {
			tx.Put([]byte("n"), append(tx.Get([]byte("n")), value...))
			return err
		}
	}
	errs := s.together(put("1", nil), put("2", errOnPurpose), put("3", nil), put("4", errOnPurpose), put("5", nil))
	for i, err := range errs {
		if failed := i%2 == 1; errors.Is(err, errOnPurpose) != failed || !failed && err != nil {
			t.Errorf("update %d: got %v", i, err)
		}
	}
	s.want("n", "0135")
}

func testUpdatePanics(t *testing.T, s *store) {
	reason := &struct{ why string }{"on purpose"}
	func() {
		defer func() {
			if p := recover(); p != any(reason) {
				t.Errorf("recovered %v", p)
			}
		}()
		_ = s.Update(t.Context(), func(tx storage.Txn) error {
			tx.Put([]byte("a"), []byte("1"))
			panic(reason)
		})
		t.Error("no panic")
	}()
	s.want("a", "-")
	s.put("b", "1")
}

// The first failure sticks: reads are empty, and the update fails with it,
// whatever the closure makes of them.
func testUpdateSticky(t *testing.T, s *store) {
	s.put("a", "1")
	err := s.Update(t.Context(), func(tx storage.Txn) error {
		tx.Put([]byte("b"), nil)
		tx.Put(make([]byte, storage.MaxKeyBytes+1), nil)
		tx.Put(nil, nil) // a second failure, which is not told
		if tx.Get([]byte("a")) != nil || len(keys(tx, storage.Range{})) > 0 || tx.Stamp(nil) != 0 {
			t.Error("something was read after a failure")
		}
		return errOnPurpose
	})
	if !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	s.want("b", "-")
}

func testUpdateCancelled(t *testing.T, s *store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	run := func(storage.Txn) error { t.Error("it ran"); return nil }
	if err := s.Update(ctx, run); !errors.Is(err, context.Canceled) {
		t.Errorf("update: got %v", err)
	}
	if err := s.View(ctx, run); !errors.Is(err, context.Canceled) {
		t.Errorf("view: got %v", err)
	}
}

// Every increment of many goroutines counts, and views see them whole.
func testUpdateConcurrent(t *testing.T, s *store) {
	const workers, rounds = 16, 20
	s.put("x", "0", "y", "0")
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				err := s.Update(t.Context(), func(tx storage.Txn) error {
					for _, k := range []string{"x", "y"} {
						tx.Put([]byte(k), fmt.Append(nil, number(tx, k)+1))
					}
					return nil
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
				err = s.View(t.Context(), func(tx storage.Txn) error {
					if x, y := number(tx, "x"), number(tx, "y"); x != y {
						return fmt.Errorf("x is %d, y is %d", x, y)
					}
					return nil
				})
				if err != nil {
					t.Errorf("view: %v", err)
				}
			}
		})
	}
	wg.Wait()
	s.want("x", fmt.Sprint(workers*rounds))
}

func number(tx storage.Txn, key string) (n int) {
	_, _ = fmt.Sscan(string(tx.Get([]byte(key))), &n)
	return n
}

// Hooks run in commit order, after the commit, before Update returns, and
// only for updates that succeeded.
func testOnCommit(t *testing.T, s *store) {
	var got []int
	hook := func(n int, err error) func(storage.Txn) error {
		return func(tx storage.Txn) error {
			tx.OnCommit(func() { got = append(got, n) })
			tx.OnCommit(func() { got = append(got, n+1) })
			tx.Put(fmt.Append(nil, n), nil)
			return err
		}
	}
	s.together(hook(10, nil), hook(20, errOnPurpose), hook(30, nil), hook(40, nil))
	if want := []int{10, 11, 30, 31, 40, 41}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.update(func(tx storage.Txn) {
		tx.Put([]byte("a"), []byte("1"))
		tx.OnCommit(func() {
			done := make(chan error)
			go func() {
				done <- s.View(t.Context(), func(tx storage.Txn) error {
					if text(tx.Get([]byte("a"))) != "1" {
						return errors.New("the hook ran before the commit")
					}
					return nil
				})
			}()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	})
	s.update(func(tx storage.Txn) { tx.OnCommit(func() { got = nil }) })
	if got != nil {
		t.Error("the hook of an update that wrote nothing did not run")
	}
}

// The feed follows the hooks of a commit and never promises a time that a later
// update is still given, not even over a clock set back.
func testFeed(t *testing.T, s *store) {
	var fed []int64
	hooks := 0
	s.Feed(func(last int64) {
		if hooks == 0 {
			t.Error("fed before the hooks of the commit ran")
		}
		hooks, fed = 0, append(fed, last)
	})
	stamp := func(tx storage.Txn) int64 {
		tx.OnCommit(func() { hooks++ })
		tx.Put([]byte("a"), []byte("1"))
		return tx.Stamp([]byte("box"))
	}
	for range 3 {
		var first, second int64
		s.together(
			func(tx storage.Txn) error { first = stamp(tx); return nil },
			func(tx storage.Txn) error { second = stamp(tx); return nil },
		)
		if len(fed) > 0 && fed[len(fed)-1] < second {
			t.Errorf("fed %d, though %d is committed", fed[len(fed)-1], second)
		}
		if len(fed) > 1 && first <= fed[0] {
			t.Errorf("got stamp %d after %d was fed", first, fed[0])
		}
		s.wall = s.wall.Add(-time.Hour)
	}
	before := fed[len(fed)-1]
	s.update(func(tx storage.Txn) { tx.OnCommit(func() { hooks++ }); tx.Put([]byte("b"), nil) })
	if last := fed[len(fed)-1]; last != before {
		t.Errorf("a commit without stamps fed %d, want %d", last, before)
	}
}

func testClose(t *testing.T, s *store) {
	s.put("a", "1")
	s.close()
	run := func(storage.Txn) error { t.Error("it ran"); return nil }
	if err := s.Update(t.Context(), run); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("update: got %v", err)
	}
	if err := s.View(t.Context(), run); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("view: got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	s.open()
	s.want("a", "1")
}
