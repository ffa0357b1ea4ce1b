package relay

// An Erasing is a big removal of messages, a step at a time: those that one
// account sent, or all, of one box or of every box that is let through. It is
// kept between steps, so that a job goes on where it was after a restart.
type Erasing struct {
	From ID    `cbor:"1,keyasint,omitzero"` // who sent them; zero: whoever did
	Only BoxID `cbor:"2,keyasint,omitzero"` // of this box; zero: of all boxes
	Box  BoxID `cbor:"3,keyasint,omitzero"` // done with the boxes up to this one
	At   Time  `cbor:"4,keyasint,omitempty"`
	In   BoxID `cbor:"5,keyasint,omitzero"` // and in this one with the messages up to At
}

// Limits of one step of an [Erasing], so that it holds the writer up for some
// milliseconds only.
const (
	eraseLooks = 2000 // messages looked at
	eraseBoxes = 500  // boxes looked at
)

// EraseSome does one step: it erases up to max messages with all that lies under
// them and returns which, and reports whether there is more to do. may says of
// which boxes; nil is all. It takes withheld and expired messages, too.
func (tx *Tx) EraseSome(e *Erasing, max int, may func(*Tx, Box) (bool, error)) (gone []EntryID, left bool, err error) {
	looks, keys := 0, 0
	for range eraseBoxes {
		if e.In.IsZero() {
			more, err := tx.nextErasing(e, may)
			if err != nil || !more {
				return gone, false, err
			}
			if e.In.IsZero() {
				continue // not let through
			}
		}
		found, seen, err := tx.sentBy(e, min(max-len(gone), eraseLooks), eraseLooks-looks)
		if err != nil {
			return nil, false, err
		}
		looks += seen
		for _, id := range found {
			n, err := tx.erase(id)
			if err != nil {
				return nil, false, err
			}
			gone, keys = append(gone, id), keys+n
			if keys >= StepKeys {
				e.At = id.Time // not what was found behind it
				return gone, true, nil
			}
		}
		if len(gone) >= max || looks >= eraseLooks {
			return gone, true, nil
		}
		e.Box, e.In, e.At = e.In, BoxID{}, 0
	}
	return gone, true, nil
}

// EraseIf is [Tx.Erase] and reports whether there was anything to erase,
// withheld, expired and erased messages included.
func (tx *Tx) EraseIf(id EntryID) (found bool, err error) {
	n, err := tx.erase(id)
	return n > 0, err
}

// nextErasing goes on to the next box and reports whether there is one; e.In
// stays zero if it is not let through.
func (tx *Tx) nextErasing(e *Erasing, may func(*Tx, Box) (bool, error)) (more bool, err error) {
	var box Box
	if !e.Only.IsZero() {
		if e.Box == e.Only {
			return false, nil
		}
		if box, err = tx.Box(e.Only); Is(err, NotFound) {
			return false, nil
		}
	} else {
		boxes, err := tx.boxesAfter(e.Box, 1)
		if err != nil || len(boxes) == 0 {
			return false, err
		}
		box = boxes[0]
	}
	if err != nil {
		return false, err
	}
	ok := true
	if may != nil {
		if ok, err = may(tx, box); err != nil {
			return false, err
		}
	}
	if ok {
		e.In, e.At = box.ID, 0
	} else {
		e.Box = box.ID
	}
	return true, nil
}

// sentBy looks at messages of the box that is at hand, and returns up to max of
// those to erase. e.At is then the last one it looked at.
func (tx *Tx) sentBy(e *Erasing, max, looks int) (found []EntryID, seen int, err error) {
	rg := between(kindEntry, e.In, e.At, maxTime)
	rg.Limit = looks
	at := e.At
	for k, v := range tx.Scan(rg) {
		id := EntryID{e.In, entryTime(k)}
		seen, at = seen+1, id.Time
		entry, err := decodeEntry(Messages, id, v)
		if err != nil {
			return nil, seen, err
		}
		if e.From.IsZero() || entry.From == e.From {
			if found = append(found, id); len(found) == max {
				break
			}
		}
	}
	e.At = at
	return found, seen, nil
}
