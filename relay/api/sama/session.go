package sama

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// A session is one connection: at first nobody's, then whoever connects, and
// nobody's again when that one logs out. Its methods take turns, see
// [wire.SocketHandler].
type session struct {
	a    *api
	svc  *wire.Service
	s    *wire.Socket
	base string // URL of this mount, for addresses in answers
	tag  string // tells its own signals from others'

	who      bound
	feed     *relay.Feed // nil: nobody is connected
	target   watched     // whose activity is told
	inactive bool        // its client says that nobody looks at it
}

// A bound is who a connection belongs to.
type bound struct {
	caller  relay.Caller
	session string // of the device, see deviceInfo: over when the device has another
	dialect string
}

// open makes a WebSocket of the request.
func (a *api) open(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	base := c.Base()
	o := &wire.SocketOptions{
		MaxMessage: a.o.MaxPacket, Binary: true, PingEvery: 20 * time.Second, IdleAfter: 60 * time.Second,
		QueueFrames: a.o.QueueFrames, QueueBytes: a.o.QueueBytes, WriteWithin: a.o.WriteWithin,
	}
	c.Service.Sockets.Serve(w, r, o, func(s *wire.Socket) wire.SocketHandler {
		return &session{a: a, svc: c.Service, s: s, base: base, tag: rand.Text()}
	})
	return nil
}

// Receive answers one packet.
func (k *session) Receive(data []byte, _ bool) {
	p, err := parsePacket(data)
	if err != nil {
		k.s.Send(p.failed(err))
		return
	}
	op := k.a.ops[p.op]
	if op == nil || !p.fits() {
		k.s.Send(p.failed(errNoRoute))
		return
	}
	out, err := k.do(op, p.params)
	if err != nil {
		k.s.Send(p.failed(err))
		return
	}
	then, _ := out.(after)
	if then.run != nil || then.out != nil {
		out = then.out
	}
	if answer := p.answered(out); answer != nil {
		k.s.Send(answer)
	}
	if then.run != nil {
		then.run(k)
	}
}

// An after is an answer, and what the session does once it is sent: signals,
// and what is worth doing after the commit only.
type after struct {
	out any
	run func(*session)
}

type sessionKey struct{}

// sessionOf returns the session that a call came in by.
func sessionOf(c *wire.Call) *session { return c.Context().Value(sessionKey{}).(*session) }

// do runs an operation for whoever the connection belongs to, who is looked at
// again in each transaction of it.
func (k *session) do(op *wire.Op, params []byte) (any, error) {
	if op.Need == wire.User && k.feed == nil {
		return nil, errUnauthorized
	}
	ctx := context.WithValue(k.s.Context(), sessionKey{}, k)
	c := wire.NewCall(ctx, k.svc, op.Name, k.who.caller).At(k.base)
	if op.Need == wire.User {
		c.Prove(k.prove)
	}
	feed := k.feed
	out, err := k.svc.Do(c, op, params)
	if feed != nil {
		feed.Own(c.Wrote()...)
	}
	if errors.Is(err, errUnauthorized) {
		k.unbind()
	}
	return out, err
}

// prove looks whether the session that the connection was tied to still lasts,
// and its account may call.
func (k *session) prove(tx *relay.Tx) (relay.Caller, error) {
	acc, err := tx.Account(k.who.caller.Account)
	if relay.Is(err, relay.NotFound) || err == nil && acc.Suspended != 0 {
		err = errUnauthorized
	}
	if err != nil {
		return relay.Caller{}, err
	}
	info, err := deviceOf(tx, acc.ID, k.who.caller.Device)
	if err == nil && info.Session != k.who.session {
		err = errUnauthorized
	}
	return k.who.caller, err
}

// bind ties the connection to somebody, who is told what happens from now on.
func (k *session) bind(ctx context.Context, b bound) error {
	k.unbind()
	feed := k.svc.Relay.NewFeed(k.s.Watch(), b.caller.Account, relay.FeedOptions{})
	if err := feed.Start(ctx); err != nil {
		feed.Close()
		return err
	}
	k.who, k.feed = b, feed
	k.a.attention.count(b.caller, 1, 0)
	k.s.Known()
	return nil
}

// enter has the connection count as somebody being there, once it was answered
// that it is.
func (k *session) enter() {
	if k.svc.Relay.Presence().Enter(k.who.caller.Account) {
		k.ring(k.who.caller.Box, signalPresence, k.who.caller.Account, nil)
	}
}

// unbind makes the connection nobody's.
func (k *session) unbind() {
	if k.feed == nil {
		return
	}
	k.watch(watched{})
	k.feed.Close()
	k.setInactive(false)
	who := k.who.caller
	k.a.attention.count(who, -1, 0)
	k.who, k.feed = bound{}, nil
	if k.svc.Relay.Presence().Exit(who.Account) {
		k.lastSeen(who)
		k.ring(who.Box, signalPresence, who.Account, nil)
	}
}

// lastSeen writes down when somebody was here last. The connection may be gone
// by now, so it does not wait for that; if it fails, an earlier time stays.
func (k *session) lastSeen(who relay.Caller) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(k.s.Context()), 5*time.Second)
	defer cancel()
	now := k.svc.Relay.Now()
	err := k.svc.Relay.Update(ctx, func(tx *relay.Tx) error { return seen(tx, who.Account, now) })
	if err != nil && !relay.Is(err, relay.NotFound) {
		k.svc.Log.Debug().Err(err).Msg("last activity not noted")
	}
}

// Closed is the end of the connection.
func (k *session) Closed() { k.unbind() }

// Pass tells what has happened since the last one: what is kept nowhere first.
func (k *session) Pass() (more bool) {
	if k.feed == nil {
		return false
	}
	t := &telling{k: k}
	if err := t.signals(k.feed.Signals()); err != nil {
		return k.fault(err)
	}
	more, err := k.feed.Pass(k.s.Context(), k.s.Short, t.entry)
	for _, frame := range t.frames {
		k.s.Send(frame)
	}
	if errors.Is(err, errUnauthorized) {
		k.unbind()
		return false
	}
	if err != nil {
		return k.fault(err)
	}
	return more
}

// fault ends a connection that cannot be told what happened: its client comes
// back and reads its lists again.
func (k *session) fault(err error) bool {
	if errors.Is(err, errUnauthorized) {
		k.unbind()
		return false
	}
	if k.s.Context().Err() == nil {
		k.svc.Log.Error().Err(err).Msg("telling a session")
		k.s.Close(1011, "internal error")
	}
	return false
}
