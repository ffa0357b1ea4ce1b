package socketio

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"restante/relay/api/wire/engineio"
)

// Why no acknowledgement comes.
var (
	ErrTimeout  = errors.New("socketio: no acknowledgement in time")
	ErrClosed   = errors.New("socketio: socket closed")
	ErrManyAcks = errors.New("socketio: too many acknowledgements awaited")
)

// A Socket is one client in one namespace. Its methods may be called by any
// goroutine, at any time, also after the end; none of them blocks.
type Socket struct {
	client    *client
	namespace string
	id        string

	mu     sync.Mutex // guards the rest
	h      Handler
	closed bool // nothing is sent any more
	told   bool // Closed has been called
	acks   map[int64]*await
	lastID int64
	// opening: the client has not been told yet that it is let in. What is sent
	// meanwhile waits in early.
	opening bool
	early   [][]engineio.Message
}

// An await is an acknowledgement that is to come.
type await struct {
	then  func(Args, error)
	timer *time.Timer
}

// ID names the socket. It is no secret, unlike the session's.
func (s *Socket) ID() string { return s.id }

// Namespace is where it is.
func (s *Socket) Namespace() string { return s.namespace }

// Session is the transport, which the client's other sockets share.
func (s *Socket) Session() *engineio.Session { return s.client.session }

// Emit queues an event. Arguments: a []byte goes as an attachment, Args and
// json.RawMessage as they are, anything else as encoding/json renders it, which
// is what an error is about. A client that does not read is disconnected.
func (s *Socket) Emit(name string, args ...any) error {
	p, err := newPayload(append([]any{name}, args...))
	if err != nil {
		return err
	}
	s.send(packetEvent, noID, p)
	return nil
}

// EmitSignal is Emit for what may be dropped when there is little room. It takes
// no attachments.
func (s *Socket) EmitSignal(name string, args ...any) error {
	p, err := newPayload(append([]any{name}, args...))
	if err != nil {
		return err
	}
	if len(p.attachments) > 0 {
		return errors.New("socketio: a signal with attachments")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && !s.opening {
		s.client.session.SendSignal(encode(packet{kind: packetEvent, namespace: s.namespace, id: noID, data: p.bytes()}))
	}
	return nil
}

// EmitAck is Emit for an event that the client acknowledges. then is called once,
// in a turn of the session as the handler's methods are, with what came or with
// ErrTimeout or ErrClosed. It is not called when an error is returned.
func (s *Socket) EmitAck(within time.Duration, then func(Args, error), name string, args ...any) error {
	p, err := newPayload(append([]any{name}, args...))
	if err != nil {
		return err
	}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrClosed
	case len(s.acks) >= s.client.server.o.MaxAcks:
		s.mu.Unlock()
		return ErrManyAcks
	}
	id := s.lastID
	s.lastID++
	if s.acks == nil {
		s.acks = map[int64]*await{}
	}
	s.acks[id] = &await{then: then, timer: time.AfterFunc(within, func() {
		s.client.session.Turn(func() { s.acked(id, Args{}, ErrTimeout) })
	})}
	s.mu.Unlock()
	s.send(packetEvent, id, p)
	return nil
}

// send queues an event or an acknowledgement.
func (s *Socket) send(kind byte, id int64, p *payload) {
	if len(p.attachments) > 0 {
		kind += packetBinaryEvent - packetEvent
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.queueLocked(messages(packet{
			kind: kind, attachments: len(p.attachments), namespace: s.namespace, id: id, data: p.bytes(),
		}, p.attachments...))
	}
}

// queueLocked queues a packet, behind the one that lets the client in.
func (s *Socket) queueLocked(ms []engineio.Message) {
	if s.opening {
		s.early = append(s.early, ms)
		return
	}
	s.client.session.Send(ms...)
}

