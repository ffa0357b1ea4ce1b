package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

const (
	fileMode = 0o600
	// The schema version changes when older programs could no longer read the
	// file. A version that changes the whole store's brings the migration,
	// called by Open, which begins with a Backup.
	wholeSchema = 1 // the file is the whole store
	halfSchema  = 2 // it is together with its journal, see mark
	// lockWait is less than bbolt's pause between two attempts: it tries once.
	lockWait = time.Millisecond
)

var errDamaged = errors.New("the file is damaged: a page cannot be read")

// newFile is where a file is made before it gets its name.
func newFile(path string) string { return path + ".new" }

// initialise makes a store where there is no file yet. bbolt's own first write
// is not safe against a power cut, so it happens under another name; what a
// crash left there is thrown away.
func initialise(path string) error {
	if err := remove(newFile(path)); err != nil {
		return err
	}
	switch info, err := os.Stat(path); {
	case err == nil && info.Size() == 0:
		return errors.New("the file is empty; remove it to begin a new store")
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	err := build(path, func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error { return makeBuckets(tx, 0) })
	})
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody else was quicker; the lock will tell
	}
	return err
}

// makeBuckets makes an empty store with its clock at last.
func makeBuckets(tx *bolt.Tx, last int64) error {
	data, err := tx.CreateBucket(dataBucket)
	if err != nil {
		return err
	}
	meta, err := tx.CreateBucket(metaBucket)
	if err != nil {
		return err
	}
	return errors.Join(raiseClock(data, last), putSchema(meta, wholeSchema))
}

// build makes a file with fill, under another name, and gives it its own when
// it is on the disk in whole. It never replaces a file that is there.
func build(path string, fill func(*bolt.DB) error) error {
	tmp := newFile(path)
	err := buildNew(tmp, fill)
	if err == nil {
		err = linkOnly(tmp, path)
	}
	if err == nil {
		err = syncDir(path)
	}
	return errors.Join(err, remove(tmp))
}

// buildNew makes the file tmp with fill and syncs it.
func buildNew(tmp string, fill func(*bolt.DB) error) error {
	db, err := openFile(tmp, &bolt.Options{NoFreelistSync: true, NoSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	db.AllocSize = allocSize
	err = fill(db)
	if err == nil {
		err = db.Sync()
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return syncPath(tmp)
}

// linkOnly gives the file at tmp a second name that must be free. Where the
// file system has no links it is renamed, which would replace a file that came
// into being in this very moment.
func linkOnly(tmp, path string) error {
	err := os.Link(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return os.Rename(tmp, path)
}

// openFile opens a bbolt file and locks it.
func openFile(path string, o *bolt.Options) (*bolt.DB, error) {
	db, _, err := openMapped(path, o)
	return db, err
}

// openMapped is openFile, and returns the file that bbolt has mapped as well.
func openMapped(path string, o *bolt.Options) (db *bolt.DB, file *os.File, err error) {
	o.Timeout = lockWait
	o.OpenFile = func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	// Looking for free pages, bbolt panics over a damaged tree.
	defer func() {
		if p := recover(); p != nil {
			db, err = nil, errors.Join(errDamaged, file.Close())
		}
	}()
	db, err = bolt.Open(path, fileMode, o)
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, nil, ErrLocked
	}
	if err != nil {
		return nil, nil, err
	}
	if !stillThere(path, file) {
		return nil, nil, errors.Join(ErrLocked, db.Close())
	}
	return db, file, nil
}

// stillThere tells whether path still names the open file. A compaction that
// ended between open and lock has put another in its place.
func stillThere(path string, f *os.File) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(path)
	return err == nil && os.SameFile(a, b)
}

// checkSchema refuses a file that this program cannot read.
func checkSchema(tx *bolt.Tx) error {
	v, err := schema(tx)
	if err != nil {
		return err
	}
	if v > halfSchema {
		return fmt.Errorf("its schema version is %d, this program knows up to %d: %w", v, halfSchema, ErrNewer)
	}
	return nil
}

// schema reads the schema version.
func schema(tx *bolt.Tx) (uint32, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil || tx.Bucket(dataBucket) == nil {
		return 0, errors.New("a bbolt file, but not one of this program")
	}
	v := meta.Get(schemaKey)
	if len(v) != 4 {
		return 0, errors.New("the schema version is damaged")
	}
	return binary.BigEndian.Uint32(v), nil
}

// remove removes a file; that it is not there is no error.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes the names beside path durable.
func syncDir(path string) error { return syncPath(filepath.Dir(path)) }
