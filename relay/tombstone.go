package relay

// tombstones say, by family, what stays of what a message by one of its own has
// besides its body.
var tombstones = map[string]func(*Tx, Entry) (extra []byte, err error){}

// DeclareTombstone says what of a message's Extra a family wants to stay when
// somebody erases the message, through whatever door: a name of its own, say,
// under which the tombstone is still shown. The function also removes what the
// family keeps elsewhere with the message. It panics when that was said before:
// it is called at start-up only.
func DeclareTombstone(family string, fn func(*Tx, Entry) (extra []byte, err error)) {
	if tombstones[family] != nil {
		panic("relay: tombstones of " + family + " declared twice")
	}
	tombstones[family] = fn
}

// Tombstone erases what a message said and keeps that it was, with what its
// sender's family wants to stay (see [DeclareTombstone]). NotFound: it is not
// there.
func (tx *Tx) Tombstone(id EntryID) (Entry, error) {
	e, err := tx.Entry(Messages, id)
	if err != nil {
		return e, err
	}
	a, err := tx.Stub(e.From)
	if err != nil && !Is(err, NotFound) {
		return e, err
	}
	var extra []byte
	if keep := tombstones[a.Family]; err == nil && keep != nil && e.Kind != KindNotice && !e.Erased {
		if extra, err = keep(tx, e); err != nil {
			return e, err
		}
	}
	return tx.TombstoneWith(id, extra)
}

// TombstoneWith is [Tx.Tombstone] for the sender's family itself: extra stays
// with the tombstone. It says nothing of what the message said.
func (tx *Tx) TombstoneWith(id EntryID, extra []byte) (Entry, error) {
	old := tx.Get(entryKey(kindEntry, id))
	size := len(old)
	e, err := tx.Entry(Messages, id)
	if err != nil {
		return e, err
	}
	size += tx.versionBytes(e)
	e.Body, e.Nonce, e.Extra, e.Erased, e.Edited = nil, nil, extra, true, Time(tx.Now())
	tx.eraseSaid(id)
	return e, tx.replace(e, size)
}
