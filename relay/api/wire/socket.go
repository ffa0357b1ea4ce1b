package wire

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"restante/relay/api/wire/line"
)

// SocketOptions are what a family settles about its sockets. Zero values mean
// the defaults in brackets.
type SocketOptions struct {
	MaxMessage int64 // bytes of one message that comes in (1 MiB)
	Binary     bool  // binary messages are taken; otherwise they end the session with 1003

	PingEvery  time.Duration // how often to ping, or to call Beat (30 s)
	IdleAfter  time.Duration // ended after so long without anything from the client (90 s)
	AuthWithin time.Duration // ended with Late unless Known was called by then; 0: never
	Beat       func(*Socket) // instead of a ping; it may send and nothing else

	QueueFrames int // what waits to be written: frames (1,024)
	QueueBytes  int // and bytes (4 MiB)

	ReadWithin  time.Duration // a message once begun has come by then, and a second per KiB of MaxMessage (30 s)
	WriteWithin time.Duration // a frame has gone by then, and a second per KiB of it (30 s)

	Late Ending // of a client that did not say who it is (1008)
	Full Ending // of a client that does not read (1008)
	Long Ending // of a message above MaxMessage (1009)
}

// An Ending is how a session ends: the last frame, if any, and the close code.
type Ending struct {
	Say    []byte
	Code   int
	Reason string
}

// A SocketHandler serves one socket. Its methods are called one at a time: a
// session takes turns, and a turn is a request with its answer, or a pass. So an
// answer precedes the events it caused; and what had happened before a request
// came is told before its answer.
type SocketHandler interface {
	// Receive handles one message. The next is read when it has returned, and
	// when there is room for an answer again.
	Receive(data []byte, binary bool)

	// Pass looks at what has moved (Socket.Watch) and sends it. It may stop
	// early, once Socket.Short says so, and return true: then it is called
	// again when the client has read some of it.
	Pass() (more bool)

	// Closed is the last call, when the session has ended for whatever reason.
	Closed()
}

// An Oversizer is a [SocketHandler] whose session survives a message above
// MaxMessage, up to sixteen times that: the message is read, forgotten, and
// Oversized is called in its turn.
type Oversizer interface{ Oversized() }

// cutAfter is how long a session that was ended for not reading, or for not
// answering, has left before its connection is closed under it.
const cutAfter = 5 * time.Second

// A Socket is one WebSocket session: one reader, one bounded queue, one writer.
// Writer and passes are goroutines only while there is something to do, so that
// an idle socket costs one goroutine. Its methods may be called by any
// goroutine, at any time, also after the end; none of them blocks.
type Socket struct {
	session
	o    *SocketOptions
	h    SocketHandler // the session's, with more methods
	conn *websocket.Conn
	raw  net.Conn // under conn

	known  atomic.Bool  // said who it is
	busy   atomic.Bool  // the reader is not reading
	last   atomic.Int64 // when something came in, Unix nanoseconds
	opened time.Time
	pings  time.Time // when the next is due; the timer's goroutine only

	mu      sync.Mutex
	room    sync.Cond   // on mu: the queue has become half empty, or the end has come
	q       line.Queue  // guarded by mu
	writing bool        // guarded by mu: the writer runs
	ended   bool        // guarded by mu: nothing is queued any more
	ending  Ending      // guarded by mu
	timer   *time.Timer // guarded by mu: the next tick
}

func newSocket(g *Sockets, o *SocketOptions) *Socket {
	s := &Socket{o: o.withDefaults()}
	s.session.begin(g, s)
	s.room.L = &s.mu
	s.q = line.Queue{Budget: g.purse, MaxFrames: s.o.QueueFrames, MaxBytes: s.o.QueueBytes}
	return s
}

func (o *SocketOptions) withDefaults() *SocketOptions {
	d := *o
	set := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	code := func(e *Ending, code websocket.StatusCode, reason string) {
		if e.Code == 0 {
			e.Code, e.Reason = int(code), reason
		}
	}
	if d.MaxMessage == 0 {
		d.MaxMessage = 1 << 20
	}
	if d.QueueFrames == 0 {
		d.QueueFrames = 1024
	}
	if d.QueueBytes == 0 {
		d.QueueBytes = 4 << 20
	}
	set(&d.PingEvery, 30*time.Second)
	set(&d.IdleAfter, 90*time.Second)
	set(&d.ReadWithin, 30*time.Second)
	set(&d.WriteWithin, 30*time.Second)
	code(&d.Late, websocket.StatusPolicyViolation, "authentication timeout")
	code(&d.Full, websocket.StatusPolicyViolation, "not reading")
	code(&d.Long, websocket.StatusMessageTooBig, "message too big")
	return &d
}

// Known says that the client has said who it is: the authentication timeout is
// off, and the connection no stranger's any more.
func (s *Socket) Known() {
	s.known.Store(true)
	if c, ok := s.raw.(*conn); ok {
		c.door.s.conns.know(c)
	}
}

// Send queues a text message. The socket keeps data, which must not be changed
// any more. Full queue: see [line.Queue].
func (s *Socket) Send(data []byte) { s.push(line.Frame{Data: data}) }

// SendBinary queues a binary message.
func (s *Socket) SendBinary(data []byte) { s.push(line.Frame{Data: data, Binary: true}) }

// SendSignal queues a text message that may be dropped when there is little
// room.
func (s *Socket) SendSignal(data []byte) { s.push(line.Frame{Data: data, Signal: true}) }

// Short reports whether more than half of the queue is taken: a pass stops here.
func (s *Socket) Short() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.q.Short()
}

// Close ends the session when all that is queued has been written. The first
// call counts.
func (s *Socket) Close(code int, reason string) { s.End(Ending{Code: code, Reason: reason}) }

// End is Close with a last frame.
func (s *Socket) End(e Ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(e)
}

func (s *Socket) push(f line.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.q.Push(f) {
		s.writeLocked()
		return
	}
	// What is queued would reach the client, if at all, long after it was worth
	// reading, and the gap behind it never: it gets the last frame alone.
	s.q.Clear()
	s.endLocked(s.o.Full)
	time.AfterFunc(cutAfter, s.cutOff)
}

// broken ends a session whose handler panicked.
func (s *Socket) broken() { s.Close(int(websocket.StatusInternalError), "internal error") }

// endLocked needs mu.
func (s *Socket) endLocked(e Ending) {
	if s.ended {
		return
	}
	s.ended, s.ending = true, e
	if e.Say != nil {
		s.q.Force(line.Frame{Data: e.Say})
	}
	s.writeLocked()
	s.room.Broadcast()
}

// writeLocked has a writer running. It needs mu, and a session that has not
// been buried yet: its reader still counts in group.running.
func (s *Socket) writeLocked() {
	if !s.writing && s.conn != nil {
		s.writing = true
		s.group.running.Go(s.write)
	}
}

// cutOff closes the connection under the session, at once, also during a closing
// handshake. It may block until the reader has noticed, so it is never called in
// a turn.
func (s *Socket) cutOff() {
	s.mu.Lock()
	s.ended = true
	s.q.Clear()
	conn := s.conn
	s.room.Broadcast()
	s.mu.Unlock()
	s.cancel()
	if conn != nil {
		s.raw.Close()
		conn.CloseNow()
	}
}
