package relay

import "iter"

// A MarkKind is what an account did to an entry.
type MarkKind byte

const (
	Delivered MarkKind = 'd'
	Read      MarkKind = 'r'
	Hidden    MarkKind = 'h' // for this account only
	Reaction  MarkKind = 'e' // Name is which
	Pinned    MarkKind = 'p' // one an entry, whoever set it; listed by [Tx.MarkedIn]
	Reported  MarkKind = 'x'

	markVersion = 'v' // an old version, under the same prefix
)

// Limits of marks.
const (
	MaxMarkName = 128 // bytes
	MaxVersions = 100 // of one entry; the oldest goes first
)

// A Mark is one thing that an account did to an entry, and when.
type Mark struct {
	Entry EntryID  `cbor:"-"` // all but the time is in the key
	Kind  MarkKind `cbor:"-"`
	Who   ID       `cbor:"-"`
	Name  string   `cbor:"-"`
	At    Time     `cbor:"1,keyasint"`
}

func entryMarks(id EntryID, kind MarkKind) key {
	return newKey(kindMark).box(id.Box).time(id.Time).byte(byte(kind))
}

func markedKey(m Mark) key {
	return newKey(kindMarked).box(m.Entry.Box).byte(byte(m.Kind)).time(m.At).time(m.Entry.Time)
}

// SetMark marks an entry and reports whether that is new: a mark that is there
// stays as it was, with its time. An entry is pinned once, whoever does it.
// NotFound (message): no such entry, or erased. TooLarge: the name. TooMany: the
// account's share of the day is used up, of which reactions and pins take some.
func (tx *Tx) SetMark(id EntryID, kind MarkKind, who ID, name string) (changed bool, err error) {
	if len(name) > MaxMarkName {
		return false, Errorf(TooLarge, SubjectMessage, "name of the mark too long")
	}
	e, err := tx.Entry(Messages, id)
	if err != nil {
		return false, err
	}
	if e.Erased {
		return false, Errorf(NotFound, SubjectMessage, "no such message")
	}
	k := entryMarks(id, kind).id(who).last(name)
	if tx.Get(k) != nil || kind == Pinned && tx.CountMarks(id, Pinned, 1) > 0 {
		return false, nil
	}
	// The other kinds are set once and by what others write: whoever writes much
	// must not use up what his readers may write.
	if kind == Reaction || kind == Pinned {
		if err := tx.spend(who, id.Box, len(name)); err != nil {
			return false, err
		}
	}
	m := Mark{id, kind, who, name, Time(tx.Now())}
	if kind == Pinned {
		tx.Put(markedKey(m), nil)
	}
	return true, tx.put(k, m)
}

// ClearMark takes a mark away and reports whether it was there. A pin goes
// whoever set it.
func (tx *Tx) ClearMark(id EntryID, kind MarkKind, who ID, name string) (changed bool, err error) {
	if kind == Pinned {
		for m, err := range tx.Marks(id, Pinned) {
			if err == nil {
				tx.dropMark(m)
			}
			return err == nil, err
		}
		return false, nil
	}
	_, found, err := tx.Marked(id, kind, who, name)
	if found {
		tx.Delete(entryMarks(id, kind).id(who).last(name))
	}
	return found, err
}

func (tx *Tx) dropMark(m Mark) {
	tx.Delete(entryMarks(m.Entry, m.Kind).id(m.Who).last(m.Name))
	if m.Kind == Pinned {
		tx.Delete(markedKey(m))
	}
}

// Marked returns when an account set a mark, and whether it did.
func (tx *Tx) Marked(id EntryID, kind MarkKind, who ID, name string) (at Time, found bool, err error) {
	var m Mark
	found, err = tx.get(entryMarks(id, kind).id(who).last(name), &m)
	return m.At, found, err
}

// Marks yields the marks of one kind on an entry, in the order of accounts and
// names, at most 5,000. An error ends it.
func (tx *Tx) Marks(id EntryID, kind MarkKind) iter.Seq2[Mark, error] {
	return tx.marks(id, kind, entryMarks(id, kind))
}

