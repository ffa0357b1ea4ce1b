// Package chatalot is the Chatalot API: about 160 REST endpoints under /api and
// a WebSocket at /ws, for the unmodified web client of that system.
//
// # Who is asking
//
// Requests carry `Authorization: Bearer <access token>`: a JWT signed with
// Ed25519 under a key of this relay's key file, good for 15 minutes. It names
// its session (`sid`), which is a device of the account; the device is looked up
// with every request, so a session that was ended is ended at once. What the
// token says about being an admin is for the client to read: rights come from
// what is stored. Refresh tokens are 32 random bytes in hex, each good for one
// exchange.
//
// # Answers
//
// Success is always 200, with JSON or with nothing. Errors are
// {"error": text, "message": text, "code": code}. Bytes are arrays of integers,
// times RFC 3339 with microseconds, ids UUIDs. A message's id is a version 7 UUID
// made of its time and the number of its box, so ids rise as messages come.
//
// # What is what
//
//	community   a room without a parent
//	group       a room below a community whose own rows count only for the
//	            community's members (Within)
//	channel     a room below a group, open to the group's members (Inherit): who
//	            joins the group later is kept out of those that are not
//	            discoverable, by a row of his own; a room without a parent; a
//	            direct room; a room of another family
//	session     a device; its name is the session's id
//	message     an entry of the room's box, of kind text, file, system, webhook
//
// # What is told
//
// Frames are rendered from the event lanes of the boxes a session watches (see
// kinds.go for what this family writes there) and from signals, for what is not
// worth keeping.
package chatalot
