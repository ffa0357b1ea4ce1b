package relay

import (
	"context"
	"sync"
)

// A Verb is something of a family's that timers may ask for: a scheduled
// message is sent, a poll ends, the next step of a big removal is taken. It is
// declared once, when the program starts, and serves every relay, as [Records]
// do.
type Verb struct{ name string }

var declaredVerbs struct {
	mu    sync.RWMutex
	steps map[string]timerVerb
}

// NewVerb declares a verb under a name that stays the same over versions of the
// program: timers of an old one may still ask for it. step does one bounded
// piece of work; it runs in a transaction of its own and at most once for each
// timer, and changes nothing but that transaction. It panics when the name is
// empty or taken.
func NewVerb(name string, step func(tx *Tx, arg []byte) error) Verb {
	declaredVerbs.mu.Lock()
	defer declaredVerbs.mu.Unlock()
	if name == "" || declaredVerbs.steps[name] != nil {
		panic("relay: no name for a verb, or two verbs named " + name)
	}
	if declaredVerbs.steps == nil {
		declaredVerbs.steps = map[string]timerVerb{}
	}
	declaredVerbs.steps[name] = step
	return Verb{name}
}

// At has the verb run with arg at a time, see [Tx.SetTimer].
func (v Verb) At(tx *Tx, due Time, arg []byte) (TimerID, error) {
	return tx.SetTimer(due, v.name, arg)
}

// Soon has the verb run with arg, encoded, once this transaction is committed
// and what is due before it is done: the next step of a job.
func (v Verb) Soon(tx *Tx, arg any) error { return tx.again(v.name, arg) }

// DecodeArg reads what Soon encoded.
func DecodeArg(arg []byte, v any) error { return decode(arg, v) }

// verb returns what a timer asks for, nil when nobody knows it.
func (ts *timers) verb(name string) timerVerb {
	if fn := ts.verbs[name]; fn != nil {
		return fn
	}
	declaredVerbs.mu.RLock()
	defer declaredVerbs.mu.RUnlock()
	return declaredVerbs.steps[name]
}

// Wall is the wall clock as the relay sees it, by which limits in time go. (Now
// is the clock of commits, which never falls.)
func (tx *Tx) Wall() Time { return tx.r.Now() }

// RunDue runs the timers that are due by now, oldest first, and returns when
// they have run. The relay does so by itself; this is for who moves its clock.
func (r *Relay) RunDue(ctx context.Context) error {
	for {
		id, row, ok, err := r.firstTimer(ctx)
		if err != nil {
			return err
		}
		if !ok || id.Due() > r.Now() {
			select {
			case r.timers.wake <- struct{}{}: // it may have to wake earlier than it thought
			default:
			}
			return nil
		}
		if err := r.runTimer(ctx, id, row); err != nil {
			return err
		}
	}
}
