package chatalot

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// A uuid is a core id as this API writes it: lower-case hex with hyphens. The
// zero id is null.
type uuid relay.ID

func (u uuid) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	hex.Encode(b[9:13], u[4:6])
	hex.Encode(b[14:18], u[6:8])
	hex.Encode(b[19:23], u[8:10])
	hex.Encode(b[24:36], u[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// id returns the core id.
func (u uuid) id() relay.ID { return relay.ID(u) }

// MarshalJSON writes the id, null for the zero one.
func (u uuid) MarshalJSON() ([]byte, error) {
	if u == (uuid{}) {
		return []byte("null"), nil
	}
	return []byte(`"` + u.String() + `"`), nil
}

// UnmarshalJSON reads an id of any version; null is the zero id.
func (u *uuid) UnmarshalJSON(b []byte) error {
	*u = uuid{}
	if string(b) == "null" {
		return nil
	}
	id, ok := parseID(strings.Trim(string(b), `"`))
	if !ok {
		return bad("not a UUID")
	}
	*u = uuid(id)
	return nil
}

// parseID reads a UUID of any version, in either case, or an id as the relay's
// own API writes it.
func parseID(s string) (id relay.ID, ok bool) {
	if id, ok = relay.ParseID(s); ok {
		return id, true
	}
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, false
	}
	n, err := hex.Decode(id[:], []byte(s[0:8]+s[9:13]+s[14:18]+s[19:23]+s[24:36]))
	return id, err == nil && n == len(id)
}

// pathID reads an id from the path.
func pathID(c *wire.Call, name string) (relay.ID, error) {
	id, ok := parseID(c.Param(name))
	if !ok {
		return relay.ID{}, bad("invalid id in the path")
	}
	return id, nil
}

// pathMessage reads a message's id from the path.
func pathMessage(c *wire.Call, name string) (relay.EntryID, error) {
	id, err := pathID(c, name)
	return entryID(id), err
}

// A message's id is a version 7 UUID: 48 bits of milliseconds, which are the
// entry's time, and the number of its box as the last group. Between them is
// nothing but version and variant.
func messageID(id relay.EntryID) uuid {
	b := id.Bytes()
	var u uuid
	copy(u[:6], b[:6])
	u[6], u[8] = 0x70, 0x80
	copy(u[10:], b[6:])
	return u
}

// entryID returns the entry that a message's id names: the zero one, which is
// nowhere, for ids that are no message's.
func entryID(id relay.ID) relay.EntryID {
	if [4]byte(id[6:10]) != [4]byte{0x70, 0, 0x80, 0} {
		return relay.EntryID{}
	}
	var b [12]byte
	copy(b[:6], id[:6])
	copy(b[6:], id[10:])
	return relay.EntryIDFrom(b)
}

// newRecordID returns the id of a record to be: a version 7 UUID of a time of the
// commit clock that no other record has, so that ids rise with the order of
// commits, and tell apart what was made in one millisecond.
func newRecordID(tx *relay.Tx) relay.ID {
	id := relay.ID(newV4())
	b := relay.EntryID{Time: relay.Time(tx.Stamp(recordClock))}.Bytes()
	copy(id[:6], b[:6])
	id[6] = 0x70 | id[6]&0x0f
	return id
}

// recordClock is the sequence that ids of records are times of.
var recordClock = []byte("chatalot record")

// newV4 returns a random UUID.
func newV4() uuid {
	u := uuid(relay.NewID())
	u[6] = 0x40 | u[6]&0x0f
	u[8] = 0x80 | u[8]&0x3f
	return u
}

const codeLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newCode returns n random letters and digits: an invite's code (12), a
// webhook's token (64).
func newCode(n int) string { return randomFrom(codeLetters, n) }

// randomFrom returns n symbols of an alphabet of at most 256, each as likely.
func randomFrom(alphabet string, n int) string {
	out := make([]byte, 0, n)
	fair := 256 - 256%len(alphabet)
	for len(out) < n {
		var b [1]byte
		if rand.Read(b[:]); int(b[0]) < fair {
			out = append(out, alphabet[int(b[0])%len(alphabet)])
		}
	}
	return string(out)
}
