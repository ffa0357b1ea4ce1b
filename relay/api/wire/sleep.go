package wire

import (
	"os"
	"sync"
	"time"
)

// A sleeper is a connection that nobody works on until something happens to it. It lies in an epoll set or, where there is
// none, in a small goroutine of its own. At any time at most one goroutine works on it; ring, stop, timeUp and hear come from
// others.
type sleeper struct {
	c     *conn
	until time.Time // when its time is out
	owner waker

	mu      sync.Mutex // guards the rest, and orders the bell's deadline after the sleeper's
	rung    bool
	stopped bool
	due     bool // the time is out
	heard   bool // the connection has something to read, or was closed
	asleep  bool // nobody works on it, and the first of these wakes it
	watched bool // it sleeps in the set, else in a goroutine whose read deadline is the bell's to move

	id    uint64 // its number in the set
	place int    // among those whose time will be out
}

// A waker goes on after a sleep: n is 1 if a byte was read (it lies in the connection's one), else err says why not; of a
// connection that had nothing to read, that its time was out.
type waker interface{ wake(n int, err error) }

// ring wakes the sleeper. When nobody sleeps any more it moves nothing: the deadline is somebody else's by then.
func (sl *sleeper) ring() {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if !sl.rung {
		sl.rung = true
		sl.wakeLocked()
	}
}

// stop ends the sleep for good.
func (sl *sleeper) stop() { sl.note(&sl.stopped) }

// timeUp ends it so, too.
func (sl *sleeper) timeUp() { sl.note(&sl.due) }

// hear says that the connection has something to read, or is closed.
func (sl *sleeper) hear() { sl.note(&sl.heard) }

func (sl *sleeper) note(what *bool) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	*what = true
	sl.wakeLocked()
}

func (sl *sleeper) wakeLocked() {
	switch {
	case !sl.asleep:
	case sl.watched:
		sl.asleep = false // the first to come wakes it, and once
		go sl.roused()
	default:
		sl.c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// rest goes to sleep.
func (sl *sleeper) rest() {
	if !sl.watch() {
		sl.settle()
		go sl.sleep()
	}
}

// roused follows a sleep in the set. What was announced there is read, without waiting for it.
func (sl *sleeper) roused() {
	sl.mu.Lock()
	heard := sl.heard
	sl.heard = false
	sl.mu.Unlock()
	n, err := 0, error(os.ErrDeadlineExceeded)
	if heard {
		sl.c.Conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err = sl.c.Conn.Read(sl.c.one[:])
	}
	sl.owner.wake(n, err)
}

// settle prepares for sleep, with a deadline already past if there is something to do.
func (sl *sleeper) settle() {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	sl.asleep = true
	sl.c.Conn.SetReadDeadline(sl.until)
	if sl.rung || sl.stopped {
		sl.wakeLocked()
	}
}

// sleep blocks in a read of one byte, which ends by ring, time, hang-up or the next request. Nothing else happens on this
// goroutine, so its stack stays as small as stacks are; a fresh one does the rest.
func (sl *sleeper) sleep() {
	n, err := sl.c.Conn.Read(sl.c.one[:])
	go sl.owner.wake(n, err)
}

// risen tells why the sleep ended. What has rung is not told again.
func (sl *sleeper) risen() (rung, stopped, due bool) {
	sl.mu.Lock()
	defer sl.mu.Unlock()
	rung, sl.rung, sl.asleep = sl.rung, false, false
	return rung, sl.stopped, sl.due || !time.Now().Before(sl.until)
}

// idle is a connection between the answer to a wait and the next request.
type idle struct{ sleeper }

// linger waits for the next request and hands the connection back with its first byte: net/http gives a connection it is
// given as new only its header timeout, so an idle one must not come back.
func (c *conn) linger() {
	d := &idle{sleeper{c: c, until: time.Now().Add(c.door.s.o.IdleTimeout)}}
	d.owner = d
	c.busy.Store(false)
	if !c.door.s.conns.lie(c, &d.sleeper) {
		c.Close()
		return
	}
	d.rest()
}

func (d *idle) wake(n int, err error) {
	_, stopped, due := d.risen()
	if n == 0 && isTimeout(err) && !stopped && !due {
		d.rest() // announced, and not there
		return
	}
	c := d.c
	d.unwatch()
	if alive := c.door.s.conns.rise(c); !alive || n == 0 {
		c.Close()
		return
	}
	c.Conn.SetDeadline(time.Time{})
	c.first = true
	c.door.s.back.give(c)
}
