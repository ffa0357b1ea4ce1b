package relay

// CountReplies counts, to max, the messages that hang under root and can be
// read, and returns the time of the latest of them; 0 when there is none.
func (tx *Tx) CountReplies(root EntryID, max int) (n int, last Time, err error) {
	rg := newKey(kindReply).box(root.Box).time(root.Time).all()
	rg.Reverse = true
	now := tx.r.Now()
	for k := range tx.each(rg) {
		if n >= max {
			break
		}
		at := getTime(k[len(k)-6:])
		id := EntryID{root.Box, at}
		v := tx.Get(entryKey(kindEntry, id))
		if v == nil {
			continue
		}
		e, err := decodeHead(Messages, id, v)
		if err != nil {
			return 0, 0, err
		}
		if e.Erased || !e.readable(now) {
			continue
		}
		if n++; last == 0 {
			last = at
		}
	}
	return n, last, nil
}

// RepliesBefore returns up to n entries that hang under root, before a time
// (zero: from the end), newest first; tombstones are among them.
func (tx *Tx) RepliesBefore(root EntryID, before Time, n int) ([]Entry, error) {
	rg := newKey(kindReply).box(root.Box).time(root.Time).all()
	if before > 0 {
		rg.To = newKey(kindReply).box(root.Box).time(root.Time).time(min(before, maxTime))
	}
	rg.Reverse = true
	var got []Entry
	for k := range tx.each(rg) {
		if len(got) == n {
			break
		}
		e, err := tx.Entry(Messages, EntryID{root.Box, getTime(k[len(k)-6:])})
		if Is(err, NotFound) {
			continue // expired, or withheld
		}
		if err != nil {
			return nil, err
		}
		got = append(got, e)
	}
	return got, nil
}
