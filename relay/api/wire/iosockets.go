package wire

import (
	"net/http"
	"time"

	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
)

// IOSockets are the Socket.IO clients of a family. What they are to it is what
// WebSockets are: sessions that take turns, with an ear at the bell. They come
// by polling or by WebSocket and are told the same.
type IOSockets struct {
	group  *Sockets
	server *socketio.Server
}

// An IOHandler serves one Socket.IO socket. Its methods are called one at a
// time, as those of a [SocketHandler] are.
type IOHandler interface {
	// Event handles one event of the client, and acknowledges it if it likes.
	Event(*socketio.Event)

	// Pass looks at what has moved (Watch) and emits it. It may stop early, once
	// the socket is Short, and return true: then it is called again when the
	// client has read some of it.
	Pass() (more bool)

	// Closed is the last call, when the session has ended for whatever reason.
	Closed()
}

// An IOConnect decides who is let into a namespace. A [*socketio.Refusal] is
// what the client is told otherwise. The function it returns is called once, in
// the first turn, and may emit already.
type IOConnect func(*socketio.Handshake) (func(*IOSocket) IOHandler, error)

// NewIOSockets returns a server whose sockets belong to g. Clients wait at s,
// which may be nil. Mount it at the path that clients expect.
func NewIOSockets(g *Sockets, s *Server, o socketio.Options) *IOSockets {
	o.Engine.Budget = g.purse
	o.Engine.Fault = g.fault
	o.Engine.Mark = markLater
	o.Engine.Park = func(w http.ResponseWriter, r *http.Request, wt *engineio.Wait) {
		s.Park(w, r, &Wait{
			Until: wt.Until, ContentType: wt.ContentType, Empty: wt.Empty,
			Arm: wt.Arm, Done: wt.Done, Sent: wt.Sent,
			Check: func() ([]byte, bool, error) {
				body, ready := wt.Check()
				return body, ready, nil
			},
		})
	}
	v := &IOSockets{group: g, server: socketio.NewServer(o)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.io = append(g.io, v)
	return v
}

// markLater returns what marks the request's connection as known, without the
// request.
func markLater(r *http.Request) func() { return connOf(r).markKnown }

// Of adds a namespace. DishIs' is "/".
func (v *IOSockets) Of(namespace string, connect IOConnect) {
	v.server.Of(namespace, func(h *socketio.Handshake) (socketio.Open, error) {
		open, err := connect(h)
		if err != nil {
			return nil, err
		}
		return func(io *socketio.Socket) socketio.Handler { return v.open(io, open) }, nil
	})
}

// Len returns how many clients there are.
func (v *IOSockets) Len() int { return v.server.Engine().Len() }

// ServeHTTP serves the clients. They end with the other sockets of the set.
func (v *IOSockets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.group.follow(r)
	v.server.ServeHTTP(w, r)
}

// open serves a socket that was let in.
func (v *IOSockets) open(io *socketio.Socket, open func(*IOSocket) IOHandler) socketio.Handler {
	s := &IOSocket{io: io}
	s.begin(v.group, s)
	s.watch = v.group.hub.Watch()
	if !v.group.enter() {
		s.Close()
		return ioTurns{s}
	}
	s.counted = true
	s.session.open(func() passer { s.h = open(s); return s.h })
	return ioTurns{s}
}

// An IOSocket is one Socket.IO client in one namespace. Its methods may be called
// by any goroutine, at any time, also after the end; none of them blocks.
type IOSocket struct {
	session
	h       IOHandler // the session's, with more methods
	io      *socketio.Socket
	counted bool // among what runs
}

// ID names the socket. It is no secret.
func (s *IOSocket) ID() string { return s.io.ID() }

// Session is the transport, which the client's other sockets share.
func (s *IOSocket) Session() *engineio.Session { return s.io.Session() }

// Emit queues an event; see [socketio.Socket.Emit] for arguments. What is JSON
// already is given as json.RawMessage.
func (s *IOSocket) Emit(name string, args ...any) error { return s.io.Emit(name, args...) }

// EmitSignal is Emit for what may be dropped when there is little room.
func (s *IOSocket) EmitSignal(name string, args ...any) error { return s.io.EmitSignal(name, args...) }

// EmitAck is Emit for what the client acknowledges; see [socketio.Socket.EmitAck].
// then is called in a turn.
func (s *IOSocket) EmitAck(within time.Duration, then func(socketio.Args, error), name string, args ...any) error {
	return s.io.EmitAck(within, func(a socketio.Args, err error) { s.takeTurn(func() { then(a, err) }) }, name, args...)
}

// Short reports whether more than half of the queue is taken: a pass stops here.
func (s *IOSocket) Short() bool { return s.io.Short() }

// Close takes the client out of the namespace and ends its session, when all that
// is queued has been written.
func (s *IOSocket) Close() { s.io.Disconnect() }

func (s *IOSocket) hasEnded() bool { return s.io.Ended() }

// broken ends a session whose handler panicked.
func (s *IOSocket) broken() { s.io.Disconnect() }

// ioTurns has what happens to a socket happen in its turns.
type ioTurns struct{ s *IOSocket }

func (t ioTurns) Event(e *socketio.Event) { t.s.takeTurn(func() { t.s.h.Event(e) }) }

func (t ioTurns) Closed(engineio.Reason) {
	t.s.close()
	if t.s.counted {
		t.s.group.running.Done()
	}
}

func (t ioTurns) Drained() { t.s.drained() }
