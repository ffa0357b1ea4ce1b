// Package socketiotest drives servers of Socket.IO with the client that people
// use, socket.io-client from npm.
package socketiotest

import (
	"encoding/json"
	"sync"
	"time"

	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
)

// A Hall is the application that the checks in testdata/client talk to.
type Hall struct {
	mu      sync.Mutex
	clients map[string]Client // guarded by mu
}

// A Client is a socket of whatever kind.
type Client interface {
	ID() string
	Emit(name string, args ...any) error
	EmitAck(within time.Duration, then func(socketio.Args, error), name string, args ...any) error
	Session() *engineio.Session
}

// Admit decides about a client.
func (h *Hall) Admit(hs *socketio.Handshake) error {
	var auth struct{ Token string }
	if err := json.Unmarshal(hs.Auth, &auth); err != nil || auth.Token == "wrong" {
		return &socketio.Refusal{Message: "Invalid token", Data: map[string]int{"code": 7}}
	}
	return nil
}

// Enter serves a client that was admitted. disconnect is how it is kicked.
func (h *Hall) Enter(c Client, auth json.RawMessage, disconnect func()) *Visitor {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients == nil {
		h.clients = map[string]Client{}
	}
	h.clients[c.ID()] = c
	c.Emit("auth", auth)
	return &Visitor{hall: h, c: c, disconnect: disconnect}
}

// A Visitor is one client in the hall. Its methods are those of handlers.
type Visitor struct {
	hall       *Hall
	c          Client
	disconnect func()
	witness    string // whom to tell when it is gone
}

// Event does what the client asks for.
func (v *Visitor) Event(e *socketio.Event) {
	switch e.Name {
	case "message":
		v.c.Emit("message-back", e.Args)
	case "message-with-ack":
		e.Ack(e.Args)
	case "ask":
		v.ask(e)
	case "burst":
		var n int
		e.Bind(&n)
		for i := range n {
			v.c.Emit("n", i)
		}
		e.Ack()
	case "kick":
		v.disconnect()
	case "cut":
		v.c.Session().Abort(engineio.ParseError)
	case "tell-when-gone":
		e.Bind(&v.witness)
	}
}

// ask asks the client back, and tells it what it heard.
func (v *Visitor) ask(e *socketio.Event) {
	var text string
	e.Bind(&text)
	v.c.EmitAck(500*time.Millisecond, func(a socketio.Args, err error) {
		why := ""
		if err != nil {
			why = err.Error()
		}
		v.c.Emit("answered", why, a)
	}, "question", text, []byte{1, 2, 3})
}

// Leave is the last call.
func (v *Visitor) Leave() {
	v.hall.mu.Lock()
	defer v.hall.mu.Unlock()
	delete(v.hall.clients, v.c.ID())
	if w := v.hall.clients[v.witness]; w != nil {
		w.Emit("gone", v.c.ID())
	}
}
