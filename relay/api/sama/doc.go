// Package sama is the SAMA message API: JSON packets over one WebSocket, and
// beside it two HTTP routes for sessions and signed addresses for files.
//
// # The wire
//
// A client asks with {"request": {"<op>": params, "id": x}} and hears
// {"response": {"id": x, ...}} or {"response": {"id": x, "error": {"status",
// "message"}}}. Three packets go without that envelope: "message",
// "system_message" and "typing"; the first two are answered by a receipt, which
// stands under "ask" (what clients look at) and "ack" (what the protocol's
// document says) at once. What others do comes unasked: one kind of event a
// packet, and always after the answer that the same request gets.
//
// # Who is asking
//
// POST /login gives an access token, a JWT that only its client reads: here it
// is found by its digest and bound to a device. "connect" ties a connection to
// it. Any number of connections may be of one device; none evicts another. A
// session ends by logging out, by a changed password elsewhere, or with its
// account; its connections stay open and are nobody's then.
//
// # Ids and times
//
// Accounts, rooms, files and records are the first 12 bytes of their ids in hex,
// messages the 12 bytes of theirs, which rise. "*_at" is ISO 8601 with
// milliseconds, "t" whole seconds, "expired_at" milliseconds.
//
// # What a connection is told
//
// A message reaches every connection of every member but the one it came from.
// Edits, deletions, receipts and changed conversations are events of the room,
// coming and going is in the account's own box, and each is rendered for its
// viewer from what is true now. The operations log is the same stream read back.
// Typing, client-made system messages and presence are signals, kept nowhere; so
// is that a device is inactive, which is pushed to although it is connected.
package sama
