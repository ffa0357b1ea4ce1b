package engineio

import (
	"net/http"
	"time"

	"github.com/coder/websocket"

	"restante/relay/api/wire/line"
)

// The upgrade: the client opens a WebSocket beside its polling and says "2probe"
// there; "3probe" is the answer, and from then on no poll is kept waiting, so
// that the client can stop polling. With its "5" the session has moved. Until
// then messages go by polling, in either direction.
const (
	probe     = "2probe"
	probeBack = "3probe"
	maxProbe  = 16 // bytes of what a client says meanwhile
)

// upgrade serves the WebSocket of a session that polls.
func (s *Session) upgrade(w http.ResponseWriter, r *http.Request) {
	mark := s.server.o.Mark(r)
	k, err := accept(w, r)
	if err != nil { // accept has answered
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		go k.cut()
		return
	case s.socket != nil || s.probing != nil: // it goes, and the session stays
		s.goLocked(func() { k.close(websocket.StatusNormalClosure) })
		return
	}
	s.probing = k
	if !s.known {
		s.mark = mark
	}
	s.goLocked(func() {
		if s.probe(k) {
			s.read(k)
		}
	})
}

// probe moves the session to the WebSocket, or drops that.
func (s *Session) probe(k *socket) bool {
	late := time.AfterFunc(s.server.o.UpgradeTimeout, func() { s.drop(k) })
	defer late.Stop()
	ok := k.hears(s.server.o, probe) && s.answerProbe(k) && k.hears(s.server.o, string(packetUpgrade)) && s.move(k)
	if !ok {
		s.drop(k)
	}
	return ok
}

// drop gives an upgrade up: first the session's part of it, so that a client that
// sees its WebSocket closed can try again at once.
func (s *Session) drop(k *socket) {
	s.mu.Lock()
	moved := s.socket == k // in the last moment
	if s.probing == k {
		s.probing, s.probed = nil, false
	}
	s.mu.Unlock()
	if !moved {
		k.cut()
	}
}

// hears reports whether the client says what it is to say next.
func (k *socket) hears(o Options, want string) bool {
	in := line.Paid{Budget: o.Budget}
	defer in.GiveBack()
	got, binary, err := k.read(&in, maxProbe, o.UpgradeTimeout)
	return err == nil && !binary && string(got) == want
}

// answerProbe answers, and has polls end from now on.
func (s *Session) answerProbe(k *socket) bool {
	if err := k.write(line.Frame{Data: []byte(probeBack)}, s.server.o.WriteWithin); err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probing != k { // it took too long
		return false
	}
	s.probed = true
	s.flushLocked()
	return true
}

// move makes the WebSocket the session's. A poll that still waits is told to go.
func (s *Session) move(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.probing != k {
		return false
	}
	if s.poll != nil {
		s.poll.ringLocked()
	}
	s.socket, s.probing, s.probed = k, nil, false
	s.flushLocked()
	return true
}
