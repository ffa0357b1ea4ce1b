package relay

// readable reports whether an entry is anybody's to read at a time.
func (e Entry) readable(now Time) bool {
	return !e.Withheld && (e.Expires == 0 || e.Expires > now)
}

// Withhold keeps a message from everybody, its sender included, or gives it
// back, as it was. While it is withheld no read finds it and nobody can change
// it; erasing it, and everything that removes rooms and boxes, works on. It is
// what moderators of a relay do with what has been reported. It reports whether
// that is new. NotFound (message): it is not there, or a tombstone.
func (tx *Tx) Withhold(id EntryID, withheld bool) (changed bool, err error) {
	old := tx.Get(entryKey(kindEntry, id))
	if old == nil {
		return false, Errorf(NotFound, SubjectMessage, "no such message")
	}
	size := len(old)
	e, err := decodeEntry(Messages, id, old)
	if err != nil {
		return false, err
	}
	if e.Erased {
		return false, Errorf(NotFound, SubjectMessage, "no such message")
	}
	if e.Withheld == withheld {
		return false, nil
	}
	e.Withheld = withheld
	return true, tx.replace(e, size)
}
