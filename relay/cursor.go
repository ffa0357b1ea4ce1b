package relay

import "restante/storage"

// MaxUnread is how far anybody counts what is unread.
const MaxUnread = 999

func cursorKey(who ID, b BoxID) key { return newKey(kindCursor).id(who).box(b) }

// MoveCursor says that an account has read a box up to a time, and reports
// whether that is news: a cursor never goes back. Invalid: not a time.
func (tx *Tx) MoveCursor(who ID, b BoxID, to Time) (moved bool, err error) {
	if to < 0 || to > maxTime {
		return false, Errorf(Invalid, SubjectMessage, "not a time")
	}
	if to <= tx.Cursor(who, b) {
		return false, nil
	}
	var v [6]byte
	putTime(v[:], to)
	tx.Put(cursorKey(who, b), v[:])
	return true, nil
}

// Cursor returns up to when an account has read a box; 0 when it never said.
func (tx *Tx) Cursor(who ID, b BoxID) Time {
	v := tx.Get(cursorKey(who, b))
	if len(v) != 6 {
		return 0
	}
	return getTime(v)
}

// ForgetCursors removes up to max cursors of an account and reports whether any
// are left: a step of removing it.
func (tx *Tx) ForgetCursors(who ID, max int) (left bool) {
	return tx.deleteSome(newKey(kindCursor).id(who).all(), max)
}

// Unread counts, to max and never beyond MaxUnread, the messages of a box that
// an account has not read: after its cursor, not before from (when it joined;
// 0 counts all), not its own, not erased or expired, and neither hidden nor
// marked read by it one by one. It looks at 5,000 messages at most.
func (tx *Tx) Unread(who ID, b BoxID, from Time, max_ int) (int, error) {
	after := max(tx.Cursor(who, b), from-1)
	if after >= maxTime {
		return 0, nil
	}
	marked, err := tx.marksAfter(who, b, after)
	if err != nil {
		return 0, err
	}
	n, now := 0, tx.r.Now()
	for k, v := range tx.Scan(between(kindEntry, b, after, maxTime)) {
		if n >= min(max_, MaxUnread) {
			break
		}
		e, err := decodeHead(Messages, EntryID{b, entryTime(k)}, v)
		if err != nil {
			return 0, err
		}
		if e.From != who && !e.Erased && e.readable(now) && !marked(e.ID) {
			n++
		}
	}
	return n, nil
}

// marksAfter returns what tells whether an account hid or read an entry after a
// time. Most boxes have no mark there, which one look shows.
func (tx *Tx) marksAfter(who ID, b BoxID, after Time) (func(EntryID) bool, error) {
	rg := storage.Range{
		From: newKey(kindMark).box(b).time(after + 1), To: storage.After(newKey(kindMark).box(b)), Limit: 1,
	}
	for range tx.Scan(rg) {
		return func(id EntryID) bool {
			return tx.Get(entryMarks(id, Hidden).id(who)) != nil || tx.Get(entryMarks(id, Read).id(who)) != nil
		}, nil
	}
	return func(EntryID) bool { return false }, nil
}
