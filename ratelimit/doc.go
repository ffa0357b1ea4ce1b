// Package ratelimit counts what strangers may do, in memory that does not grow with their number.
//
// A [Limiter] gives each key a token bucket of golang.org/x/time/rate: so many at once, then one every so often. [Shares] gives
// each key a budget of entries and bytes for a day. A nil pointer of either never says no, which is how limits are
// switched off.
//
// Both rest on one table of fixed size. A key is remembered as 128 bits of a hash whose seed is drawn when the table is
// made and never leaves the process: no account id, address or mailbox stands in memory, and nobody outside can make two
// keys collide on purpose. When the table is full a newcomer takes the place of a key that owes nothing any more,
// and if none is found quickly, all newcomers share one bucket until there is. A debt is never forgotten early, so
// coming with a million names neither clears one's own record nor anybody else's.
//
// Caveats: nothing is kept over a restart; time is time.Now, so that tests run under testing/synctest.
package ratelimit
