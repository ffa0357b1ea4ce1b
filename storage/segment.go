package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"
)

// A segment is one of the journal's two files. Its first block is its head:
//
//	 0   8  "restante"
//	 8  16  the journal's id; zeros when the file holds nothing but zeros
//	24   8  size of the file
//	32   4  CRC-32C of what comes before
//
// The records follow from the second block on.
type segment struct {
	path string
	size int64
	file writer

	mu   sync.Mutex // guards what follows; held for a step of wiping at most
	free bool       // no start will need what it holds
	high int64      // from here on it is all zeros, but for the head
	// guessed says that high was not observed, so it pays to look before
	// writing zeros.
	guessed bool
}

var segmentMagic = []byte("restante")

const headSize = 36

// mark notes that the file is about to be written up to here.
func (s *segment) mark(high int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.high = max(s.high, high)
}

// take makes the file one that is in use, once a step of wiping has ended.
func (s *segment) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = false
}

// release makes it free.
func (s *segment) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = true
}

// dirty tells whether the file is free, and yet holds what it once held. It does
// not wait for a step of wiping, during which it does: the writer asks.
func (s *segment) dirty() bool {
	if !s.mu.TryLock() {
		return true
	}
	defer s.mu.Unlock()
	return s.free && s.high > blockSize
}

// wipe overwrites what a free file holds, from its end on and in steps, and
// gives up as soon as it is taken.
func (s *segment) wipe(buf []byte) error {
	for {
		more, err := s.wipeStep(buf)
		if err != nil {
			return fmt.Errorf("wipe the journal: %w", err)
		}
		if !more {
			return nil
		}
	}
}

func (s *segment) wipeStep(buf []byte) (more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.free || s.high <= blockSize {
		return false, nil
	}
	from := max(blockSize, s.high-int64(len(buf)))
	buf = buf[:s.high-from]
	if s.guessed {
		if _, err := s.file.ReadAt(buf, from); err != nil {
			return false, err
		}
	}
	if !s.guessed || !zero(buf) {
		clear(buf)
		if _, err := s.file.WriteAt(buf, from); err != nil {
			return false, err
		}
		if err := s.file.Sync(); err != nil {
			return false, err
		}
	}
	s.high = from
	return true, nil
}

func zero(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// name writes the head.
func (s *segment) name(id journalID) error {
	block := alignedBuffer(blockSize)
	copy(block, appendHead(nil, id, s.size))
	if _, err := s.file.WriteAt(block, 0); err != nil {
		return fmt.Errorf("write the journal's head: %w", err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("sync the journal's head: %w", err)
	}
	return nil
}

func appendHead(b []byte, id journalID, size int64) []byte {
	b = append(b, segmentMagic...)
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// readHead returns the id in a file's head; false for a file that has none.
func readHead(f io.ReaderAt, size int64) (id journalID, ok bool, err error) {
	block := alignedBuffer(blockSize)
	if _, err := f.ReadAt(block, 0); errors.Is(err, io.EOF) {
		return id, false, nil
	} else if err != nil {
		return id, false, err
	}
	copy(id[:], block[len(segmentMagic):])
	return id, bytes.Equal(block[:headSize], appendHead(nil, id, size)), nil
}

// newSegment makes a file of zeros. It gets its name when all of it is on the
// disk; the name itself is not synced.
func newSegment(d disk, path string, size int64) (err error) {
	tmp := newFile(path)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.remove(tmp))
		}
	}()
	if err := fillZeros(d, tmp, size); err != nil {
		return err
	}
	return d.rename(tmp, path)
}

// fillZeros makes the file and syncs it. The zeros are written, not only
// promised: a first write to a block that was not would change more than it.
func fillZeros(d disk, path string, size int64) (err error) {
	f, err := d.create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := alignedBuffer(wipeStep)
	copy(buf, appendHead(nil, journalID{}, size))
	for at := int64(0); at < size; at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), size-at)]
		if _, err := f.WriteAt(buf, at); err != nil {
			return err
		}
		clear(buf[:headSize])
	}
	return f.Sync()
}
