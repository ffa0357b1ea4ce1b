package wire

import "sync"

// Turns makes the writer fair: there is one, and whoever queues a thousand writes would make everybody wait. Each account has
// a few places in the line, and the line is bounded in all. A nil Turns is no limit.
type Turns struct {
	each, all int

	mu   sync.Mutex // guards the rest
	of   map[string]int
	used int
}

// NewTurns gives each account so many writes at a time, of so many in all. Zeros are 8 and 4,096.
func NewTurns(each, all int) *Turns {
	return &Turns{each: or(each, 8), all: or(all, 4096), of: make(map[string]int)}
}

// Turn takes a place in the line for an account's write. Without one the answer is 429: come back when your own writes are done;
// release is nil then. Otherwise it is called once, when the write has committed or failed.
func (t *Turns) Turn(account string) (release func(), ok bool) {
	if t == nil {
		return func() {}, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used >= t.all || t.of[account] >= t.each {
		return nil, false
	}
	t.used++
	t.of[account]++
	return func() { t.leave(account) }, true
}

func (t *Turns) leave(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used--
	if t.of[account]--; t.of[account] == 0 {
		delete(t.of, account)
	}
}
