package wire

import (
	"crypto/subtle"

	"restante/relay"
)

// A write looks first, which refuses strangers cheaply, and decides in the
// transaction that acts. Somebody who has written on the same connection before,
// with the same claim, is no stranger: there the first look is left out, which is
// a tenth of what a post costs. The transaction that acts asks all the same.

// A recollection is who made the last write on a connection, and how he proved
// himself.
type recollection struct {
	claim relay.Claim
	who   relay.Caller
}

// recall finds the caller of a request by what his connection knows of him.
func (c *Call) recall() bool {
	if c.claim == nil || c.conn == nil || c.conn.writer == nil || !same(c.conn.writer.claim, *c.claim) {
		return false
	}
	c.Who = c.conn.writer.who
	return true
}

// remember keeps who wrote for the next request on his connection, or forgets
// who may not any more.
func (c *Call) remember(may bool) {
	switch {
	case c.claim == nil || c.conn == nil:
	case !may:
		c.conn.writer = nil
	case c.conn.writer == nil || !same(c.conn.writer.claim, *c.claim):
		c.conn.writer = &recollection{*c.claim, c.Who}
	}
}

// same compares claims; how much of a secret is right, time does not tell.
func same(a, b relay.Claim) bool {
	right := subtle.ConstantTimeCompare([]byte(a.Secret), []byte(b.Secret)) == 1
	a.Secret, b.Secret = "", ""
	return right && a == b
}
