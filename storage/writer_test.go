package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	bolt "go.etcd.io/bbolt"
)

// hold stops the writer inside an update until the returned function is called.
func hold(t *testing.T, b *Bolt) (release func()) {
	running, gate := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- b.Update(context.Background(), func(Txn) error { close(running); <-gate; return nil })
	}()
	<-running
	return func() {
		close(gate)
		if err := <-done; err != nil {
			t.Errorf("the update that held the writer: %v", err)
		}
	}
}

func TestUpdate_OneBatch(t *testing.T) {
	b := open(t, Options{NoBallast: true})
	var fns []func(Txn) error
	for i := range 500 {
		fns = append(fns, func(tx Txn) error { tx.Put(fmt.Append(nil, i), nil); return nil })
	}
	if err := errors.Join(b.Together(fns...)...); err != nil {
		t.Fatal(err)
	}
	if s := b.Stats(); s.Batches != 1 || s.Updates != 501 || s.MeanBatch() != 501 {
		t.Errorf("got %d batches of %d updates", s.Batches, s.Updates)
	}
}

func TestUpdate_BatchEnds(t *testing.T) {
	for _, c := range []struct {
		name                string
		updates, keys, size int
		batches             int64
	}{
		{"many", 2 * maxBatch, 1, 0, 3}, // the one that holds the writer is in the first
		{"big", 8, 1, 1 << 20, 4},
		{"two fill one", 3, 1, 2<<20 - 10, 2},
		{"many keys", 5, MaxTxnKeys / 2, 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, Options{NoBallast: true, NoSync: true})
			var fns []func(Txn) error
			for i := range c.updates {
				fns = append(fns, func(tx Txn) error {
					for j := range c.keys {
						tx.Put(fmt.Appendf(nil, "%d/%d", i, j), make([]byte, c.size))
					}
					return nil
				})
			}
			if err := errors.Join(b.Together(fns...)...); err != nil {
				t.Fatal(err)
			}
			if got := b.Stats().Batches; got != c.batches {
				t.Errorf("got %d batches, want %d", got, c.batches)
			}
		})
	}
}

// An update that does not fit any more runs again in the next batch, once.
func TestUpdate_CarriedOver(t *testing.T) {
	b := open(t, Options{NoBallast: true, Clock: fixed})
	var runs int
	var stamps []int64
	put := func(key string, size int) func(Txn) error {
		return func(tx Txn) error {
			tx.Put([]byte(key), make([]byte, size))
			stamps = append(stamps, tx.Stamp(nil))
			return nil
		}
	}
	errs := b.Together(put("a", 1<<20), func(tx Txn) error {
		runs++
		tx.Put([]byte("b"), make([]byte, 2<<20))
		return put("c", 2<<20-100)(tx)
	}, put("d", 1))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if runs != 2 || b.Stats().Batches != 3 { // the last finds its batch full
		t.Errorf("ran %d times in %d batches", runs, b.Stats().Batches)
	}
	if now := fixed().UnixMilli(); stamps[2] != now+1 {
		t.Errorf("stamp of the second run: got %d, want %d", stamps[2], now+1)
	}
	if got := len(get(t, b, "c")); got != 2<<20-100 {
		t.Errorf("c holds %d bytes", got)
	}
}

func TestUpdate_Busy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{NoBallast: true, MaxQueue: 2})
		release := hold(t, b)
		var ran atomic.Int32
		for range 2 {
			go func() {
				if err := b.Update(t.Context(), func(Txn) error { ran.Add(1); return nil }); err != nil {
					t.Errorf("waiting update: %v", err)
				}
			}()
		}
		synctest.Wait()
		if err := b.Update(t.Context(), func(Txn) error { ran.Add(1); return nil }); !errors.Is(err, ErrBusy) {
			t.Errorf("got %v", err)
		}
		release()
		synctest.Wait()
		if ran.Load() != 2 {
			t.Errorf("%d updates ran, want 2", ran.Load())
		}
	})
}

// Close waits for an update that its own caller runs, and it is committed.
func TestClose_WhileRunning(t *testing.T) {
	for _, journal := range []int64{0, NoJournal} {
		synctest.Test(t, func(t *testing.T) { testCloseWhileRunning(t, journal) })
	}
}

func testCloseWhileRunning(t *testing.T, journal int64) {
	b := open(t, Options{NoBallast: true, Journal: journal})
	running, gate := make(chan struct{}), make(chan struct{})
	updated, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		updated <- b.Update(context.Background(), func(tx Txn) error {
			close(running)
			<-gate
			tx.Put([]byte("a"), []byte("1"))
			return nil
		})
	}()
	<-running
	go func() { closed <- b.Close() }()
	synctest.Wait()
	select {
	case err := <-closed:
		t.Errorf("closed while an update ran: %v", err)
	default:
	}
	close(gate)
	mustNot(t, errors.Join(<-updated, <-closed))
	if all, _ := content(t, b.path); all["a"] != "1" {
		t.Errorf("got %v", all)
	}
}

func TestUpdate_CancelledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{NoBallast: true})
		release := hold(t, b)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- b.Update(ctx, func(Txn) error { t.Error("it ran"); return nil })
		}()
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		release()
		put(t, b, "a", "1")
	})
}

