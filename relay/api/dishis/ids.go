package dishis

import (
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// What stands before the 32 hex digits of an id.
const (
	prefixMessage   = "msg_"
	prefixGroup     = "group_"
	prefixCommunity = "comm_"
	prefixChannel   = "chan_"
	prefixStatus    = "status_"
	prefixFile      = "file_"
)

// userID writes an account's id: its first 12 bytes, which no other has.
func userID(id relay.ID) string { return hex.EncodeToString(id[:12]) }

// findUser returns the account of a user's id, of any family; a whole core id
// does as well. NotFound (account) otherwise.
func findUser(tx *relay.Tx, s string) (relay.Account, error) {
	acc, err := tx.FindAccount(s)
	return tx.Among(family, acc, err)
}

// isUser reports whether s is the id of that account.
func isUser(s string, id relay.ID) bool { return s == userID(id) || s == id.String() }

// parseID reads an id with its prefix, or bare, as other families write it.
func parseID(prefix, s string) (relay.ID, bool) {
	s = strings.TrimPrefix(s, prefix)
	if strings.Contains(s, "_") {
		return relay.ID{}, false // of something else
	}
	return relay.WholeID(s)
}

// checkContext is the key of the four bytes behind an entry's id: they keep
// ids from being counted through.
const checkContext = "dishis message id"

// entryID writes the id of a message: its entry's, and a keyed check.
func entryID(tx *relay.Tx, id relay.EntryID) (string, error) {
	b := id.Bytes()
	sum, err := tx.Sign(checkContext, b[:])
	return prefixMessage + hex.EncodeToString(append(b[:], sum[:4]...)), err
}

// findEntry returns the entry that a message's id names: by what the id says,
// or, of a message that was named before it was sent, by that name.
func findEntry(tx *relay.Tx, s string) (relay.EntryID, bool) {
	given, ok := parseID(prefixMessage, s)
	if !ok {
		return relay.EntryID{}, false
	}
	sum, err := tx.Sign(checkContext, given[:12])
	if err == nil && subtle.ConstantTimeCompare(sum[:4], given[12:]) == 1 {
		return relay.EntryIDFrom([12]byte(given[:12])), true
	}
	return tx.EntryNamed(givenName(given))
}

// givenName is under what a message is found that was named before it was sent.
func givenName(id relay.ID) relay.Alias {
	return relay.Alias{Family: family, Given: id.String()}
}

// isoOrNull is iso for what may never have happened.
func isoOrNull(t relay.Time) *string {
	if t == 0 {
		return nil
	}
	s := wire.ISO(t)
	return &s
}

// maxMillis is beyond every time that anybody asks for.
const maxMillis = 1 << 47

// parseTime reads milliseconds since 1970, or an ISO 8601 time with its zone.
func parseTime(s string) (relay.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return relay.Time(n), n >= 0 && n < maxMillis
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	at := relay.At(t)
	return at, err == nil && at >= 0 && at < maxMillis
}
