package relay

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"restante/storage"
)

// blobFiles are the bytes of blobs: Dir/blobs/<first two hex digits>/<id>, and
// what is being written in Dir/blobs/new. A file is whole and synced before its
// row is committed, and its row is gone before it is removed: a crash leaves
// files without rows, never rows without files. A sweep at start removes those.
type blobFiles struct {
	dir string

	mu      sync.Mutex    // guards what follows
	filling map[ID]bool   // one upload at a time for each blob
	doomed  []ID          // files to remove; a goroutine does as long as there are any
	idle    chan struct{} // closed when that goroutine has ended; nil if none ever ran
}

const (
	blobDir = "blobs"
	newDir  = "new"
	// orphanAfter is how old a file without a row must be to be removed: its
	// row may be on its way.
	orphanAfter = time.Hour
)

// openBlobFiles returns nil without a state directory: there are no blobs then.
func openBlobFiles(dir string) (*blobFiles, error) {
	if dir == "" {
		return nil, nil
	}
	f := &blobFiles{dir: filepath.Join(dir, blobDir), filling: map[ID]bool{}}
	if err := os.MkdirAll(filepath.Join(f.dir, newDir), 0o700); err != nil {
		return nil, fmt.Errorf("directory of blobs: %w", err)
	}
	return f, nil
}

func (f *blobFiles) path(id ID) string {
	name := id.String()
	return filepath.Join(f.dir, name[:2], name)
}

// PutBlob stores bytes as a new blob: reserves its owner's quota, streams the
// body to the disk, and commits. then, if given, runs in that commit with the
// blob as it will be, size and hash known; its error undoes all of it. Errors
// as for [Tx.ReserveBlob] and [Relay.FillBlob].
func (r *Relay) PutBlob(ctx context.Context, d BlobDraft, body io.Reader, then func(*Tx, Blob) error) (Blob, error) {
	var b Blob
	err := r.Update(ctx, func(tx *Tx) (err error) {
		b, err = tx.ReserveBlob(d)
		return err
	})
	if err != nil {
		return Blob{}, err
	}
	got, err := r.FillBlob(ctx, b.ID, body, then)
	if err != nil {
		err = errors.Join(err, r.giveBack(ctx, b.ID))
	}
	return got, err
}

// giveBack removes a blob whose bytes did not come, though the caller may have
// left. Should it fail, the blob's timer does it.
func (r *Relay) giveBack(ctx context.Context, id ID) error {
	err := r.Update(context.WithoutCancel(ctx), func(tx *Tx) error { return tx.RemoveBlob(id) })
	if Is(err, NotFound) {
		return nil
	}
	return err
}

// FillBlob stores the bytes of a reserved blob; then is as for PutBlob. Whoever
// failed may try again until the bytes are there. NotFound (blob): none was
// reserved. Conflict (blob): its bytes are there, or being stored. TooLarge
// (blob): more bytes than were reserved. Full: the disk is.
func (r *Relay) FillBlob(ctx context.Context, id ID, body io.Reader, then func(*Tx, Blob) error) (Blob, error) {
	if r.blobs == nil {
		return Blob{}, Errorf(NotFound, SubjectBlob, "no such file")
	}
	if !r.blobs.claim(id) {
		return Blob{}, stored()
	}
	defer r.blobs.release(id)
	var b Blob
	err := r.View(ctx, func(tx *Tx) (err error) {
		b, err = tx.unfilled(id)
		return err
	})
	if err != nil {
		return Blob{}, err
	}
	size, hash, err := r.blobs.write(id, b.Size, body)
	if err != nil {
		return Blob{}, err
	}
	err = r.Update(ctx, func(tx *Tx) (err error) {
		b, err = tx.fill(id, size, hash, then)
		return err
	})
	if err != nil && !errors.Is(err, storage.ErrBroken) { // then nobody knows whether it was committed
		err = errors.Join(err, r.blobs.remove(id))
	}
	if err != nil {
		return Blob{}, err
	}
	return b, nil
}

