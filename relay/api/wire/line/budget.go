package line

import (
	"errors"
	"io"
	"time"
)

// A Budget is memory that many connections share. Nobody waits for it.
type Budget interface {
	Take(n int64) bool // n bytes, or none
	Give(n int64)      // what was taken
}

// ErrNoBudget says that the budget has no bytes left.
var ErrNoBudget = errors.New("no memory for a message")

// A Paid reader takes what it reads out of a budget.
type Paid struct {
	io.Reader
	Budget Budget // nil: bottomless
	n      int64
}

// Read fails with [ErrNoBudget] when the budget is spent.
func (p *Paid) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if !take(p.Budget, int64(n)) {
		return 0, ErrNoBudget
	}
	p.n += int64(n)
	return n, err
}

// GiveBack returns what was taken so far.
func (p *Paid) GiveBack() {
	give(p.Budget, p.n)
	p.n = 0
}

func take(b Budget, n int64) bool { return b == nil || b.Take(n) }

func give(b Budget, n int64) {
	if b != nil && n > 0 {
		b.Give(n)
	}
}

// PerKiB is how long a peer may take for n bytes beyond the time for any: nobody
// is slower than a kibibyte a second.
func PerKiB(n int64) time.Duration { return time.Duration(n) * time.Second / 1024 }
