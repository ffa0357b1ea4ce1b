package relay

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"restante/storage"
)

// A TimerID names a timer: when it is due and eight random bytes.
type TimerID [14]byte

// IsZero reports whether id names no timer.
func (id TimerID) IsZero() bool { return id == TimerID{} }

// Due returns when the timer is due.
func (id TimerID) Due() Time { return getTime(id[:6]) }

// A timerRow is what a timer is to do.
type timerRow struct {
	Verb string `cbor:"1,keyasint"`
	Arg  []byte `cbor:"2,keyasint,omitempty"`
}

// SetTimer has the core verb run with arg at a time, or soon when that has
// passed, over restarts; overdue timers run in the order in which they were
// due. The verb runs in a transaction of its own and removes its timer with it,
// so it runs once. A verb with much to do does a bounded step and sets the next
// timer.
func (tx *Tx) SetTimer(due Time, verb string, arg []byte) (TimerID, error) {
	var id TimerID
	putTime(id[:6], min(max(due, 0), maxTime))
	rand.Read(id[6:])
	if err := tx.put(newKey(kindTimer).bytes(id[:]), timerRow{verb, arg}); err != nil {
		return id, err
	}
	tx.OnCommit(func() { tx.r.timers.nudge(id.Due()) })
	return id, nil
}

// CancelTimer takes a timer back; one that has run, or never was, is no error.
func (tx *Tx) CancelTimer(id TimerID) {
	if !id.IsZero() {
		tx.Delete(newKey(kindTimer).bytes(id[:]))
	}
}

// A timerVerb does one bounded step of what a timer asks for.
type timerVerb func(tx *Tx, arg []byte) error

// Timers runs what is due.
type timers struct {
	verbs map[string]timerVerb // complete before the runner starts

	mu   sync.Mutex
	next Time // the earliest time the runner knows of; 0 is none
	wake chan struct{}
}

func newTimers() *timers {
	return &timers{verbs: map[string]timerVerb{}, wake: make(chan struct{}, 1)}
}

// handleTimer names the verb that timers may ask for. New calls it for each
// before the runner starts.
func (r *Relay) handleTimer(verb string, fn timerVerb) {
	if r.timers.verbs[verb] != nil {
		panic("relay: two timer verbs named " + verb)
	}
	r.timers.verbs[verb] = fn
}

// nudge tells the runner that something is due at t.
func (ts *timers) nudge(t Time) {
	ts.mu.Lock()
	earlier := ts.next == 0 || t < ts.next
	if earlier {
		ts.next = t
	}
	ts.mu.Unlock()
	if earlier {
		select {
		case ts.wake <- struct{}{}:
		default:
		}
	}
}

// expect notes that the runner will wake at t by itself.
func (ts *timers) expect(t Time) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.next == 0 || t < ts.next {
		ts.next = t
	}
}

// runTimers runs what is due until ctx ends.
func (r *Relay) runTimers(ctx context.Context) {
	for ctx.Err() == nil {
		wait, err := r.runDue(ctx)
		if err != nil && ctx.Err() == nil {
			r.opts.Fault("run timers", err)
			wait = time.Minute
		}
		clock := time.NewTimer(wait)
		select {
		case <-clock.C:
		case <-r.timers.wake:
		case <-ctx.Done():
		}
		clock.Stop()
	}
}

// runDue runs every timer that is due, oldest first, and returns how long the
// runner may sleep.
func (r *Relay) runDue(ctx context.Context) (time.Duration, error) {
	for ctx.Err() == nil {
		r.timers.mu.Lock()
		r.timers.next = 0 // nudges from here on are news to the runner
		r.timers.mu.Unlock()
		id, row, ok, err := r.firstTimer(ctx)
		if err != nil || !ok {
			return time.Hour, err
		}
		if wait := id.Due() - r.Now(); wait > 0 {
			r.timers.expect(id.Due())
			return min(time.Duration(wait)*time.Millisecond, time.Hour), nil
		}
		if err := r.runTimer(ctx, id, row); err != nil {
			return 0, err
		}
	}
	return 0, ctx.Err()
}

// firstTimer returns the timer that is due first.
func (r *Relay) firstTimer(ctx context.Context) (id TimerID, row timerRow, ok bool, err error) {
	err = r.View(ctx, func(tx *Tx) error {
		scan := newKey(kindTimer).all()
		scan.Limit = 1
		for k, v := range tx.Scan(scan) {
			copy(id[:], k[1:])
			ok = true
			// One that does not decode asks for no verb there is, and is put off
			// like any that fails.
			_ = decode(v, &row)
		}
		return nil
	})
	return id, row, ok, err
}

// runTimer does what one timer asks for and removes it, in one transaction. A
// timer whose verb fails is put off by a minute, so that it holds nobody up.
func (r *Relay) runTimer(ctx context.Context, id TimerID, row timerRow) error {
	k := newKey(kindTimer).bytes(id[:])
	err := r.Update(ctx, func(tx *Tx) error {
		if tx.Get(k) == nil {
			return nil // cancelled meanwhile
		}
		tx.Delete(k)
		fn := r.timers.verb(row.Verb)
		if fn == nil {
			return fmt.Errorf("no timer verb %q", row.Verb)
		}
		return fn(tx, row.Arg)
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	r.opts.Fault("timer "+row.Verb, err)
	return r.Update(ctx, func(tx *Tx) error {
		if tx.Get(k) == nil {
			return nil
		}
		tx.Delete(k)
		_, err := tx.SetTimer(r.Now().Add(time.Minute), row.Verb, row.Arg)
		return err
	})
}

// deleteSome deletes up to max pairs of a range and reports whether any are
// left. Big removals call it from a timer until nothing is.
func (tx *Tx) deleteSome(rg storage.Range, max int) (left bool) {
	rg.Limit = max
	var keys [][]byte
	for k := range tx.Scan(rg) {
		keys = append(keys, append([]byte(nil), k...))
	}
	for _, k := range keys {
		tx.Delete(k)
	}
	return len(keys) == max
}

// String returns the id in hex.
func (id TimerID) String() string { return hex.EncodeToString(id[:]) }
