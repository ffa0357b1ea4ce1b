package sama

import (
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

var dialect = wire.Dialect{Claim: noClaim, Fail: fail, Lost: lost}

// noClaim: no HTTP row needs a user; logging out reads its tokens itself.
func noClaim(*wire.Call, any) (relay.Claim, error) {
	return relay.Claim{}, relay.Errorf(relay.Unauthorized, relay.SubjectToken, "unauthorized")
}

// Subjects of errors whose text is this API's already.
const (
	subjectSaid  relay.Subject = "said"
	subjectShape relay.Subject = "shape" // status 400 instead of 422
)

// said is an error in the words of this API: Invalid is status 422.
func said(code relay.Code, text string) error { return relay.Errorf(code, subjectSaid, "%s", text) }

// wrong is a parameter that makes no sense.
func wrong(text string) error { return said(relay.Invalid, text) }

var (
	errShape        = relay.Errorf(relay.Invalid, subjectShape, "Bad request - invalid data format")
	errUnknownRoom  = relay.Errorf(relay.Invalid, subjectShape, "Bad Request.")
	errUnauthorized = said(relay.Unauthorized, "Unauthorized.")
	errForbidden    = said(relay.Forbidden, "Forbidden.")
	errNoRoute      = said(relay.NotFound, "Route not found")
	errNoRoom       = said(relay.NotFound, "Conversation not found.")
	errBlocked      = wrong("Communication is not possible - you are in a block list of the recipient.")
	errPassword     = said(relay.Unauthorized, "Incorrect username or password.")
	errExpired      = wrong("The token has expired.")
	errNoDevice     = wrong("'device_id' is required.")
	errNoCID        = wrong("'cid' field is required.")
	errTaken        = wrong("The provided data is already associated with an existing user account.")
)

var statuses = map[relay.Code]int{
	relay.Invalid:      http.StatusUnprocessableEntity,
	relay.Unauthorized: http.StatusUnauthorized,
	relay.Forbidden:    http.StatusForbidden,
	relay.NotFound:     http.StatusNotFound,
	relay.Conflict:     http.StatusConflict,
	relay.TooLarge:     http.StatusRequestEntityTooLarge,
	relay.TooMany:      http.StatusTooManyRequests,
	relay.Full:         http.StatusInsufficientStorage,
	relay.Busy:         http.StatusServiceUnavailable,
	relay.Internal:     http.StatusInternalServerError,
}

// An errorOut is what every failure looks like.
type errorOut struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
}

// newError puts an error into this API's words.
func newError(err error) errorOut {
	e := relay.AsError(err)
	switch e.Subject {
	case subjectSaid:
		return errorOut{statuses[e.Code], e.Text}
	case subjectShape:
		return errorOut{http.StatusBadRequest, e.Text}
	}
	switch {
	case e.Code == relay.Invalid:
		return errorOut{http.StatusBadRequest, errShape.Text}
	case e.Code == relay.Unauthorized:
		return newError(errUnauthorized)
	case e.Code == relay.Forbidden:
		return newError(errForbidden)
	case e.Code == relay.Conflict && e.Subject == relay.SubjectLogin:
		return newError(errTaken)
	case e.Code == relay.NotFound && e.Subject == relay.SubjectRoom:
		return newError(errNoRoom)
	case e.Code == relay.NotFound && e.Subject == relay.SubjectMessage:
		return errorOut{http.StatusUnprocessableEntity, "Message ID not found."}
	case e.Code == relay.NotFound && e.Subject == relay.SubjectAccount:
		return errorOut{http.StatusUnprocessableEntity, "The specified user is incorrect."}
	case e.Code == relay.Internal:
		return errorOut{http.StatusInternalServerError, "Internal server error."}
	}
	return errorOut{statuses[e.Code], e.Text}
}

// fail renders an error of an HTTP route: the bare message.
func fail(_ *wire.Call, err *relay.Error) wire.Reply {
	out := newError(err)
	return wire.Reply{Status: out.Status, Body: out.Message}
}

func lost(*wire.Call, []string) wire.Reply {
	return wire.Reply{Status: http.StatusNotFound, Body: "Route not found"}
}

// shown is how an account, a file or a record is named here; who is not named
// any more has only zeros.
func shown(id relay.ID) string { return hex.EncodeToString(id[:12]) }

// shownRoom is the same for rooms; an open one is found by its whole id only.
func shownRoom(r relay.Room) string {
	if r.Open {
		return r.ID.String()
	}
	return shown(r.ID)
}

// shownEntry is how a message is named here.
func shownEntry(id relay.EntryID) string {
	b := id.Bytes()
	return hex.EncodeToString(b[:])
}

// prefix reads an id of 24 hex digits.
func prefix(s string) (p [12]byte, ok bool) {
	if len(s) != 2*len(p) {
		return p, false
	}
	_, err := hex.Decode(p[:], []byte(s))
	return p, err == nil
}

// entryID reads the id of a message.
func entryID(s string) (relay.EntryID, bool) {
	p, ok := prefix(s)
	return relay.EntryIDFrom(p), ok
}

// accountOf finds an account of any family by its id; NotFound (account).
func accountOf(tx *relay.Tx, s string) (relay.Account, error) {
	if len(s) == 24 {
		s = strings.ToLower(s)
	}
	acc, err := tx.FindAccount(s)
	return tx.Among(family, acc, err)
}

// seconds is a time in whole seconds, rounded up: never before it.
func seconds(t relay.Time) int64 { return (int64(t) + 999) / 1000 }

// stepUp rounds a time up to a whole number of steps, so that an address that
// is asked for again is the same one for a while.
func stepUp(t relay.Time, step time.Duration) relay.Time {
	n := relay.Time(step.Milliseconds())
	return (t + n - 1) / n * n
}
