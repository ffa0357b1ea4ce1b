package relay

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// sweepBlobs removes what a crash left among the files of blobs: uploads that
// broke off, and files without a row, where they are older than an hour. It is
// run once, at start.
func (r *Relay) sweepBlobs(ctx context.Context) error {
	if r.blobs == nil {
		return nil
	}
	dirs, err := os.ReadDir(r.blobs.dir)
	if err != nil {
		return err
	}
	for _, d := range dirs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if d.IsDir() {
			err = errors.Join(err, r.sweepBlobDir(ctx, d.Name()))
		}
	}
	return err
}

// tidyBlobs runs sweepBlobs where nobody waits for it.
func (r *Relay) tidyBlobs(ctx context.Context) {
	if err := r.sweepBlobs(ctx); err != nil && ctx.Err() == nil {
		r.opts.Fault("sweep blobs", err)
	}
}

func (r *Relay) sweepBlobDir(ctx context.Context, name string) error {
	dir := filepath.Join(r.blobs.dir, name)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	before := r.opts.Now().Add(-orphanAfter)
	for _, f := range files {
		if old, err := olderThan(f, before); err != nil || !old {
			continue // gone meanwhile, or too new to tell
		}
		keep, err := r.blobHasRow(ctx, name, f.Name())
		if err != nil {
			return err
		}
		if !keep {
			if err := os.Remove(filepath.Join(dir, f.Name())); err != nil {
				return diskError(err)
			}
		}
	}
	return nil
}

func olderThan(f fs.DirEntry, t time.Time) (bool, error) {
	info, err := f.Info()
	return err == nil && info.Mode().IsRegular() && info.ModTime().Before(t), err
}

// blobHasRow reports whether a file is a stored blob's, or no file of ours.
func (r *Relay) blobHasRow(ctx context.Context, dir, name string) (keep bool, err error) {
	if dir == newDir {
		return false, nil
	}
	id, ok := ParseID(name)
	if !ok {
		return true, nil
	}
	err = r.View(ctx, func(tx *Tx) error {
		b := Blob{ID: id}
		found, err := tx.get(blobKey(id), &b)
		keep = found
		return err
	})
	return keep, err
}

// blobVerbs are the steps of blobs that timers ask for.
func (r *Relay) blobVerbs() { r.handleTimer(verbDropBlob, dropBlob) }
