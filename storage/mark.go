package storage

import (
	"encoding/binary"
	"errors"

	bolt "go.etcd.io/bbolt"
)

// A mark is what the store's file says of its journal while the two are the
// store only together. Its schema version is halfSchema then, so that a
// program that knows no journal does not take the half for the whole.
type mark struct {
	id   journalID
	done uint64 // the last epoch that lies in the pages in whole
}

var markKey = []byte("journal")

// readMark returns the mark; false when the file is the whole store.
func readMark(tx *bolt.Tx) (m mark, half bool, err error) {
	v, err := schema(tx)
	if err != nil || v < halfSchema {
		return m, false, err
	}
	value := tx.Bucket(metaBucket).Get(markKey)
	if len(value) != len(m.id)+8 {
		return m, false, errors.New("what it says of its journal is damaged")
	}
	copy(m.id[:], value)
	m.done = binary.BigEndian.Uint64(value[len(m.id):])
	return m, true, nil
}

// put writes the mark.
func (m mark) put(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	value := binary.BigEndian.AppendUint64(append([]byte(nil), m.id[:]...), m.done)
	return errors.Join(meta.Put(markKey, value), putSchema(meta, halfSchema))
}

// putWhole takes the mark back: the file alone is the store.
func putWhole(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	return errors.Join(meta.Delete(markKey), putSchema(meta, wholeSchema))
}

func putSchema(meta *bolt.Bucket, v uint32) error {
	return meta.Put(schemaKey, binary.BigEndian.AppendUint32(nil, v))
}
