package socketio

import (
	"crypto/rand"
	"encoding/json"
	"sync"
	"time"

	"restante/relay/api/wire/engineio"
)

// A client is one Engine.IO session and its sockets. What it does with packets
// it does in the session's turns.
type client struct {
	server  *Server
	session *engineio.Session

	incoming *incoming // a packet whose attachments are still to come; turns only
	refused  int       // turns only

	mu      sync.Mutex
	sockets []*Socket   // guarded by mu, changed in turns; few
	timer   *time.Timer // guarded by mu: until the first connect
}

// open serves a new session, which has some time to connect.
func (v *Server) open(s *engineio.Session) engineio.Handler {
	c := &client{server: v, session: s}
	c.timer = time.AfterFunc(v.o.ConnectTimeout, func() { c.session.Abort(ConnectTimeout) })
	return c
}

// An incoming packet waits for its attachments.
type incoming struct {
	packet
	got   [][]byte
	bytes int64
	late  *time.Timer
}

// Receive takes one message of the transport.
func (c *client) Receive(data []byte, binary bool) {
	switch {
	case c.session.Ended():
	case binary:
		c.attach(data)
	case c.incoming != nil:
		c.session.Abort(engineio.ParseError)
	default:
		p, err := decode(data, c.server.o.MaxAttachments)
		if err != nil {
			c.session.Abort(engineio.ParseError)
			return
		}
		c.packet(p)
	}
}

// packet takes one packet.
func (c *client) packet(p packet) {
	s := c.socket(p.namespace)
	switch {
	case p.kind == packetConnect:
		c.connect(p, s)
	case s == nil:
		c.session.Abort(engineio.ParseError)
	case p.attachments > 0:
		c.await(p)
	default:
		s.packet(p, nil)
	}
}

// socket returns the one in a namespace, or nil.
func (c *client) socket(namespace string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.namespace == namespace {
			return s
		}
	}
	return nil
}

// connect lets the client into a namespace, or tells it why not. was is its
// socket there, which may be one that we closed.
func (c *client) connect(p packet, was *Socket) {
	if was != nil {
		if !was.isClosed() {
			c.session.Abort(engineio.ParseError)
			return
		}
		c.remove(was, ServerLeft)
	}
	open, err := c.admit(p)
	if err != nil {
		c.refuse(p.namespace, refusal(err))
		return
	}
	s := &Socket{client: c, namespace: p.namespace, id: rand.Text(), opening: true}
	c.join(s)
	data, _ := json.Marshal(map[string]string{"sid": s.id})
	s.setHandler(open(s))
	s.letIn(data)
}

// admit asks whether the client may come in.
func (c *client) admit(p packet) (Open, error) {
	connect := c.server.namespaces[p.namespace]
	c.mu.Lock()
	many := len(c.sockets) >= c.server.o.MaxNamespaces
	c.mu.Unlock()
	if connect == nil || many {
		return nil, &Refusal{Message: "Invalid namespace"}
	}
	h := &Handshake{Namespace: p.namespace, Auth: json.RawMessage(p.data), Session: c.session}
	if len(p.data) == 0 {
		h.Auth = json.RawMessage("{}")
	}
	return connect(h)
}

// join adds a socket: the client is known now, and has all the time.
func (c *client) join(s *Socket) {
	c.session.Known()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = append(c.sockets, s)
	c.stopLocked()
}

// stopLocked lets go of the timer.
func (c *client) stopLocked() {
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
}

// refuse tells the client why it is not let in. It may try again, for a while.
func (c *client) refuse(namespace string, why *Refusal) {
	if c.refused++; c.refused > c.server.o.MaxRefusals {
		c.session.Abort(engineio.ParseError)
		return
	}
	p, err := newPayload([]any{why})
	if err != nil {
		p, _ = newPayload([]any{Refusal{Message: why.Message}})
	}
	data := p.bytes()
	c.send(packet{kind: packetConnectError, namespace: namespace, id: noID, data: data[1 : len(data)-1]})
}

// remove takes a socket out and tells its handler.
func (c *client) remove(s *Socket, why engineio.Reason) {
	c.mu.Lock()
	kept := c.sockets[:0:0]
	for _, o := range c.sockets {
		if o != s {
			kept = append(kept, o)
		}
	}
	c.sockets = kept
	c.mu.Unlock()
	s.close()
	s.finish(why)
}

// await waits for the attachments of a packet. Until they are there, nothing
// else may come.
func (c *client) await(p packet) {
	if !c.pay(int64(len(p.data))) {
		c.session.Abort(engineio.ParseError)
		return
	}
	c.incoming = &incoming{packet: p, bytes: int64(len(p.data))}
	c.incoming.late = time.AfterFunc(c.server.o.AttachTimeout, func() { c.session.Abort(engineio.ParseError) })
}

// attach takes one attachment.
func (c *client) attach(data []byte) {
	in := c.incoming
	n := int64(len(data))
	if in == nil || in.bytes+n > c.server.o.Engine.MaxPayload || !c.pay(n) {
		c.session.Abort(engineio.ParseError)
		return
	}
	in.bytes += n
	if in.got = append(in.got, data); len(in.got) < in.attachments {
		return
	}
	defer c.drop()
	// It may have left meanwhile only by a packet, and none came.
	if s := c.socket(in.namespace); s != nil {
		s.packet(in.packet, in.got)
	}
}

// drop forgets the incoming packet.
func (c *client) drop() {
	if in := c.incoming; in != nil {
		c.incoming = nil
		in.late.Stop()
		if b := c.session.Budget(); b != nil {
			b.Give(in.bytes)
		}
	}
}

func (c *client) pay(n int64) bool {
	b := c.session.Budget()
	return b == nil || b.Take(n)
}

// Closed ends all sockets.
func (c *client) Closed(why engineio.Reason) {
	c.drop()
	c.mu.Lock()
	c.stopLocked()
	all := c.sockets
	c.sockets = nil
	c.mu.Unlock()
	for _, s := range all {
		s.close()
		s.finish(why)
	}
}

// Drained tells the sockets that there is room again.
func (c *client) Drained() {
	c.mu.Lock()
	all := c.sockets
	c.mu.Unlock()
	for _, s := range all {
		if d, ok := s.handler().(Drainer); ok {
			d.Drained()
		}
	}
}

// send queues a packet and its attachments, with nothing in between.
func (c *client) send(p packet, attachments ...[]byte) {
	c.session.Send(messages(p, attachments...)...)
}

// messages are a packet as the transport carries it.
func messages(p packet, attachments ...[]byte) []engineio.Message {
	ms := make([]engineio.Message, 1, 1+len(attachments))
	ms[0].Data = encode(p)
	for _, a := range attachments {
		ms = append(ms, engineio.Message{Data: a, Binary: true})
	}
	return ms
}