// letIn tells the client that it is let in. Its handler is there by then:
// whatever happens from now on reaches it.
func (s *Socket) letIn(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening = false
	s.queueLocked(messages(packet{kind: packetConnect, namespace: s.namespace, id: noID, data: data}))
	for _, ms := range s.early {
		s.queueLocked(ms)
	}
	s.early = nil
}

// Short reports whether more than half of the queue is taken.
func (s *Socket) Short() bool { return s.client.session.Short() }

// Ended reports whether nothing is sent any more.
func (s *Socket) Ended() bool { return s.isClosed() || s.client.session.Ended() }

// Leave takes the client out of the namespace.
func (s *Socket) Leave() {
	s.mu.Lock()
	if !s.closed {
		s.queueLocked(messages(packet{kind: packetDisconnect, namespace: s.namespace, id: noID}))
	}
	s.closed = true
	s.mu.Unlock()
	// The handler is told in its turn, which may be this one. What the client
	// has sent meanwhile is no fault: the socket stays where it is, deaf.
	go s.client.session.Turn(func() { s.finish(ServerLeft) })
}

// Disconnect takes the client out of the namespace, and ends its session.
func (s *Socket) Disconnect() {
	s.Leave()
	s.client.session.Close()
}

func (s *Socket) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *Socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

func (s *Socket) setHandler(h Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.h = h
}

func (s *Socket) handler() Handler {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h
}

// finish tells the handler, and whoever waits for an acknowledgement, that this
// was it. It is called in a turn, and does something once.
func (s *Socket) finish(why engineio.Reason) {
	s.mu.Lock()
	if s.told {
		s.mu.Unlock()
		return
	}
	s.told = true
	acks, h := s.acks, s.h
	s.acks = nil
	s.mu.Unlock()
	for _, a := range acks {
		a.timer.Stop()
		a.then(Args{}, ErrClosed)
	}
	if h != nil { // else Open panicked
		h.Closed(why)
	}
}

// packet takes one packet of the client, with its attachments.
func (s *Socket) packet(p packet, attachments [][]byte) {
	if s.isClosed() {
		return // it has not read yet that it is out
	}
	switch p.kind {
	case packetDisconnect:
		s.client.remove(s, ClientLeft)
	case packetEvent, packetBinaryEvent:
		name, _ := nameOf(p.list[0]) // decode has checked it
		s.handler().Event(&Event{Name: name, Args: newArgs(p.list[1:], attachments), socket: s, id: p.id})
	case packetAck, packetBinaryAck:
		s.acked(p.id, newArgs(p.list, attachments), nil)
	}
}

func newArgs(list, attachments [][]byte) Args {
	a := Args{JSON: make([]json.RawMessage, len(list)), Attachments: attachments}
	for i, raw := range list {
		a.JSON[i] = raw
	}
	return a
}

// acked hands an acknowledgement to who waits for it, if anybody does. It is
// called in a turn.
func (s *Socket) acked(id int64, args Args, err error) {
	s.mu.Lock()
	a := s.acks[id]
	delete(s.acks, id)
	s.mu.Unlock()
	if a != nil {
		a.timer.Stop()
		a.then(args, err)
	}
}

// An Event is what a client emitted.
type Event struct {
	Name string
	Args // without the name

	socket *Socket
	id     int64

	mu    sync.Mutex
	acked bool // guarded by mu
}

// Socket is who emitted it.
func (e *Event) Socket() *Socket { return e.socket }

// WantsAck reports whether the client waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.id != noID }

// Ack acknowledges the event; arguments are as for [Socket.Emit]. Only the first
// call does anything, and none if nobody waits. It may come later, from any
// goroutine.
func (e *Event) Ack(args ...any) error {
	if !e.WantsAck() {
		return nil
	}
	p, err := newPayload(args)
	if err != nil {
		return err
	}
	e.mu.Lock()
	first := !e.acked
	e.acked = true
	e.mu.Unlock()
	if first {
		e.socket.send(packetAck, e.id, p)
	}
	return nil
}
