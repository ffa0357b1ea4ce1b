package relay_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// A jotter notes what its timers said, and when.
type jotter struct {
	mu     sync.Mutex
	notes  []string
	faults []string
	views  atomic.Int64 // of the store
	fail   map[string]bool
}

func (j *jotter) note(tx *relay.Tx, arg []byte) error {
	j.mu.Lock()
	fail := j.fail[string(arg)]
	j.mu.Unlock()
	tx.OnCommit(func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.notes = append(j.notes, string(arg))
	})
	if fail {
		return errors.New("fails")
	}
	return nil
}

func (j *jotter) want(t testing.TB, doing string, want ...string) {
	t.Helper()
	synctest.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.notes, want) {
		t.Errorf("%s: timers said %q, want %q", doing, j.notes, want)
	}
	j.notes = nil
}

// timed opens a relay in dir whose timers know the verb "note".
func timed(t testing.TB, dir string, j *jotter) (r *relay.Relay, shut func()) {
	t.Helper()
	store, err := storage.Open(filepath.Join(dir, "store"), storage.Options{NoSync: true, NoBallast: true})
	if err != nil {
		t.Fatal(err)
	}
	o := relay.Options{Fault: func(doing string, _ error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.faults = append(j.faults, doing)
	}}
	r, err = relay.NewWithVerbs(viewed{store, &j.views}, o, map[string]func(*relay.Tx, []byte) error{"note": j.note})
	if err != nil {
		t.Fatal(err)
	}
	return r, func() {
		r.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A viewed engine counts its views.
type viewed struct {
	storage.Engine
	n *atomic.Int64
}

func (v viewed) View(ctx context.Context, fn func(storage.Txn) error) error {
	v.n.Add(1)
	return v.Engine.View(ctx, fn)
}

// set sets a timer that notes what it is called.
func set(t testing.TB, r *relay.Relay, in time.Duration, name string) (id relay.TimerID) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		id, err = tx.SetTimer(r.Now().Add(in), "note", []byte(name))
		return err
	})
	return id
}

func TestTx_SetTimer_Order(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := new(jotter)
		r, shut := timed(t, dir, j)
		set(t, r, 3*time.Hour, "3h")
		set(t, r, time.Hour, "1h")
		set(t, r, 2*time.Hour, "2h")
		j.want(t, "at once")
		set(t, r, time.Minute, "1m") // earlier than the runner sleeps to
		time.Sleep(time.Minute - time.Millisecond)
		j.want(t, "before its time")
		time.Sleep(time.Millisecond)
		j.want(t, "on its time", "1m")
		set(t, r, -time.Hour, "past")
		j.want(t, "in the past", "past")
		time.Sleep(2 * time.Hour)
		j.want(t, "in two hours", "1h", "2h")
		shut()
		time.Sleep(10 * time.Hour)
		j.want(t, "shut")
		r, shut = timed(t, dir, j)
		defer shut()
		j.want(t, "reopened", "3h")
		if got := rows(t, r, nil)['x']; got != 0 {
			t.Errorf("%d timers are left", got)
		}
	})
}

// What is overdue runs in the order in which it was due, whenever it was set.
func TestTx_SetTimer_Overdue(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := new(jotter)
		r, shut := timed(t, dir, j)
		want := make([]string, 20)
		for i := range 20 {
			n := i * 7 % 20
			want[n] = fmt.Sprint(n)
			set(t, r, time.Hour+time.Duration(n)*time.Millisecond, want[n])
		}
		shut()
		time.Sleep(24 * time.Hour)
		_, shut = timed(t, dir, j)
		defer shut()
		j.want(t, "reopened", want...)
	})
}

func TestTx_SetTimer_Beyond(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := new(jotter)
		r, shut := timed(t, dir, j)
		defer shut()
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for _, due := range []relay.Time{1 << 48, 1<<48 + 5, 1<<63 - 1} {
				if _, err := tx.SetTimer(due, "note", []byte("never")); err != nil {
					return err
				}
			}
			return nil
		})
		time.Sleep(1000 * time.Hour)
		j.want(t, "before the end of time")
	})
}

func TestTx_CancelTimer(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := new(jotter)
		r, shut := timed(t, dir, j)
		defer shut()
		id := set(t, r, time.Minute, "cancelled")
		set(t, r, time.Minute+1, "kept")
		for range 2 {
			relaytest.Update(t, r, func(tx *relay.Tx) error { tx.CancelTimer(id); tx.CancelTimer(relay.TimerID{}); return nil })
		}
		time.Sleep(2 * time.Minute)
		j.want(t, "after all", "kept")
	})
}

// A verb that fails is tried again every minute, reported each time, and holds
// nobody up; so is a verb nobody knows.
func TestTx_SetTimer_Fails(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := &jotter{fail: map[string]bool{"bad": true}}
		r, shut := timed(t, dir, j)
		defer shut()
		relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.SetTimer(0, "unknown", nil); return err })
		// A row that does not decode, at the head of all.
		relaytest.Update(t, r, func(tx *relay.Tx) error { tx.Put(append([]byte{'x'}, make([]byte, 14)...), []byte{0xff}); return nil })
		set(t, r, -time.Second, "bad")
		set(t, r, 0, "good")
		j.want(t, "at once", "good")
		j.mu.Lock()
		before := len(j.faults)
		j.mu.Unlock()
		time.Sleep(5*time.Minute + time.Second)
		j.mu.Lock()
		if n := len(j.faults) - before; n != 15 {
			t.Errorf("%d faults in five minutes of three timers, want 15", n)
		}
		j.fail = nil
		j.mu.Unlock()
		time.Sleep(time.Minute)
		j.want(t, "mended", "bad")
	})
}

// A runner that has nothing to do does nothing.
func TestRelay_Timers_Idle(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		j := new(jotter)
		r, shut := timed(t, dir, j)
		defer shut()
		set(t, r, 100*24*time.Hour, "later")
		id := set(t, r, time.Minute, "cancelled")
		relaytest.Update(t, r, func(tx *relay.Tx) error { tx.CancelTimer(id); return nil })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		before := j.views.Load()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		// An hourly look at the timers, and an hourly sweep.
		if n := j.views.Load() - before; n < 24 || n > 50 {
			t.Errorf("the store was looked at %d times in a day", n)
		}
		j.want(t, "a day later")
	})
}

// A verb with much to do sets the next timer, and ends.
func TestTx_SetTimer_Again(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		store, err := storage.Open(filepath.Join(dir, "store"), storage.Options{NoSync: true, NoBallast: true})
		if err != nil {
			t.Fatal(err)
		}
		steps := 0
		r, err := relay.NewWithVerbs(store, relay.Options{}, map[string]func(*relay.Tx, []byte) error{
			"step": func(tx *relay.Tx, arg []byte) error {
				if steps++; arg[0] == 0 {
					return nil
				}
				_, err := tx.SetTimer(relay.At(time.Now()), "step", []byte{arg[0] - 1})
				return err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.SetTimer(0, "step", []byte{9}); return err })
		synctest.Wait()
		if steps != 10 {
			t.Errorf("%d steps, want 10", steps)
		}
		r.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}
