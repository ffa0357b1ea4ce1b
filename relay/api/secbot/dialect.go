package secbot

import (
	"net/http"

	"restante/relay"
	"restante/relay/api/wire"
)

var dialect = wire.Dialect{Claim: claim, Fail: fail}

// claim reads the caller from the body. An id that cannot be one is somebody
// unknown, and takes the same way.
func claim(_ *wire.Call, in any) (relay.Claim, error) {
	id, token := in.(interface{ caller() (string, string) }).caller()
	named, _ := relay.ParseID(id)
	return relay.Claim{Secret: token, Named: named, Names: true}, nil
}

var statuses = map[relay.Code]int{
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

// fail renders an error as one line of text. Which of several ids was missing
// is not said.
func fail(_ *wire.Call, err *relay.Error) wire.Reply {
	text := err.Text
	if err.Code == relay.NotFound {
		text = "no such user or group"
	}
	return wire.Reply{Status: statuses[err.Code], Body: text + "\n"}
}
