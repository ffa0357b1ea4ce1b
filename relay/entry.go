package relay

// A Lane is one of the two logs of a box.
type Lane byte

const (
	Messages Lane = kindEntry // sealed content; and notices: what, who, no text
	Events   Lane = kindEvent // what happened: edited, deleted, member added
)

// An Entry is one thing in a box, the same for every family. Body and Nonce are
// sealed: bytes as the client sent them, never looked into.
type Entry struct {
	ID      EntryID `cbor:"-"`
	Lane    Lane    `cbor:"-"`
	Kind    string  `cbor:"1,keyasint"`            // the home family's word: "message", "invite", "text"
	From    ID      `cbor:"2,keyasint,omitzero"`   // zero: nobody, or nobody any more
	Body    []byte  `cbor:"3,keyasint,omitempty"`  // sealed
	Nonce   []byte  `cbor:"4,keyasint,omitempty"`  // what the client sealed it with
	Reply   Time    `cbor:"5,keyasint,omitempty"`  // the entry of this box it answers
	Thread  Time    `cbor:"6,keyasint,omitempty"`  // the entry of this box it hangs under
	Expires Time    `cbor:"7,keyasint,omitempty"`  // from then on it is not read any more
	Edited  Time    `cbor:"8,keyasint,omitempty"`  // of the last amendment
	Place   uint16  `cbor:"9,keyasint,omitempty"`  // among the entries of its transaction
	Extra   []byte  `cbor:"10,keyasint,omitempty"` // fields of the home family's own, opaque
	Erased  bool    `cbor:"11,keyasint,omitempty"` // a tombstone: that it was, not what
	// Withheld: nobody reads it, until that is taken back; see [Tx.Withhold].
	Withheld bool `cbor:"12,keyasint,omitempty"`
}

// A Draft is an entry to be.
type Draft struct {
	Lane    Lane // Messages when zero
	Kind    string
	From    ID
	Body    []byte
	Nonce   []byte
	Reply   Time
	Thread  Time
	Expires Time
	Extra   []byte
}

// Append adds an entry to a box, under a time greater than every time that any
// reader has seen, and has the box rung after the commit. NotFound: no such box.
// Full: the box holds its quota. Who may write is not asked here; see [Tx.Send] and [Tx.Post].
func (tx *Tx) Append(b BoxID, d Draft) (Entry, error) {
	if d.Lane == 0 {
		d.Lane = Messages
	}
	e := Entry{
		Lane: d.Lane, Kind: d.Kind, From: d.From, Body: d.Body, Nonce: d.Nonce, Reply: d.Reply,
		Thread: d.Thread, Expires: d.Expires, Extra: d.Extra, Place: tx.place,
	}
	if box, _ := tx.Recall(newKey(kindBox).box(b)); box == nil {
		return e, Errorf(NotFound, SubjectRoom, "no such box")
	}
	err := encodeEntry(&e, func(value []byte) error {
		err := tx.stamp(b, &e, len(value))
		if err == nil {
			tx.Put(entryKey(byte(e.Lane), e.ID), value)
		}
		return err
	})
	if err != nil {
		return e, err
	}
	if e.Lane == Messages && e.Thread != 0 {
		tx.Put(newKey(kindReply).box(b).time(e.Thread).time(e.ID.Time), nil)
	}
	if e.Lane == Messages && e.Expires != 0 {
		id := e.ID.Bytes()
		if _, err := tx.SetTimer(e.Expires, verbExpire, id[:]); err != nil {
			return e, err
		}
	}
	tx.place++
	tx.moved = append(tx.moved, e.ID)
	return e, nil
}

// stamp counts the entry in and gives it its time.
func (tx *Tx) stamp(b BoxID, e *Entry, bytes int) error {
	if e.Lane != Messages {
		e.ID = EntryID{b, Time(tx.Stamp(b[:]))}
		return nil
	}
	n, err := tx.admit(b, bytes)
	if err != nil {
		return err
	}
	e.ID = EntryID{b, Time(tx.Stamp(b[:]))}
	n.last = e.ID.Time
	if n.unsaved >= writeDownEvery {
		return tx.writeDown(b, n)
	}
	return nil
}

// Entry returns an entry; NotFound when it is not there, has expired or is
// withheld.
func (tx *Tx) Entry(lane Lane, id EntryID) (Entry, error) {
	v := tx.Get(entryKey(byte(lane), id))
	if v == nil {
		return Entry{}, Errorf(NotFound, SubjectMessage, "no such message")
	}
	e, err := decodeEntry(lane, id, v)
	if err == nil && !e.readable(tx.r.Now()) {
		return Entry{}, Errorf(NotFound, SubjectMessage, "no such message")
	}
	return e, err
}

// Amend changes the body of a message in its place. The old one is kept as a
// version when keep is set, and counts with its box. NotFound: it is not there,
// or erased. Full: the box has no room for what it grows by. TooMany: the
// sender's share of the day is used up, of which this takes some.
func (tx *Tx) Amend(id EntryID, body, nonce []byte, keep bool) (Entry, error) {
	old := tx.Get(entryKey(kindEntry, id))
	e, err := tx.Entry(Messages, id)
	if err == nil && e.Erased {
		err = Errorf(NotFound, SubjectMessage, "no such message")
	}
	if err != nil {
		return e, err
	}
	if err := tx.spend(e.From, id.Box, len(body)+len(nonce)); err != nil {
		return e, err
	}
	was := len(old)
	if keep {
		was -= tx.keepVersion(id, old)
	}
	e.Body, e.Nonce, e.Edited = body, nonce, Time(tx.Now())
	return e, tx.replace(e, was)
}

// replace writes an entry over its old self of so many bytes, less those by which
// what lies under it has grown.
func (tx *Tx) replace(e Entry, oldBytes int) error {
	n, err := tx.held(e.ID.Box)
	if err != nil {
		return err
	}
	err = encodeEntry(&e, func(value []byte) error {
		more := int64(len(value) - oldBytes)
		if more > 0 && n.Bytes+more > tx.r.opts.BoxBytes {
			return Errorf(Full, SubjectRoom, "mailbox full")
		}
		n.Bytes = max(n.Bytes+more, 0)
		tx.Put(entryKey(kindEntry, e.ID), value)
		return nil
	})
	if err != nil {
		return err
	}
	return tx.writeDown(e.ID.Box, n)
}

// Erase removes a message and everything that lies under it. One that is gone
// already is no error.
func (tx *Tx) Erase(id EntryID) error {
	_, err := tx.erase(id)
	return err
}

// erase is Erase, and returns how many keys it touched.
func (tx *Tx) erase(id EntryID) (keys int, err error) {
	k := entryKey(kindEntry, id)
	v := tx.Get(k)
	if v == nil {
		return 0, nil
	}
	e, err := decodeEntry(Messages, id, v)
	if err != nil {
		return 0, err
	}
	if err := tx.discount(id.Box, len(v)+tx.versionBytes(e)); err != nil { // first: counting looks at the entries
		return 0, err
	}
	tx.Delete(k)
	if e.Thread != 0 {
		tx.Delete(newKey(kindReply).box(id.Box).time(e.Thread).time(id.Time))
	}
	return 2 + tx.eraseMarks(id), nil
}

const verbExpire = "expire entry"

// expireEntry erases an entry whose time is over.
func expireEntry(tx *Tx, arg []byte) error {
	id := EntryIDFrom([12]byte(arg))
	if _, err := tx.Box(id.Box); Is(err, NotFound) {
		return nil // being dropped with all it holds
	} else if err != nil {
		return err
	}
	return tx.Erase(id)
}
