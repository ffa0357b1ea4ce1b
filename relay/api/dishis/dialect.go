package dishis

import (
	"cmp"
	"net/http"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

func (a *api) dialect() wire.Dialect {
	return wire.Dialect{Claim: a.claim, ClaimFirst: !a.o.Trusting, OK: ok, Fail: fail, Lost: lost}
}

// An answer is what a handler returns: the envelope's parts.
type answer struct {
	status            int
	Success           bool   `json:"success"`
	Message           string `json:"message,omitzero"`
	Data              any    `json:"data,omitzero"`
	ExpiresIn         *int64 `json:"expiresIn,omitzero"`
	DeleteForEveryone *bool  `json:"deleteForEveryone,omitzero"`
	File              string `json:"file,omitzero"`
}

func data(v any) answer          { return answer{status: http.StatusOK, Data: v} }
func created(v any) answer       { return answer{status: http.StatusCreated, Data: v} }
func said(s string) answer       { return answer{status: http.StatusOK, Message: s} }
func (a answer) of(v any) answer { a.Data = v; return a }

func ok(_ *wire.Call, out any) wire.Reply {
	a := out.(answer)
	a.Success = true
	return wire.Reply{Status: a.status, Body: a}
}

type failure struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
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

// An about is what an error is about.
type about struct {
	code    relay.Code
	subject relay.Subject
}

// texts are the API's words for what the core says in its own.
var texts = map[about]string{
	{relay.Unauthorized, relay.SubjectToken}: "Invalid token",
	{relay.NotFound, relay.SubjectAccount}:   "User not found",
	{relay.NotFound, relay.SubjectMessage}:   "Message not found",
	{relay.NotFound, relay.SubjectBlob}:      "File not found",
	{relay.NotFound, relay.SubjectMember}:    "Member not found",
	{relay.TooLarge, relay.SubjectNone}:      "Payload too large",
	{relay.TooMany, relay.SubjectNone}:       "Too many requests",
}

func fail(c *wire.Call, err *relay.Error) wire.Reply {
	text, known := texts[about{err.Code, err.Subject}]
	if !known {
		text = err.Text
	}
	if err.Code == relay.Unauthorized {
		c.SetHeader("WWW-Authenticate", "Bearer")
	}
	return wire.Reply{Status: statuses[err.Code], Body: failure{false, text}}
}

// lost answers what no row serves.
func lost(_ *wire.Call, allowed []string) wire.Reply {
	if len(allowed) > 0 {
		return wire.Reply{Status: http.StatusMethodNotAllowed, Body: failure{false, "Method not allowed"}}
	}
	return wire.Reply{Status: http.StatusNotFound, Body: failure{false, "Route not found"}}
}

// Errors that handlers share.
var (
	noToken      = relay.Errorf(relay.Unauthorized, relay.SubjectNone, "Authentication required")
	otherActing  = relay.Errorf(relay.Forbidden, relay.SubjectToken, "Acting user does not match the token")
	noGroup      = relay.Errorf(relay.NotFound, relay.SubjectRoom, "Group not found")
	noCommunity  = relay.Errorf(relay.NotFound, relay.SubjectRoom, "Community not found")
	noChannel    = relay.Errorf(relay.NotFound, relay.SubjectRoom, "Channel not found")
	noStatus     = relay.Errorf(relay.NotFound, relay.SubjectRecord, "Status not found")
	noMessage    = relay.Errorf(relay.NotFound, relay.SubjectMessage, "Message not found")
	noUser       = relay.Errorf(relay.NotFound, relay.SubjectAccount, "User not found")
	noFile       = relay.Errorf(relay.NotFound, relay.SubjectBlob, "File not found")
	noMember     = relay.Errorf(relay.NotFound, relay.SubjectMember, "Member not found")
	groupOnly    = relay.Errorf(relay.Forbidden, relay.SubjectRoom, "Group members only")
	communalOnly = relay.Errorf(relay.Forbidden, relay.SubjectRoom, "Community members only")
)

// refused is a rule that the state of things violates.
func refused(text string) error { return relay.Errorf(relay.Invalid, relay.SubjectNone, "%s", text) }

// denied is a lack of rights.
func denied(text string) error { return relay.Errorf(relay.Forbidden, relay.SubjectNone, "%s", text) }

// bearer returns the token of a request, and whether it brings one.
func bearer(header string) (token string, brings bool) {
	scheme, token, _ := strings.Cut(header, " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// claim reads who calls from the token. The token is looked at here already, so
// that a wrong one comes before whatever is wrong with the body.
func (a *api) claim(c *wire.Call, in any) (relay.Claim, error) {
	token, brings := bearer(c.Header("Authorization"))
	if !brings && a.o.Trusting && c.Header("Authorization") == "" {
		return believe(c, in)
	}
	if !brings {
		return relay.Claim{}, noToken
	}
	claim := relay.Claim{Secret: token, Family: family, Device: c.Header("X-Device-Id")}
	return claim, c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		_, err := tx.Authenticate(claim)
		return err
	})
}

// believe takes the acting id for who calls.
func believe(c *wire.Call, in any) (relay.Claim, error) {
	claim := relay.Claim{Family: family, Believed: true, Names: true, Device: c.Header("X-Device-Id")}
	field, id := acting(c, in)
	if id == "" && nameless[c.Op] {
		claim.Names = false
		return claim, nil
	}
	if id == "" {
		return claim, missing(field)
	}
	return claim, c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		user, err := findUser(tx, id)
		claim.Named = user.ID
		return err
	})
}

