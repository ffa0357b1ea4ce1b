package wire

import (
	"container/heap"
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
	due     byTime
}

// byTime are the waiters, as a heap: the one whose time is out next comes first. A timer for each would be a tenth of what a
// waiter costs; the goroutine's own read has the deadline of the first.
type byTime []*parked

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].wt.Until.Before(h[j].wt.Until) }
func (h byTime) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].place, h[j].place = i, j }
func (h *byTime) Push(x any)        { p := x.(*parked); p.place = len(*h); *h = append(*h, p) }

func (h *byTime) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last], *h = nil, (*h)[:last]
	p.place = -1
	return p
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
		if isTimeout(err) {
			w.timesUp()
			continue
		}
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

// timesUp wakes those whose time is out, and sets the deadline of the next.
func (w *watcher) timesUp() {
	var out []*parked
	w.mu.Lock()
	for now := time.Now(); len(w.due) > 0 && !w.due[0].wt.Until.After(now); {
		out = append(out, heap.Pop(&w.due).(*parked))
	}
	w.deadlineLocked()
	w.mu.Unlock()
	for _, p := range out {
		p.timeUp()
	}
}

func (w *watcher) deadlineLocked() {
	var next time.Time // none
	if len(w.due) > 0 {
		next = w.due[0].wt.Until
	}
	w.file.SetReadDeadline(next)
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
	if heap.Push(&w.due, p); p.place == 0 {
		w.deadlineLocked()
	}
	return w.last
}

// forget takes a waiter out. The deadline may then come too early once, and nobody's time be out.
func (w *watcher) forget(p *parked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.waiters, p.id)
	if p.place >= 0 {
		heap.Remove(&w.due, p.place)
	}
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
	w.forget(p)
	w.control(p.c, unix.EPOLL_CTL_DEL, 0)
}
