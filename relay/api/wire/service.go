package wire

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"restante/relay"
)

// A Service is what the families share while they serve: one relay, one purse,
// one set of limits.
type Service struct {
	Relay   *relay.Relay
	Rates   *Rates         // nil: no limits
	Purse   *Purse         // nil: bottomless
	Waiters *Waiters       // nil: 10,000
	Log     zerolog.Logger // gets operations and their outcome; never who, whence or what
	Server  *Server        // parks waiters; nil: they block
	// Sockets are the open WebSockets of all families; nil: made when the first
	// family is mounted.
	Sockets *Sockets
	// Outgoing asks other servers; nil: nobody is asked.
	Outgoing *Outgoing
	// Codes delivers one-time codes; nil: they wait to be shown.
	Codes *Codes
	// PublicURL is where the relay is reached, where that is not what callers say.
	PublicURL string
	// Reached is told the name of every row that is called, for tests.
	Reached func(op string)

	limits    *Rates
	turns     *Turns
	passwords passwords
}

// prepare fills in what was left out. Families are mounted before anything is
// served.
func (s *Service) prepare() {
	if s.limits != nil {
		return
	}
	s.passwords = newPasswords(s.Rates != nil)
	if s.limits = s.Rates; s.limits == nil {
		s.limits = &Rates{}
	} else {
		s.turns = NewTurns(0, 0)
	}
	if s.Waiters == nil {
		s.Waiters = NewWaiters(0)
	}
	if s.Sockets == nil {
		s.Sockets = NewSockets(s.Relay.Hub(), s.Purse, func(doing string, err error) { s.Log.Error().Err(err).Msg(doing) })
	}
	if s.Codes == nil {
		s.Codes = NewCodes("")
	}
}

// Newcomer counts the registration of a stranger; TooMany when there were too
// many of late.
func (s *Service) Newcomer() error { return s.limits.newcomer() }

// Handler serves a family's HTTP operations.
func (f Family) Handler(s *Service) http.Handler {
	s.prepare()
	rt := newRouter(f.Ops)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := &handling{s: s, f: &f, w: w, r: r}
		defer h.recover()
		h.serve(rt)
	})
}

// A handling is one HTTP request on its way.
type handling struct {
	s     *Service
	f     *Family
	w     http.ResponseWriter
	r     *http.Request
	c     *Call // &call
	call  Call
	began time.Time
	taken int64 // from the purse
	sent  bool

	claimed relay.Claim
}

// serve routes the request, runs its row and writes the answer.
func (h *handling) serve(rt *router) {
	h.began = time.Now()
	h.call = Call{Service: h.s, ctx: h.r.Context(), request: h.r, header: h.w.Header()}
	h.c = &h.call
	if x, ok := h.w.(*exchange); ok {
		h.c.conn = x.c
	}
	defer h.giveBack()
	if arrive := h.f.Dialect.Arrive; arrive != nil {
		if err := arrive(h.c); err != nil {
			h.answer(nil, err)
			return
		}
	}
	if h.f.CORS.preflight(h.w, h.r) {
		h.sent = true
		return
	}
	path, ok := routed(h.r.URL)
	op, params := rt.find(h.r.Method, path)
	if op == nil && h.r.Method == http.MethodHead {
		if op, params = rt.find(http.MethodGet, path); op != nil && op.h.kind != raws {
			op = nil
		}
	}
	if !ok || op == nil {
		h.lost(rt.allowed(path))
		return
	}
	h.c.Op, h.c.params = op.Name, params
	if h.s.Reached != nil {
		h.s.Reached(op.Name)
	}
	if op.h.kind == raws {
		h.speak(op)
		return
	}
	out, err := h.perform(op)
	if wait, ok := out.(*Wait); ok && err == nil {
		h.sent = true
		h.giveBack() // a wait holds nothing of its request
		h.s.Server.Park(h.w, h.r, h.dress(wait, op))
		return
	}
	h.answer(out, err)
}

// perform takes a request from its bytes to what its handler returned.
func (h *handling) perform(op *Op) (any, error) {
	if err := h.s.limits.arrive(h.c); err != nil {
		return nil, err
	}
	if h.f.Dialect.ClaimFirst {
		if err := h.claim(op, nil); err != nil {
			return nil, err
		}
	}
	body, err := h.body()
	if err != nil {
		return nil, err
	}
	in, err := op.h.decode(h.c, body)
	if err != nil {
		return nil, err
	}
	if !h.f.Dialect.ClaimFirst {
		if err := h.claim(op, in); err != nil {
			return nil, err
		}
	}
	out, err := h.s.run(h.c, op, in)
	h.s.firstCall(h.c)
	return out, err
}

// claim reads who the request says it is.
func (h *handling) claim(op *Op, in any) error {
	if op.Need == Anyone {
		return nil
	}
	var err error
	h.claimed, err = h.f.Dialect.Claim(h.c, in)
	h.claimed.Family = h.f.Name
	h.c.claim = &h.claimed
	return err
}

var (
	tooLarge    = relay.Errorf(relay.TooLarge, relay.SubjectNone, "body too large")
	notReceived = relay.Errorf(relay.Invalid, relay.SubjectNone, "body not received")
)

// body reads the request's body whole, paid for from the purse.
func (h *handling) body() ([]byte, error) {
	size := h.r.ContentLength
	if size > h.f.MaxBody {
		return nil, tooLarge
	}
	if size >= 0 {
		if err := h.take(size); err != nil {
			return nil, err
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(h.r.Body, body); err != nil {
			return nil, notReceived
		}
		return body, nil
	}
	if err := h.take(h.f.MaxBody); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(h.r.Body, h.f.MaxBody+1))
	switch {
	case err != nil:
		return nil, notReceived
	case int64(len(body)) > h.f.MaxBody:
		return nil, tooLarge
	}
	return body, nil
}

