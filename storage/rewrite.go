package storage

import (
	"context"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// bbolt keeps deleted values in free pages, and its Tx.WriteTo copies those
// along. So a backup and a compaction write every live pair into a fresh file.

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
	if err := remove(newFile(path)); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	err := build(path, func(dst *bolt.DB) error { return copyStore(ctx, dst, b.db) })
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

// CompactFile rewrites the file at path without its free pages, so that it is
// as small as it can be and holds nothing that was deleted, and returns its
// size before and after. The disk must have room for both. Nobody may have
// the file open: ErrLocked. A crash leaves the old file or the new one.
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
	if err := src.View(checkSchema); err != nil {
		return err
	}
	tmp := newFile(path)
	if err := remove(tmp); err != nil {
		return err
	}
	err = buildNew(tmp, func(dst *bolt.DB) error { return copyStore(context.Background(), dst, src) })
	if err != nil {
		return errors.Join(err, remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return errors.Join(err, remove(tmp))
	}
	return syncDir(path)
}

// copyStore copies every bucket with its sequence, as bbolt.Compact does; but
// that one cannot be interrupted, and a shutdown would wait for it.
func copyStore(ctx context.Context, dst, src *bolt.DB) error {
	return src.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, from *bolt.Bucket) error {
			return copyBucket(ctx, dst, name, from)
		})
	})
}

func copyBucket(ctx context.Context, dst *bolt.DB, name []byte, from *bolt.Bucket) error {
	c := from.Cursor()
	for k, v := c.First(); ; {
		err := dst.Update(func(tx *bolt.Tx) error {
			to, err := tx.CreateBucketIfNotExists(name)
			if err != nil {
				return err
			}
			to.FillPercent = 1 // keys come in order
			if err := to.SetSequence(from.Sequence()); err != nil {
				return err
			}
			for n := 0; k != nil && n < copyBytes; k, v = c.Next() {
				n += len(k) + len(v)
				if err := to.Put(k, v); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
		if err != nil || k == nil {
			return err
		}
	}
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
