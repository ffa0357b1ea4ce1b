package relay

// announcements is the box of the relay itself. Its number is fixed: nobody has
// to look for it, and none is made at random that has only ones.
var announcements = BoxID{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// Announce appends to the relay's own box: what concerns everybody. A [Feed]
// tells of it to those who want it.
func (tx *Tx) Announce(d Draft) (Entry, error) {
	if tx.Get(newKey(kindBox).box(announcements)) == nil {
		if err := tx.put(newKey(kindBox).box(announcements), Box{Owner: Owner{Kind: OwnerRelay}}); err != nil {
			return Entry{}, err
		}
	}
	return tx.Append(announcements, d)
}
