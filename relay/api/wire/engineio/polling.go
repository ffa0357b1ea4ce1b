package engineio

import (
	"errors"
	"io"
	"net/http"
	"time"

	"restante/relay/api/wire/line"
)

// maxAnswer bounds what one poll is given, in bytes before base64; more waits
// for the next.
const maxAnswer = 1 << 20

// A poll is a request that waits for something to send.
type poll struct {
	s     *Session
	ring  func() // guarded by s.mu; nil until armed
	last  bool   // guarded by s.mu: it ends with a noop if with nothing else
	paid  int64  // for what it was given
	ready bool   // it was given something; the waiter's goroutine only
}

// ringLocked needs s.mu.
func (p *poll) ringLocked() {
	if p.ring != nil {
		p.ring()
	}
}

// get serves a poll.
func (s *Session) get(w http.ResponseWriter, r *http.Request) {
	p := &poll{s: s}
	s.mu.Lock()
	switch {
	case s.socket != nil || s.gone.Load():
		s.mu.Unlock()
		ErrRequest.Answer(w)
		return
	case s.poll != nil: // one client, one poll
		s.endLocked(TransportError, false)
		s.mu.Unlock()
		ErrRequest.Answer(w)
		return
	}
	s.poll = p
	s.mu.Unlock()
	if body, ready := p.check(); ready {
		p.sent(writeText(w, body))
		return
	}
	quiet(w.Header())
	s.server.o.Park(w, r, &Wait{
		Until:       time.Now().Add(s.server.o.PingInterval + s.server.o.PingTimeout + s.server.o.Linger),
		ContentType: textPlain,
		Empty:       []byte{packetNoop},
		Arm:         p.arm,
		Check:       p.check,
		Done:        p.done,
		Sent:        p.sent,
	})
}

// arm connects the bell, and rings for what came before.
func (p *poll) arm(ring func()) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	p.ring = ring
	if s := p.s; s.socket != nil || !s.q.Empty() || s.probed || s.ended {
		ring()
	}
}

// check gives the poll what is queued, if anything is.
func (p *poll) check() (body []byte, ready bool) {
	s := p.s
	s.mu.Lock()
	var drained bool
	switch {
	case s.socket != nil: // an upgrade ended while this waited
		body = []byte{packetNoop}
	case !s.q.Empty():
		body, drained = p.takeLocked()
	case s.ended:
		body = []byte{s.lastLocked()}
		s.goneLocked()
	case s.probed:
		body = []byte{packetNoop}
	}
	if p.ready = body != nil; p.ready {
		p.leaveLocked()
	}
	s.mu.Unlock()
	if drained {
		s.drained()
	}
	return body, p.ready
}

// takeLocked takes what is queued and renders it. The queue is not empty.
func (p *poll) takeLocked() (body []byte, drained bool) {
	s := p.s
	was := s.q.Short()
	for n := 0; n == 0 || !s.q.Empty() && n+s.q.Next() <= maxAnswer; {
		f, _ := s.q.Pop()
		if n += len(f.Data); body != nil {
			body = append(body, separator)
		}
		body = appendText(body, f)
		p.paid += f.Cost()
	}
	if drained = was && !s.q.Short(); drained {
		s.change.Broadcast()
	}
	return body, drained
}

// done is told that the wait is over. A client that hung up is gone: what was
// sent it on that poll may be lost, and it would not know.
func (p *poll) done() {
	if p.ready {
		return
	}
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.leaveLocked() {
		s.endLocked(ClientClose, false)
	}
}

// leaveLocked notes that the poll does not wait any more, and reports whether
// it did.
func (p *poll) leaveLocked() bool {
	if p.s.poll != p {
		return false
	}
	p.s.poll = nil
	p.s.change.Broadcast()
	return true
}

// sent is told that the answer was written, or that there is a gap now.
func (p *poll) sent(err error) {
	p.s.q.Give(p.paid)
	p.paid = 0
	if err != nil {
		p.s.end(TransportError)
	}
}

// post serves packets that come.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	if !s.beginPost() {
		ErrRequest.Answer(w)
		return
	}
	defer s.endPost()
	in := line.Paid{Reader: r.Body, Budget: s.server.o.Budget}
	defer in.GiveBack()
	packets, problem := s.readPayload(r, &in)
	if problem != nil {
		s.end(ParseError)
		problem.Answer(w)
		return
	}
	for _, p := range packets {
		if !s.waitRoom() {
			break
		}
		s.receive(p)
	}
	_ = writeText(w, []byte("ok")) // whoever is gone does not care
}

// beginPost allows one post at a time; a second one ends the session.
func (s *Session) beginPost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.posting {
		s.endLocked(TransportError, false)
		return false
	}
	if s.socket != nil {
		return false
	}
	s.posting = true
	return true
}

func (s *Session) endPost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}

// readPayload reads the packets of a post.
func (s *Session) readPayload(r *http.Request, in *line.Paid) ([]packet, *Problem) {
	most := s.server.o.MaxPayload
	switch {
	case r.Header.Get("Content-Type") == "application/octet-stream": // of versions before 4
		return nil, ErrRequest
	case r.ContentLength > most:
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case errors.Is(err, line.ErrNoBudget):
		return nil, errBusy
	case err != nil:
		return nil, ErrRequest
	case int64(len(body)) > most:
		return nil, errTooLarge
	}
	packets, err := decodePayload(body, s.server.o.MaxPackets)
	if err != nil {
		return nil, ErrRequest
	}
	return packets, nil
}
