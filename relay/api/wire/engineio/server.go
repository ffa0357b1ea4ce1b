package engineio

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// A Server is the sessions of one path. Its zero value is of no use.
type Server struct {
	o    Options
	open func(*Session) Handler

	mu       sync.Mutex // guards the rest; taken after a session's own
	sessions map[string]*Session
	unknown  list // the oldest first
	stopping bool
	running  sync.WaitGroup // one for each session, until its last goroutine has ended
}

// NewServer returns a server whose sessions are served by what open returns.
// open is called before anything is received, and may send already.
func NewServer(o Options, open func(*Session) Handler) *Server {
	return &Server{o: o.withDefaults(), open: open, sessions: map[string]*Session{}}
}

// Len returns how many sessions there are.
func (v *Server) Len() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.sessions)
}

// A Problem is why a request is refused, in the form that clients know.
type Problem struct {
	Status  int    `json:"-"`
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// The problems of the protocol. ErrForbidden is for handlers around a server.
var (
	ErrTransport = &Problem{http.StatusBadRequest, 0, "Transport unknown"}
	ErrSession   = &Problem{http.StatusBadRequest, 1, "Session ID unknown"}
	ErrMethod    = &Problem{http.StatusBadRequest, 2, "Bad handshake method"}
	ErrRequest   = &Problem{http.StatusBadRequest, 3, "Bad request"}
	ErrForbidden = &Problem{http.StatusForbidden, 4, "Forbidden"}
	ErrProtocol  = &Problem{http.StatusBadRequest, 5, "Unsupported protocol version"}

	errTooLarge = &Problem{http.StatusRequestEntityTooLarge, 3, "Payload too large"}
	errBusy     = &Problem{http.StatusServiceUnavailable, 3, "Busy"}
)

// Error is the message.
func (p *Problem) Error() string { return p.Message }

// Answer writes the problem.
func (p *Problem) Answer(w http.ResponseWriter) {
	body, _ := json.Marshal(p) // a number and a string
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	write(w, p.Status, "application/json", body)
}

const textPlain = "text/plain; charset=UTF-8"

func writeText(w http.ResponseWriter, body []byte) error {
	return write(w, http.StatusOK, textPlain, body)
}

func write(w http.ResponseWriter, status int, kind string, body []byte) error {
	quiet(w.Header())
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// quiet has nobody keep an answer or guess what it is.
func quiet(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// ServeHTTP serves handshakes, polls, posts and WebSockets, whatever the path.
func (v *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	s, problem := v.verify(r, q)
	if problem != nil {
		problem.Answer(w)
		return
	}
	if s != nil && s.isKnown() {
		v.o.Mark(r)()
	}
	socket := q.Get("transport") == "websocket"
	switch {
	case s == nil && socket:
		v.openSocket(w, r, q)
	case s == nil:
		v.openPolling(w, r, q)
	case socket:
		s.upgrade(w, r)
	case r.Method == http.MethodGet:
		s.get(w, r)
	default:
		s.post(w, r)
	}
}

// verify finds the session of a request, nil for a handshake.
func (v *Server) verify(r *http.Request, q url.Values) (*Session, *Problem) {
	transport, sid := q.Get("transport"), q.Get("sid")
	if transport != "polling" && transport != "websocket" {
		return nil, ErrTransport
	}
	var s *Session
	if q.Has("sid") {
		if s = v.find(sid); s != nil {
			s.expire()
		}
		if s == nil || s.gone.Load() {
			return nil, ErrSession
		}
	}
	switch {
	case s == nil && r.Method != http.MethodGet:
		return nil, ErrMethod
	case transport == "websocket" && !wantsSocket(r),
		transport == "polling" && r.Method != http.MethodGet && r.Method != http.MethodPost:
		return nil, ErrRequest
	case q.Get("EIO") != "4":
		return nil, ErrProtocol
	}
	return s, nil
}

func wantsSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

func (v *Server) find(sid string) *Session {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sessions[sid]
}

// openPolling makes a session that polls.
func (v *Server) openPolling(w http.ResponseWriter, r *http.Request, q url.Values) {
	s, problem := v.newSession(r, q)
	if problem != nil {
		problem.Answer(w)
		return
	}
	if !s.start() {
		write(w, http.StatusInternalServerError, textPlain, nil)
		return
	}
	body := s.handshake("websocket")
	if err := writeText(w, body); err != nil {
		s.end(TransportError)
	}
}

// newSession makes a session and counts it in.
func (v *Server) newSession(r *http.Request, q url.Values) (*Session, *Problem) {
	s := newSession(v, v.o.Keep(r))
	s.base64 = q.Has("b64")
	v.mu.Lock()
	evicted, ok := v.admitLocked(s)
	v.mu.Unlock()
	if evicted != nil {
		evicted.end(Evicted)
	}
	if !ok {
		return nil, errBusy
	}
	return s, nil
}

// admitLocked takes a newcomer in, perhaps in the place of a stranger.
func (v *Server) admitLocked(s *Session) (evicted *Session, ok bool) {
	if v.stopping {
		return nil, false
	}
	if v.unknown.n >= max(v.o.MaxSessions/4, 1) || len(v.sessions) >= v.o.MaxSessions {
		if evicted = v.unknown.head; evicted == nil {
			return nil, false
		}
		v.unknown.remove(evicted)
	}
	v.sessions[s.id] = s
	v.unknown.push(s)
	v.running.Add(1)
	return evicted, true
}

// forget lets go of a session that is over.
func (v *Server) forget(s *Session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.sessions, s.id)
	v.unknown.remove(s)
	v.running.Done()
}

// know takes a session from the strangers.
func (v *Server) know(s *Session) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unknown.remove(s)
}

// Shutdown ends all sessions, takes no new ones, and waits until the last
// handler was told. When ctx ends first, connections are cut off.
func (v *Server) Shutdown(ctx context.Context) {
	v.Quit()
	done := make(chan struct{})
	go func() { v.running.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	for _, s := range v.all() {
		s.cutOff()
	}
	<-done
}

// Quit ends all sessions and takes no new ones.
func (v *Server) Quit() {
	v.mu.Lock()
	v.stopping = true
	v.mu.Unlock()
	for _, s := range v.all() {
		s.end(ServerClose)
	}
}

func (v *Server) all() []*Session {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := make([]*Session, 0, len(v.sessions))
	for _, s := range v.sessions {
		list = append(list, s)
	}
	return list
}

// handshake renders the open packet.
func (s *Session) handshake(upgrades ...string) []byte {
	if upgrades == nil {
		upgrades = []string{}
	}
	o := s.server.o
	body, _ := json.Marshal(struct { // strings and numbers
		SID          string   `json:"sid"`
		Upgrades     []string `json:"upgrades"`
		PingInterval int64    `json:"pingInterval"`
		PingTimeout  int64    `json:"pingTimeout"`
		MaxPayload   int64    `json:"maxPayload"`
	}{s.id, upgrades, o.PingInterval.Milliseconds(), o.PingTimeout.Milliseconds(), o.MaxPayload})
	return append([]byte{packetOpen}, body...)
}

// A list of sessions, linked through them, oldest first.
type list struct {
	head, tail *Session
	n          int
}

func (l *list) push(s *Session) {
	s.listed, s.prev, s.next = true, l.tail, nil
	if l.tail == nil {
		l.head = s
	} else {
		l.tail.next = s
	}
	l.tail = s
	l.n++
}

// remove takes s out, if it is in.
func (l *list) remove(s *Session) {
	if !s.listed {
		return
	}
	if s.prev == nil {
		l.head = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		l.tail = s.prev
	} else {
		s.next.prev = s.prev
	}
	s.listed, s.prev, s.next = false, nil, nil
	l.n--
}
