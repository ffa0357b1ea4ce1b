package storage

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
)

const (
	maxBatch   = 1024    // updates in one batch
	batchBytes = 2 << 20 // a batch that has put so much takes no more
)

// Whoever has the turn is the writer: it runs updates and commits them, and at
// any time there is one. An update that finds the turn free takes it and is its
// own writer, which spares it two changes of goroutine; one that does not waits
// in the queue, for whoever has the turn now or for the writer goroutine, which
// takes the turn as soon as something waits.
type turn chan struct{} // capacity 1: holds something while nobody has it

func newTurn() turn {
	t := make(turn, 1)
	t <- struct{}{}
	return t
}

func (t turn) begin() { <-t }
func (t turn) end()   { t <- struct{}{} }

// beginNow takes the turn if it is free.
func (t turn) beginNow() bool {
	select {
	case <-t:
		return true
	default:
		return false
	}
}

// A request is an update on its way.
type request struct {
	fn    func(Txn) error
	taken atomic.Bool   // by the writer, or by its caller giving up
	done  chan struct{} // capacity 1; nil where the caller is the writer

	// Set by the writer before it sends to done.
	err      error
	panicked any
}

// take claims the request, for running it or for giving it up. One side wins.
func (r *request) take() bool { return r.taken.CompareAndSwap(false, true) }

// call runs the closure. A panic is kept for the caller's goroutine.
func (r *request) call(t *txn) {
	r.err, r.panicked = nil, nil
	returned := false
	defer func() {
		if returned {
			return
		}
		if r.panicked = recover(); r.panicked == nil {
			// runtime.Goexit would take the writer's turn with it, and every
			// caller would wait for ever. It comes from t.FailNow inside a closure.
			panic("storage: a closure called runtime.Goexit")
		}
		r.err = fmt.Errorf("storage: a closure panicked")
	}()
	r.err = r.fn(t)
	if t.err != nil {
		r.err = t.err
	}
	returned = true
}

func (r *request) answer(err error) {
	if err != nil {
		r.err = err
	}
	if r.done != nil {
		r.done <- struct{}{}
	}
}

// Update implements [Engine].
func (b *Bolt) Update(ctx context.Context, fn func(Txn) error) error {
	if err := b.refusal(ctx); err != nil {
		return err
	}
	r := &request{fn: fn}
	if b.turn.beginNow() {
		b.lead(r)
	} else if err := b.await(ctx, r); err != nil {
		return err
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

// lead has the caller of an update be the writer for one batch: its own update
// and what waits behind it.
func (b *Bolt) lead(r *request) {
	defer func() {
		if p := recover(); p != nil {
			// A hook's, or our own: what others wait for would never come. So it ends
			// the program, as in the writer goroutine, and no caller recovers from it.
			go panic(p)
			select {}
		}
		b.turn.end()
	}()
	b.runBatch(r)
	for b.carry != nil {
		b.runBatch(b.next())
	}
	b.remindOfQuiet()
}

// await has an update run by somebody else. Its error says that it was not.
func (b *Bolt) await(ctx context.Context, r *request) error {
	r.done = make(chan struct{}, 1)
	select {
	case b.queue <- r:
		poke(b.work)
	default:
		return ErrBusy
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.take() {
			return ctx.Err()
		}
		<-r.done
	case <-b.stopped: // it may have come into the queue after the last look
		if r.take() {
			return ErrClosed
		}
		<-r.done
	}
	return nil
}

// refusal is why an update need not even wait.
func (b *Bolt) refusal(ctx context.Context) error {
	select {
	case <-b.closing:
		return ErrClosed
	default:
	}
	if err := b.broken.Load(); err != nil {
		return *err
	}
	return ctx.Err()
}

// write is the writer goroutine: it takes whatever waits, commits it as one
// batch, and goes on. No timer: while one batch is synced, the next gathers.
func (b *Bolt) write() {
	defer close(b.stopped)
	for b.wait() {
		for r := b.next(); r != nil; r = b.next() {
			b.runBatch(r)
		}
		b.turn.end()
	}
}

// wait returns with the turn when there is something to write, and false when
// the engine closes.
func (b *Bolt) wait() bool {
	for {
		select {
		case <-b.closing:
			return false
		case <-b.work:
			b.turn.begin()
			return true
		case <-b.untilQuiet():
			b.onQuiet()
		case <-b.lookAgain():
			b.stir()
		}
	}
}

// next returns the next update, if one waits already.
func (b *Bolt) next() *request {
	if r := b.carry; r != nil {
		b.carry = nil
		return r
	}
	return b.poll()
}

// poll is next, but for the one that did not fit into a batch.
func (b *Bolt) poll() *request {
	for {
		select {
		case <-b.closing:
			return nil
		default:
		}
		select {
		case r := <-b.queue:
			if r.take() {
				return r
			}
		default:
			return nil
		}
	}
}

// runBatch runs an update and those that wait behind it, commits, and answers
// all of them. Those that failed alone are answered after the commit as well:
// what they saw may have been their neighbours' writes.
func (b *Bolt) runBatch(first *request) {
	if broken := b.broken.Load(); broken != nil {
		first.answer(*broken)
		return
	}
	if b.journal == nil || !b.journal.check.stuck.Load() {
		b.pressure.relieve(b.opts.Clock())
	}
	ba, err := b.newBatch()
	if err != nil {
		first.answer(b.breakDown(err))
		return
	}
	ba.gather(first)
	err = ba.commit()
	if errors.Is(err, ErrFull) {
		ba, err = ba.withoutGrowth()
	}
	switch {
	case err == nil:
		b.recent.changed(ba.over.entries)
		b.count(ba)
		b.tell(ba)
	case !errors.Is(err, ErrFull):
		err = b.breakDown(err)
	}
	for _, r := range ba.done {
		r.answer(err)
	}
}

// withoutGrowth runs a batch again for which there was no space, now that this
// is known: what grows is refused, and what shrinks is not refused because of it.
func (ba *batch) withoutGrowth() (*batch, error) {
	again, err := ba.b.newBatch()
	if err != nil {
		return ba, err
	}
	for _, r := range ba.done {
		if !again.run(r) { // it has come to put more than it did
			r.err = ErrFull
			again.done = append(again.done, r)
		}
	}
	return again, again.commit()
}

// Feed implements [Engine].
func (b *Bolt) Feed(fn func(last int64)) { b.feed.Store(&fn) }

// tell runs the hooks of a batch that is on the disk, then says how far they
// got.
func (b *Bolt) tell(ba *batch) {
	for _, hook := range ba.hooks {
		hook()
	}
	if fn := b.feed.Load(); fn != nil && ba.dirty() {
		(*fn)(ba.last)
	}
}

// gather fills the batch, beginning with first. When nobody waits any more it
// lets the others run once, who may be about to: one batch of many costs less
// than several of few, and a caller who is alone loses nothing by it.
func (ba *batch) gather(first *request) {
	for r, yielded := first, false; r != nil; r = ba.b.poll() {
		if !ba.run(r) {
			ba.b.carry = r
			return
		}
		if !ba.open() {
			return
		}
		if !yielded && len(ba.b.queue) == 0 {
			yielded = true
			runtime.Gosched()
		}
	}
}

// breakDown stops the writer for good. The first reason stays.
func (b *Bolt) breakDown(cause error) error {
	err := fmt.Errorf("%w: %w", ErrBroken, cause)
	b.broken.CompareAndSwap(nil, &err)
	return *b.broken.Load()
}
