package engineio

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"restante/relay/api/wire/line"
)

// A socket is a WebSocket below a session.
type socket struct {
	conn *websocket.Conn
	raw  net.Conn // under conn
}

// accept makes a WebSocket of the request, or answers why not.
func accept(w http.ResponseWriter, r *http.Request) (*socket, error) {
	k := &socket{}
	conn, err := websocket.Accept(&line.SmallBuffers{ResponseWriter: w, Raw: &k.raw}, r, &websocket.AcceptOptions{
		// Which origins may call was decided before.
		InsecureSkipVerify: true,
		// Compressing secrets beside what a stranger chose tells lengths, and
		// a window a socket is more memory than the rest of it.
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1) // read has its own
	k.conn = conn
	return k, nil
}

// cut closes the connection at once.
func (k *socket) cut() {
	k.raw.Close()
	k.conn.CloseNow()
}

// openSocket makes a session that begins on a WebSocket.
func (v *Server) openSocket(w http.ResponseWriter, r *http.Request, q url.Values) {
	s, problem := v.newSession(r, q)
	if problem != nil {
		problem.Answer(w)
		return
	}
	mark := v.o.Mark(r)
	k, err := accept(w, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil { // accept has answered
		s.endLocked(TransportError, false)
		return
	}
	if s.ended { // evicted, or the server stops
		go k.cut()
		return
	}
	s.socket, s.mark = k, mark
	s.q.Force(line.Frame{Data: s.handshake()})
	s.goLocked(func() {
		if s.start() {
			s.flush()
			s.read(k)
		}
	})
}

func (s *Session) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushLocked()
}

// read reads until the session or the connection ends.
func (s *Session) read(k *socket) {
	for s.waitRoom() {
		if err := s.readOne(k); err != nil {
			s.end(ClientClose)
			k.cut()
		}
	}
}

var errTooLong = errors.New("engineio: message too long")

// readOne reads one packet and has it handled. An error means that the connection
// is of no use any more; what the client did wrong ends the session by itself.
func (s *Session) readOne(k *socket) error {
	in := line.Paid{Budget: s.server.o.Budget}
	defer in.GiveBack()
	p, err := s.readPacket(k, &in)
	switch {
	case errors.Is(err, errPacket):
		s.refuse(websocket.StatusNormalClosure)
	case errors.Is(err, errTooLong):
		s.refuse(websocket.StatusMessageTooBig)
	case errors.Is(err, line.ErrNoBudget):
		s.refuse(websocket.StatusTryAgainLater)
	case err != nil:
		return err
	case !s.Ended(): // what comes after the end is not answered
		s.receive(p)
	}
	return nil
}

// refuse ends the session because of what the client sent.
func (s *Session) refuse(code websocket.StatusCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.code = int(code)
	s.endLocked(ParseError, false)
}

// readPacket reads one message.
func (s *Session) readPacket(k *socket, in *line.Paid) (p packet, err error) {
	data, binary, err := k.read(in, s.server.o.MaxPayload, s.server.o.ReadWithin)
	switch {
	case err != nil:
		return p, err
	case binary:
		return packet{kind: packetMessage, data: data, binary: true}, nil
	case !utf8.Valid(data):
		return p, errPacket
	}
	return decode(data)
}

// read reads one message of at most so many bytes, which has come, once begun,
// within a time.
func (k *socket) read(in *line.Paid, most int64, within time.Duration) (data []byte, binary bool, err error) {
	kind, r, err := k.conn.Reader(context.Background())
	if err != nil {
		return nil, false, err
	}
	cut := time.AfterFunc(within+line.PerKiB(most), k.cut)
	defer cut.Stop()
	in.Reader = r
	data, err = io.ReadAll(io.LimitReader(in, most+1))
	if err == nil && int64(len(data)) > most {
		err = errTooLong
	}
	return data, kind == websocket.MessageBinary, err
}

// writeLocked has a writer running.
func (s *Session) writeLocked() {
	if !s.writing {
		s.writing = true
		s.goLocked(s.write)
	}
}

// write writes what is queued and goes, or closes the connection after the last
// frame of a session that has ended.
func (s *Session) write() {
	k := s.writes()
	for {
		f, ok := s.pop()
		if !ok {
			return
		}
		err := s.writeFrame(k, f)
		s.q.GiveBack(f)
		if err != nil {
			s.end(ClientClose)
			k.cut() // the reader hears of it
		}
	}
}

func (s *Session) writes() *socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket
}

// pop returns the frame to write. When there is none the writer is done, and so
// is the connection if the session has ended.
func (s *Session) pop() (f line.Frame, ok bool) {
	s.mu.Lock()
	was := s.q.Short()
	if f, ok = s.q.Pop(); ok {
		drained := was && !s.q.Short()
		if drained {
			s.change.Broadcast()
		}
		s.mu.Unlock()
		if drained {
			s.drained()
		}
		return f, true
	}
	defer s.mu.Unlock()
	if s.ended {
		k, code := s.socket, websocket.StatusCode(s.code)
		s.mu.Unlock()
		k.close(code)
		s.mu.Lock()
	}
	s.writing = false
	return f, false
}

// close says good-bye, and closes the connection when the client has answered,
// or has not for a while.
func (k *socket) close(code websocket.StatusCode) {
	if code == 0 {
		code = websocket.StatusNormalClosure
	}
	_ = k.conn.Close(code, "") // who is gone already loses nothing by it
}

func (s *Session) writeFrame(k *socket, f line.Frame) error {
	if f.Binary && s.base64 {
		f = line.Frame{Data: appendText(nil, f)}
	}
	return k.write(f, s.server.o.WriteWithin)
}

// write writes one frame, or closes the connection when the client does not take
// it in time.
func (k *socket) write(f line.Frame, within time.Duration) error {
	cut := time.AfterFunc(within+line.PerKiB(int64(len(f.Data))), k.cut)
	defer cut.Stop()
	kind := websocket.MessageText
	if f.Binary {
		kind = websocket.MessageBinary
	}
	return k.conn.Write(context.Background(), kind, f.Data)
}
