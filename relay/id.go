package relay

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// An ID names an account, a room, a blob or a record: 16 random bytes of ours,
// never a client's choice. Families write it in their own form.
type ID [16]byte

// NewID returns a fresh random id.
func NewID() (id ID) {
	rand.Read(id[:])
	return id
}

// ParseID reads 32 lower-case hex digits. Anything else is not an id.
func ParseID(s string) (id ID, ok bool) {
	if len(s) != 2*len(id) {
		return id, false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return id, false
		}
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

// String returns the id as 32 lower-case hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id is the zero id, which names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// A BoxID is the number of a [Box]: 6 random bytes.
type BoxID [6]byte

// IsZero reports whether b is the zero number, which no box has.
func (b BoxID) IsZero() bool { return b == BoxID{} }

// A Time is a point in time in milliseconds since the Unix epoch, 48 bits of it
// in keys. Times of entries come from the commit clock: they follow commit
// order over the whole relay.
type Time int64

// At returns the Time of t.
func At(t time.Time) Time { return Time(t.UnixMilli()) }

// Add returns t + d.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Time returns t as a time.Time in UTC.
func (t Time) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// duration reads t as a span of time instead of a point in it.
func (t Time) duration() time.Duration { return time.Duration(t) * time.Millisecond }

// maxTime is the greatest Time that a key can hold.
const maxTime Time = 1<<48 - 1

// An EntryID names an entry of a box: its time and its box's number. No index
// is needed to find it.
type EntryID struct {
	Box  BoxID
	Time Time
}

// IsZero reports whether id names nothing.
func (id EntryID) IsZero() bool { return id == EntryID{} }

// Bytes returns the 12 bytes of an entry's id, rising with its time.
func (id EntryID) Bytes() (b [12]byte) {
	putTime(b[:6], id.Time)
	copy(b[6:], id.Box[:])
	return b
}

// EntryIDFrom reads what Bytes wrote.
func EntryIDFrom(b [12]byte) (id EntryID) {
	id.Time = getTime(b[:6])
	copy(id.Box[:], b[6:])
	return id
}

// A Digest is a SHA-256. Secrets are stored as digests only.
type Digest [sha256.Size]byte

// DigestOf returns the SHA-256 of the parts, each preceded by its length, so
// that no two lists of parts share one.
func DigestOf(parts ...[]byte) Digest {
	var room [64]byte // for an id, which is most of what is asked for
	text := room[:0]
	for _, p := range parts {
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(p))), p...)
	}
	return sha256.Sum256(text)
}

func putTime(b []byte, t Time) {
	var v [8]byte
	binary.BigEndian.PutUint64(v[:], uint64(t))
	copy(b[:6], v[2:])
}

func getTime(b []byte) Time {
	var v [8]byte
	copy(v[2:], b[:6])
	return Time(binary.BigEndian.Uint64(v[:]))
}
