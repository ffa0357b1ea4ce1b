// Package secbot is the relay's own API: eleven POST endpoints that need
// nothing but curl.
//
// A request is one JSON object and names its caller in it (userId or
// fromUserId, and authToken). Ids are 32 hex digits, tokens 64. Answers are
// JSON objects with an "object" that says what they are, or empty; errors are
// one line of plain text. A 200 to a post means that the message is committed
// and synced.
//
// An account has one token, and nothing else to prove itself by, for ever: it
// outlives a restore from a backup, too.
//
// There are two kinds of boxes. A user's mailbox holds friend requests and
// their answers, group invites and messages until they expire; /receive reads
// it. A group is an open room: knowing its id is the right to post and poll, and
// the relay keeps neither its members nor its maker. Both are read after a
// cursor, lastMessageTimestamp: a client that remembers the greatest timestamp
// it saw misses nothing and gets nothing twice. /longpoll waits for the next
// entry in any of several groups, and, with the caller's own id among them, in
// its mailbox.
//
// Nothing is pushed. What is sealed (cryptoData, encContent) passes through as
// the bytes that came.
package secbot