// An actor is a body that names who acts.
type actor interface {
	actor() (field, id string)
}

// Bodies name who acts in one of three fields.
type (
	byUser struct {
		UserID string `json:"userId"`
	}
	bySender struct {
		SenderID string `json:"senderId"`
	}
	byAdmin struct {
		AdminID string `json:"adminId"`
	}
)

func (b byUser) actor() (string, string)   { return "userId", b.UserID }
func (b bySender) actor() (string, string) { return "senderId", b.SenderID }
func (b byAdmin) actor() (string, string)  { return "adminId", b.AdminID }

// acting returns where a request names who acts, and whom it names.
func acting(c *wire.Call, in any) (field, id string) {
	if body, ok := in.(actor); ok {
		return body.actor()
	}
	if param, ok := actingPath[c.Op]; ok {
		return param, c.Param(param)
	}
	field = cmp.Or(actingQuery[c.Op], "userId")
	return field, c.Query(field)
}

// act checks that who acts is who calls, where the request says who acts.
func act(c *wire.Call, in any) error {
	if _, id := acting(c, in); id != "" && !isUser(id, c.Who.Account) {
		return otherActing
	}
	return nil
}

// read, write and free are wire's, with the acting id checked. What writes notes
// that its caller was there.
func read[In any](fn func(*wire.Call, *relay.Tx, In) (answer, error)) wire.Handler {
	return wire.Read(func(c *wire.Call, tx *relay.Tx, in In) (answer, error) {
		if err := act(c, in); err != nil {
			return answer{}, err
		}
		return fn(c, tx, in)
	})
}

func write[In any](fn func(*wire.Call, *relay.Tx, In) (answer, error)) wire.Handler {
	return wire.Write(func(c *wire.Call, tx *relay.Tx, in In) (answer, error) {
		if err := act(c, in); err != nil {
			return answer{}, err
		}
		if err := present(tx, c.Who); err != nil {
			return answer{}, err
		}
		return fn(c, tx, in)
	})
}

func free[In any](fn func(*wire.Call, *relay.Relay, In) (answer, error)) wire.Handler {
	return wire.Free(func(c *wire.Call, r *relay.Relay, in In) (answer, error) {
		if err := act(c, in); err != nil {
			return answer{}, err
		}
		return fn(c, r, in)
	})
}
