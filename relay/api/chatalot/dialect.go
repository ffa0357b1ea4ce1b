package chatalot

import (
	"net/http"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

func (a *api) dialect() wire.Dialect {
	return wire.Dialect{Claim: a.claim, ClaimFirst: true, Fail: fail, Arrive: a.arrive, Lost: a.lost}
}

// claim reads the caller from the access token. The token says which session it
// belongs to, and the transaction asks whether that is still open.
func (a *api) claim(c *wire.Call, _ any) (relay.Claim, error) {
	scheme, token, _ := strings.Cut(c.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return relay.Claim{}, unauthorized("authentication required")
	}
	return a.readAccess(c.Service.Relay, strings.TrimSpace(token))
}

// A failing is the HTTP status and the code of one kind of error.
type failing struct {
	status int
	code   string
}

var failings = map[relay.Code]failing{
	relay.Invalid:      {http.StatusBadRequest, "validation_error"},
	relay.Unauthorized: {http.StatusUnauthorized, "unauthorized"},
	relay.Forbidden:    {http.StatusForbidden, "forbidden"},
	relay.NotFound:     {http.StatusNotFound, "not_found"},
	relay.Conflict:     {http.StatusConflict, "conflict"},
	relay.TooLarge:     {http.StatusRequestEntityTooLarge, "payload_too_large"},
	relay.TooMany:      {http.StatusTooManyRequests, "rate_limited"},
	relay.Full:         {http.StatusBadRequest, "validation_error"},
	relay.Busy:         {http.StatusServiceUnavailable, "internal_error"},
	relay.Internal:     {http.StatusInternalServerError, "internal_error"},
}

// errorOut is the body of every error: the seed has a string in error, the web
// client reads message.
type errorOut struct {
	Error   string `json:"error"`
	Message string `json:"message"`
	Code    string `json:"code"`
}

func newError(text, code string) errorOut { return errorOut{text, text, code} }

// fail renders an error. A full disk is ours to mend, a used-up quota (which has
// a subject) the caller's.
func fail(_ *wire.Call, err *relay.Error) wire.Reply {
	f, text := failings[err.Code], err.Text
	switch {
	case err.Code == relay.Internal:
		text = "an internal error occurred"
	case err.Code == relay.Full && err.Subject == relay.SubjectNone:
		f = failing{http.StatusInsufficientStorage, "internal_error"}
	}
	return wire.Reply{Status: f.status, Body: newError(text, f.code)}
}

// bad is the error of input that makes no sense.
func bad(format string, args ...any) *relay.Error {
	return relay.Errorf(relay.Invalid, relay.SubjectNone, format, args...)
}

// unauthorized is the error of a caller who is nobody we know.
func unauthorized(text string) *relay.Error {
	return relay.Errorf(relay.Unauthorized, relay.SubjectToken, "%s", text)
}

// forbidden is the error of somebody who may not do this.
func forbidden(text string) *relay.Error {
	return relay.Errorf(relay.Forbidden, relay.SubjectNone, "%s", text)
}

// noUser is the error of somebody who is not there, or hidden from the caller.
func noUser() *relay.Error {
	return relay.Errorf(relay.NotFound, relay.SubjectAccount, "user not found")
}
