package relay

import "restante/storage"

// The whole store is one ordered table. A key is a kind, then what it belongs
// to, then (where there is an order) a time, all of fixed length and big-endian,
// so that one owner's rows lie together and in order. Strings in keys end in a
// zero byte unless they come last.
//
//	kind  key                                   value
//	a     account(16)                           Account
//	l     family 0 kind 0 folded login          account(16)
//	L     account(16) family 0 kind 0 folded    (empty) the logins of an account
//	c     account(16) name                      a credential, opaque
//	d     account(16) SHA-256(name)[:16]        Device
//	t     SHA-256(token)(32)                    Token
//	k     account(16) 'b' or 'm' other(16)      Block: blocked, muted; 'o' and zeros: no block holds
//	r     room(16)                              Room with members
//	o     SHA-256(id)(32)                       Room, open: who knows the id may use it
//	n     room(16) account(16)                  Member
//	j     account(16) room(16)                  (empty) the rooms of an account
//	h     parent(16) room(16)                   (empty) the children of a room
//	p     lesser(16) greater(16)                room(16): the direct room of two accounts
//	b     box(6)                                Box: whose it is, what it held when last counted
//	e     box(6) time(6)                        Entry, lane of messages
//	v     box(6) time(6)                        Entry, lane of events
//	m     box(6) time(6) mark account(16) name  Mark; mark 'v' + time(6): an old version
//	w     box(6) 'p' time(6) entry time(6)      (empty) the pinned entries of a box by time of pinning
//	y     box(6) root time(6) time(6)           (empty) the replies of a thread
//	u     account(16) box(6)                    time(6): read up to here
//	q     day(4) SHA-256(once-key)(32)          Once: time and fingerprint
//	s     type 0 id(16)                         a record
//	i     type 0 index 0 value 0 id(16)         (empty) a record by an index; the value escaped
//	g     scope(16) family 0 given id           an alias: 16 bytes of an id, or 12 of an entry's
//	f     blob(16)                              Blob
//	x     due(6) random(8)                      Timer
//	z     name                                  what the relay keeps about itself
//	z     'blobs' 0 account(16)                 usage: what the blobs of an account take
const (
	kindAccount    = 'a'
	kindLogin      = 'l'
	kindLogins     = 'L'
	kindCredential = 'c'
	kindDevice     = 'd'
	kindToken      = 't'
	kindBlock      = 'k'
	kindRoom       = 'r'
	kindOpenRoom   = 'o'
	kindMember     = 'n'
	kindJoined     = 'j'
	kindChild      = 'h'
	kindPair       = 'p'
	kindBox        = 'b'
	kindEntry      = 'e'
	kindEvent      = 'v'
	kindMark       = 'm'
	kindMarked     = 'w'
	kindReply      = 'y'
	kindCursor     = 'u'
	kindOnce       = 'q'
	kindRecord     = 's'
	kindIndex      = 'i'
	kindAlias      = 'g'
	kindBlob       = 'f'
	kindTimer      = 'x'
	kindMeta       = 'z'
)

// A key is built by appending its parts: key(kindEntry).box(b).time(t).
type key []byte

func newKey(kind byte) key        { return append(make(key, 0, 48), kind) }
func (k key) id(id ID) key        { return append(k, id[:]...) }
func (k key) digest(d Digest) key { return append(k, d[:]...) }
func (k key) box(b BoxID) key     { return append(k, b[:]...) }
func (k key) byte(b byte) key     { return append(k, b) }
func (k key) bytes(b []byte) key  { return append(k, b...) }
func (k key) word(s string) key   { return append(append(k, s...), 0) }
func (k key) last(s string) key   { return append(k, s...) }
func (k key) time(t Time) key {
	n := len(k)
	k = append(k, 0, 0, 0, 0, 0, 0)
	putTime(k[n:], t)
	return k
}
func (k key) all() storage.Range         { return storage.Prefix(k) }
func entryKey(lane byte, id EntryID) key { return newKey(lane).box(id.Box).time(id.Time) }
func entryTime(k []byte) Time            { return getTime(k[7:13]) }
func tailID(k []byte) (id ID)            { copy(id[:], k[len(k)-len(id):]); return id }

// between returns the range of a box's lane after from and up to and including
// to. Times that no key can hold (a client's cursor, a horizon on a machine
// that believes it is 1970) are taken as the nearest that one can.
func between(lane byte, b BoxID, from, to Time) storage.Range {
	return storage.Range{From: entryKey(lane, EntryID{b, after(from)}), To: entryKey(lane, EntryID{b, after(to)})}
}

// after returns the least time of a key that is greater than t.
func after(t Time) Time { return min(max(t, 0), maxTime-1) + 1 }
