package jetico

import (
	"context"
	"net/http"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Close codes of this protocol's own.
const (
	codeReplaced = 4001
	codeLate     = 4002
	codeDeleted  = 4003
	codeRate     = 4004
)

const (
	maxMalformed = 20 // frames of a connection; the next one ends it
	maxFailures  = 10 // authentications of a connection that fail
	rateWindow   = 10 * time.Second
	typingEvery  = relay.Time(2000) // milliseconds between two that are passed on
	maxTyping    = 256              // conversations remembered for that
)

// A session is one connection: anonymous, then an application of a user. Its
// methods are called in turns (see wire.SocketHandler), so nothing is locked.
type session struct {
	a    *api
	svc  *wire.Service
	sock *wire.Socket
	base string   // where the connection came in, for addresses of files
	tag  relay.ID // tells this connection from others of its application
	who  relay.Caller
	user string // the userId, "" until authenticated
	app  string // the application's uuid as its bearer gave it; never stored
	feed *relay.Feed

	form      form // of notifications
	malformed int
	failures  int
	from      relay.Time // when the window of requests began
	requests  int        // in it
	refused   int        // in it
	typing    map[relay.ID]relay.Time
}

type sessionKey struct{}

// sessionOf returns the session that a call came from.
func sessionOf(c *wire.Call) *session {
	s, _ := c.Context().Value(sessionKey{}).(*session)
	return s
}

// open makes a WebSocket of the request.
func (a *api) open(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	svc, base := c.Service, c.Base()
	o := &wire.SocketOptions{
		AuthWithin: a.o.AuthWithin,
		Late:       wire.Ending{Code: codeLate, Reason: "authentication timeout"},
	}
	svc.Sockets.Serve(w, r, o, func(sock *wire.Socket) wire.SocketHandler {
		return &session{a: a, svc: svc, sock: sock, base: base, tag: relay.NewID(), typing: map[relay.ID]relay.Time{}}
	})
	return nil
}

// Receive answers one request.
func (s *session) Receive(data []byte, _ bool) {
	f, malformed, err := parseFrame(data)
	if malformed {
		if s.malformed++; s.malformed > maxMalformed {
			s.sock.Close(1008, "malformed frames")
			return
		}
	} else {
		s.form = f.form
	}
	if err == nil {
		err = s.pace()
	}
	var op *wire.Op
	if err == nil {
		op, err = s.find(f.name)
	}
	if err != nil {
		s.answer(f, failed(f.name, err))
		return
	}
	s.run(f, op)
}

// find returns the row of a request that may be made now.
func (s *session) find(name string) (*wire.Op, error) {
	op := s.a.requests[name]
	switch {
	case op == nil:
		return nil, errUnknownType
	case op.Need == wire.User && s.user == "":
		return nil, errNotAuthenticated
	}
	return op, nil
}

// run does one request and answers it.
func (s *session) run(f frame, op *wire.Op) {
	ctx := context.WithValue(s.sock.Context(), sessionKey{}, s)
	c := wire.NewCall(ctx, s.svc, op.Name, s.who).At(s.base)
	if op.Need == wire.User {
		c.Prove(func(tx *relay.Tx) (relay.Caller, error) { return s.who, mayCall(tx, s.who) })
	}
	out, err := s.svc.Do(c, op, f.body)
	s.own(c.Wrote())
	if err != nil && relay.AsError(err).Code == relay.Internal {
		s.svc.Log.Error().Str("op", op.Name).Err(err).Msg("request failed")
	}
	if err != nil {
		s.answer(f, failed(f.name, err))
	} else if r, typed := out.(reply); typed {
		s.sock.Send(render(f.form, r.reply(), f.id, r))
	} else {
		s.answer(f, succeeded(f.name))
	}
	if s.failures >= maxFailures {
		s.sock.Close(codeRate, "too many failures")
	}
}

// A reply is an answer with a name of its own.
type reply interface{ reply() string }

func (s *session) answer(f frame, m statusMessage) {
	s.sock.Send(render(f.form, "ResponseStatusMessage", f.id, m))
}

// own notes what this connection wrote itself: it is not told of most of that.
func (s *session) own(wrote []relay.EntryID) {
	if s.feed != nil {
		s.feed.Own(wrote...)
	}
}

// pace keeps a connection within its rate, and ends one that does not care.
func (s *session) pace() error {
	if s.a.o.Requests < 0 {
		return nil
	}
	if now := s.svc.Relay.Now(); now-s.from >= relay.Time(rateWindow.Milliseconds()) || now < s.from {
		s.from, s.requests, s.refused = now, 0, 0
	}
	if s.requests++; s.requests <= s.a.o.Requests {
		return nil
	}
	if s.refused++; s.refused > s.a.o.Requests {
		s.sock.Close(codeRate, "too many requests")
	}
	return errTooMany
}

// maySayTyping reports whether typing in a room is passed on now.
func (s *session) maySayTyping(room relay.ID, now relay.Time) bool {
	last, said := s.typing[room]
	if said && now >= last && now-last < typingEvery {
		return false
	}
	if len(s.typing) >= maxTyping {
		clear(s.typing)
	}
	s.typing[room] = now
	return true
}

// Pass tells what has happened. Somebody whose application or account is gone
// is told nothing more.
func (s *session) Pass() (more bool) {
	if s.feed == nil {
		s.sock.Watch().Moved()
		return false
	}
	gone, err := s.gone()
	if gone {
		s.sock.Close(codeDeleted, "application or user deleted")
		return false
	}
	for _, sig := range s.feed.Signals() {
		if err == nil {
			err = s.signal(sig)
		}
	}
	if err == nil {
		p := &pass{s: s, convs: map[relay.ID]*conv{}}
		more, err = s.feed.Pass(s.sock.Context(), s.sock.Short, p.tell)
		for _, frame := range p.frames {
			s.sock.Send(frame)
		}
	}
	if err != nil && s.sock.Context().Err() == nil {
		s.svc.Log.Error().Err(err).Msg("telling a session")
		s.sock.Close(1011, "internal error")
		return false
	}
	return more
}

// gone reports whether the session's application or account is not there any
// more, or may not call.
func (s *session) gone() (gone bool, err error) {
	err = s.svc.Relay.View(s.sock.Context(), func(tx *relay.Tx) error {
		err := mayCall(tx, s.who)
		if gone = relay.Is(err, relay.Unauthorized); gone {
			return nil
		}
		return err
	})
	return gone, err
}

// Closed counts the application out.
func (s *session) Closed() {
	if s.user != "" {
		s.svc.Relay.Presence().Exit(appID(s.who.Account, s.who.Device))
	}
}

// appID is under what the presence of one application is counted.
func appID(account relay.ID, device string) relay.ID {
	return recordID([]byte("jetico application"), account[:], []byte(device))
}

// mayCall fails with Unauthorized unless the account and the application a
// caller came with are still there and may call.
func mayCall(tx *relay.Tx, who relay.Caller) error {
	acc, err := tx.Account(who.Account)
	if err == nil && acc.Suspended == 0 {
		_, err = tx.Device(who.Account, who.Device)
	} else if err == nil {
		return errNotAuthenticated
	}
	if relay.Is(err, relay.NotFound) {
		return errNotAuthenticated
	}
	return err
}
