package storage

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"

	bolt "go.etcd.io/bbolt"
)

// Errors of a journal that the store cannot do without.
var (
	errJournalMissing = errors.New("its journal is missing, and with it what was written last; put the file back, or go back to a backup")
	errJournalForeign = errors.New("the journal beside it belongs to another store; put its own back, or go back to a backup")
	errJournalDamaged = errors.New("its journal is damaged; keep these files, and go back to a backup")
)

// Records are what one epoch has left in its file.
type records struct {
	epoch  uint64
	tree   *tree
	before int64 // where the epoch before ended
	end    int64 // where the last of them ends
	last   int64 // the commit clock
}

// replay reads the epochs that the pages do not hold in whole: none, one or
// two, the older first. Within a file it stops at the first record that does
// not check: that one was never acknowledged. But an older epoch that ends
// before the newer says so has lost what was.
func replay(d disk, path string, m mark) ([]records, error) {
	var found []records
	for i, name := range journalPaths(path) {
		r, err := replayFile(d, name, m, uint64(i))
		if err != nil {
			return nil, err
		}
		if r.epoch > 0 {
			found = append(found, r)
		}
	}
	if len(found) == 2 && found[0].epoch > found[1].epoch {
		found[0], found[1] = found[1], found[0]
	}
	for i, r := range found {
		if r.epoch != m.done+1+uint64(i) || i > 0 && r.before != found[0].end {
			return nil, errJournalDamaged
		}
	}
	return found, nil
}

// replayFile reads one file, whose epochs are all even or all odd.
func replayFile(d disk, path string, m mark, parity uint64) (r records, err error) {
	size, err := d.size(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, errJournalMissing
	}
	if err != nil {
		return r, err
	}
	f, err := d.read(path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	id, ok, err := readHead(f, size)
	if err != nil {
		return r, err
	}
	if !ok || id != m.id {
		return r, errJournalForeign
	}
	err = r.read(f, size, id)
	if r.epoch <= m.done || r.epoch%2 != parity {
		r = records{}
	}
	return r, err
}

// read reads records up to the first that does not check or is of another
// epoch.
func (r *records) read(f io.ReaderAt, size int64, id journalID) error {
	in := bufio.NewReaderSize(io.NewSectionReader(f, blockSize, size-blockSize), wipeStep)
	for r.end = blockSize; ; {
		head, err := in.Peek(headerSize)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		n := recordLength(head, size-r.end)
		if n == 0 {
			return nil
		}
		record := make([]byte, n)
		if _, err := io.ReadFull(in, record); err != nil {
			return fmt.Errorf("read the journal: %w", err)
		}
		if !r.take(record, id) {
			return nil
		}
		// At the end of the file less may be left, which Peek then says.
		_, _ = in.Discard(int(padded(n)) - n)
	}
}

// take lays a record over those before it, if it is the one that follows.
func (r *records) take(record []byte, id journalID) bool {
	h, list, ok := parseRecord(record, id)
	if !ok || h.offset != r.end || h.epoch == 0 || r.epoch != 0 && h.epoch != r.epoch {
		return false
	}
	if r.epoch == 0 {
		r.epoch, r.before = h.epoch, h.before
	}
	r.tree = r.tree.with(list)
	r.last = h.last
	r.end += padded(len(record))
	return true
}

// stateOf is what the records leave before the pages.
func stateOf(found []records, clock int64) *state {
	s := &state{last: clock, tail: blockSize}
	if len(found) == 2 {
		s.frozen = &frozen{tree: found[0].tree, upTo: found[0].epoch, last: found[0].last}
	}
	if len(found) > 0 {
		r := found[len(found)-1]
		s.active, s.last, s.tail = r.tree, max(clock, r.last), r.end
	}
	return s
}

// readStore opens a snapshot of a file that is open for reading only, or at
// least not in use: its pages and what its journal adds.
func readStore(db *bolt.DB, d disk, path string) (*snapshot, error) {
	tx, err := db.Begin(false)
	if err != nil {
		return nil, err
	}
	s, err := readState(tx, d, path)
	if err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return newSnapshot(tx, s), nil
}

func readState(tx *bolt.Tx, d disk, path string) (*state, error) {
	if err := checkSchema(tx); err != nil {
		return nil, err
	}
	clock := int64(tx.Bucket(dataBucket).Sequence())
	m, half, err := readMark(tx)
	if err != nil || !half {
		return &state{last: clock}, err
	}
	found, err := replay(d, path, m)
	if err != nil {
		return nil, err
	}
	return stateOf(found, clock), nil
}
