package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"restante/relay/api/wire/engineio"
)

// Options are what a server settles. Zero values mean the defaults in brackets.
type Options struct {
	Engine engineio.Options // of the transport

	ConnectTimeout time.Duration // to be let into a namespace (45 s)
	AttachTimeout  time.Duration // for the attachments of one packet (30 s)
	MaxAttachments int           // of one packet (8)
	MaxNamespaces  int           // a client is in at a time (8)
	MaxRefusals    int           // of one client, which is disconnected then (10)
	MaxAcks        int           // acknowledgements a socket waits for (64)
}

func (o Options) withDefaults() Options {
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 45 * time.Second
	}
	if o.AttachTimeout <= 0 {
		o.AttachTimeout = 30 * time.Second
	}
	for v, d := range map[*int]int{&o.MaxAttachments: 8, &o.MaxNamespaces: 8, &o.MaxRefusals: 10, &o.MaxAcks: 64} {
		if *v <= 0 {
			*v = d
		}
	}
	if o.Engine.MaxPayload <= 0 {
		o.Engine.MaxPayload = 1_000_000
	}
	return o
}

// A Handshake is a client that wants to be let into a namespace.
type Handshake struct {
	Namespace string
	Auth      json.RawMessage   // the object it sent; {} when it sent none
	Session   *engineio.Session // which it came by; Kept is what its first request left
}

// A Connect decides about a client that wants into a namespace. It returns what
// serves it, or an error: a [*Refusal] is told to the client, of any other only
// that there was one. It may take its time: the client's next packet waits.
type Connect func(*Handshake) (Open, error)

// An Open makes the handler of a socket that was let in. It may send already.
type Open func(*Socket) Handler

// A Refusal is what a client is told that is not let in.
type Refusal struct {
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// Error is the message.
func (e *Refusal) Error() string { return e.Message }

// A Handler serves one socket: one client in one namespace. Its methods are
// called one at a time, and so are those of the client's other namespaces.
type Handler interface {
	// Event handles one event. The next packet is taken when it has returned.
	Event(*Event)
	// Closed is the last call.
	Closed(why engineio.Reason)
}

// A Drainer is a [Handler] that is told when there is room again after
// [Socket.Short] was true; see [engineio.Drainer].
type Drainer interface{ Drained() }

// Reasons besides those of package engineio.
const (
	ClientLeft     engineio.Reason = "client namespace disconnect"
	ServerLeft     engineio.Reason = "server namespace disconnect"
	ConnectTimeout engineio.Reason = "connect timeout"
)

// A Server is an http.Handler for the path of its clients, "/socket.io/" unless
// they say otherwise.
type Server struct {
	o          Options
	engine     *engineio.Server
	namespaces map[string]Connect
}

// NewServer returns a server without namespaces.
func NewServer(o Options) *Server {
	v := &Server{o: o.withDefaults(), namespaces: map[string]Connect{}}
	v.engine = engineio.NewServer(v.o.Engine, v.open)
	return v
}

// Of adds a namespace, such as "/". All are added before anything is served.
func (v *Server) Of(namespace string, connect Connect) { v.namespaces[namespace] = connect }

// Engine is the transport below.
func (v *Server) Engine() *engineio.Server { return v.engine }

// ServeHTTP serves the clients.
func (v *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.engine.ServeHTTP(w, r) }

// Shutdown ends all clients and waits for their handlers; see
// [engineio.Server.Shutdown].
func (v *Server) Shutdown(ctx context.Context) { v.engine.Shutdown(ctx) }

// refusal is what a client is told about an error.
func refusal(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return &Refusal{Message: "internal error"}
}
