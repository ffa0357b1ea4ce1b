package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// start gives the socket its connection and runs it. Only the reader is
// started here.
func (s *Socket) start(conn *websocket.Conn, open func(*Socket) SocketHandler) {
	conn.SetReadLimit(-1) // readMessage has its own
	s.opened = time.Now()
	s.pings = s.opened.Add(s.o.PingEvery)
	s.heard()
	s.mu.Lock()
	s.conn = conn
	if s.ended { // the server stops
		s.writeLocked()
	}
	s.mu.Unlock()
	s.watch = s.group.hub.Watch()
	go s.run(open)
}

// run reads until the session or the connection ends, and buries the session.
func (s *Socket) run(open func(*Socket) SocketHandler) {
	defer s.group.running.Done()
	s.takeTurn(func() { s.h = open(s) })
	if s.h != nil { // else it panicked, and there is nobody to serve
		s.watch.Arm(s.rung)
		s.mu.Lock()
		s.timer = time.AfterFunc(0, s.tick)
		s.mu.Unlock()
	}
	err := s.read()
	s.bury(err)
}

// read is the reader: it takes a turn for every message. A nil error means that
// the session has ended and the connection is the writer's to close.
func (s *Socket) read() error {
	for s.hasRoom() {
		if err := s.receive(); err != nil {
			return err
		}
	}
	return nil
}

// receive reads one message and takes its turn.
func (s *Socket) receive() error {
	in := paid{purse: s.group.purse}
	defer in.giveBack()
	s.busy.Store(false)
	m, err := s.readMessage(&in)
	s.heard()
	s.busy.Store(true)
	switch {
	case errors.Is(err, errNoMemory):
		s.Close(int(websocket.StatusTryAgainLater), "busy")
	case err != nil:
		return err
	case !s.hasEnded(): // what comes after the end is not answered
		s.admit(m)
	}
	return nil
}

// A message is what a client sent.
type message struct {
	data   []byte
	binary bool
	long   bool // above MaxMessage, and forgotten
}

// readMessage reads one message. One that is too long is read and forgotten if
// the handler survives it.
func (s *Socket) readMessage(in *paid) (m message, err error) {
	kind, r, err := s.conn.Reader(context.Background())
	if err != nil {
		return m, err
	}
	cut := time.AfterFunc(s.o.ReadWithin+perKiB(s.o.MaxMessage), s.cutOff)
	defer cut.Stop()
	in.Reader = r
	m.binary = kind == websocket.MessageBinary
	m.data, err = io.ReadAll(io.LimitReader(in, s.o.MaxMessage+1))
	if err != nil || int64(len(m.data)) <= s.o.MaxMessage {
		return m, err
	}
	if _, survives := s.h.(Oversizer); survives {
		n, err := io.Copy(io.Discard, io.LimitReader(r, 15*s.o.MaxMessage))
		if err != nil || n == 15*s.o.MaxMessage {
			s.End(s.o.Long)
		}
	}
	return message{long: true}, nil
}

// errNoMemory: the purse is empty.
var errNoMemory = errors.New("no memory for a message")

// A paid reader takes what it reads out of the purse.
type paid struct {
	io.Reader
	purse *Purse
	n     int64
}

func (p *paid) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if !p.purse.Take(int64(n)) {
		return 0, errNoMemory
	}
	p.n += int64(n)
	return n, err
}

func (p *paid) giveBack() { p.purse.Give(p.n) }

// admit takes the turn of a message, or ends the session because of it.
func (s *Socket) admit(m message) {
	over, survives := s.h.(Oversizer)
	switch {
	case m.long && survives:
		s.takeTurn(over.Oversized)
	case m.long:
		s.End(s.o.Long)
	case m.binary && !s.o.Binary:
		s.Close(int(websocket.StatusUnsupportedData), "text only")
	case !m.binary && !utf8.Valid(m.data):
		s.Close(int(websocket.StatusInvalidFramePayloadData), "not UTF-8")
	default:
		s.takeTurn(func() { s.h.Receive(m.data, m.binary) })
	}
}

