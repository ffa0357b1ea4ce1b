package storage

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
)

// maxProblems bounds what a Report lists.
const maxProblems = 100

// A Report is what CheckFile found.
type Report struct {
	Schema     uint32
	LastStamp  int64 // the commit clock
	FileSize   int64
	FreeBytes  int64 // in pages that hold nothing
	Keys       int64
	KeyBytes   int64
	ValueBytes int64
	// Problems are sentences without keys or values, at most 100. Broken is
	// how many there were.
	Problems []string
	Broken   int
	// Journal tells that the journal holds what the file does not; both were
	// read as one.
	Journal bool
}

var errDisorder = errors.New("the file is damaged: keys are out of order")

func (r *Report) problem(err error) {
	if r.Broken++; r.Broken <= maxProblems {
		r.Problems = append(r.Problems, err.Error())
	}
}

// CheckFile reads the whole store at path, journal included: every pair in
// order, each given to each (nil: none) with slices that die with the call, then
// bbolt's own check of its pages. What is wrong, errors of each included, is in the report; the
// error says that the file could not be opened: ErrLocked, ErrNewer, or not a
// store at all. It changes nothing.
func CheckFile(path string, each func(k, v []byte) error) (r Report, err error) {
	if r.FileSize, err = fileSize(path); err != nil {
		return r, fmt.Errorf("check: %w", err)
	}
	db, file, err := openMapped(path, &bolt.Options{ReadOnly: true, FreelistType: bolt.FreelistMapType})
	if err == nil {
		err = r.read(db, path, each)
		if r.Broken == 0 {
			err = errors.Join(err, db.Close())
		} else {
			// Goroutines of bbolt's that met the damage may still be reading:
			// what is mapped stays so until the program ends.
			err = errors.Join(err, file.Close())
		}
	}
	if err != nil {
		return r, fmt.Errorf("check %s: %w", path, err)
	}
	return r, nil
}

// read fills the report. In a damaged file page numbers may point anywhere:
// bbolt panics over some, others lead out of the mapped memory. The walk comes
// first because it can be saved from both; bbolt's check runs in goroutines of
// its own, where a bad address ends the program.
func (r *Report) read(db *bolt.DB, path string, each func(k, v []byte) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			r.problem(errDamaged)
		}
	}()
	return db.View(func(tx *bolt.Tx) (err error) {
		if err := checkSchema(tx); err != nil {
			return err
		}
		if r.Schema, err = schema(tx); err != nil {
			return err
		}
		state, err := readState(tx, realDisk{}, path)
		if err != nil {
			r.problem(err)
			state = &stateOfPages
		}
		r.Journal = state.active != nil || state.frozen != nil
		if !r.walk(newSnapshot(tx, state), each) {
			r.problem(errDisorder)
			return nil // bbolt's check, having met that, could end the program
		}
		faults := 0
		for range tx.Check() { // whose sentences name keys
			faults++
		}
		if faults > 0 {
			r.problem(fmt.Errorf("the tree of pages has %d faults", faults))
		}
		r.FreeBytes = int64(db.Stats().FreePageN) * int64(db.Info().PageSize)
		return nil
	})
}

// stateOfPages is that of a store without a journal.
var stateOfPages state

// walk reads every pair, up to a key that is not behind the one before: there
// it returns false.
func (r *Report) walk(s *snapshot, each func(k, v []byte) error) (ordered bool) {
	r.LastStamp = s.now
	var before []byte
	for from := s.source(Range{}); ; from.advance() {
		k, v := from.peek()
		if k == nil {
			return true
		}
		if bytes.Compare(k, before) <= 0 {
			return false
		}
		before = append(before[:0], k...)
		if v == nil {
			continue
		}
		r.Keys++
		r.KeyBytes += int64(len(k))
		r.ValueBytes += int64(len(v))
		if each == nil {
			continue
		}
		if err := each(k, v); err != nil {
			r.problem(err)
		}
	}
}
