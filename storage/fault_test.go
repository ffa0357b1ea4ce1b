package storage

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

var errDisk = fmt.Errorf("%w, on purpose", syscall.EIO)

// One error at any write, sync or commit stops the writer for good, with the
// error in what it says: nothing is tried again. Reads go on, and the next
// start has all that was acknowledged.
func TestFault_EachStep(t *testing.T) {
	for at := 1; ; at++ {
		h := newHouse(t, 1)
		var hit string // this and after under the disk's lock
		var after int
		look := func() (string, int) {
			h.disk.mu.Lock()
			defer h.disk.mu.Unlock()
			return hit, after
		}
		h.disk.fault = func(step int, what string) error {
			if step == at {
				hit = what
				return errDisk
			}
			if step > at && strings.HasPrefix(what, "write") {
				after++
			}
			return nil
		}
		b, err := h.live(30)
		met, writes := look()
		if met == "" {
			err = errors.Join(err, b.Close())
			met, _ = look()
			switch {
			case met != "" && err != nil && !errors.Is(err, errDisk):
				t.Fatalf("close, after a fault at %s: %v", met, err)
			case met == "" && (err != nil || at < 50): // fewer were no test; how many there are depends on how updates meet
				t.Fatalf("after %d steps without a fault: %v", at-1, err)
			case met == "":
				return
			}
			b = nil
			err = errDisk
		}
		h.lives = append(h.lives, fmt.Sprintf("fault at step %d, %s: %v", at, met, err))
		if b != nil {
			h.afterFault(b, met, err, writes)
		} else if !errors.Is(err, syscall.EIO) {
			t.Fatalf("open: %v", err)
		}
		h.disk = h.disk.restart()
		b, err = h.live(5)
		if err == nil {
			err = b.Close()
		}
		if err != nil {
			t.Fatalf("afterwards: %v\n%v", err, h.lives)
		}
	}
}

// afterFault looks at a store whose writer met an error.
func (h *house) afterFault(b *Bolt, hit string, err error, writes int) {
	h.t.Helper()
	// What the checkpointer met, the writer may not have come across.
	if err != nil && !(errors.Is(err, ErrBroken) && errors.Is(err, syscall.EIO)) {
		h.t.Fatalf("%v: got %v", h.lives, err)
	}
	if err := h.hist.compare(b); err != nil {
		h.t.Fatalf("reading afterwards: %v\n%v", err, h.lives)
	}
	if err != nil && !b.Stats().Broken {
		h.t.Errorf("%v: the numbers do not say so", h.lives)
	}
	if strings.HasPrefix(hit, "write") && err != nil && writes > 1 {
		h.t.Errorf("%v: %d writes to the journal followed", h.lives, writes)
	}
	_ = b.Close() // it may say the same again
}

