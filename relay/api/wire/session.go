package wire

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"restante/relay"
)

// A passer is what a family does in its turns, whatever kind of socket it
// serves.
type passer interface {
	// Pass looks at what has moved (Watch) and sends it. It may stop early, once
	// the socket is Short, and return true: then it is called again when the
	// client has read some of it.
	Pass() (more bool)

	// Closed is the last call, when the session has ended for whatever reason.
	Closed()
}

// An outlet is where a session's answers and events go.
type outlet interface {
	Short() bool    // more than half of the room is taken
	hasEnded() bool // nothing is sent any more
	broken()        // the handler panicked
}

// A session is what all kinds of sockets have: an ear at the bell, and turns.
// Passes are a goroutine only while one is due and there is room for what it
// sends.
type session struct {
	out    outlet
	h      passer // set in the first turn
	watch  *relay.Watch
	ctx    context.Context
	cancel context.CancelFunc
	group  *Sockets

	turn sync.Mutex // held during a turn
	over bool       // guarded by turn: Closed has been called

	bell    sync.Mutex // guards the rest; taken before the outlet's locks
	due     bool       // something has moved
	passing bool       // the goroutine of passes runs
}

func (t *session) begin(g *Sockets, out outlet) {
	t.group, t.out = g, out
	t.ctx, t.cancel = context.WithCancel(context.Background())
}

// Context ends with the connection. What a session asks of the relay is asked
// with it.
func (t *session) Context() context.Context { return t.ctx }

// Watch is the session's ear at the bell; the handler adds and removes boxes,
// in its turns.
func (t *session) Watch() *relay.Watch { return t.watch }

// open takes the first turn, in which the handler is made, and listens.
func (t *session) open(make func() passer) (ok bool) {
	t.takeTurn(func() { t.h = make() })
	if t.h == nil { // it panicked, and there is nobody to serve
		return false
	}
	t.watch.Arm(t.rung)
	return true
}

// takeTurn runs fn as one turn, after the pass that is due. After the last turn
// there is none.
func (t *session) takeTurn(fn func()) {
	t.turn.Lock()
	defer t.turn.Unlock()
	defer t.rescue()
	if t.over {
		return
	}
	if t.claim() && t.h.Pass() {
		t.rung()
	}
	fn()
}

// rescue ends the session whose handler panics, and no other. The value may
// hold what nobody is to see, so only the place is reported.
func (t *session) rescue() {
	if recover() == nil {
		return
	}
	t.group.fault("serving a socket", fmt.Errorf("panic\n%s", debug.Stack()))
	t.out.broken()
}

// rung notes that something has moved and has a pass run. The hub calls it,
// locked, so it only starts a goroutine.
func (t *session) rung() {
	t.bell.Lock()
	defer t.bell.Unlock()
	t.due = true
	t.passLocked()
}

// drained has the pass run that waited for room.
func (t *session) drained() {
	t.bell.Lock()
	defer t.bell.Unlock()
	t.passLocked()
}

// passLocked needs bell.
func (t *session) passLocked() {
	if !t.passing && t.readyLocked() {
		t.passing = true
		t.group.running.Go(t.passes)
	}
}

// claim reports whether a pass is due, which is the caller's then.
func (t *session) claim() bool {
	t.bell.Lock()
	defer t.bell.Unlock()
	due := t.due && !t.out.hasEnded()
	t.due = false
	return due
}

// passes takes turns for passes until none is due, or until there is no room.
func (t *session) passes() {
	for t.passDue() {
		t.takeTurn(func() {}) // whose pass it is does not matter
	}
}

func (t *session) passDue() bool {
	t.bell.Lock()
	defer t.bell.Unlock()
	t.passing = t.readyLocked()
	return t.passing
}

// readyLocked needs bell.
func (t *session) readyLocked() bool { return t.due && !t.out.hasEnded() && !t.out.Short() }

// close takes the last turn of a session that has ended.
func (t *session) close() {
	t.claim() // whoever saw it alive has begun its pass by now
	t.cancel()
	t.takeTurn(func() {
		t.over = true
		if t.h != nil {
			t.h.Closed()
		}
	})
	t.watch.Close() // last, so that a session nobody counts any more has told whom it had to tell
}
