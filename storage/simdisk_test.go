package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"

	bolt "go.etcd.io/bbolt"
)

// A simDisk holds the journal's files in memory and forgets, when power fails,
// what disks forget: of what was written and not synced, any sectors in any
// order; of names that were given and not synced, those from some moment on.
//
// bbolt's own file is a real one. Of it the order of things is modelled: a
// commit has happened or it has not, and after the cut none happens.
type simDisk struct {
	mu    sync.Mutex
	rand  *rand.Rand
	names map[string]*simFile
	kept  map[string]*simFile // names that a cut cannot undo
	later []func(map[string]*simFile)

	steps int
	trace []string
	// fault is asked at each step; an error it returns is that of the step.
	fault func(step int, what string) error
	dead  bool
}

type simFile struct {
	data    []byte // as it reads now
	synced  []byte
	pending []pendingWrite
}

type pendingWrite struct {
	at   int64
	data []byte
}

var errPower = errors.New("the power failed")

func newSimDisk(seed uint64) *simDisk {
	return &simDisk{rand: rand.New(rand.NewPCG(seed, 0)), names: map[string]*simFile{}, kept: map[string]*simFile{}}
}

// step counts what touches the disk. Power fails in the middle of it: the
// caller does it, and then asks for the error.
func (d *simDisk) step(what string) error {
	if d.dead {
		return errPower
	}
	d.steps++
	d.trace = append(d.trace, what)
	if d.fault == nil {
		return nil
	}
	err := d.fault(d.steps, what)
	if errors.Is(err, errPower) {
		d.dead = true
	}
	return err
}

// commit is for Options.commit.
func (d *simDisk) commit(tx *bolt.Tx) error {
	d.mu.Lock()
	err := d.step("commit")
	first := d.rand.IntN(2) == 0
	d.mu.Unlock()
	if err != nil && (first || !errors.Is(err, errPower) || d.steps == 0) {
		return errors.Join(err, tx.Rollback())
	}
	return errors.Join(tx.Commit(), err)
}

// restart is the disk after the power has come back.
func (d *simDisk) restart() *simDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := newSimDisk(d.rand.Uint64())
	names := maps.Clone(d.kept)
	for _, do := range d.later[:d.rand.IntN(len(d.later)+1)] {
		do(names)
	}
	for name, f := range names {
		data := f.afterCut(d.rand)
		next.names[name] = &simFile{data: data, synced: append([]byte(nil), data...)}
	}
	next.kept = maps.Clone(next.names)
	return next
}

// process is the disk as the next process finds it when only the last one died.
func (d *simDisk) process() *simDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := newSimDisk(d.rand.Uint64())
	next.names, next.kept, next.later = d.names, d.kept, d.later
	return next
}

const sector = 512

// afterCut is what is left of a file: of each sector any of the writes to it
// may have been the last that arrived.
func (f *simFile) afterCut(r *rand.Rand) []byte {
	data := append([]byte(nil), f.synced...)
	keep := r.IntN(3) // all, none, or some
	for _, i := range r.Perm(len(f.pending)) {
		w := f.pending[i]
		if need := w.at + int64(len(w.data)); int64(len(data)) < need {
			data = append(data, make([]byte, need-int64(len(data)))...)
		}
		for at := 0; at < len(w.data); at += sector {
			if keep == 0 || keep == 2 && r.IntN(2) == 0 {
				copy(data[w.at+int64(at):], w.data[at:min(at+sector, len(w.data))])
			}
		}
	}
	return data
}

// A simHandle is an open file.
type simHandle struct {
	d *simDisk
	f *simFile
	n string
}

func (d *simDisk) open(path string) (*simHandle, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return nil, errPower
	}
	f, ok := d.names[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &simHandle{d, f, filepath.Ext(path)}, nil
}

func (d *simDisk) read(path string) (reader, error)  { return d.open(path) }
func (d *simDisk) write(path string) (writer, error) { return d.open(path) }

func (d *simDisk) create(path string) (writer, error) {
	d.mu.Lock()
	err := d.step("create")
	if err == nil {
		d.name(func(names map[string]*simFile, f *simFile) { names[path] = f }, &simFile{})
	}
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return d.open(path)
}

// name changes the names now, and for good with the next sync.
func (d *simDisk) name(do func(map[string]*simFile, *simFile), f *simFile) {
	do(d.names, f)
	d.later = append(d.later, func(names map[string]*simFile) { do(names, f) })
}

func (d *simDisk) size(path string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.names[path]
	if !ok {
		return 0, fs.ErrNotExist
	}
	return int64(len(f.data)), nil
}

func (d *simDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("rename"); err != nil {
		return err
	}
	d.name(func(names map[string]*simFile, f *simFile) { delete(names, from); names[to] = f }, d.names[from])
	return nil
}

func (d *simDisk) remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.names[path]; !ok {
		return nil
	}
	if err := d.step("remove"); err != nil {
		return err
	}
	d.name(func(names map[string]*simFile, _ *simFile) { delete(names, path) }, nil)
	return nil
}

func (d *simDisk) syncDir(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.step("sync directory"); err != nil {
		return err
	}
	d.kept, d.later = maps.Clone(d.names), nil
	return nil
}

func (d *simDisk) flush(path string) error {
	h, err := d.open(path)
	if err != nil {
		return err
	}
	return h.Sync()
}

func (h *simHandle) ReadAt(p []byte, at int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if h.d.dead {
		return 0, errPower
	}
	if at >= int64(len(h.f.data)) {
		return 0, io.EOF
	}
	n := copy(p, h.f.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *simHandle) WriteAt(p []byte, at int64) (int, error) {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if at%blockSize != 0 || len(p)%blockSize != 0 {
		return 0, fmt.Errorf("a write of %d bytes at %d", len(p), at)
	}
	if h.d.dead {
		return 0, errPower
	}
	err := h.d.step("write " + h.n)
	n := len(p)
	switch {
	case errors.Is(err, syscall.ENOSPC): // places are given in blocks
		n = h.d.rand.IntN(len(p)/blockSize) * blockSize
	case err != nil: // a part of it may be written
		n = h.d.rand.IntN(len(p))
	}
	h.put(p[:n], at)
	return n, err
}

func (h *simHandle) put(p []byte, at int64) {
	if need := at + int64(len(p)); int64(len(h.f.data)) < need {
		h.f.data = append(h.f.data, make([]byte, need-int64(len(h.f.data)))...)
	}
	copy(h.f.data[at:], p)
	h.f.pending = append(h.f.pending, pendingWrite{at, append([]byte(nil), p...)})
}

func (h *simHandle) Sync() error {
	h.d.mu.Lock()
	defer h.d.mu.Unlock()
	if err := h.d.step("sync " + h.n); err != nil {
		return err
	}
	h.f.synced, h.f.pending = append([]byte(nil), h.f.data...), nil
	return nil
}

func (h *simHandle) Close() error { return nil }