func stored() error { return Errorf(Conflict, SubjectBlob, "stored already") }

func (tx *Tx) unfilled(id ID) (Blob, error) {
	b, err := tx.Blob(id)
	if err == nil && b.Stored != 0 {
		err = stored()
	}
	return b, err
}

// fill commits that the bytes of a blob are there.
func (tx *Tx) fill(id ID, size int64, hash Digest, then func(*Tx, Blob) error) (Blob, error) {
	b, err := tx.unfilled(id)
	if err != nil {
		return Blob{}, err
	}
	if err := tx.use(b.Owner, size-b.Size, 0, MaxBlob); err != nil {
		return Blob{}, err
	}
	b.Size, b.Hash, b.Stored = size, hash, Time(tx.Now())
	if err := tx.timeBlob(&b); err != nil {
		return Blob{}, err
	}
	if err := tx.put(blobKey(id), b); err != nil {
		return Blob{}, err
	}
	if then != nil {
		err = then(tx, b)
	}
	return b, err
}

// write streams a body into a blob's file: aside, synced, renamed.
func (f *blobFiles) write(id ID, limit int64, body io.Reader) (size int64, hash Digest, err error) {
	tmp, err := os.CreateTemp(filepath.Join(f.dir, newDir), "*") // 0600
	if err != nil {
		return 0, Digest{}, diskError(err)
	}
	defer os.Remove(tmp.Name()) // fails once it is renamed
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(tmp, sum), io.LimitReader(body, limit+1))
	if err == nil && size > limit {
		err = Errorf(TooLarge, SubjectBlob, "file too large")
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = f.settle(tmp.Name(), f.path(id))
	}
	sum.Sum(hash[:0])
	return size, hash, diskError(err)
}

// settle gives a written file its place, for good.
func (f *blobFiles) settle(from, to string) error {
	dir := filepath.Dir(to)
	err := os.Mkdir(dir, 0o700)
	switch {
	case errors.Is(err, fs.ErrExist):
	case err != nil:
		return err
	default:
		if err := syncDir(f.dir); err != nil {
			return err
		}
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(dir)
}

// diskError returns Full for a full disk, and any other error without the name
// of the file, which is a blob's id and would get into the log.
func diskError(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = fmt.Errorf("%s a blob's file: %w", path.Op, path.Err)
	case errors.As(err, &link):
		err = fmt.Errorf("%s a blob's file: %w", link.Op, link.Err)
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &Error{Code: Full, Text: "relay full", err: err}
	}
	return err
}

// claim takes the right to fill a blob, if nobody has it.
func (f *blobFiles) claim(id ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.filling[id] {
		return false
	}
	f.filling[id] = true
	return true
}

func (f *blobFiles) release(id ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.filling, id)
}

// remove removes a blob's file; one that is not there is no error.
func (f *blobFiles) remove(id ID) error {
	err := os.Remove(f.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return diskError(err)
}

// doom has a file removed soon. It is called by the writer, which does not wait
// for the disk's directory.
func (f *blobFiles) doom(id ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.doomed = append(f.doomed, id); len(f.doomed) == 1 {
		f.idle = make(chan struct{})
		go f.removeDoomed(f.idle)
	}
}

func (f *blobFiles) removeDoomed(idle chan struct{}) {
	defer close(idle)
	for left := true; left; {
		f.mu.Lock()
		id := f.doomed[0]
		f.mu.Unlock()
		_ = f.remove(id) // the sweep at the next start tries again
		f.mu.Lock()
		f.doomed = f.doomed[1:]
		left = len(f.doomed) > 0
		f.mu.Unlock()
	}
}

// wait returns when what is doomed has been removed.
func (f *blobFiles) wait() {
	if f == nil {
		return
	}
	f.mu.Lock()
	idle := f.idle
	f.mu.Unlock()
	if idle != nil {
		<-idle
	}
}
