package wire

import (
	"math"
	"runtime/debug"
	"sync/atomic"
)

// minPurse is the least a purse holds: one full answer, one full body and some change.
const minPurse = 16 << 20

// A Purse is the memory that strangers' bytes may take: bodies being read, writes queued, answers not yet written. Nobody waits
// for it: what is not there now is refused with 503, since whoever waits holds something too. A nil Purse is bottomless.
type Purse struct {
	size int64
	free atomic.Int64
}

// NewPurse makes a purse of that many bytes. 0 is a quarter of GOMEMLIMIT or, without one, of the machine's memory. It is
// never less than 16 MiB.
func NewPurse(bytes int64) *Purse {
	if bytes <= 0 {
		bytes = processMemory() / 4
	}
	p := &Purse{size: max(bytes, minPurse)}
	p.free.Store(p.size)
	return p
}

// Take takes n bytes out, or reports that they are not there. Each Take that succeeds is followed by a Give of the same.
func (p *Purse) Take(n int64) bool {
	if p == nil || n <= 0 {
		return true
	}
	for {
		free := p.free.Load()
		if free < n {
			return false
		}
		if p.free.CompareAndSwap(free, free-n) {
			return true
		}
	}
}

// Give puts n bytes back.
func (p *Purse) Give(n int64) {
	if p != nil && n > 0 {
		p.free.Add(n)
	}
}

// Size is what the purse holds when nothing is taken, Taken what is out.
func (p *Purse) Size() int64  { return p.size }
func (p *Purse) Taken() int64 { return p.size - p.free.Load() }

// processMemory is what this process may use at most.
func processMemory() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 { // a negative limit only asks
		return limit
	}
	return machineMemory()
}
