// Package wire is what all families of message APIs share: a family says what
// its operations look like, wire does the rest.
//
//   - A [Family] is a table of operations ([Row]) and a [Dialect]: how its
//     requests name their caller, and what its answers and errors look like.
//   - A handler is decode → core calls → encode, and only the middle is
//     written by hand. [Read] and [Write] rows are handed a transaction, [Free]
//     rows the relay, for what waits or takes long. Decoding, limits,
//     authentication, rates and the rendering of errors have already happened
//     or happen afterwards ([Service]).
//   - A handler that finds nothing may return a [Wait]: the connection is
//     parked until the bell rings, at a few KiB each.
//   - A [Server] keeps strangers out before any of this: slow heads, slow
//     bodies, readers that do not read, foreign Hosts and Origins, too many
//     connections.
//   - A socket family hands its frames to [Service.Do] and its connections to
//     the one socket loop: [Sockets] for WebSockets, [IOSockets] for clients of
//     Socket.IO, which poll or have a WebSocket and are told the same.
//
// Package wiretest runs a family's transcripts against all of it, over real
// sockets, and fails for any row no transcript reaches.
package wire
