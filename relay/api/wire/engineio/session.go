package engineio

import (
	"crypto/rand"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"restante/relay/api/wire/line"
)

// A Handler serves one session. Its methods are called one at a time.
type Handler interface {
	// Receive handles one message. Text is valid UTF-8. data is the handler's.
	// The next message is taken when it has returned, and when there is room for
	// an answer again; a client that polls has its post answered then, so what is
	// sent during Receive is there for its next poll.
	Receive(data []byte, binary bool)

	// Closed is the last call.
	Closed(why Reason)
}

// A Drainer is a [Handler] that is told when the queue is less than half full
// again, after [Session.Short] was true. Drained is called at any time by any
// goroutine, and must not block.
type Drainer interface{ Drained() }

// A Reason is why a session ended, in words that clients use too.
type Reason string

const (
	ClientClose    Reason = "transport close" // the client said so, or hung up
	ServerClose    Reason = "forced server close"
	PingTimeout    Reason = "ping timeout"
	ParseError     Reason = "parse error"     // it sent what it may not send
	TransportError Reason = "transport error" // a request out of turn, a connection that broke
	SlowReader     Reason = "not reading"
	Evicted        Reason = "evicted" // a stranger whose place was needed
	HandlerPanic   Reason = "internal error"
)

// A Message is one message of a client or for one.
type Message struct {
	Data   []byte
	Binary bool
}

// A Session is one client. Its methods may be called by any goroutine, at any
// time, also after the end; none of them blocks.
type Session struct {
	server *Server
	id     string
	kept   any
	base64 bool // the client wants no binary frames

	listed     bool     // among the strangers; guarded by server.mu, like the links
	prev, next *Session //
	gone       atomic.Bool

	turn sync.Mutex  // held while the handler is called
	over bool        // guarded by turn: Closed has been called
	h    Handler     // set in the first turn, under mu too
	busy atomic.Bool // the handler is being called

	mu       sync.Mutex // guards the rest
	change   sync.Cond  // on mu: of what waitRoom and bury wait for
	q        line.Queue
	known    bool
	mark     func()  // notes that the socket's connection is a known client's
	socket   *socket // nil while the session polls
	probing  *socket // an upgrade has begun
	probed   bool    // and polls are to end
	poll     *poll   // waits
	posting  bool
	writing  bool // the socket's writer runs
	tasks    int  // goroutines of this session
	ended    bool
	why      Reason
	code     int // for the socket's close frame
	awaiting bool
	due      time.Time   // of the next ping, of the pong, or of the end of lingering
	timer    *time.Timer // for due
}

func newSession(v *Server, kept any) *Session {
	s := &Session{server: v, id: rand.Text(), kept: kept} // 130 bits
	s.change.L = &s.mu
	s.q = line.Queue{Budget: v.o.Budget, MaxFrames: v.o.QueuePackets, MaxBytes: v.o.QueueBytes}
	return s
}

// start has the session served. It reports whether there is somebody to serve it.
func (s *Session) start() bool {
	s.takeTurn(func() {
		h := s.server.open(s)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.h = h
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.h == nil && !s.ended {
		s.endLocked(HandlerPanic, false)
	}
	if !s.ended {
		s.due = time.Now().Add(s.server.o.PingInterval)
		s.timer = time.AfterFunc(s.server.o.PingInterval, s.tick)
	}
	return s.h != nil
}

// ID names the session. Whoever knows it is taken for the client.
func (s *Session) ID() string { return s.id }

// Kept is what Options.Keep returned for the first request.
func (s *Session) Kept() any { return s.kept }

// Known says that the client is no stranger: its place is its own.
func (s *Session) Known() {
	s.server.know(s)
	s.mu.Lock()
	mark := s.mark
	s.known, s.mark = true, nil
	s.mu.Unlock()
	if mark != nil {
		mark()
	}
}

func (s *Session) isKnown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// Send queues messages, without others in between. The session keeps their data,
// which must not be changed any more; text must be valid UTF-8. A queue that is
// full ends the session, see [line.Queue].
func (s *Session) Send(ms ...Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range ms {
		s.pushLocked(newFrame(m))
	}
}

// SendSignal queues a text that may be dropped when there is little room.
func (s *Session) SendSignal(text []byte) {
	f := newFrame(Message{Data: text})
	f.Signal = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pushLocked(f)
}

func newFrame(m Message) line.Frame {
	if m.Binary {
		return line.Frame{Data: m.Data, Binary: true}
	}
	return line.Frame{Data: append([]byte{packetMessage}, m.Data...)}
}

// pushLocked needs mu, like everything that ends so.
func (s *Session) pushLocked(f line.Frame) {
	if s.ended {
		return
	}
	if !s.q.Push(f) {
		// What is queued would reach the client long after it was worth reading,
		// and the gap behind it never.
		s.endLocked(SlowReader, false)
		return
	}
	s.flushLocked()
}

// flushLocked has somebody take what is queued, if there is somebody.
func (s *Session) flushLocked() {
	switch {
	case s.socket != nil:
		s.writeLocked()
	case s.poll != nil:
		s.poll.ringLocked()
	}
}

// Short reports whether more than half of the queue is taken: whoever has more
// to send waits for [Drainer].
func (s *Session) Short() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.q.Short()
}

// Ended reports whether nothing is sent any more.
func (s *Session) Ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Budget pays for the session's bytes; nil: bottomless.
func (s *Session) Budget() line.Budget { return s.server.o.Budget }

// Close ends the session when all that is queued has been sent. A client that
// polls has Options.Linger to fetch it.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(ServerClose, true)
}

