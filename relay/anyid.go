package relay

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// An id is shown in a form of each family's own, and people hand ids on as they
// see them. Whatever door they come through, these forms are understood:
//
//	32 hex digits, lower-case         the whole id
//	8-4-4-4-12 hex digits             the same as a UUID
//	24 hex digits                     its first 12 bytes
//	a word, "_", and one of these     what it is, which is not asked
//	44 characters of base64           the id and a signature of it, see SignedID

// MayBeID reports whether s has one of these forms.
func MayBeID(s string) bool {
	if len(s) == 44 {
		_, err := base64.StdEncoding.Strict().DecodeString(s)
		return err == nil
	}
	_, _, ok := readHexID(s)
	return ok
}

// WholeID reads an id that is written in hex digits, all of it.
func WholeID(s string) (ID, bool) {
	id, short, ok := readHexID(s)
	return id, ok && !short
}

// signedIDs is the context in which ids are signed for the last form.
const signedIDs = "jetico user"

// SignedID returns an id with 16 bytes of signature behind it: a form for those
// to whom 16 bytes are no id.
func (tx *Tx) SignedID(id ID) (b [32]byte, err error) {
	sum, err := tx.Sign(signedIDs, id[:])
	copy(b[:], id[:])
	copy(b[len(id):], sum[:MinSignature])
	return b, err
}

// ReadSignedID returns the id of what SignedID made.
func (tx *Tx) ReadSignedID(b []byte) (id ID, ok bool) {
	if len(b) != 32 || !tx.Verify(b[16:], signedIDs, b[:16]) {
		return ID{}, false
	}
	return ID(b[:16]), true
}

// AccountID reads an account's id in any form, and RoomID a room's; the zero id,
// which names nothing, where it cannot be one, or only begins one that nobody
// has. Open rooms are found by their whole id only.
func (tx *Tx) AccountID(s string) ID {
	id, short, _ := tx.readAnyID(s)
	if short {
		a, err := tx.AccountByPrefix([12]byte(id[:12]))
		return idUnless(a.ID, err)
	}
	return id
}

// RoomID is AccountID for rooms.
func (tx *Tx) RoomID(s string) ID {
	id, short, _ := tx.readAnyID(s)
	if short {
		r, err := tx.RoomByPrefix([12]byte(id[:12]))
		return idUnless(r.ID, err)
	}
	return id
}

func idUnless(id ID, err error) ID {
	if err != nil {
		return ID{}
	}
	return id
}

// FindAccount returns the account that somebody names by an id in any form.
// NotFound (account): there is none, or it cannot be one.
func (tx *Tx) FindAccount(s string) (Account, error) { return tx.Account(tx.AccountID(s)) }

// FindRoom returns the room that an account names by an id in any form, and
// what it may do there. NotFound (room): there is none, or not for it.
func (tx *Tx) FindRoom(who ID, s string) (Access, error) { return tx.Reach(who, tx.RoomID(s)) }

// readAnyID reads an id; short: only its first 12 bytes are known.
func (tx *Tx) readAnyID(s string) (id ID, short, ok bool) {
	if len(s) == 44 {
		raw, err := base64.StdEncoding.Strict().DecodeString(s)
		if err != nil {
			return ID{}, false, false
		}
		id, ok = tx.ReadSignedID(raw)
		return id, false, ok
	}
	return readHexID(s)
}

// readHexID reads an id of hex digits; short: only its first 12 bytes are known.
func readHexID(s string) (id ID, short, ok bool) {
	if i := strings.LastIndexByte(s, '_'); i > 0 && i < 16 {
		s = s[i+1:]
	}
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = strings.ReplaceAll(s, "-", "")
	}
	if len(s) != 24 && len(s) != 32 || strings.ContainsAny(s, "ABCDEF") {
		return ID{}, false, false
	}
	n, err := hex.Decode(id[:], []byte(s))
	if err != nil {
		return ID{}, false, false
	}
	return id, n == 12, true
}
