// Package engineio serves the Engine.IO protocol, version 4: messages, text or
// binary, in both directions over HTTP long-polling, over a WebSocket, or first
// one and then the other. It is what Socket.IO clients (3.x and 4.x) speak below
// their packets; package socketio is those.
//
//   - A [Server] is an http.Handler, to be mounted at the path of its clients
//     ("/engine.io/", "/socket.io/"). It keeps the sessions.
//   - A [Session] is one client, whatever it is connected by: Send queues,
//     Close ends. No method blocks.
//   - A [Handler] is told what the client sends, one message at a time.
//
// An echo:
//
//	type echo struct{ *engineio.Session }
//
//	func (e echo) Receive(data []byte, binary bool) { e.Send(engineio.Message{Data: data, Binary: binary}) }
//	func (e echo) Closed(engineio.Reason)           {}
//
//	http.Handle("/engine.io/", engineio.NewServer(engineio.Options{},
//		func(s *engineio.Session) engineio.Handler { return echo{s} }))
//
// # What is bounded
//
// Sessions, and among them those of clients that nobody vouches for
// ([Session.Known]): a newcomer beyond a quarter takes the place of the oldest of
// them. The bytes and the packets of what comes in. The queue of what goes out:
// a client that does not read is disconnected, never buffered for. Time: to
// answer a ping, to finish an upgrade, to read and to write. A budget, if there
// is one, pays for every byte that waits in either direction.
//
// # What an idle client costs
//
// A session, one timer, and on a WebSocket one goroutine with two buffers of 512
// bytes. A poll that waits costs a blocked request, or what Options.Park makes
// of it.
//
// # Delivery
//
// Messages arrive in order and at most once. What was queued for a client that
// is gone is gone too; whoever needs more has the client ask after it comes back.
//
// CORS is left to the handler around this one, and so is the question which
// hosts and origins may call.
package engineio
