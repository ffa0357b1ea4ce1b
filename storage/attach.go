package storage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"time"

	bolt "go.etcd.io/bbolt"
)

// This file begins a journal, takes up one that was left, and ends it.

// openJournal does what the options say about a journal.
func (b *Bolt) openJournal() error {
	m, half, clock, err := b.readMark()
	if err != nil {
		return err
	}
	if half {
		return b.takeUp(m, clock)
	}
	b.state.Store(&state{epoch: 1, tail: blockSize, last: clock})
	if b.opts.Journal < 0 {
		return removeJournal(b.opts.disk, b.path)
	}
	return b.beginJournal()
}

func (b *Bolt) readMark() (m mark, half bool, clock int64, err error) {
	err = b.db.View(func(tx *bolt.Tx) error {
		clock = int64(tx.Bucket(dataBucket).Sequence())
		m, half, err = readMark(tx)
		return err
	})
	return m, half, clock, err
}

// takeUp goes on where a crash has left the store. What is replayed may still
// be on its way to the disk, if only the process died, so it is synced first.
func (b *Bolt) takeUp(m mark, clock int64) error {
	for _, path := range journalPaths(b.path) {
		if err := b.opts.disk.flush(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	found, err := replay(b.opts.disk, b.path, m)
	if err != nil {
		return err
	}
	s := stateOf(found, clock)
	if b.opts.Journal < 0 {
		b.state.Store(s)
		return b.giveUp(found)
	}
	j := b.newJournal(m.id)
	for i, path := range journalPaths(b.path) {
		size, err := b.opts.disk.size(path)
		if err != nil {
			return err
		}
		j.segs[i] = &segment{path: path, size: size, free: true, high: size, guessed: true}
	}
	j.epoch, j.tail, j.began = m.done+1, s.tail, time.Now()
	if n := len(found); n > 0 {
		j.epoch, j.before = found[n-1].epoch, found[n-1].before
	}
	s.epoch = j.epoch
	b.state.Store(s)
	j.segment().free = false
	if s.frozen != nil {
		j.segs[s.frozen.upTo%2].free = false
		poke(j.check.work)
	}
	return b.startJournal(j)
}

// giveUp carries all of a journal over that is not wanted any more, and removes
// it.
func (b *Bolt) giveUp(found []records) error {
	f := &frozen{last: b.state.Load().last}
	for _, r := range found {
		f.tree = f.tree.with(r.tree.list())
	}
	err := b.carryOver(f, carrying{whole: true})
	if errors.Is(err, ErrFull) { // there was a ballast, which has gone
		err = b.carryOver(f, carrying{whole: true})
	}
	if err != nil {
		return err
	}
	b.state.Store(&state{last: f.last})
	return removeJournal(b.opts.disk, b.path)
}

func (b *Bolt) newJournal(id journalID) *journal {
	return &journal{
		disk: b.opts.disk, id: id, most: 2 * int(b.opts.Journal),
		epoch: 1, tail: blockSize, check: newCheckpointer(),
	}
}

// beginJournal makes the files where they are missing, and then the store's
// file half of the store. On a disk without room for it all stays as it is.
func (b *Bolt) beginJournal() error {
	var id journalID
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	j := b.newJournal(id)
	for i, path := range journalPaths(b.path) {
		seg, err := freshSegment(b.opts.disk, path, b.opts.Journal)
		if isFull(err) {
			return removeJournal(b.opts.disk, b.path)
		}
		if err != nil {
			return fmt.Errorf("make the journal: %w", err)
		}
		j.segs[i] = seg
	}
	j.segment().free = false
	// Their names may be new, or be left by a process that died before this.
	if err := j.disk.syncDir(b.path); err != nil {
		return fmt.Errorf("make the journal: %w", err)
	}
	if err := b.startJournal(j); err != nil {
		return err
	}
	for _, seg := range j.segs {
		if err := seg.name(id); err != nil {
			return err
		}
	}
	err := b.markHalf(mark{id: id})
	if errors.Is(err, ErrFull) {
		b.journal = nil
		return errors.Join(j.close(), removeJournal(b.opts.disk, b.path))
	}
	return err
}

// startJournal opens the files for writing.
func (b *Bolt) startJournal(j *journal) (err error) {
	for _, seg := range j.segs {
		if seg.file, err = j.disk.write(seg.path); err != nil {
			return err
		}
	}
	b.journal = j
	return nil
}

// markHalf commits the mark.
func (b *Bolt) markHalf(m mark) error {
	tx, err := b.db.Begin(true)
	if err != nil {
		return err
	}
	if err := m.put(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	id := tx.ID()
	if err := b.commit(tx); err != nil {
		return b.pagesFailed(tx, id, fmt.Errorf("begin the journal: %w", err))
	}
	return nil
}

// freshSegment returns a file that holds nothing, the one that is there if it
// can be.
func freshSegment(d disk, path string, size int64) (*segment, error) {
	switch now, err := d.size(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := wipeFile(d, path, now); err != nil {
			return nil, err
		}
		if now == size {
			return &segment{path: path, size: size, free: true, high: blockSize}, nil
		}
		if err := d.remove(path); err != nil {
			return nil, err
		}
	}
	if err := newSegment(d, path, size); err != nil {
		return nil, err
	}
	return &segment{path: path, size: size, free: true, high: blockSize}, nil
}

// wipeFile overwrites all that a file of a journal holds, unless its head says
// that this was done.
func wipeFile(d disk, path string, size int64) (err error) {
	if size%blockSize != 0 || size < minJournal { // none of ours, as it is
		return nil
	}
	f, err := d.write(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if id, ok, err := readHead(f, size); err != nil || ok && id == (journalID{}) {
		return err
	}
	seg := &segment{size: size, file: f, free: true, high: size, guessed: true}
	return seg.clean()
}

// clean wipes a free file and says so in its head.
func (s *segment) clean() error {
	if err := s.wipe(alignedBuffer(wipeStep)); err != nil {
		return err
	}
	return s.name(journalID{})
}

// cleanJournal wipes the files beside a store that is whole without them.
func cleanJournal(d disk, path string) error {
	for _, name := range journalPaths(path) {
		size, err := d.size(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = wipeFile(d, name, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeJournal wipes and removes them.
func removeJournal(d disk, path string) error {
	err := cleanJournal(d, path)
	if isFull(err) {
		err = nil // some file systems need room even for that
	}
	for _, name := range journalPaths(path) {
		err = errors.Join(err, d.remove(name), d.remove(newFile(name)))
	}
	return err
}

// endJournal carries over what is left, so that the file is the whole store,
// and wipes the journal. What there is no time or no space for waits for the
// next start. It runs when the writer has ended.
func (b *Bolt) endJournal() error {
	j := b.journal
	close(j.check.stop)
	<-j.check.ended
	err := b.makeWhole()
	if err == nil {
		for _, seg := range j.segs {
			seg.release()
			err = errors.Join(err, seg.clean())
		}
	}
	if errors.Is(err, errStopped) || isFull(err) || errors.Is(err, ErrFull) || b.broken.Load() != nil {
		err = nil
	}
	return errors.Join(err, j.close())
}

// makeWhole carries everything over.
func (b *Bolt) makeWhole() error {
	if err := b.broken.Load(); err != nil {
		return *err
	}
	enough := make(chan struct{})
	timer := time.AfterFunc(closeTime, func() { close(enough) })
	defer timer.Stop()
	if f := b.state.Load().frozen; f != nil {
		if err := b.carryOver(f, carrying{stopped: enough}); err != nil {
			return err
		}
		b.carried(f)
	}
	b.freeze()
	f := b.state.Load().frozen
	if err := b.carryOver(f, carrying{whole: true, stopped: enough}); err != nil {
		return err
	}
	b.carried(f)
	return nil
}
