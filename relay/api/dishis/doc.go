// Package dishis is the DishIs messaging API: REST under /api, and Socket.IO
// under /socket.io/ for what happens.
//
// An answer is {"success":true,"data":…}, with a message beside it or instead,
// an error {"success":false,"message":…} with the status that fits. Who calls is
// in a bearer token, which /api/users/register gives out once; the id of who
// acts, in body, path or query as each request has it, must be the token's user
// and may be left out.
//
// A token is all there is to prove an account by: there are no passwords, and
// nobody registers a device without a token of the account. So tokens outlive a
// restore from a backup; those revoked since are to be revoked again.
//
// Users are 24 hex digits, everything else a word and 32 of them: msg_, group_,
// comm_, chan_, status_, file_. Times are ISO 8601 with three decimals; a page
// is read backwards with before, in milliseconds or as such a time.
//
// What is sealed (content) passes through byte for byte. That its wrapper has
// the members which the API documents is checked when it comes in, and nothing
// more. A content's hash is the SHA-256 of its bytes; in channels, of the JSON
// string literal that would spell it.
//
// Groups are rooms; a community is a room with its channels below it: public
// ones open to its members, private ones with rows of their own. Joins that wait
// for approval are pending rows. Wrapped keys, status updates and the counts of
// the statistics are records, as is a message that waits for its time. What is
// pushed is the stream of the caller's own box and of his rooms, see events.go.
package dishis
