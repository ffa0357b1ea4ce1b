package storage

import (
	"context"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// bbolt keeps deleted values in free pages, and its Tx.WriteTo copies those
// along. So a backup and a compaction write every live pair into a fresh file:
// those of the journal, too, so that the copy is the whole store.

// copyBytes is how much one transaction of a copy puts.
const copyBytes = 8 << 20

// Backup writes a copy of the store, as it is now, to a file that must not
// exist yet (fs.ErrExist, wrapped): mode 0600, synced, under its name only
// when complete. The store stays in use; its file grows with what is changed
// meanwhile. If ctx ends the copy is given up.
func (b *Bolt) Backup(ctx context.Context, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-b.closing:
		return ErrClosed
	default:
	}
	src, err := b.snapshot()
	if err == nil {
		defer src.close()
		err = backup(ctx, path, src)
	}
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

func backup(ctx context.Context, path string, src *snapshot) error {
	if err := remove(newFile(path)); err != nil {
		return err
	}
	return build(path, func(dst *bolt.DB) error { return copyStore(ctx, dst, src) })
}

// BackupFile is [Bolt.Backup] of a store that nobody has open (ErrLocked), with
// what a crash has left in its journal. It changes nothing of it.
func BackupFile(ctx context.Context, from, to string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("back up %s: %w", from, err)
		}
	}()
	if _, err := os.Stat(from); err != nil {
		return err
	}
	return readFile(from, func(src *snapshot) error { return backup(ctx, to, src) })
}

// readFile opens a store that nobody has open, with what a crash has left in its
// journal, for reading only.
func readFile(path string, fn func(*snapshot) error) (err error) {
	db, err := openFile(path, &bolt.Options{ReadOnly: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	src, err := readStore(db, realDisk{}, path)
	if err != nil {
		return err
	}
	defer src.close()
	return fn(src)
}

// CompactFile rewrites the file at path without its free pages, so that it is
// as small as it can be and holds nothing that was deleted, and returns its
// size before and after. What a crash has left in the journal goes into the new
// file, and the journal is wiped. The disk must have room for both files.
// Nobody may have the store open: ErrLocked. A crash leaves the old file or the
// new one.
func CompactFile(path string) (before, after int64, err error) {
	if before, err = fileSize(path); err != nil {
		return 0, 0, fmt.Errorf("compact: %w", err)
	}
	if err = compact(path); err != nil {
		return before, 0, fmt.Errorf("compact %s: %w", path, err)
	}
	after, err = fileSize(path)
	return before, after, err
}

func compact(path string) (err error) {
	src, err := openFile(path, fileOptions(Options{}))
	if err != nil {
		return err
	}
	// Closed last: whoever gets the lock then sees that the name has moved on.
	defer func() { err = errors.Join(err, src.Close()) }()
	tmp := newFile(path)
	if err := remove(tmp); err != nil {
		return err
	}
	if err := rewrite(src, path, tmp); err != nil {
		return errors.Join(err, remove(tmp))
	}
	if err := replaceStore(tmp, path, true); err != nil {
		return errors.Join(err, remove(tmp))
	}
	return nil
}

// replaceStore gives a complete file the name of the store: of one that is
// there, or else only if there is none. From then on the file is the whole
// store, and the journal nobody's. It is locked meanwhile: whoever opened it
// before that is wiped would have made the journal his own.
func replaceStore(tmp, path string, there bool) (err error) {
	db, err := openFile(tmp, &bolt.Options{ReadOnly: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if there {
		err = os.Rename(tmp, path)
	} else if err = linkOnly(tmp, path); err == nil {
		err = remove(tmp)
	}
	if err != nil {
		return err
	}
	return errors.Join(syncDir(path), cleanJournal(realDisk{}, path))
}

// rewrite makes the new file.
func rewrite(db *bolt.DB, path, tmp string) error {
	src, err := readStore(db, realDisk{}, path)
	if err != nil {
		return err
	}
	defer src.close()
	return buildNew(tmp, func(dst *bolt.DB) error { return copyStore(context.Background(), dst, src) })
}

// copyStore writes a snapshot into an empty file, as the whole store. Between
// two commits it gives up when ctx ends: a shutdown would wait for it.
func copyStore(ctx context.Context, dst *bolt.DB, src *snapshot) error {
	if err := dst.Update(func(tx *bolt.Tx) error { return makeBuckets(tx, src.now) }); err != nil {
		return err
	}
	for from := src.source(Range{}); ; {
		more := false
		err := dst.Update(func(tx *bolt.Tx) (err error) {
			more, err = copySome(tx.Bucket(dataBucket), from)
			return errors.Join(err, ctx.Err())
		})
		if err != nil || !more {
			return err
		}
	}
}

// copySome copies the next pairs.
func copySome(to *bolt.Bucket, from source) (more bool, err error) {
	to.FillPercent = 1 // keys come in order
	for n := 0; n < copyBytes; from.advance() {
		k, v := from.peek()
		if k == nil {
			return false, nil
		}
		if v == nil {
			continue
		}
		n += len(k) + len(v)
		if err := to.Put(k, v); err != nil {
			return false, err
		}
	}
	return true, nil
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