// A full disk that the journal meets, on file systems that find new places for
// what is written again, refuses that batch only.
func TestFault_JournalFull(t *testing.T) {
	h := newHouse(t, 1)
	full := &atomic.Bool{}
	h.disk.fault = func(_ int, what string) error {
		if full.Load() && strings.HasPrefix(what, "write") {
			return syscall.ENOSPC
		}
		return nil
	}
	b, err := h.live(3)
	if err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	for range 3 {
		if err := h.hist.work(b, 0, 1, h.rand); !errors.Is(err, ErrFull) {
			t.Errorf("got %v", err)
		}
	}
	full.Store(false)
	err = b.Update(t.Context(), func(tx Txn) error { tx.Delete([]byte("v/1/000003")); return nil })
	if err != nil {
		t.Errorf("a deletion afterwards: %v", err)
	}
	if err := errors.Join(h.hist.work(b, 0, 1, h.rand)); !errors.Is(err, ErrFull) {
		t.Errorf("growth within a minute: got %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// Where a batch meets a full disk, what shrinks in it is not refused because of
// what grows: with a journal, and without.
func TestFault_FullBatch(t *testing.T) {
	for _, journal := range []int64{minJournal, NoJournal} {
		full := &atomic.Bool{}
		fail := func(what string) error {
			if strings.HasPrefix(what, "write") == (journal > 0) && full.CompareAndSwap(true, false) {
				return syscall.ENOSPC
			}
			return nil
		}
		d := newSimDisk(1)
		d.fault = func(_ int, what string) error { return fail(what) }
		b := open(t, Options{NoBallast: true, NoSync: true, Clock: fixed, Journal: journal, disk: d, commit: d.commit})
		put(t, b, "a", "1")
		full.Store(true)
		ran := 0
		errs := b.Together(
			func(tx Txn) error { tx.Put([]byte("b"), []byte("2")); return nil },
			func(tx Txn) error {
				tx.Delete([]byte("a"))
				tx.OnCommit(func() { ran++ })
				return nil
			},
			func(tx Txn) error { tx.Put([]byte("a"), []byte("345")); return nil })
		if !errors.Is(errs[0], ErrFull) || errs[1] != nil || !errors.Is(errs[2], ErrFull) || ran != 1 {
			t.Errorf("journal of %d: got %v; its hook ran %d times", journal, errs, ran)
		}
		if get(t, b, "a") != "" || get(t, b, "b") != "" || full.Load() {
			t.Errorf("journal of %d: got %q and %q", journal, get(t, b, "a"), get(t, b, "b"))
		}
	}
}

// While the pages take nothing, what was acknowledged stays in the journal;
// what grows is refused, deletions are taken for as long as the journal has
// room, and reach the pages before anything else does.
func TestFault_PagesFull(t *testing.T) {
	synctest.Test(t, testPagesFull)
}

func testPagesFull(t *testing.T) {
	h := newHouse(t, 1)
	full := &atomic.Bool{}
	h.disk.fault = func(_ int, what string) error {
		if full.Load() && what == "commit" {
			return syscall.ENOSPC
		}
		return nil
	}
	b, err := h.open()
	if err != nil {
		t.Fatal(err)
	}
	value := strings.Repeat("x", 1000)
	for i := range 100 {
		put(t, b, fmt.Sprintf("old/%03d", i), value)
	}
	time.Sleep(time.Second) // until nothing is being carried over
	full.Store(true)
	n := 0
	for ; ; n++ {
		err := b.Update(t.Context(), func(tx Txn) error {
			tx.Put(fmt.Appendf(nil, "new/%03d", n), []byte(value))
			return nil
		})
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil || n > 1000 {
			t.Fatalf("after %d: %v", n, err)
		}
	}
	if n == 0 || !b.Stats().Full {
		t.Errorf("took %d more; %+v", n, b.Stats())
	}
	// What neither grows nor shrinks does not take the place of deletions.
	same := func(tx Txn) error { tx.Put([]byte("old/050"), []byte(value)); return nil }
	for i := 0; ; i++ {
		if err := b.Update(t.Context(), same); errors.Is(err, ErrFull) {
			break
		} else if err != nil || i > 20 {
			t.Fatalf("after writing %d times the same: %v", i, err)
		}
	}
	if err := b.Update(t.Context(), func(Txn) error { return nil }); err != nil {
		t.Errorf("doing nothing: %v", err)
	}
	room := int(b.journal.segs[0].size/4) / blockSize // for deletions, at least
	deleted := 0
	for i := range 10 {
		err := b.Update(t.Context(), func(tx Txn) error { tx.Delete(fmt.Appendf(nil, "old/%03d", i)); return nil })
		if errors.Is(err, ErrFull) {
			break // the journal is full
		}
		if err != nil {
			t.Fatal(err)
		}
		deleted++
	}
	if deleted < room {
		t.Errorf("%d deletions were taken, want %d", deleted, room)
	}
	if get(t, b, "new/000") != value || get(t, b, "old/000") != "" {
		t.Error("reading goes wrong")
	}
	full.Store(false)
	time.Sleep(2 * longestRetry) // which is pressureTime, too
	if s := b.Stats(); s.Journal.Checkpoints == 0 || b.state.Load().frozen != nil {
		t.Errorf("the pages never took it: %+v", s)
	}
	put(t, b, "more", "1")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	all, _ := content(t, b.path)
	if want := 100 - deleted + n + 1; len(all) != want {
		t.Errorf("%d pairs, want %d", len(all), want)
	}
}

// A batch that is longer than a file goes past the journal, behind everything
// that is in it; a crash right after that brings nothing older back.
func TestPastJournal(t *testing.T) {
	h := newHouse(t, 0)
	b, err := h.open()
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "a", "old")
	put(t, b, "b", "old")
	err = b.Update(t.Context(), func(tx Txn) error {
		tx.Put([]byte("a"), make([]byte, minJournal))
		tx.Delete([]byte("b"))
		tx.Stamp(nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "c", "new")
	clock := b.Stats().LastStamp
	h.disk.dead = true
	_ = b.Close() // without power
	h.disk = h.disk.restart()
	if b, err = h.open(); err != nil {
		t.Fatal(err)
	}
	if len(get(t, b, "a")) != minJournal || get(t, b, "b") != "" || get(t, b, "c") != "new" || b.Stats().LastStamp != clock {
		t.Errorf("got %d bytes, %q, %q, %+v", len(get(t, b, "a")), get(t, b, "b"), get(t, b, "c"), b.Stats())
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// The pages have no place left, and only what is deleted after that makes some:
// deletions reach the pages before what was committed before them, and have a
// place in the journal though it took all that it takes of what grows.
func TestFault_OnlyDeletionsHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{NoBallast: true, NoSync: true, Journal: 2 << 20}
		b := open(t, o)
		value := strings.Repeat("x", 4000)
		for i := range 1200 {
			put(t, b, fmt.Sprintf("b/%04d", i), value)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		// So that it has no free pages; how many there are depends on how
		// updates and checkpoints took turns.
		if _, _, err := CompactFile(b.path); err != nil {
			t.Fatal(err)
		}
		// Nothing is carried over before the writer waits for it.
		o.commit = func(tx *bolt.Tx) error {
			time.Sleep(time.Millisecond)
			return tx.Commit()
		}
		b = openAt(t, b.path, o)
		size := 0
		_ = b.db.View(func(tx *bolt.Tx) error { size = int(tx.Size()); return nil })
		b.db.MaxSize = size + allocSize + 100<<10

		n := 0
		for ; ; n++ {
			err := b.Update(t.Context(), func(tx Txn) error { // a/ and c/: on both sides of b/
				tx.Put(fmt.Appendf(nil, "%c/%03d", 'a'+n%2*2, n), []byte(value))
				return nil
			})
			if errors.Is(err, ErrFull) {
				break
			}
			if err != nil || n > 1000 {
				t.Fatalf("after %d: %v", n, err)
			}
		}
		time.Sleep(longestRetry)
		if b.Stats().Journal.Checkpoints > 0 {
			t.Fatal("it was carried over: this proves nothing")
		}
		if s := b.Stats(); s.Journal.Waits != 1 || s.Journal.Bytes < o.Journal*3/4-2*blockSize {
			t.Fatalf("the writer did not have to wait: %+v", s.Journal)
		}
		drain(t, b, "b/", 1200)
		time.Sleep(2 * longestRetry)
		if b.state.Load().frozen != nil {
			t.Error("the pages never took it")
		}
		b.db.MaxSize = 0
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if all, _ := content(t, b.path); len(all) != n {
			t.Errorf("%d pairs, want %d", len(all), n)
		}
	})
}
