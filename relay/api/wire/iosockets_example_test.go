package wire_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
)

// A guest is one client in its namespace.
type guest struct {
	s *wire.IOSocket
}

// Event is a request of the client's. The family looks it up in its table and
// runs it as any other: service.Do(call, op, e.JSON[0]).
func (g guest) Event(e *socketio.Event) {
	if e.Name != "typing" {
		e.Ack(map[string]any{"success": false, "message": "Unknown event"})
		return
	}
	var in struct{ RecipientID string }
	if e.Bind(&in) != nil {
		e.Ack(map[string]any{"success": false, "message": "recipientId is invalid"})
		return
	}
	e.Ack(map[string]any{"success": true})
}

// Pass tells what has happened: what the session's feed or watch has, rendered
// as this family's events. JSON that is rendered already goes as it is.
func (g guest) Pass() (more bool) {
	for _, signal := range g.s.Watch().Signals() {
		g.s.EmitSignal("typing_indicator", json.RawMessage(signal.Data))
	}
	for range g.s.Watch().Moved() {
		if g.s.Short() {
			return true
		}
		g.s.Emit("new_message", json.RawMessage(`{"messageId":"msg_1"}`))
	}
	return false
}

func (g guest) Closed() {}

// How a family mounts Socket.IO: the set of its sockets, a server for them, a
// namespace that asks who comes.
func ExampleIOSockets() {
	mount := func(r *relay.Relay, purse *wire.Purse, server *wire.Server, fault func(string, error)) http.Handler {
		sockets := wire.NewSockets(r.Hub(), purse, fault)
		io := wire.NewIOSockets(sockets, server, socketio.Options{Engine: engineio.Options{
			// What of its first request a session remembers.
			Keep: func(r *http.Request) any { return r.Header.Get("Authorization") },
		}})
		io.Of("/", func(h *socketio.Handshake) (func(*wire.IOSocket) wire.IOHandler, error) {
			var auth struct{ UserID, Token string }
			if json.Unmarshal(h.Auth, &auth) != nil || auth.Token == "" && h.Session.Kept() == "" {
				return nil, &socketio.Refusal{Message: "Authentication required"}
			}
			var who relay.Account
			err := r.View(context.Background(), func(tx *relay.Tx) (err error) {
				// who, err = tx.Authenticate(...)
				return err
			})
			if err != nil {
				return nil, &socketio.Refusal{Message: "Invalid token"}
			}
			return func(s *wire.IOSocket) wire.IOHandler {
				s.Watch().Add(who.Box)
				return guest{s}
			}, nil
		})
		mux := http.NewServeMux()
		mux.Handle("/socket.io/", io)
		return mux
	}
	fmt.Println(mount != nil)
	// Output: true
}
