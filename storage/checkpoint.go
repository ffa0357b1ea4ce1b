package storage

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// What is frozen is carried into the pages in slices: commits of a few hundred
// keys, in key order, with pauses between them, so that neither the disk nor a
// core is taken away from the writer for long. The last slice says in the same
// commit that the epoch is done. A crash between two slices costs nothing: the
// journal still has all of it.
//
// When the disk is full a slice fails, and must, or acknowledged messages
// would be lost. The ballast goes overboard, growth is refused, and the attempt
// is repeated: deletions first, in smaller slices, for they give pages back to
// the file which then take the rest. So that deletions committed meanwhile
// reach the pages too, the writer then lays active over frozen ([Bolt.fold]).

const (
	sliceKeys    = 500
	sliceBytes   = 1 << 20
	tightSlice   = 50  // keys in a slice on a full disk
	leafFill     = 0.9 // of a page that is split: most keys follow others of their box, and nothing comes in between
	longestNap   = 20 * time.Millisecond
	leastRetry   = 200 * time.Millisecond
	firstRetry   = time.Second
	longestRetry = 30 * time.Second
	// closeTime is how long an orderly end carries over before it leaves the
	// rest to the next start.
	closeTime = 3 * time.Second
)

// A checkpointer carries frozen trees into the pages, in a goroutine of its
// own.
type checkpointer struct {
	work  chan struct{} // capacity 1: look at the state
	moved chan struct{} // capacity 1: it has got somewhere; for who has the turn
	look  chan struct{} // capacity 1: look at the state again; for the writer goroutine
	stop  chan struct{} // closed by Close
	ended chan struct{} // closed when the goroutine has ended

	stuck atomic.Bool // for want of space
	hurry atomic.Bool // the writer waits
	wipe  atomic.Bool // what is free, in any case
	done  atomic.Int64
	waits atomic.Int64 // how often the writer had to wait
}

func newCheckpointer() checkpointer {
	return checkpointer{
		work: make(chan struct{}, 1), moved: make(chan struct{}, 1), look: make(chan struct{}, 1),
		stop: make(chan struct{}), ended: make(chan struct{}),
	}
}

// poke leaves a note in a channel of capacity 1.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// tell says that it has got somewhere.
func (c *checkpointer) tell() {
	poke(c.moved)
	poke(c.look)
}

// errStopped ends carrying over before it is done.
var errStopped = errors.New("storage: stopped")

// checkpoints is the goroutine.
func (b *Bolt) checkpoints() {
	c := &b.journal.check
	defer close(c.ended)
	for {
		select {
		case <-c.stop:
			return
		case <-c.work:
		}
		for retry := firstRetry; !b.checkpoint(); retry = min(2*retry, longestRetry) {
			if !c.rest(leastRetry, nil) || !c.rest(retry, c.work) {
				return
			}
		}
	}
}

// rest waits for some time, or until the writer has folded deletions in, which
// may make the difference. It returns false when it is all over.
func (c *checkpointer) rest(d time.Duration, folded <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.stop:
		return false
	case <-timer.C:
	case <-folded:
	}
	return true
}

// checkpoint carries over what is frozen, and wipes what is free. It returns
// false when there was no space and it must be tried again.
func (b *Bolt) checkpoint() (done bool) {
	c := &b.journal.check
	if f := b.state.Load().frozen; f != nil {
		err := b.carryOver(f, carrying{nap: true, stopped: c.stop})
		switch {
		case errors.Is(err, errStopped):
			return true
		case err == nil:
			b.carried(f)
		case errors.Is(err, ErrFull):
			c.stuck.Store(true)
			c.tell()
			return false
		default:
			b.breakDown(err)
			c.tell()
			return true
		}
	}
	if err := b.wipe(); err != nil && !isFull(err) {
		b.breakDown(err)
	}
	c.tell()
	return true
}

// carried publishes that a frozen tree lies in the pages, unless the writer
// has folded it into a larger one meanwhile, which then comes next.
func (b *Bolt) carried(f *frozen) {
	c := &b.journal.check
	b.mu.Lock()
	s := *b.state.Load()
	same := s.frozen == f
	if same {
		s.frozen = nil
		b.state.Store(&s)
	}
	b.mu.Unlock()
	if !same {
		poke(c.work)
		return
	}
	c.done.Add(1)
	c.stuck.Store(false)
	c.hurry.Store(false)
	b.journal.segs[f.upTo%2].release()
}

// wipe overwrites the free file, unless so much is written just now that its
// turn will be soon anyway.
func (b *Bolt) wipe() error {
	j := b.journal
	always := j.check.wipe.Swap(false)
	var buf []byte
	for _, seg := range j.segs {
		if !seg.dirty() || b.state.Load().tail > seg.size/8 && !always {
			continue
		}
		if buf == nil {
			buf = alignedBuffer(wipeStep)
		}
		if err := seg.wipe(buf); err != nil {
			return err
		}
	}
	return nil
}