// MarksOf yields the marks of one kind that one account set on an entry, in the
// order of their names.
func (tx *Tx) MarksOf(id EntryID, kind MarkKind, who ID) iter.Seq2[Mark, error] {
	return tx.marks(id, kind, entryMarks(id, kind).id(who))
}

func (tx *Tx) marks(id EntryID, kind MarkKind, prefix key) iter.Seq2[Mark, error] {
	return func(yield func(Mark, error) bool) {
		for k, v := range tx.Scan(prefix.all()) {
			m := Mark{Entry: id, Kind: kind, Who: ID(k[14:30]), Name: string(k[30:])}
			if err := decode(v, &m); !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// CountMarks returns how many marks of one kind are on an entry, counting to
// limit, at most 5,000.
func (tx *Tx) CountMarks(id EntryID, kind MarkKind, limit int) int {
	rg := entryMarks(id, kind).all()
	rg.Limit = limit
	n := 0
	for range tx.Scan(rg) {
		n++
	}
	return n
}

// MarkedIn returns up to limit pinned entries of a box, the latest pin first,
// from the one after a given place (zero: from the latest); of the marks only
// entry, kind and time are set. Other kinds are not listed by box.
func (tx *Tx) MarkedIn(b BoxID, kind MarkKind, past Mark, limit int) []Mark {
	rg := newKey(kindMarked).box(b).byte(byte(kind)).all()
	rg.Reverse, rg.Limit = true, limit
	if past.At != 0 {
		past.Entry.Box, past.Kind = b, kind
		rg.To = markedKey(past)
	}
	var got []Mark
	for k := range tx.Scan(rg) {
		got = append(got, Mark{Entry: EntryID{b, getTime(k[14:])}, Kind: kind, At: getTime(k[8:14])})
	}
	return got
}

const (
	verbEraseMarks = "erase marks"
	markStep       = 1000 // marks of one entry removed in one step
)

// eraseMarks removes the marks and old versions of an entry that is erased: a
// step of it now, the rest by timer. It returns how many keys it removed.
func (tx *Tx) eraseMarks(id EntryID) int { return tx.eraseMarksBut(id, "") }

// eraseSaid removes from an entry that becomes a tombstone what speaks of its
// content: old versions, reactions, pins. Who got, read, hid or reported it
// stays.
func (tx *Tx) eraseSaid(id EntryID) int { return tx.eraseMarksBut(id, "drhx") }

func (tx *Tx) eraseMarksBut(id EntryID, kept string) int {
	n := 0
	// Versions first, all of them: they have been counted out by now.
	for _, kind := range []byte{'v', 'd', 'e', 'h', 'p', 'r', 'x'} {
		if n < markStep && !containsByte(kept, kind) {
			n += tx.eraseMarksOf(id, MarkKind(kind), markStep-n)
		}
	}
	if n >= markStep {
		arg := id.Bytes()
		// The error, of encoding, cannot be; and what was left would only lie there.
		_, _ = tx.SetTimer(tx.r.Now(), verbEraseMarks, append(arg[:], kept...))
	}
	return n
}

func containsByte(s string, b byte) bool {
	for i := range len(s) {
		if s[i] == b {
			return true
		}
	}
	return false
}

func (tx *Tx) eraseMarksOf(id EntryID, kind MarkKind, max int) int {
	rg := entryMarks(id, kind).all()
	rg.Limit = max
	var keys [][]byte
	for k, v := range tx.Scan(rg) {
		keys = append(keys, append([]byte(nil), k...))
		if m := (Mark{Entry: id, Kind: kind}); kind == Pinned && decode(v, &m) == nil {
			keys = append(keys, markedKey(m))
		}
	}
	for _, k := range keys {
		tx.Delete(k)
	}
	return len(keys)
}

// markVerbs are the steps of this file that timers ask for.
func (r *Relay) markVerbs() {
	r.handleTimer(verbEraseMarks, func(tx *Tx, arg []byte) error {
		tx.eraseMarksBut(EntryIDFrom([12]byte(arg[:12])), string(arg[12:]))
		return nil
	})
}