// Once it runs, an update is not interrupted.
func TestUpdate_CancelledWhileRunning(t *testing.T) {
	b := open(t, Options{NoBallast: true})
	ctx, cancel := context.WithCancel(t.Context())
	err := b.Update(ctx, func(tx Txn) error { cancel(); tx.Put([]byte("a"), []byte("1")); return nil })
	if err != nil || get(t, b, "a") != "1" {
		t.Errorf("got %v", err)
	}
}

func TestClose_Waiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{NoBallast: true})
		release := hold(t, b)
		done := make(chan error, 1)
		go func() { done <- b.Update(t.Context(), func(Txn) error { t.Error("it ran"); return nil }) }()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- b.Close() }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed while an update was running")
		default:
		}
		release()
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Errorf("waiting update: got %v", err)
		}
		if err := <-closed; err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// A panic of one update leaves its neighbours alone.
func TestUpdate_PanicInBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{NoBallast: true})
		release := hold(t, b)
		write := func(key, value string) {
			err := b.Update(t.Context(), func(tx Txn) error { tx.Put([]byte(key), []byte(value)); return nil })
			if err != nil {
				t.Errorf("neighbour %s: %v", key, err)
			}
		}
		go write("a", "1")
		synctest.Wait()
		go func() {
			defer func() {
				if p := recover(); p != "on purpose" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = b.Update(t.Context(), func(tx Txn) error { tx.Put([]byte("a"), nil); panic("on purpose") })
		}()
		synctest.Wait()
		go write("b", "2")
		synctest.Wait()
		release()
		synctest.Wait()
		if got := get(t, b, "a") + get(t, b, "b"); got != "12" {
			t.Errorf("got %q", got)
		}
	})
}

// When a commit fails, all of its batch fail, those included that had failed
// alone: what they saw never came to be.
func TestCommit_Fails(t *testing.T) {
	broken := errors.New("the disk is gone")
	b := open(t, Options{NoBallast: true, Journal: NoJournal})
	put(t, b, "a", "1")
	b.commit = func(tx *bolt.Tx) error { return errors.Join(broken, tx.Rollback()) }
	hook := func(tx Txn) { tx.OnCommit(func() { t.Error("a hook ran") }) }
	errs := b.Together(
		func(tx Txn) error { tx.Put([]byte("a"), []byte("2")); hook(tx); return nil },
		func(tx Txn) error { return errors.New("alone") },
		func(tx Txn) error { hook(tx); return nil })
	for i, err := range errs {
		if !errors.Is(err, ErrBroken) || !errors.Is(err, broken) {
			t.Errorf("update %d: got %v", i, err)
		}
	}
	b.commit = (*bolt.Tx).Commit
	err := b.Update(t.Context(), func(Txn) error { t.Error("it ran"); return nil })
	if !errors.Is(err, ErrBroken) || !b.Stats().Broken {
		t.Errorf("afterwards: got %v", err)
	}
	if got := get(t, b, "a"); got != "1" {
		t.Errorf("a view afterwards: got %q", got)
	}
}

func TestCommit_Full(t *testing.T) {
	b := open(t, Options{NoBallast: true, Journal: NoJournal, Clock: fixed})
	put(t, b, "a", "1")
	b.commit = func(tx *bolt.Tx) error { return errors.Join(syscall.ENOSPC, tx.Rollback()) }
	write := func(tx Txn) error { tx.Put([]byte("b"), []byte("2")); return nil }
	for i, err := range b.Together(write, write) {
		if !errors.Is(err, ErrFull) {
			t.Errorf("update %d: got %v", i, err)
		}
	}
	b.commit = (*bolt.Tx).Commit
	if err := b.Update(t.Context(), write); !errors.Is(err, ErrFull) {
		t.Errorf("growth right afterwards: got %v", err)
	}
	if err := b.Update(t.Context(), func(tx Txn) error { tx.Delete([]byte("a")); return nil }); err != nil {
		t.Errorf("a deletion afterwards: %v", err)
	}
}

// ENOSPC after the meta page was written cannot be rolled back: the update is
// there, and its callers were told that it is not.
func TestCommit_FullTooLate(t *testing.T) {
	b := open(t, Options{NoBallast: true, Journal: NoJournal})
	b.commit = func(tx *bolt.Tx) error { return errors.Join(tx.Commit(), syscall.ENOSPC) }
	err := b.Update(t.Context(), func(tx Txn) error { tx.Put([]byte("b"), nil); return nil })
	if !errors.Is(err, ErrBroken) {
		t.Errorf("got %v", err)
	}
}

func TestAdvanceClock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	b := openAt(t, path, Options{NoBallast: true, Clock: fixed})
	ahead := fixed().UnixMilli() + 1_000_000
	for _, to := range []int64{ahead, 5, -1} {
		if err := b.AdvanceClock(t.Context(), to); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openAt(t, path, Options{NoBallast: true, Clock: fixed})
	if got := b.Stats().LastStamp; got != ahead {
		t.Errorf("last stamp: got %d, want %d", got, ahead)
	}
	err := b.Update(t.Context(), func(tx Txn) error {
		if got := tx.Stamp(nil); got != ahead+1 {
			t.Errorf("next stamp: got %d, want %d", got, ahead+1)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
