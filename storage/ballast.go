package storage

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
)

const ballastSize = 4 << 20

// A ballast is a file that does nothing but take room on the disk. When the
// disk is full it is thrown overboard, so that deletions can be committed.
// The zero ballast weighs nothing.
type ballast struct {
	path string
	size int64
}

// load writes the file unless it is there already. Its bytes are random, or a
// file system that compresses would keep no room at all.
func (b ballast) load() error {
	if b.size == 0 {
		return nil
	}
	if info, err := os.Stat(b.path); err == nil && info.Size() == b.size {
		return nil
	}
	err := b.write()
	if err != nil {
		b.drop()
	}
	return err
}

func (b ballast) write() error {
	f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.Reader, b.size)
	return errors.Join(err, f.Sync(), f.Close())
}

// drop frees the room. If that fails there is nothing else to try, and the
// next commit will tell.
func (b ballast) drop() {
	if b.size > 0 {
		_ = remove(b.path)
	}
}
