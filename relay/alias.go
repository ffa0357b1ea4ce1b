package relay

// MaxGiven is how long an id that a client chose may be, in bytes.
const MaxGiven = 128

// An Alias is an id that a client chose (a conversation's, a message's, a
// key's). It is a name within a scope (a room, or the zero id for the whole
// family), never an id of ours: what it stands for is found through it, and
// only its own family shows it.
type Alias struct {
	Scope  ID
	Family string
	Given  string // as compared; how it was spelled is the family's to keep
}

// NameID makes an alias of an account, a room or a record. Conflict (record):
// the name is taken by something else. TooLarge (record): over MaxGiven.
func (tx *Tx) NameID(a Alias, id ID) error { return tx.name(a, id[:]) }

// NameEntry makes an alias of an entry; errors as for NameID.
func (tx *Tx) NameEntry(a Alias, id EntryID) error {
	b := id.Bytes()
	return tx.name(a, b[:])
}

func (tx *Tx) name(a Alias, value []byte) error {
	if len(a.Given) > MaxGiven {
		return Errorf(TooLarge, SubjectRecord, "id too long")
	}
	if old := tx.Get(a.key()); old != nil && string(old) != string(value) {
		return Errorf(Conflict, SubjectRecord, "id already used")
	}
	tx.Put(a.key(), value)
	return nil
}

// IDNamed returns what an alias names, and whether there is such an alias of an
// account, a room or a record.
func (tx *Tx) IDNamed(a Alias) (id ID, found bool) {
	v := tx.Get(a.key())
	return ID(pad(v, 16)), len(v) == 16
}

// EntryNamed is IDNamed for entries.
func (tx *Tx) EntryNamed(a Alias) (id EntryID, found bool) {
	v := tx.Get(a.key())
	return EntryIDFrom([12]byte(pad(v, 12))), len(v) == 12
}

// Unname removes an alias. Those within a room go with the room.
func (tx *Tx) Unname(a Alias) { tx.Delete(a.key()) }

func (a Alias) key() key { return newKey(kindAlias).id(a.Scope).word(a.Family).last(a.Given) }

// pad returns v when it has n bytes, else n zeros.
func pad(v []byte, n int) []byte {
	if len(v) == n {
		return v
	}
	return make([]byte, n)
}
