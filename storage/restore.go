package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A Restored is what RestoreFile found in place of the backup.
type Restored struct {
	// Replaced: there was a store, which has its other name now.
	Replaced bool
	// Unread says why the clock of that store could not be read, and had to be
	// guessed from the times of its files; nil: it was read.
	Unread error
}

// RestoreFile makes a copy of the store at from the store at path. The clock of
// the copy is moved on: beyond that of from, the wall clock and that of the
// store it replaces, so that no later stamp is one that a reader may have seen
// since the backup was made. prepare (nil: none) may then change the copy
// before anybody else sees it.
//
// The store that is replaced, damaged or not, is called kept from then on, with
// its journal beside it if it needs that; fs.ErrExist (wrapped) when another
// file has that name. ErrLocked: somebody has one of the two stores open. An
// error or a crash leaves the old store or the new one, whole. from is to be
// one in which CheckFile finds nothing wrong, and is not changed.
func RestoreFile(ctx context.Context, from, path, kept string, prepare func(*Bolt) error) (r Restored, err error) {
	if r, err = restore(ctx, from, path, kept, prepare); err != nil {
		err = fmt.Errorf("restore %s: %w", path, err)
	}
	return r, err
}

func restore(ctx context.Context, from, path, kept string, prepare func(*Bolt) error) (r Restored, err error) {
	tmp := newFile(path)
	if sameFile(from, path) || sameFile(from, tmp) {
		return r, errors.New("that is the store itself")
	}
	old, err := openReplaced(path)
	if err != nil {
		return r, err
	}
	// To the end: nobody may write to what is being replaced.
	defer func() { err = errors.Join(err, old.close()) }()
	r = Restored{Replaced: old.there, Unread: old.unread}
	if err := freeName(path, kept); err != nil {
		return r, err
	}
	if err := remove(tmp); err != nil {
		return r, err
	}
	if err = copyFrom(ctx, from, tmp); err == nil {
		err = prepared(ctx, tmp, old.clock, prepare)
	}
	if err == nil && old.there {
		err = old.keep(path, kept)
	}
	if err == nil {
		err = replaceStore(tmp, path, old.there)
	}
	if err != nil {
		err = errors.Join(err, remove(tmp), unkeep(path, kept))
	}
	return r, err
}

// A replaced is the store that a backup takes the place of.
type replaced struct {
	there  bool
	db     *bolt.DB // open for reading, and so locked; nil: it cannot be opened
	clock  int64
	half   bool // it is not the whole store without its journal, or nobody knows
	unread error
}

// openReplaced looks at the store at path. That it is damaged is no error: it
// may be why there is a restore.
func openReplaced(path string) (old replaced, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return old, nil
	}
	if err != nil {
		return old, err
	}
	old.there = true
	old.db, err = openFile(path, &bolt.Options{ReadOnly: true, FreelistType: bolt.FreelistMapType})
	if errors.Is(err, ErrLocked) {
		return old, err
	}
	if err == nil {
		err = old.read(path)
	}
	if err == nil {
		return old, nil
	}
	// What is left of its clock is when it was written to.
	old.unread, old.half, old.clock = err, true, max(old.clock, info.ModTime().UnixMilli())
	for _, name := range journalPaths(path) {
		if info, err := os.Stat(name); err == nil {
			old.clock = max(old.clock, info.ModTime().UnixMilli())
		}
	}
	return old, nil
}

// read finds out what time it is there, as [Report.read] reads: in a damaged
// file page numbers may point anywhere.
func (old *replaced) read(path string) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = errDamaged
		}
	}()
	return old.db.View(func(tx *bolt.Tx) error {
		if err := checkSchema(tx); err != nil {
			return err
		}
		old.clock = int64(tx.Bucket(dataBucket).Sequence())
		state, err := readState(tx, realDisk{}, path)
		if err != nil {
			return err
		}
		old.clock = max(old.clock, state.last)
		_, old.half, err = readMark(tx)
		return err
	})
}

func (old *replaced) close() error {
	if old.db == nil {
		return nil
	}
	return old.db.Close()
}

// keep gives the store a second name. The first one names it, too, until the
// new store takes that in one step. Its journal is copied, for the one under
// the first name is wiped then.
func (old *replaced) keep(path, kept string) error {
	for i, name := range journalPaths(kept) {
		err := remove(name)
		if err == nil && old.half {
			err = copyFile(journalPaths(path)[i], name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := os.Link(path, kept)
	if err != nil && !errors.Is(err, fs.ErrExist) { // not every file system has links
		err = copyFile(path, kept)
	}
	if err == nil {
		err = syncDir(path)
	}
	return err
}

// unkeep takes back what keep did, if the store was not replaced after all.
func unkeep(path, kept string) error {
	if _, err := os.Lstat(kept); err == nil && !sameFile(path, kept) {
		return nil
	}
	err := remove(kept)
	for _, name := range journalPaths(kept) {
		err = errors.Join(err, remove(name))
	}
	return err
}

// freeName sees to it that kept can be given. A restore that was cut off may
// have given it already, to the store that is still there.
func freeName(path, kept string) error {
	if _, err := os.Lstat(kept); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if !sameFile(path, kept) {
		return fmt.Errorf("%s is there already, from an earlier restore; remove it, or put it elsewhere: %w", kept, fs.ErrExist)
	}
	return remove(kept)
}

// copyFrom makes the file tmp a copy of another store.
func copyFrom(ctx context.Context, from, tmp string) error {
	return readFile(from, func(src *snapshot) error {
		return buildNew(tmp, func(dst *bolt.DB) error { return copyStore(ctx, dst, src) })
	})
}

// prepared moves the clock of the copy on and has it changed.
func prepared(ctx context.Context, tmp string, clock int64, prepare func(*Bolt) error) error {
	b, err := Open(tmp, Options{Journal: NoJournal, NoBallast: true})
	if err != nil {
		return err
	}
	err = b.AdvanceClock(ctx, max(clock, time.Now().UnixMilli()))
	if err == nil && prepare != nil {
		err = prepare(b)
	}
	return errors.Join(err, b.Close())
}

// copyFile copies a file that nobody writes to. The copy gets its name, which
// is not synced, when it is complete.
func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	tmp := newFile(to)
	out, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err == nil {
		err = os.Rename(tmp, to)
	}
	if err != nil {
		err = errors.Join(err, remove(tmp))
	}
	return err
}

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
