// Package jetico speaks the Jetico Messenger protocol: 56 requests and 15
// notifications over one WebSocket, files and avatars over HTTP beside it.
//
// # Frames
//
// A frame is one JSON object in a text message of at most 1 MiB. Its name is
// its only key, with the body below and perhaps an id beside it
// ({"RequestPing":{...},"id":"17"}), or stands in "type" with the body's fields
// beside it ({"type":"RequestPing","id":17,...}). An answer has the form of its
// request and returns its id; notifications have the form of the request that
// came last. Failures are always a ResponseStatusMessage whose description is
// one of a fixed list (dialect.go).
//
// # Who
//
// A userId is base64 of the SHA-256 of a phone number, checked once, when a
// number is registered; the number itself is only handed to the program that
// delivers codes. It is a login here: the account's own id is ours. What proves
// a device later is the pair of userId and application uuid, so that uuid is
// kept as a digest only. Others of the owner's devices see a stand-in for it,
// by which they may delete the application, and nothing else. Over HTTP the
// pair is a user and password of Basic authentication.
//
// Accounts of other families have a userId of their id and half a keyed hash of
// it, so that it can be read back and not be made up.
//
// # Names
//
// Conversations, messages and session keys have uuids that clients choose:
// compared in lower case, given back as they were spelled. Messages and rooms
// of other families get a uuid made of their id. Times are milliseconds.
//
// # Receipts
//
// Who read a message is a mark on it, or follows from his cursor, which stands
// behind what he has read without a gap. Receipts belong to a membership:
// somebody who comes back begins anew. Nothing is counted ahead of time;
// counters are made when a message is shown, of those who are members then.
package jetico
