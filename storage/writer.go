package storage

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

const (
	maxBatch   = 1024    // updates in one batch
	batchBytes = 2 << 20 // a batch that has put so much takes no more
)

// A request is an update that waits for its turn.
type request struct {
	fn    func(Txn) error
	taken atomic.Bool // by the writer, or by its caller giving up
	done  chan struct{}

	// Set by the writer before done is closed.
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
			// runtime.Goexit would take the writer with it, and every caller
			// would wait for ever. It comes from t.FailNow inside a closure.
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
	close(r.done)
}

// Update implements [Engine].
func (b *Bolt) Update(ctx context.Context, fn func(Txn) error) error {
	if err := b.refusal(ctx); err != nil {
		return err
	}
	r := &request{fn: fn, done: make(chan struct{})}
	select {
	case b.queue <- r:
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
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
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

// write is the writer: it takes whatever waits, commits it as one batch, and
// goes on. No timer: while one batch is synced, the next gathers.
func (b *Bolt) write() {
	defer close(b.stopped)
	for {
		r := b.carry
		b.carry = nil
		if r == nil {
			r = b.wait()
		}
		if r == nil {
			return
		}
		b.runBatch(r)
	}
}

// wait returns the next update, or nil when the engine closes.
func (b *Bolt) wait() *request {
	for {
		select {
		case <-b.closing:
			return nil
		default:
		}
		select {
		case <-b.closing:
			return nil
		case r := <-b.queue:
			if r.take() {
				return r
			}
		case <-b.untilQuiet():
			b.onQuiet()
		case <-b.moved():
		}
	}
}

// poll returns the next update if one waits already.
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

// gather fills the batch, beginning with first.
func (ba *batch) gather(first *request) {
	for r := first; r != nil; r = ba.b.poll() {
		if !ba.run(r) {
			ba.b.carry = r
			return
		}
		if !ba.open() {
			return
		}
	}
}

// breakDown stops the writer for good. The first reason stays.
func (b *Bolt) breakDown(cause error) error {
	err := fmt.Errorf("%w: %w", ErrBroken, cause)
	b.broken.CompareAndSwap(nil, &err)
	return *b.broken.Load()
}
