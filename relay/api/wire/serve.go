package wire

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ServeOptions are the limits of a Server. The zero value of each field is the default beside it.
type ServeOptions struct {
	Conns         int           // connections over all listeners; what the machine's descriptors allow, at most 16,384
	HeaderTimeout time.Duration // 10 s for a request's head, counted from its first byte or from accept
	Patience      time.Duration // 30 s of standing still while a body comes or an answer goes
	Rate          int64         // 1,024 bytes a second that a message must make beyond that
	IdleTimeout   time.Duration // 90 s between two requests
	Grace         time.Duration // 3 s that Shutdown gives running requests, whatever its context says
	HeaderBytes   int           // 16 KiB of request head

	// Names are the host names this relay answers to, besides loopback names, IP literals and .onion names.
	Names []string
	// Origins lists the web origins that may use what the request asks for, besides the listener's own. Nil: none.
	Origins func(r *http.Request) []string
}

func (o ServeOptions) withDefaults() ServeOptions {
	o.Conns = or(o.Conns, maxConns())
	o.HeaderTimeout = or(o.HeaderTimeout, 10*time.Second)
	o.Patience = or(o.Patience, 30*time.Second)
	o.Rate = or(o.Rate, 1<<10)
	o.IdleTimeout = or(o.IdleTimeout, 90*time.Second)
	o.Grace = or(o.Grace, 3*time.Second)
	o.HeaderBytes = or(o.HeaderBytes, 16<<10)
	return o
}

func or[T int | int64 | time.Duration](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}

// A Door is what one listener does differently.
type Door struct {
	Handler    http.Handler // what is served here; nil is the server's own
	TrustProxy bool         // forwarding headers count: only the operator's proxy reaches this listener
}

// A Server is net/http's, hardened for callers who are anonymous, patient and many: every head, body, answer and pause has a
// time limit, connections are counted over all listeners, browsers on foreign pages are turned away, and answers name
// neither clock nor software. Handlers run behind all of that. HTTP/1 only: one connection is one caller's.
type Server struct {
	o        ServeOptions
	http     *http.Server
	guard    Guard
	conns    conns
	back     backdoor
	quiet    chan struct{} // closed when Shutdown begins
	once     sync.Once
	troubles atomic.Int64
}

// NewServer makes a server for h.
func NewServer(h http.Handler, o ServeOptions) *Server {
	s := &Server{o: o.withDefaults(), quiet: make(chan struct{})}
	s.guard = Guard{Names: o.Names, Origins: o.Origins}
	s.conns.limit(s.o.Conns)
	s.back = backdoor{conns: make(chan *conn), closed: s.quiet}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	s.http = &http.Server{
		Handler:                      http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(h, w, r) }),
		Protocols:                    &protocols,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" too goes past the guard
		ReadHeaderTimeout:            s.o.HeaderTimeout,
		IdleTimeout:                  s.o.IdleTimeout,
		MaxHeaderBytes:               s.o.HeaderBytes,
		ErrorLog:                     log.New(tally{&s.troubles}, "", 0),
		ConnContext:                  withConn,
		ConnState:                    noteState,
	}
	return s
}

// Serve accepts connections from ln until Shutdown, then returns http.ErrServerClosed. It may be called for several listeners.
func (s *Server) Serve(ln net.Listener) error {
	return s.ServeDoor(ln, Door{})
}

// ServeDoor is Serve for a listener with ways of its own.
func (s *Server) ServeDoor(ln net.Listener, d Door) error {
	s.once.Do(func() { go s.http.Serve(&s.back) }) // ends with the others, and says nothing they do not
	return s.http.Serve(&door{Listener: ln, Door: d, s: s})
}

// Quiet is closed when Shutdown begins: whoever holds a connection of its own (a socket) ends then.
func (s *Server) Quiet() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.quiet
}

// Troubles is how often net/http complained (a handler's panic, a failing accept). Its words are dropped unread, since they
// name addresses.
func (s *Server) Troubles() int64 { return s.troubles.Load() }

// Conns is how many connections are open now.
func (s *Server) Conns() int { return s.conns.count() }

// Shutdown stops accepting, gives every parked waiter its empty answer, closes idle connections, lets running requests
// finish, and closes what is left when ctx or the grace is over. Then nothing is served any more. Only the first call does anything.
func (s *Server) Shutdown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Grace)
	defer cancel()
	sleepers, gone := s.conns.close(s.quiet)
	for _, sl := range sleepers {
		sl.stop()
	}
	err := s.http.Shutdown(ctx)
	select { // waiters still writing their last answer, sockets saying good-bye
	case <-gone:
	case <-ctx.Done():
	}
	s.conns.sweep()
	return errors.Join(err, s.http.Close())
}

// serve wraps one request: its pace, the guard, and the handler of the door it came through.
func (s *Server) serve(h http.Handler, w http.ResponseWriter, r *http.Request) {
	c := connOf(r)
	if c.door.Handler != nil {
		h = c.door.Handler
	}
	c.busy.Store(true)
	w.Header()["Date"] = nil
	x := newExchange(c, w, r, s.o)
	defer x.end()
	if !s.guard.pass(x, r) {
		return
	}
	h.ServeHTTP(x, r)
}

// noteState ends a request for the registry: a connection that is not busy may be closed without losing an answer.
func noteState(nc net.Conn, state http.ConnState) {
	if c, ok := nc.(*conn); ok && state == http.StateIdle {
		c.busy.Store(false)
	}
}

type connKey struct{}

func withConn(ctx context.Context, nc net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, nc)
}

// connOf returns the connection a request came on, or nil if it did not come through a Server.
func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}

// A tally counts the lines of a log and forgets them.
type tally struct{ n *atomic.Int64 }

func (t tally) Write(line []byte) (int, error) {
	t.n.Add(1)
	return len(line), nil
}
