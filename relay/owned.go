package relay

import "sync"

// An owner's records are those of a type that go with an account or a room.
type owned interface {
	dropOf(tx *Tx, owner ID, max int) (dropped int, err error)
}

var declaredOwned struct {
	mu    sync.RWMutex
	types []owned
}

// ownedStep is how many records of an owner one step removes.
const ownedStep = 100

type goesWith[T any] struct {
	rs    *Records[T]
	index string
	gone  func(*Tx, *T) error
}

// GoesWith declares that records belong to an account or a room: those whose
// value in an index begins with its id are removed after it was removed or
// closed, a step at a time. gone, if given, runs for each in the transaction
// that removes it, for what nothing else names any more (a blob). It is called
// when the program starts, once for each index that names an owner, and returns
// rs. It panics for an index that was not declared.
func (rs *Records[T]) GoesWith(index string, gone func(*Tx, *T) error) *Records[T] {
	declaredOwned.mu.Lock()
	defer declaredOwned.mu.Unlock()
	declaredOwned.types = append(declaredOwned.types, goesWith[T]{rs, rs.known(index), gone})
	return rs
}

// DropOwned removes up to max records whose value in an index begins with an
// id, as they go with it when it goes, and reports whether any may be left.
func (rs *Records[T]) DropOwned(tx *Tx, index string, owner ID, max int, gone func(*Tx, *T) error) (left bool, err error) {
	n, err := goesWith[T]{rs, rs.known(index), gone}.dropOf(tx, owner, max)
	return n == max, err
}

func (g goesWith[T]) dropOf(tx *Tx, owner ID, max int) (dropped int, err error) {
	var found []Found[T]
	for f, err := range g.rs.Scan(tx, g.index, Span{Prefix: owner[:], Limit: max}) {
		if err != nil {
			return 0, err
		}
		found = append(found, f)
	}
	for _, f := range found {
		there, err := g.rs.Delete(tx, f.ID)
		if err == nil && there && g.gone != nil {
			err = g.gone(tx, f.Record)
		}
		if err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

// dropOwned does one step of removing the records of an owner that is gone.
func (tx *Tx) dropOwned(owner ID) (left bool, err error) {
	declaredOwned.mu.RLock()
	types := declaredOwned.types
	declaredOwned.mu.RUnlock()
	max := ownedStep
	for _, t := range types {
		n, err := t.dropOf(tx, owner, max)
		if err != nil {
			return false, err
		}
		if max -= n; max <= 0 {
			return true, nil
		}
	}
	return false, nil
}
