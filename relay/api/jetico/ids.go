package jetico

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"restante/relay"
)

const (
	loginKind  = "user"         // a login of this kind is a userId
	signUser   = "jetico user"  // what the second half of a foreign userId is signed as
	signEntry  = "jetico entry" // and the spare bits of a uuid made of an entry's id
	nilUUID    = "00000000-0000-0000-0000-000000000000"
	maxAppUUID = 128
)

// A nameRow is the userId of an account. It outlives the account: what it sent
// still names it.
type nameRow struct {
	Hash []byte `cbor:"1,keyasint"`
}

var names = relay.NewRecords[nameRow]("jetico user id")

// hashPhone returns the userId of a phone number.
func hashPhone(phone string) string {
	sum := sha256.Sum256([]byte(phone))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// rawUser returns the 32 bytes of a userId.
func rawUser(userID string) (raw []byte, ok bool) {
	if len(userID) != 44 {
		return nil, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(userID)
	return raw, err == nil && len(raw) == 32
}

// userIDOf returns the userId under which an account is shown. Those of other
// families get one of their id and a keyed hash.
func userIDOf(tx *relay.Tx, id relay.ID) (string, error) {
	row, found, err := names.Get(tx, id)
	if err != nil {
		return "", err
	}
	if found {
		return base64.StdEncoding.EncodeToString(row.Hash), nil
	}
	sum, err := tx.Sign(signUser, id[:])
	return base64.StdEncoding.EncodeToString(append(id[:], sum[:relay.MinSignature]...)), err
}

// isOurs reports whether an account is, or was, one of this family.
func isOurs(tx *relay.Tx, id relay.ID) (bool, error) {
	_, found, err := names.Get(tx, id)
	return found, err
}

// findUser returns the account of a userId, or of an id in any other form.
func findUser(tx *relay.Tx, userID string) (relay.Account, error) {
	raw, ok := rawUser(userID)
	if !ok {
		acc, err := tx.FindAccount(userID)
		return tx.Among(family, acc, err)
	}
	acc, err := tx.FindLogin(family, relay.Login{Kind: loginKind, Folded: userID})
	if !relay.Is(err, relay.NotFound) {
		return acc, err
	}
	if !tx.Verify(raw[16:], signUser, raw[:16]) {
		return relay.Account{}, err
	}
	if acc, ferr := tx.Account(relay.ID(raw[:16])); ferr == nil && acc.Family != family {
		return tx.Among(family, acc, nil)
	}
	return relay.Account{}, err
}

// userIDFrom returns the userId of whoever is named by an id in any form. One of
// our own form need not be anybody's.
func userIDFrom(tx *relay.Tx, id string) (string, error) {
	if _, ok := rawUser(id); ok {
		return id, nil
	}
	acc, err := findUser(tx, id)
	if err != nil {
		return "", err
	}
	return userIDOf(tx, acc.ID)
}

// foldUUID returns a uuid in lower case, by which it is compared.
func foldUUID(s string) (folded string, ok bool) {
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		c := s[i] | 0x20
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && (s[i] < '0' || s[i] > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return strings.ToLower(s), true
}

// idOfUUID returns the 16 bytes of a folded uuid.
func idOfUUID(folded string) (id relay.ID) {
	if b, err := hex.DecodeString(strings.ReplaceAll(folded, "-", "")); err == nil && len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

// uuidOf writes 16 bytes as a uuid.
func uuidOf(id relay.ID) string {
	s := hex.EncodeToString(id[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// newUUID makes a uuid, version 4.
func newUUID() string {
	id := relay.NewID()
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return uuidOf(id)
}

// entryUUID makes the uuid of an entry to which no client gave one: time and box
// number, and a keyed check in the bits that a version 4 has to spare.
func entryUUID(tx *relay.Tx, id relay.EntryID) (string, error) {
	b := id.Bytes()
	sum, err := tx.Sign(signEntry, b[:])
	if err != nil {
		return "", err
	}
	var u relay.ID
	copy(u[:6], b[:6])
	u[6], u[7] = sum[0]&0x0f|0x40, sum[1]
	u[8], u[9] = sum[2]&0x3f|0x80, sum[3]
	copy(u[10:], b[6:])
	return uuidOf(u), nil
}

// entryOfUUID reads what entryUUID made.
func entryOfUUID(tx *relay.Tx, folded string) (id relay.EntryID, ok bool) {
	u := idOfUUID(folded)
	var b [12]byte
	copy(b[:6], u[:6])
	copy(b[6:], u[10:])
	id = relay.EntryIDFrom(b)
	made, err := entryUUID(tx, id)
	return id, err == nil && made == folded
}

// recordID is the id of a record that has a natural name of several parts.
func recordID(parts ...[]byte) relay.ID {
	sum := relay.DigestOf(parts...)
	return relay.ID(sum[:16])
}

// pack and unpack are the form of what this family keeps in opaque fields.
func pack(v any) []byte {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic(err) // structs of strings, numbers and bytes always have a form
	}
	return b
}

func unpack(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	return cbor.Unmarshal(b, v)
}
