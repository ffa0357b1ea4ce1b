package storage

import "time"

// This file is the writer's part in the turns of the journal: when an epoch
// ends, and what becomes of its tree.

const (
	// calmTime is how long nothing may have been written before the journal is
	// emptied, if it holds at least calmCost: idle, a relay is small, and what
	// was erased is gone.
	calmTime = 5 * time.Second
	calmCost = 256 << 10
	// longestEpoch bounds how long an epoch lasts where it never becomes calm or
	// holds less. To carry a single message over writes as much as bbolt alone
	// would have; many at once cost little more.
	longestEpoch = 10 * time.Minute
)

// change publishes another state.
func (b *Bolt) change(fn func(*state)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := *b.state.Load()
	fn(&s)
	b.state.Store(&s)
}

// makeRoom sees to it that the running epoch takes a record of this size. If
// the epoch before is still being carried over it waits: that bounds memory,
// and makes the load what the disk can bear. ErrFull: the pages take no more,
// and the journal neither, of what grows or, with shrinks, at all. errTooLong:
// no epoch takes it.
func (b *Bolt) makeRoom(size int64, shrinks bool) error {
	for {
		s := b.state.Load()
		ok, err := b.journal.fits(size, s, shrinks && b.stuck())
		if ok || err != nil {
			return err
		}
		if s.frozen != nil {
			err = b.awaitCarried()
		} else {
			err = b.nextEpoch()
		}
		if err != nil {
			return err
		}
	}
}

// stuck tells whether the pages take no more of what the journal holds.
func (b *Bolt) stuck() bool { return b.journal != nil && b.journal.check.stuck.Load() }

// drain has everything carried over, so that the journal is empty.
func (b *Bolt) drain() error {
	for {
		s := b.state.Load()
		if s.frozen == nil && !b.journal.used() {
			return nil
		}
		if err := b.nextEpoch(); err != nil {
			return err
		}
		if err := b.awaitCarried(); err != nil {
			return err
		}
	}
}

// nextEpoch freezes active and goes on in the other file.
func (b *Bolt) nextEpoch() error {
	if err := b.awaitCarried(); err != nil {
		return err
	}
	if !b.journal.used() {
		return nil
	}
	b.freeze()
	poke(b.journal.check.work)
	return nil
}

// freeze ends the epoch; the one before must have been carried over.
func (b *Bolt) freeze() {
	j := b.journal
	epoch := j.epoch
	j.turn()
	b.change(func(s *state) {
		s.turns++
		s.frozen = &frozen{tree: s.active, upTo: epoch, last: s.last}
		s.active = nil
		s.epoch, s.tail = j.epoch, j.tail
	})
}

// awaitCarried waits until nothing is frozen.
func (b *Bolt) awaitCarried() error {
	c := &b.journal.check
	for waited := false; ; {
		if err := b.broken.Load(); err != nil {
			return *err
		}
		if b.state.Load().frozen == nil {
			return nil
		}
		if c.stuck.Load() {
			b.fold()
			return ErrFull
		}
		if !waited {
			waited = true
			c.waits.Add(1)
			c.hurry.Store(true)
			poke(c.work)
		}
		<-c.moved
	}
}

// afterAppend has a look at how the checkpoint goes.
func (b *Bolt) afterAppend() {
	c := &b.journal.check
	switch {
	case b.state.Load().frozen == nil:
	case c.stuck.Load():
		b.fold()
		poke(c.work)
	case b.journal.tail > b.journal.segment().size/2:
		c.hurry.Store(true)
	}
}

// fold lays active over what is frozen, when the disk is too full to carry
// that over and active has deletions, which make room. The epoch goes on: to
// replay its first records later, over pages that hold them, changes nothing,
// for the later ones follow.
func (b *Bolt) fold() {
	b.change(func(s *state) {
		if s.frozen == nil || s.active == nil || s.active.dead == 0 {
			return
		}
		s.turns++
		s.frozen = &frozen{tree: s.frozen.tree.with(s.active.list()), upTo: s.frozen.upTo, last: s.last}
		s.active = nil
	})
}

// untilQuiet is a channel that tells when nothing has come for so long that the
// journal should be seen to; nil when there is nothing to do.
func (b *Bolt) untilQuiet() <-chan time.Time {
	j := b.journal
	if j == nil || b.broken.Load() != nil {
		return nil
	}
	b.turn.begin()
	defer b.turn.end()
	j.quietAt = time.Time{}
	wait, ok := b.quietTime()
	if !ok {
		return nil
	}
	j.quietAt = time.Now().Add(wait)
	if j.quiet == nil {
		j.quiet = time.NewTimer(wait)
	} else {
		j.quiet.Reset(wait)
	}
	return j.quiet.C
}

// quietTime is how long it is until then, if nothing comes.
func (b *Bolt) quietTime() (wait time.Duration, ok bool) {
	j, s := b.journal, b.state.Load()
	calm := max(0, calmTime-time.Since(j.stirred))
	switch {
	case s.frozen != nil: // its end is told
		return 0, false
	case !j.used():
		return calm, j.anyDirty()
	}
	wait = max(0, longestEpoch-time.Since(j.began))
	if j.anyDirty() || s.active != nil && s.active.cost >= calmCost {
		wait = min(wait, calm)
	}
	return wait, true
}

// remindOfQuiet has the writer goroutine set its timer, where others have
// written and it would not go off, or too late.
func (b *Bolt) remindOfQuiet() {
	j := b.journal
	if j == nil {
		return
	}
	wait, ok := b.quietTime()
	if ok && (j.quietAt.IsZero() || time.Now().Add(wait).Before(j.quietAt)) {
		poke(j.check.look)
	}
}

// onQuiet wipes what is free, and once that is done carries over what is left.
func (b *Bolt) onQuiet() {
	b.turn.begin()
	defer b.turn.end()
	if wait, ok := b.quietTime(); !ok || wait > 0 {
		return // something has come since the timer was set
	}
	b.recent = recent{} // idle, a relay is small
	j := b.journal
	j.stirred = time.Now()
	j.check.wipe.Store(true)
	if !j.anyDirty() && j.used() {
		b.freeze()
	}
	poke(j.check.work)
}

// stir notes that the checkpointer has got somewhere: it is calm only from then
// on.
func (b *Bolt) stir() {
	b.turn.begin()
	defer b.turn.end()
	b.journal.stirred = time.Now()
}

// lookAgain tells the writer goroutine to look at the state again.
func (b *Bolt) lookAgain() <-chan struct{} {
	if b.journal == nil {
		return nil
	}
	return b.journal.check.look
}

func (j *journal) anyDirty() bool { return j.segs[0].dirty() || j.segs[1].dirty() }
