package wire

import (
	"net"
	"sync"
)

// net/http hands an answer down in two writes, its buffer of 4 KiB and then the
// rest, which is two packets and two system calls for what could be one. While
// a connection is corked it keeps the first and sends it with the second.

// corkSize is net/http's buffer.
const corkSize = 4 << 10

var corks = sync.Pool{New: func() any { return new([corkSize]byte) }}

// A cork keeps what was written first. It is used by one writer at a time.
type cork struct {
	in   bool
	kept *[corkSize]byte
	n    int
}

// put keeps b, if the cork is in and nothing is kept yet.
func (k *cork) put(b []byte) bool {
	if !k.in || k.n > 0 || len(b) > corkSize {
		return false
	}
	k.kept = corks.Get().(*[corkSize]byte)
	k.n = copy(k.kept[:], b)
	return true
}

// flush writes what was kept, and b behind it.
func (k *cork) flush(c net.Conn, b []byte) (int, error) {
	if k.n == 0 {
		return c.Write(b)
	}
	kept := k.kept
	both := net.Buffers{kept[:k.n], b}
	n, err := both.WriteTo(c)
	n -= int64(k.n)
	k.kept, k.n = nil, 0
	corks.Put(kept)
	return int(max(n, 0)), err
}
