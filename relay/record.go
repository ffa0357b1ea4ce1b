package relay

import (
	"bytes"
	"sync"
)

// Limits of records.
const (
	MaxRecord     = 256 << 10 // bytes, encoded
	MaxIndexValue = 256       // bytes of one value
	MaxIndexed    = 256       // values of one record in one index
)

// Records are the documents of one type that a family keeps: a poll, an invite,
// a contact. They are found by id and by the indexes declared with them. T is a
// struct with small integer CBOR keys; Records holds nothing itself, so one
// value of it, made when the program starts, serves every relay.
type Records[T any] struct {
	name    string
	indexes []Index[T]
}

// An Index finds records by values taken from them: none, one or many.
type Index[T any] struct {
	Name string
	// Unique refuses a value that another record has.
	Unique bool
	// Key returns the values, each of up to MaxIndexValue bytes, any bytes. They
	// order as bytes do, so numbers and times are written big-endian.
	Key func(*T) [][]byte
}

var recordNames struct {
	mu    sync.Mutex
	taken map[string]bool
}

// NewRecords declares a type of records. It panics when the name is taken, or
// a name is empty or has a zero byte: it is called at start-up only.
func NewRecords[T any](name string, indexes ...Index[T]) *Records[T] {
	recordNames.mu.Lock()
	defer recordNames.mu.Unlock()
	if recordNames.taken[name] {
		panic("relay: two types of records named " + name)
	}
	names := []string{name}
	for _, x := range indexes {
		names = append(names, x.Name)
	}
	for i, n := range names {
		if n == "" || len(n) > 64 || bytes.IndexByte([]byte(n), 0) >= 0 {
			panic("relay: no name for records or an index: " + n)
		}
		for _, other := range names[1:max(i, 1)] {
			if other == n {
				panic("relay: two indexes named " + n)
			}
		}
	}
	if recordNames.taken == nil {
		recordNames.taken = map[string]bool{}
	}
	recordNames.taken[name] = true
	return &Records[T]{name, indexes}
}

// Put stores a record in place of what was under its id. Conflict (record): a
// unique value is another's. TooLarge (record): over MaxRecord, or an index
// value over its limits.
func (rs *Records[T]) Put(tx *Tx, id ID, v *T) error {
	was, err := rs.rows(tx, id)
	if err != nil {
		return err
	}
	value, err := encoding.Marshal(v)
	if err != nil {
		return err
	}
	if len(value) > MaxRecord {
		return Errorf(TooLarge, SubjectRecord, "record too large")
	}
	if v, err = decoded[T](value); err != nil { // its rows must be those that the next Put will find
		return err
	}
	is := map[string]bool{}
	for _, x := range rs.indexes {
		if err := rs.indexed(tx, x, id, v, is); err != nil {
			return err
		}
	}
	for k := range was {
		if !is[k] {
			tx.Delete([]byte(k))
		}
	}
	for k := range is {
		if !was[k] {
			tx.Put([]byte(k), nil)
		}
	}
	tx.Put(rs.key(id), value)
	return nil
}

// indexed adds the rows of a record in one index to is.
func (rs *Records[T]) indexed(tx *Tx, x Index[T], id ID, v *T, is map[string]bool) error {
	values := x.Key(v)
	if len(values) > MaxIndexed {
		return Errorf(TooLarge, SubjectRecord, "too many values")
	}
	for _, value := range values {
		if len(value) > MaxIndexValue {
			return Errorf(TooLarge, SubjectRecord, "value too long")
		}
		if x.Unique {
			if other, found := rs.first(tx, x.Name, value); found && other != id {
				return Errorf(Conflict, SubjectRecord, "taken")
			}
		}
		is[string(rs.row(x.Name, value, id))] = true
	}
	return nil
}

func decoded[T any](value []byte) (*T, error) {
	v := new(T)
	return v, decode(value, v)
}

// Get returns the record under an id, and whether there is one.
func (rs *Records[T]) Get(tx *Tx, id ID) (*T, bool, error) {
	v := new(T)
	found, err := tx.get(rs.key(id), v)
	return v, found, err
}

// Delete removes a record and reports whether there was one.
func (rs *Records[T]) Delete(tx *Tx, id ID) (bool, error) {
	was, err := rs.rows(tx, id)
	if err != nil || tx.Get(rs.key(id)) == nil {
		return false, err
	}
	for k := range was {
		tx.Delete([]byte(k))
	}
	tx.Delete(rs.key(id))
	return true, nil
}

// Find returns the record with a value in an index, the one of the least id if
// there are several.
func (rs *Records[T]) Find(tx *Tx, index string, value []byte) (id ID, v *T, found bool, err error) {
	id, found = rs.first(tx, rs.known(index), value)
	if !found {
		return ID{}, nil, false, nil
	}
	v, found, err = rs.Get(tx, id)
	return id, v, found, err
}

// first returns the first record with that very value.
func (rs *Records[T]) first(tx *Tx, index string, value []byte) (id ID, found bool) {
	rg := rs.prefix(index).bytes(escape(value)).byte(0).all()
	rg.Limit = 1
	for k := range tx.Scan(rg) {
		id, found = tailID(k), true
	}
	return id, found
}

// rows returns the index rows of what is stored under an id.
func (rs *Records[T]) rows(tx *Tx, id ID) (map[string]bool, error) {
	v, found, err := rs.Get(tx, id)
	rows := map[string]bool{}
	if err != nil || !found {
		return rows, err
	}
	for _, x := range rs.indexes {
		for _, value := range x.Key(v) {
			rows[string(rs.row(x.Name, value, id))] = true
		}
	}
	return rows, nil
}

// known returns the name of an index that was declared. Another one is a
// mistake in the program, and would look like an empty index.
func (rs *Records[T]) known(index string) string {
	for _, x := range rs.indexes {
		if x.Name == index {
			return index
		}
	}
	panic("relay: no index " + index + " of " + rs.name)
}

func (rs *Records[T]) key(id ID) key { return newKey(kindRecord).word(rs.name).id(id) }