// Abort ends the session at once, because of what the client did.
func (s *Session) Abort(why Reason) { s.end(why) }

// end ends the session now.
func (s *Session) end(why Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(why, false)
}

// endLocked ends the session. What is queued is sent only if it lingers. The
// first call counts.
func (s *Session) endLocked(why Reason, linger bool) {
	if s.ended {
		return
	}
	s.ended, s.why = true, why
	if !linger {
		s.q.Clear()
	}
	if s.probing != nil {
		s.probing.raw.Close() // its goroutine hears of it
	}
	s.lingerLocked(linger)
	s.goLocked(s.bury)
	s.flushLocked()
	s.change.Broadcast()
}

// lingerLocked bounds what is left of a session: a last poll, a closing
// handshake, a writer that nobody reads.
func (s *Session) lingerLocked(linger bool) {
	if s.socket == nil && !linger {
		s.goneLocked()
		return
	}
	if s.socket != nil {
		s.gone.Store(true) // the id, not the connection
	}
	s.due = time.Now().Add(s.server.o.Linger)
	if s.timer == nil {
		s.timer = time.AfterFunc(s.server.o.Linger, s.tick)
	} else {
		s.timer.Reset(s.server.o.Linger)
	}
}

// goneLocked forgets the session's id.
func (s *Session) goneLocked() {
	s.gone.Store(true)
	if s.timer != nil {
		s.timer.Stop()
	}
	s.change.Broadcast()
}

// goLocked runs a goroutine of the session, which is not buried before it ends.
func (s *Session) goLocked(fn func()) {
	s.tasks++
	go func() {
		fn()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tasks--
		s.change.Broadcast()
	}()
}

// bury tells the handler, and lets go of the session once nothing of it runs.
func (s *Session) bury() {
	s.takeTurn(func() {
		s.over = true
		if s.h != nil {
			s.h.Closed(s.reason())
		}
	})
	s.mu.Lock()
	for s.tasks > 1 || !s.gone.Load() || s.poll != nil { // which takes the last packet
		s.change.Wait()
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.q.Clear()
	s.mu.Unlock()
	s.server.forget(s)
}

// lastLocked is the last packet of a session that polls. On a WebSocket the close
// frame says it all: a packet beside it might be read before what came earlier
// has been dealt with.
func (s *Session) lastLocked() byte {
	if s.why == ClientClose {
		return packetNoop // it knows; only its poll is to end
	}
	return packetClose
}

func (s *Session) reason() Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// cutOff closes the connection under the session.
func (s *Session) cutOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(ServerClose, false)
	s.cutLocked()
}

func (s *Session) cutLocked() {
	s.q.Clear()
	if s.socket != nil {
		s.socket.raw.Close()
	}
	s.goneLocked()
}

// Turn runs fn while the handler is not called, unless Closed has been. It is not
// to be called by the handler itself.
func (s *Session) Turn(fn func()) { s.takeTurn(fn) }

// takeTurn runs fn alone. A panic ends the session and nothing else; its value
// may hold what nobody is to see, so only the place is reported.
func (s *Session) takeTurn(fn func()) {
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.over {
		return
	}
	s.busy.Store(true)
	defer s.busy.Store(false)
	defer func() {
		if recover() != nil {
			s.server.o.Fault("serving a session", fmt.Errorf("panic\n%s", debug.Stack()))
			s.end(HandlerPanic)
		}
	}()
	fn()
}

// receive takes one packet of the client.
func (s *Session) receive(p packet) {
	switch p.kind {
	case packetMessage:
		s.takeTurn(func() { s.h.Receive(p.data, p.binary) })
	case packetPong:
		s.pong()
	case packetClose:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.endLocked(ClientClose, false)
	}
}

// waitRoom waits until there is room for an answer and reports whether the
// session goes on. A client that sends and does not read waits here.
func (s *Session) waitRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.q.Short() && !s.ended {
		s.change.Wait()
	}
	return !s.ended
}

// drained tells whoever waits for room. It is called without mu.
func (s *Session) drained() {
	s.mu.Lock()
	h := s.h
	s.mu.Unlock()
	if d, ok := h.(Drainer); ok {
		d.Drained()
	}
}

// pong notes that the client is alive. One that was not asked for says nothing.
func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaiting && !s.ended {
		s.awaiting = false
		s.setLocked(time.Now().Add(s.server.o.PingInterval))
	}
}

func (s *Session) setLocked(due time.Time) {
	s.due = due
	s.timer.Reset(time.Until(due))
}

// tick pings when it is time, ends a session whose client does not answer, and
// what is left of one that has ended.
func (s *Session) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickLocked()
}

// expire does what is due by now: timers may be late.
func (s *Session) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil && !time.Now().Before(s.due) {
		s.tickLocked()
	}
}

func (s *Session) tickLocked() {
	switch {
	case s.ended && s.gone.Load() && s.socket == nil:
	case time.Now().Before(s.due): // it was set again while this waited for mu
		s.setLocked(s.due)
	case s.ended:
		s.cutLocked()
	case !s.awaiting:
		s.awaiting = true
		s.setLocked(s.due.Add(s.server.o.PingTimeout))
		s.pushLocked(line.Frame{Data: []byte{packetPing}})
	case s.busy.Load(): // we are not listening, so silence means nothing
		s.setLocked(s.due.Add(s.server.o.PingTimeout))
	default:
		s.endLocked(PingTimeout, false)
	}
}