// carrying is how a tree is carried over.
type carrying struct {
	nap     bool
	whole   bool // say in the end that the file is the whole store
	stopped <-chan struct{}
}

// carryOver puts a frozen tree into the pages. The errors are errStopped, ErrFull,
// and what makes the writer stop.
func (b *Bolt) carryOver(f *frozen, how carrying) error {
	if b.pressure.pressed.Load() && !f.tree.empty() {
		how.nap = false
		keys := min(tightSlice, b.opts.slice)
		if err := b.passes(f, how, keys, true); err != nil {
			return err
		}
		return b.passes(f, how, keys, false)
	}
	return b.passes(f, how, b.opts.slice, false)
}

// passes carries the tree's keys over, or only its deletions.
func (b *Bolt) passes(f *frozen, how carrying, keys int, deletions bool) error {
	c := newClimber(f.tree, Range{})
	for {
		start := time.Now()
		if err := b.slice(c, f, how, keys, deletions); err != nil {
			return err
		}
		if c.at == nil {
			return nil
		}
		if err := b.nap(how, time.Since(start)); err != nil {
			return err
		}
	}
}

// nap rests for as long as the slice took.
func (b *Bolt) nap(how carrying, took time.Duration) error {
	if !how.nap || b.journal.check.hurry.Load() {
		took = 0
	}
	if took == 0 {
		select {
		case <-how.stopped:
			return errStopped
		default:
			return nil
		}
	}
	timer := time.NewTimer(min(took, longestNap))
	defer timer.Stop()
	select {
	case <-how.stopped:
		return errStopped
	case <-timer.C:
		return nil
	}
}

// slice commits what the climber stands on and some more.
func (b *Bolt) slice(c *climber, f *frozen, how carrying, keys int, deletions bool) error {
	tx, err := b.db.Begin(true)
	if err != nil {
		return fmt.Errorf("begin a checkpoint: %w", err)
	}
	id := tx.ID()
	bucket := tx.Bucket(dataBucket)
	bucket.FillPercent = leafFill
	changed, err := fillSlice(bucket, c, keys, deletions)
	if err == nil && c.at == nil && !deletions {
		changed = true
		err = b.epochDone(tx, f, how.whole)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("fill a checkpoint: %w", err), tx.Rollback())
	}
	if !changed {
		return tx.Rollback()
	}
	if err := b.commit(tx); err != nil {
		return b.pagesFailed(tx, id, fmt.Errorf("commit a checkpoint: %w", err))
	}
	return nil
}

// fillSlice applies some changes, and tells whether there were any.
func fillSlice(bucket *bolt.Bucket, c *climber, keys int, deletions bool) (changed bool, err error) {
	for n, size := 0, 0; c.at != nil && n < keys && size < sliceBytes; c.advance() {
		e := c.at
		if deletions && (e.value != nil || bucket.Get(e.key) == nil) {
			continue
		}
		if err := apply(bucket, e); err != nil {
			return false, err
		}
		n++
		size += len(e.key) + len(e.value)
		changed = true
	}
	return changed, nil
}

func apply(bucket *bolt.Bucket, e *entry) error {
	if e.value == nil {
		return bucket.Delete(e.key)
	}
	return bucket.Put(e.key, e.value)
}

// epochDone is what the last slice adds.
func (b *Bolt) epochDone(tx *bolt.Tx, f *frozen, whole bool) error {
	if err := raiseClock(tx.Bucket(dataBucket), f.last); err != nil {
		return err
	}
	if whole {
		return putWhole(tx)
	}
	return mark{id: b.journal.id, done: f.upTo}.put(tx)
}

// raiseClock leaves the commit clock in the pages. It is the bucket's
// sequence, which lies in the root page that every commit writes anyway.
func raiseClock(bucket *bolt.Bucket, last int64) error {
	if uint64(last) <= bucket.Sequence() {
		return nil
	}
	return bucket.SetSequence(uint64(last))
}

// pagesFailed says what a failed commit of pages means. A full file or disk is
// rolled back, and ErrFull; after any other error nobody can tell what the disk
// holds, and a sync that is tried again may lie.
func (b *Bolt) pagesFailed(tx *bolt.Tx, id int, cause error) error {
	_ = tx.Rollback() // an error says that the commit did it already
	if !isFull(cause) || b.reached(id) {
		return cause
	}
	b.pressure.press(b.opts.Clock())
	return ErrFull
}

// reached tells whether the file's current meta page is that of transaction
// id, though its commit returned an error: then it can be rolled back no more.
func (b *Bolt) reached(id int) bool {
	now := 0
	_ = b.db.View(func(tx *bolt.Tx) error { now = tx.ID(); return nil })
	return now >= id
}
