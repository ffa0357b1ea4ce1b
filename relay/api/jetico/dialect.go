package jetico

import (
	"encoding/base64"
	"net/http"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// The descriptions that are this family's own. The others follow from the
// relay's errors, see describe.
var (
	errInvalidJSON      = problem(relay.Invalid, "invalid JSON")
	errMissingType      = problem(relay.Invalid, "missing message type")
	errAmbiguousType    = problem(relay.Invalid, "ambiguous message type")
	errUnknownType      = problem(relay.Invalid, "unknown request type")
	errNotAuthenticated = problem(relay.Unauthorized, "not authenticated")
	errAuthenticated    = problem(relay.Conflict, "already authenticated")
	errAccess           = problem(relay.Forbidden, "access denied")
	errTooMany          = problem(relay.TooMany, "too many requests")
	errWrongPhone       = problem(relay.Forbidden, "user id does not match phone number")
	errNotRegistered    = problem(relay.Unauthorized, "application not registered")
	errNotConfirmed     = problem(relay.Unauthorized, "application not confirmed")
	errUserBlocked      = problem(relay.Unauthorized, "user is blocked")
	errWrongCode        = problem(relay.Forbidden, "wrong code")
	errCodeExpired      = problem(relay.Forbidden, "code expired")
	errTooManyAttempts  = problem(relay.Forbidden, "too many attempts")
	errNoPending        = problem(relay.Conflict, "no pending confirmation")
	errNotSent          = problem(relay.Busy, "sms not sent")
	errHasKeys          = problem(relay.Conflict, "keys already exist")
	errNoKeys           = problem(relay.Conflict, "no keys")
	errNoUser           = problem(relay.NotFound, "user not found")
	errNoApplication    = problem(relay.NotFound, "application not found")
	errNoConversation   = problem(relay.NotFound, "conversation not found")
	errNoMessage        = problem(relay.NotFound, "message not found")
	errNoSessionKey     = problem(relay.NotFound, "session key not found")
	errHasConversation  = problem(relay.Conflict, "conversation already exists")
	errHasMessage       = problem(relay.Conflict, "message already exists")
	errHasDialog        = problem(relay.Conflict, "dialog already exists")
	errHasSessionKey    = problem(relay.Conflict, "session key already exists")
	errIsMember         = problem(relay.Conflict, "already a member")
	errNoMember         = problem(relay.Conflict, "not a member")
	errIsAdmin          = problem(relay.Conflict, "already an admin")
	errDialog           = problem(relay.Forbidden, "not allowed in a dialog")
	errClosed           = problem(relay.Forbidden, "conversation is closed")
	errBlocked          = problem(relay.Forbidden, "blocked")
	errOldKey           = problem(relay.Conflict, "session key outdated")
	errNoFile           = problem(relay.NotFound, "file not found")
	errHasFile          = problem(relay.Conflict, "file already exists")
	errFileTooLarge     = problem(relay.TooLarge, "file too large")
	errTooManyFiles     = problem(relay.Full, "too many files")
	errWindow           = problem(relay.Forbidden, "upload window closed")
	errInternal         = problem(relay.Internal, "internal error")
)

// ours are the texts that are answered as they are.
var ours = map[string]bool{}

func problem(code relay.Code, text string) *relay.Error {
	ours[text] = true
	return relay.Errorf(code, relay.SubjectNone, "%s", text)
}

// about are the descriptions of the relay's own errors.
var about = map[relay.Code]map[relay.Subject]*relay.Error{
	relay.NotFound: {
		relay.SubjectAccount: errNoUser, relay.SubjectDevice: errNoApplication, relay.SubjectRoom: errNoConversation,
		relay.SubjectMember: errNoMember, relay.SubjectMessage: errNoMessage, relay.SubjectBlob: errNoFile,
	},
	relay.Conflict: {relay.SubjectMember: errIsMember, relay.SubjectBlob: errHasFile},
	relay.TooLarge: {relay.SubjectBlob: errFileTooLarge},
	relay.Full:     {relay.SubjectBlob: errTooManyFiles},
}

// general are the descriptions where the subject says nothing more.
var general = map[relay.Code]*relay.Error{
	relay.Unauthorized: errNotAuthenticated,
	relay.Forbidden:    errAccess,
	relay.TooMany:      errTooMany,
	relay.Busy:         errTooMany,
}

// describe returns the description of an error.
func describe(err *relay.Error) string {
	if ours[err.Text] {
		return err.Text
	}
	if d := about[err.Code][err.Subject]; d != nil {
		return d.Text
	}
	if d := general[err.Code]; d != nil {
		return d.Text
	}
	field := strings.HasPrefix(err.Text, "missing field: ") || strings.HasPrefix(err.Text, "bad field: ")
	switch {
	case err.Code == relay.Invalid && field:
		return err.Text
	case err.Code == relay.Invalid:
		return errInvalidJSON.Text
	}
	return errInternal.Text
}

// A statusMessage answers what has no answer of its own, and every failure.
type statusMessage struct {
	RequestType string  `json:"requestType"`
	Status      string  `json:"status"`
	Description *string `json:"description"`
}

func succeeded(name string) statusMessage { return statusMessage{name, "ok", nil} }

func failed(name string, err error) statusMessage {
	text := describe(relay.AsError(err))
	return statusMessage{shortName(name), "error", &text}
}

// dialect is for the requests over HTTP; sockets answer by themselves.
var dialect = wire.Dialect{Claim: claim, Fail: fail, Lost: lost}

// claim reads the pair of userId and application uuid.
func claim(c *wire.Call, _ any) (relay.Claim, error) {
	scheme, encoded, _ := strings.Cut(c.Header("Authorization"), " ")
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	userID, app, ok := strings.Cut(string(pair), ":")
	if err != nil || !ok || !strings.EqualFold(scheme, "Basic") {
		return relay.Claim{}, errNotAuthenticated
	}
	return relay.Claim{Secret: secretOf(userID, app)}, nil
}

// secretOf is the token of an application: its uuid is unique for its user only.
func secretOf(userID, app string) string { return userID + ":" + app }

// An httpError is a failure over HTTP.
type httpError struct {
	Status      string `json:"status"`
	Description string `json:"description"`
}

// statuses are those of descriptions; what is not among them has its code's.
var statuses = map[string]int{
	errHasFile.Text:      http.StatusConflict,
	errWindow.Text:       http.StatusGone,
	errFileTooLarge.Text: http.StatusRequestEntityTooLarge,
	errTooManyFiles.Text: http.StatusUnprocessableEntity,
	noLength.Text:        http.StatusLengthRequired,
}

var byCode = map[relay.Code]int{
	relay.Invalid:      http.StatusBadRequest,
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

// fail renders an error over HTTP.
func fail(c *wire.Call, err *relay.Error) wire.Reply {
	text := describe(err)
	status, known := statuses[text]
	if !known {
		status = byCode[err.Code]
	}
	if status == http.StatusUnauthorized {
		c.SetHeader("WWW-Authenticate", `Basic realm="messenger"`)
	}
	return wire.Reply{Status: status, Body: httpError{"error", text}}
}

// lost answers a path that is nobody's, or not for this method.
func lost(_ *wire.Call, allowed []string) wire.Reply {
	if len(allowed) > 0 {
		return wire.Reply{Status: http.StatusMethodNotAllowed, Body: httpError{"error", errUnknownType.Text}}
	}
	return wire.Reply{Status: http.StatusNotFound, Body: httpError{"error", errNoFile.Text}}
}
