package wire

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A watcher is an epoll set in which connections lie that wait, all under the eyes of one goroutine. It reports a connection once
// when something comes or the peer has gone; it is a number that is reported and not a descriptor, which may be another
// connection's by then.
type watcher struct {
	set  int
	file *os.File // of the set, which lies in turn in the set of Go's runtime
	raw  syscall.RawConn

	mu      sync.Mutex // guards the rest; taken with a waiter's own held, never the other way round
	waiters map[uint64]*parked
	last    uint64
}

// watching returns the process's one watcher, made when somebody first waits; nil where that fails.
var watching func() *watcher

func init() { watching = sync.OnceValue(newWatcher) }

// goroutinesOnly has everybody wait with a goroutine, as on other systems. For tests.
var goroutinesOnly bool

func newWatcher() *watcher {
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	if err := unix.SetNonblock(set, true); err != nil {
		unix.Close(set)
		return nil
	}
	w := &watcher{set: set, file: os.NewFile(uintptr(set), "epoll"), waiters: map[uint64]*parked{}}
	// Only what the runtime can wait for takes a deadline.
	if err := w.file.SetReadDeadline(time.Time{}); err != nil {
		w.file.Close()
		return nil
	}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		w.file.Close()
		return nil
	}
	go w.run()
	return w
}

// run reports what comes, for as long as the process lives.
func (w *watcher) run() {
	events := make([]unix.EpollEvent, 256)
	for {
		n := 0
		err := w.raw.Read(func(set uintptr) bool {
			n, _ = unix.EpollWait(int(set), events, 0)
			return n != 0 // below 0: interrupted, and asked again
		})
		if err != nil {
			return // the set is never closed
		}
		for _, e := range events[:max(n, 0)] {
			if p := w.find(number(&e)); p != nil {
				p.hear()
			}
		}
	}
}

// number is the one that a waiter was put in with.
func number(e *unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }

func (w *watcher) find(id uint64) *parked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiters[id]
}

func (w *watcher) enter(p *parked) (id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	w.waiters[w.last] = p
	return w.last
}

func (w *watcher) forget(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiters, id)
}

// control changes what the set knows of a connection. It fails for one that is closed, or has no descriptor.
func (w *watcher) control(c *conn, op int, id uint64) bool {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(uint32(id)), Pad: int32(uint32(id >> 32))}
	done := false
	err = raw.Control(func(fd uintptr) { done = unix.EpollCtl(w.set, op, int(fd), &e) == nil })
	return err == nil && done
}

// watch puts the waiter to sleep in the set, if that can be. What came since it was awake last wakes it at once.
func (p *parked) watch() bool {
	if _, ok := p.c.Conn.(syscall.Conn); !ok || goroutinesOnly {
		return false
	}
	w := watching()
	if w == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	op := unix.EPOLL_CTL_MOD
	if p.id == 0 {
		op, p.id = unix.EPOLL_CTL_ADD, w.enter(p)
	}
	if !w.control(p.c, op, p.id) {
		p.watched = false
		return false
	}
	if p.out == nil {
		p.out = time.AfterFunc(time.Until(p.wt.Until), p.timeUp)
	}
	p.watched, p.asleep = true, true
	if p.rung || p.stopped || p.due || p.heard {
		p.wakeLocked()
	}
	return true
}

// unwatch takes it out for good, before its connection is anybody else's.
func (p *parked) unwatch() {
	if p.id == 0 {
		return
	}
	w := watching()
	w.forget(p.id)
	w.control(p.c, unix.EPOLL_CTL_DEL, 0)
	if p.out != nil {
		p.out.Stop()
	}
}
