package relay

// TombstoneWith is [Tx.Tombstone] for families whose messages have a name of
// their own: extra stays with the tombstone, so that it can still be shown under
// that name. It says nothing of what the message said.
func (tx *Tx) TombstoneWith(id EntryID, extra []byte) (Entry, error) {
	old := tx.Get(entryKey(kindEntry, id))
	size := len(old)
	e, err := tx.Entry(Messages, id)
	if err != nil {
		return e, err
	}
	e.Body, e.Nonce, e.Extra, e.Erased, e.Edited = nil, nil, extra, true, Time(tx.Now())
	tx.eraseSaid(id)
	return e, tx.replace(e, size)
}
