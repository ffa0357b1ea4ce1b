package relay

import (
	"time"

	"restante/storage"
)

// EventsFor is how long the lane of events keeps what happened.
const EventsFor = 14 * 24 * time.Hour

// An OwnerKind says what a box belongs to.
type OwnerKind uint8

const (
	OwnerAccount  OwnerKind = iota + 1 // Owner.ID is the account's
	OwnerRoom                          // the room's
	OwnerOpenRoom                      // the first 16 bytes of the digest of the room's id
	OwnerRelay                         // announcements; there is one
)

// An Owner is whom a box belongs to. Every account, every room and the relay
// itself own exactly one.
type Owner struct {
	Kind OwnerKind `cbor:"1,keyasint"`
	ID   ID        `cbor:"2,keyasint,omitzero"`
}

// A Box is an append-only log under a number of its own. Its two lanes,
// messages and events, share one clock.
type Box struct {
	ID    BoxID `cbor:"-"`
	Owner Owner `cbor:"1,keyasint"`
	// Held is what the lane of messages held when it was last written down, up
	// to and including the entry of time HeldTo.
	Held   Held `cbor:"2,keyasint,omitzero"`
	HeldTo Time `cbor:"3,keyasint,omitempty"`
}

// NewBox makes an empty box under a number that no box has.
func (tx *Tx) NewBox(owner Owner) (BoxID, error) {
	for {
		id := NewID()
		b := BoxID(id[:6])
		if !b.IsZero() && b != announcements && tx.Get(newKey(kindBox).box(b)) == nil && !tx.leftOf(b) {
			return b, tx.put(newKey(kindBox).box(b), Box{Owner: owner})
		}
	}
}

// underBox are the kinds of rows that lie under a box.
var underBox = []byte{kindEntry, kindEvent, kindMark, kindMarked, kindReply}

// leftOf reports whether anything lies under a box, which may be one that is
// being dropped.
func (tx *Tx) leftOf(b BoxID) bool {
	for _, kind := range underBox {
		rg := newKey(kind).box(b).all()
		rg.Limit = 1
		for range tx.Scan(rg) {
			return true
		}
	}
	return false
}

// Box returns the box of that number; NotFound when there is none.
func (tx *Tx) Box(b BoxID) (Box, error) {
	box := Box{ID: b}
	found, err := tx.get(newKey(kindBox).box(b), &box)
	if err == nil && !found {
		err = Errorf(NotFound, SubjectRoom, "no such box")
	}
	return box, err
}

// DropBox removes a box and, in steps after this commit, all it holds. Its
// number is not given out again while anything of it is left.
func (tx *Tx) DropBox(b BoxID) error {
	tx.Delete(newKey(kindBox).box(b))
	tx.moved = append(tx.moved, EntryID{Box: b})
	_, err := tx.SetTimer(tx.r.Now(), verbDropBox, b[:])
	return err
}

const verbDropBox = "drop box"

// StepKeys is how many keys one step of a big removal deletes, so that no step
// holds the writer up.
const StepKeys = 1000

// dropBox does one step of removing what a dropped box held.
func dropBox(tx *Tx, arg []byte) error {
	b := BoxID(arg)
	for _, kind := range underBox {
		if tx.deleteSome(newKey(kind).box(b).all(), StepKeys) {
			_, err := tx.SetTimer(tx.r.Now(), verbDropBox, arg)
			return err
		}
	}
	return nil
}

// EraseThrough erases up to max messages of a box up to and including a time,
// with their marks, and reports whether any may be left. It stops early where
// many marks go with them.
func (tx *Tx) EraseThrough(b BoxID, to Time, max int) (left bool, err error) {
	rg := between(kindEntry, b, 0, to)
	rg.Limit = max
	var ids []EntryID
	for k := range tx.Scan(rg) {
		ids = append(ids, EntryID{b, entryTime(k)})
	}
	keys := 0
	for _, id := range ids {
		n, err := tx.erase(id)
		if err != nil {
			return false, err
		}
		if keys += n; keys >= 5*StepKeys {
			return true, nil
		}
	}
	return len(ids) == max, nil
}

// boxesAfter returns up to max boxes in order of their numbers, from the one
// after b.
func (tx *Tx) boxesAfter(b BoxID, max int) ([]Box, error) {
	rg := storage.Range{From: newKey(kindBox).box(b).byte(0), To: []byte{kindBox + 1}, Limit: max}
	var boxes []Box
	for k, v := range tx.Scan(rg) {
		box := Box{ID: BoxID(k[1:7])}
		if err := decode(v, &box); err != nil {
			return nil, err
		}
		boxes = append(boxes, box)
	}
	return boxes, nil
}
