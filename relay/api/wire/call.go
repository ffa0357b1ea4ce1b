package wire

import (
	"context"
	"net/http"
	"strings"

	"github.com/julienschmidt/httprouter"

	"restante/relay"
)

// A Call is one request on its way through an operation.
type Call struct {
	Op      string       // the row's name
	Who     relay.Caller // set where the row needs a user
	Service *Service

	ctx     context.Context
	claim   *relay.Claim  // who the request says it is; nil: Who is settled
	request *http.Request // nil on a socket
	conn    *conn         // it came on; nil on a socket, or where no Server serves
	header  http.Header   // of the answer; nil on a socket
	params  httprouter.Params
	wrote   []relay.EntryID
	base    string // of a socket: where its session came in
	prove   func(*relay.Tx) (relay.Caller, error)
}

// NewCall makes a call for a frame of a socket whose caller is known.
func NewCall(ctx context.Context, s *Service, op string, who relay.Caller) *Call {
	return &Call{Op: op, Who: who, Service: s, ctx: ctx}
}

// As has every transaction of a call on a socket ask again who it is, as a
// request's do: a session that was ended meanwhile does nothing any more. It
// returns the call.
func (c *Call) As(claim relay.Claim) *Call {
	c.claim = &claim
	return c
}

// Context ends when the caller is gone.
func (c *Call) Context() context.Context { return c.ctx }

// At tells a call on a socket under which URL its session came in ([Call.Base] of
// the request that was upgraded), and returns the call.
func (c *Call) At(base string) *Call {
	c.base = base
	return c
}

// Prove has the caller of a call on a socket looked at again in every transaction
// of it, and returns the call: sessions end while their sockets are open. who
// returns who it is now, or why it is nobody any more.
func (c *Call) Prove(who func(*relay.Tx) (relay.Caller, error)) *Call {
	c.prove = who
	return c
}

// Base returns the URL of the family for this caller, "http://host/sama": as the
// caller reaches it, or as the operator says it is reached. Addresses in answers
// begin with it; it is not to be stored.
func (c *Call) Base() string {
	if c.request == nil {
		return c.base
	}
	return baseOf(c.request, c.Service.PublicURL)
}

// Request returns the request, nil on a socket.
func (c *Call) Request() *http.Request { return c.request }

// Cookie returns the value of a cookie, "" on a socket.
func (c *Call) Cookie(name string) string {
	if c.request == nil {
		return ""
	}
	cookie, err := c.request.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// SetCookie sets a cookie whose Path is taken from where the family is mounted.
func (c *Call) SetCookie(cookie http.Cookie) {
	if c.request == nil {
		return
	}
	cookie.Path = prefixOf(c.request) + "/" + strings.TrimPrefix(cookie.Path, "/")
	c.header.Add("Set-Cookie", cookie.String())
}

// Param returns a parameter of the path, "" when the row has none of that name.
func (c *Call) Param(name string) string { return c.params.ByName(name) }

// Header returns a header of the request, "" on a socket.
func (c *Call) Header(name string) string {
	if c.request == nil {
		return ""
	}
	return c.request.Header.Get(name)
}

// Headers returns all values of a header of the request, none on a socket.
func (c *Call) Headers(name string) []string {
	if c.request == nil {
		return nil
	}
	return c.request.Header.Values(name)
}

// Query returns a parameter of the URL.
func (c *Call) Query(name string) string {
	if c.request == nil {
		return ""
	}
	return c.request.URL.Query().Get(name)
}

// SetHeader sets a header of the answer.
func (c *Call) SetHeader(name, value string) {
	if c.header != nil {
		c.header.Set(name, value)
	}
}