// perKiB is how long a client may take for n bytes beyond the time for any:
// nobody is slower than a kibibyte a second.
func perKiB(n int64) time.Duration { return time.Duration(n) * time.Second / 1024 }

// bury ends what is left of a session whose reader is done. A connection that
// failed is closed at once; otherwise the writer says what is queued, and
// goodbye.
func (s *Socket) bury(err error) {
	if err != nil {
		s.cutOff()
	}
	s.stop()
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.watch.Close()
	s.takeTurn(func() {
		s.over = true
		if s.h != nil {
			s.h.Closed()
		}
	})
	s.mu.Lock()
	for s.writing {
		s.room.Wait()
	}
	s.mu.Unlock()
	s.group.remove(s)
}

// takeTurn runs fn as one turn, after the pass that is due. After the last turn
// there is none.
func (s *Socket) takeTurn(fn func()) {
	s.turn.Lock()
	defer s.turn.Unlock()
	defer s.rescue()
	if s.over {
		return
	}
	if s.claim() && s.h.Pass() {
		s.rung()
	}
	fn()
}

// rescue ends the session whose handler panics, and no other. The value may
// hold what nobody is to see, so only the place is reported.
func (s *Socket) rescue() {
	if recover() == nil {
		return
	}
	s.group.fault("serving a socket", fmt.Errorf("panic\n%s", debug.Stack()))
	s.Close(int(websocket.StatusInternalError), "internal error")
}

// rung notes that something has moved and has a pass run. The hub calls it,
// locked, so it only starts a goroutine.
func (s *Socket) rung() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = true
	if !s.passing && !s.ended {
		s.passing = true
		s.group.running.Go(s.passes)
	}
}

// claim reports whether a pass is due, which is the caller's then.
func (s *Socket) claim() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.due && !s.ended
	s.due = false
	return due
}

// passes takes turns for passes until none is due. It waits for room before
// each: a pass that filled the queue goes on when the client has read.
func (s *Socket) passes() {
	for s.passDue() {
		s.takeTurn(func() {}) // whose pass it is does not matter
	}
}

func (s *Socket) passDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.due && !s.ended && s.q.short() {
		s.room.Wait()
	}
	s.passing = s.due && !s.ended
	return s.passing
}

// hasRoom waits until there is room for an answer and reports whether the
// session goes on. A client that sends and does not read waits here.
func (s *Socket) hasRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.q.short() && !s.ended {
		s.room.Wait()
	}
	return !s.ended
}

func (s *Socket) hasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// write is the writer: it writes what is queued and goes, or closes the
// connection after the last frame of a session that has ended.
func (s *Socket) write() {
	for {
		f, ok := s.next()
		if !ok {
			return
		}
		if s.writeFrame(f) != nil {
			s.cutOff() // the reader hears of it and buries the session
		}
	}
}

// next returns the frame to write. When there is none the writer is done, and
// so is the connection if the session has ended.
func (s *Socket) next() (f frame, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok = s.q.pop()
	if ok {
		if !s.q.short() {
			s.room.Broadcast()
		}
		return f, true
	}
	if s.ended {
		e := s.ending
		s.mu.Unlock()
		s.sayGoodbye(e)
		s.mu.Lock()
	}
	s.writing = false
	s.room.Broadcast()
	return f, false
}

// writeFrame writes one frame, or closes the connection when the client does
// not take it in time.
func (s *Socket) writeFrame(f frame) error {
	cut := time.AfterFunc(s.o.WriteWithin+perKiB(int64(len(f.data))), s.cutOff)
	defer cut.Stop()
	defer s.q.giveBack(f)
	kind := websocket.MessageText
	if f.binary {
		kind = websocket.MessageBinary
	}
	return s.conn.Write(context.Background(), kind, f.data)
}

// sayGoodbye closes the connection, with the closing handshake unless it was
// cut off.
func (s *Socket) sayGoodbye(e Ending) {
	if e.Code == 0 {
		s.conn.CloseNow()
		return
	}
	// A client that is gone already, or does not answer within the library's
	// ten seconds, loses nothing by the error: the connection is closed.
	_ = s.conn.Close(websocket.StatusCode(e.Code), e.Reason)
}
