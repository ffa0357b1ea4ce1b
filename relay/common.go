package relay

import (
	"bytes"
	"iter"
)

// CommonRooms yields the rooms in which both of two accounts have rows of their
// own, in the order of the rooms' ids: the price is that of two lists of ids,
// not of the rooms in them. Rooms that inherit are found below their parents.
// An error ends it.
func (tx *Tx) CommonRooms(a, b ID) iter.Seq2[Room, error] {
	return func(yield func(Room, error) bool) {
		next, stop := iter.Pull2(tx.each(newKey(kindJoined).id(b).all()))
		defer stop()
		other, _, ok := next()
		for k := range tx.each(newKey(kindJoined).id(a).all()) {
			id := tailID(k)
			for ok && bytes.Compare(other[1+len(id):], id[:]) < 0 {
				other, _, ok = next()
			}
			if !ok {
				return
			}
			if !bytes.Equal(other[1+len(id):], id[:]) {
				continue
			}
			r, err := tx.Room(id)
			if Is(err, NotFound) {
				continue // closing
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}
