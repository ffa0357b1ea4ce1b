package storage

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Space runs out in two ways: the file reaches MaxSize, or the disk is full.
// Either way closures that grow the store are refused one by one, before the
// commit, and closures that shrink it go on: they need pages too, for bbolt
// writes a changed page to a new place. Under MaxSize those come from a
// reserve, on the disk from the ballast. While the pages take no more they also
// need a place in the journal, a part of which is kept for them (journal.fits).

const (
	minMaxSize = 32 << 20
	minReserve = 8 << 20
	spareBytes = 1 << 20 // that stay free on a disk with a journal
	// pressureTime is how long a full disk is left alone before growth is
	// tried again: every failed attempt makes bbolt read its whole tree.
	pressureTime = time.Minute
)

// A space is how much of the file is in use, when a batch begins.
type space struct {
	pressed     bool  // nothing may grow
	last        bool  // what does not shrink may not be written either
	used, limit int64 // limit 0: none
}

// short tells whether there is no room to put so many more bytes.
func (s space) short(put int) bool {
	return s.pressed || s.limit > 0 && s.used+int64(put) > s.limit
}

// takes tells whether an update may be written when space is short.
func (s space) takes(t *txn) bool {
	growth := t.growth()
	return growth < 0 || growth == 0 && (!s.last || t.over.put == 0)
}

// measure counts the pages in use. It stays cheap: bbolt's numbers are those
// of the transaction before.
func (b *Bolt) measure(tx *bolt.Tx) space {
	s := space{pressed: b.pressure.pressed.Load()}
	if m := b.opts.MaxSize; m > 0 {
		s.limit = m - max(minReserve, m/16) - allocSize
		s.used = tx.Size() - b.freeBytes() + b.state.Load().outstanding()
	}
	stuck := b.stuck()
	s.pressed = s.pressed || b.tight.Load() || stuck
	s.last = stuck && b.journal.tail >= b.journal.kept()
	return s
}

// lookAtDisk sees to it that the disk can take what the journal holds: that was
// acknowledged, and its pages must not be missing later. bbolt's pages are on
// average not quite full, and changed ones go to new places; so it wants twice
// as much. Where it is short all is carried over at once, and if it still is
// nothing may grow. The system is asked when a part of a file has been added.
func (b *Bolt) lookAtDisk() {
	out := b.state.Load().outstanding()
	if !b.tight.Load() && out >= b.looked && out-b.looked < b.opts.Journal/16 {
		return
	}
	if b.shortOfDisk() {
		// If that fails it is either full, which is what is found out here, or
		// broken, which the commit will say.
		_ = b.drain()
		b.tight.Store(b.shortOfDisk())
	} else {
		b.tight.Store(false)
	}
	b.looked = b.state.Load().outstanding()
}

func (b *Bolt) shortOfDisk() bool {
	free, err := diskFree(b.path)
	return err == nil && free+b.freeBytes() < 2*b.state.Load().outstanding()+spareBytes
}

// freeBytes is what lies in free pages.
func (b *Bolt) freeBytes() int64 {
	st := b.db.Stats()
	return int64(st.FreePageN+st.PendingPageN) * b.pageSize
}

// isFull tells whether a commit failed for want of space.
func isFull(err error) bool {
	return errors.Is(err, berrors.ErrMaxSizeReached) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// A pressure is the state of a disk that was found full: the ballast is let
// go, and growth refused until the ballast could be taken aboard again. Writer
// and checkpointer change it, and Stats looks.
type pressure struct {
	pressed atomic.Bool
	mu      sync.Mutex // guards what follows
	since   time.Time
	ballast ballast
}

// open takes the ballast aboard. Without room for it the disk counts as full
// from the start.
func (p *pressure) open(path string, o Options) error {
	if o.NoBallast {
		return nil
	}
	p.ballast = ballast{path: path + ".ballast", size: ballastSize}
	err := p.ballast.load()
	if isFull(err) {
		p.press(o.Clock())
		return nil
	}
	return err
}

func (p *pressure) press(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ballast.drop()
	p.since = now
	p.pressed.Store(true)
}

// relieve ends the pressure if there is space again.
func (p *pressure) relieve(now time.Time) {
	if !p.pressed.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if d := now.Sub(p.since); d >= 0 && d < pressureTime {
		return
	}
	p.since = now
	p.pressed.Store(p.ballast.load() != nil)
}