// take takes memory from the purse until the request is over.
func (h *handling) take(n int64) error {
	if !h.s.Purse.Take(n) {
		return &relay.Error{Code: relay.Busy, Text: "busy", RetryAfter: retrySoon}
	}
	h.taken += n
	return nil
}

func (h *handling) giveBack() {
	h.s.Purse.Give(h.taken)
	h.taken = 0
}

// lost answers a request that no row serves.
func (h *handling) lost(allowed []string) {
	if len(allowed) > 0 {
		h.w.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	if h.f.Dialect.Lost != nil {
		reply := h.f.Dialect.Lost(h.c, allowed)
		kind, body, _ := reply.render() // an error's body is a few words: they render
		h.write(reply.Status, kind, body)
		return
	}
	if len(allowed) == 0 {
		h.write(http.StatusNotFound, textPlain, []byte("not found\n"))
		return
	}
	h.write(http.StatusMethodNotAllowed, textPlain, []byte("method not allowed\n"))
}

// answer renders what a handler returned in the family's form.
func (h *handling) answer(out any, err error) {
	reply := Reply{Status: http.StatusOK, Body: out}
	switch {
	case err != nil:
		reply = h.fail(err)
	case h.f.Dialect.OK != nil:
		reply = h.f.Dialect.OK(h.c, out)
	}
	kind, body, err := reply.render()
	if err == nil {
		err = h.take(int64(len(body)))
	}
	if err != nil {
		reply = h.fail(err)
		kind, body, _ = reply.render() // an error's body is a few words: they render
	}
	h.write(reply.Status, kind, body)
	h.s.Log.Debug().Str("op", h.c.Op).Int("status", reply.Status).Dur("took", time.Since(h.began)).Send()
}

// fail renders an error, and says in the log what only the operator may know.
func (h *handling) fail(err error) Reply {
	e := relay.AsError(err)
	h.s.fault(h.c.Op, err)
	if e.RetryAfter > 0 {
		h.w.Header().Set("Retry-After", seconds(e.RetryAfter))
	}
	return h.f.Dialect.Fail(h.c, e)
}

// seconds writes a duration in whole seconds, none of them too early.
func seconds(d time.Duration) string { return strconv.Itoa(int(math.Ceil(d.Seconds()))) }

// fault logs a failure that is ours and not the caller's.
func (s *Service) fault(op string, err error) {
	if err == nil {
		return
	}
	e := relay.AsError(err)
	if e.Code == relay.Internal || errors.Unwrap(e) != nil && e.Code == relay.Full {
		s.Log.Error().Str("op", op).Err(err).Msg("request failed")
	}
}

// render returns a reply's content type and bytes.
func (r Reply) render() (kind string, body []byte, err error) {
	switch b := r.Body.(type) {
	case nil, None:
		return "", nil, nil
	case string:
		return textPlain, []byte(b), nil
	case []byte:
		return r.Type, b, nil
	}
	body, err = encode(r.Body)
	return applicationJSON, body, err
}

const applicationJSON = "application/json; charset=utf-8"

// Values of headers that nearly every answer has. net/http only reads them.
var (
	plainType = []string{textPlain}
	jsonType  = []string{applicationJSON}
	noSniff   = []string{"nosniff"}
	noStore   = []string{"no-store"}
	nothing   = []string{"0"}
)

func (h *handling) write(status int, kind string, body []byte) {
	head := h.w.Header()
	switch kind {
	case "":
	case textPlain:
		head["Content-Type"] = plainType
	case applicationJSON:
		head["Content-Type"] = jsonType
	default:
		head["Content-Type"] = []string{kind}
	}
	head["X-Content-Type-Options"] = noSniff
	if head["Cache-Control"] == nil {
		head["Cache-Control"] = noStore
	}
	if len(body) == 0 {
		head["Content-Length"] = nothing
	} else {
		head["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	h.sent = true
	h.w.WriteHeader(status)
	if len(body) > 0 {
		h.w.Write(body) // whoever is gone does not care
	}
}

// dress gives a wait the family's errors and the headers of every answer.
func (h *handling) dress(wt *Wait, op *Op) *Wait {
	h.w.Header().Set("X-Content-Type-Options", "nosniff")
	h.w.Header().Set("Cache-Control", "no-store")
	wt.row = waitingRow{h.s, h.f, op}
	return wt
}

// A waitingRow is what is left of a request whose row waits: not the handling, which
// holds the request.
type waitingRow struct {
	s  *Service
	f  *Family
	op *Op
}

// fail renders an error as the row's answer.
func (r waitingRow) fail(err error) (int, []byte) {
	r.s.fault(r.op.Name, err)
	reply := r.f.Dialect.Fail(&Call{Op: r.op.Name}, relay.AsError(err))
	_, body, _ := reply.render() // an error's body is a few words: they render
	return reply.Status, body
}

// recover keeps a panic inside its request: the caller gets an internal error,
// the log the operation's name and not the panic's value, which may hold
// anything.
func (h *handling) recover() {
	if recover() == nil {
		return
	}
	h.s.Log.Error().Str("op", h.c.Op).Msg("panic in a handler")
	if !h.sent {
		reply := h.f.Dialect.Fail(h.c, &relay.Error{Code: relay.Internal, Text: "internal error"})
		kind, body, _ := reply.render()
		h.write(reply.Status, kind, body)
	}
}
