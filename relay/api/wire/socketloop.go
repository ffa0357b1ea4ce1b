package wire

import (
	"context"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"restante/relay/api/wire/line"
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
	if s.session.open(func() passer { s.h = open(s); return s.h }) {
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
	in := line.Paid{Budget: s.group.purse}
	defer in.GiveBack()
	s.busy.Store(false)
	m, err := s.readMessage(&in)
	s.heard()
	s.busy.Store(true)
	switch {
	case errors.Is(err, line.ErrNoBudget):
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
func (s *Socket) readMessage(in *line.Paid) (m message, err error) {
	kind, r, err := s.conn.Reader(context.Background())
	if err != nil {
		return m, err
	}
	cut := time.AfterFunc(s.o.ReadWithin+line.PerKiB(s.o.MaxMessage), s.cutOff)
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

// bury ends what is left of a session whose reader is done. A connection that
// failed is closed at once; otherwise the writer says what is queued, and
// goodbye.
func (s *Socket) bury(err error) {
	if err != nil {
		s.cutOff()
	}
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	s.close()
	s.mu.Lock()
	for s.writing {
		s.room.Wait()
	}
	s.mu.Unlock()
	s.group.remove(s)
}

// hasRoom waits until there is room for an answer and reports whether the
// session goes on. A client that sends and does not read waits here.
func (s *Socket) hasRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.q.Short() && !s.ended {
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
func (s *Socket) next() (f line.Frame, ok bool) {
	s.mu.Lock()
	was := s.q.Short()
	if f, ok = s.q.Pop(); ok {
		drained := was && !s.q.Short()
		if drained {
			s.room.Broadcast()
		}
		s.mu.Unlock()
		if drained {
			s.drained()
		}
		return f, true
	}
	defer s.mu.Unlock()
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
func (s *Socket) writeFrame(f line.Frame) error {
	cut := time.AfterFunc(s.o.WriteWithin+line.PerKiB(int64(len(f.Data))), s.cutOff)
	defer cut.Stop()
	defer s.q.GiveBack(f)
	kind := websocket.MessageText
	if f.Binary {
		kind = websocket.MessageBinary
	}
	return s.conn.Write(context.Background(), kind, f.Data)
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
