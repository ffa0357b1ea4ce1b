// Package socketio serves the Socket.IO protocol, version 5, over package
// engineio: what clients of the versions 3 and 4 of Socket.IO speak. Clients
// connect to namespaces, emit events with JSON and binary arguments, and
// acknowledge them; so does the server.
//
//   - A [Server] is an http.Handler. [Server.Of] gives it namespaces, each with a
//     [Connect] that decides who is let in.
//   - A [Socket] is one client in one namespace: Emit, EmitAck, Leave,
//     Disconnect. No method blocks.
//   - A [Handler] is told what that client does, one thing at a time.
//
// Arguments are kept as the JSON they came as: numbers, the order of keys and
// whatever else a decoder loses stay.
//
// # What is refused
//
// The parser is strict. A client that sends what no client that keeps to the
// protocol sends is disconnected: packets of unknown types or with a payload of
// the wrong kind, reserved event names, attachments that were not announced or
// other packets before they have come, packets for a namespace it is not in.
// More namespaces, attachments, arguments or depth than [Options] and the
// constants of this package allow are as bad. A client that is let in nowhere
// has Options.ConnectTimeout to try.
//
// # What is bounded
//
// Besides that, all that package engineio bounds. Attachments whose packet is
// not complete are paid for from its budget.
//
// Rooms, broadcasting and the recovery of missed events are not here: whoever
// has something to tell to many keeps them himself.
package socketio
