package storage

import (
	"errors"
	"io"
	"os"
	"unsafe"
)

// A disk is where the journal's files are. Tests put another in its place,
// which loses what was not synced.
type disk interface {
	// read opens a file for reading.
	read(path string) (reader, error)
	// write opens a file that exists, to write whole blocks.
	write(path string) (writer, error)
	// create makes a file, or empties the one that is there.
	create(path string) (writer, error)
	size(path string) (int64, error)
	// rename and remove are durable after syncDir. Removing what is not there
	// is no error.
	rename(from, to string) error
	remove(path string) error
	syncDir(path string) error
	// flush syncs what others may have written to a file.
	flush(path string) error
}

type reader interface {
	io.ReaderAt
	io.Closer
}

// A writer takes blocks: offset, length and memory are multiples of blockSize
// (see alignedBuffer). What it took is durable after Sync.
type writer interface {
	reader
	io.WriterAt
	Sync() error
}

// realDisk is the one of the system.
type realDisk struct {
	noDirect bool // go through the page cache
	noSync   bool
}

func (d realDisk) read(path string) (reader, error) { return os.Open(path) }

func (d realDisk) write(path string) (writer, error) {
	if !d.noDirect && !d.noSync {
		// Past the page cache, each write synced by itself: one system call
		// instead of two, and half the time.
		if f, err := openDirect(path); err == nil {
			return directFile{f}, nil
		}
	}
	return d.open(path, os.O_RDWR)
}

func (d realDisk) create(path string) (writer, error) {
	return d.open(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d realDisk) open(path string, flag int) (writer, error) {
	f, err := os.OpenFile(path, flag, fileMode)
	if err != nil {
		return nil, err
	}
	if d.noSync {
		return looseFile{f}, nil
	}
	return cachedFile{f}, nil
}

func (d realDisk) size(path string) (int64, error) { return fileSize(path) }
func (d realDisk) rename(from, to string) error    { return os.Rename(from, to) }
func (d realDisk) remove(path string) error        { return remove(path) }
func (d realDisk) syncDir(path string) error {
	if d.noSync {
		return nil
	}
	return syncDir(path)
}

func (d realDisk) flush(path string) error {
	if d.noSync {
		return nil
	}
	return syncPath(path)
}

// A directFile syncs with each write.
type directFile struct{ *os.File }

func (directFile) Sync() error { return nil }

// A cachedFile is synced when told so; its size never changes, so its data is
// all there is to sync.
type cachedFile struct{ *os.File }

func (f cachedFile) Sync() error { return syncData(f.File) }

// A looseFile is never synced.
type looseFile struct{ *os.File }

func (looseFile) Sync() error { return nil }

// tryDirect tells whether a file that was opened past the page cache can be
// read so; some file systems say no only then.
func tryDirect(f *os.File) (*os.File, error) {
	_, err := f.ReadAt(alignedBuffer(blockSize), 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// alignedBuffer returns memory that begins at a multiple of blockSize.
func alignedBuffer(size int64) []byte {
	b := make([]byte, size+blockSize)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (blockSize - 1)
	return b[skip : int64(skip)+size : int64(skip)+size]
}
