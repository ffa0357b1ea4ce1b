package wire

import (
	"container/heap"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A watcher is an epoll set in which connections lie that sleep, all under the eyes of one goroutine. It reports a connection once
// when something comes or the peer has gone; it is a number that is reported and not a descriptor, which may be another
// connection's by then.
type watcher struct {
	set  int
	file *os.File // of the set, which lies in turn in the set of Go's runtime
	raw  syscall.RawConn

	mu       sync.Mutex // guards the rest; taken with a sleeper's own held, never the other way round
	sleepers map[uint64]*sleeper
	last     uint64
	due      byTime
}

// byTime are the sleepers, as a heap: the one whose time is out next comes first. A timer for each would be a tenth of what a
// sleeper costs; the goroutine's own read has the deadline of the first.
type byTime []*sleeper

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h byTime) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].place, h[j].place = i, j }
func (h *byTime) Push(x any)        { sl := x.(*sleeper); sl.place = len(*h); *h = append(*h, sl) }

func (h *byTime) Pop() any {
	last := len(*h) - 1
	sl := (*h)[last]
	(*h)[last], *h = nil, (*h)[:last]
	sl.place = -1
	return sl
}

// watching returns the process's one watcher, made when somebody first sleeps; nil where that fails.
var watching func() *watcher

func init() { watching = sync.OnceValue(newWatcher) }

// goroutinesOnly has everybody sleep in a goroutine, as on other systems. For tests.
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
	w := &watcher{set: set, file: os.NewFile(uintptr(set), "epoll"), sleepers: map[uint64]*sleeper{}}
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
			if sl := w.find(number(&e)); sl != nil {
				sl.hear()
			}
		}
	}
}

// timesUp wakes those whose time is out, and sets the deadline of the next.
func (w *watcher) timesUp() {
	var out []*sleeper
	w.mu.Lock()
	for now := time.Now(); len(w.due) > 0 && !w.due[0].until.After(now); {
		out = append(out, heap.Pop(&w.due).(*sleeper))
	}
	w.deadlineLocked()
	w.mu.Unlock()
	for _, sl := range out {
		sl.timeUp()
	}
}

func (w *watcher) deadlineLocked() {
	var next time.Time // none
	if len(w.due) > 0 {
		next = w.due[0].until
	}
	w.file.SetReadDeadline(next)
}

// number is the one that a sleeper was put in with.
func number(e *unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }

func (w *watcher) find(id uint64) *sleeper {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sleepers[id]
}

func (w *watcher) enter(sl *sleeper) (id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	w.sleepers[w.last] = sl
	if heap.Push(&w.due, sl); sl.place == 0 {
		w.deadlineLocked()
	}
	return w.last
}

// forget takes a sleeper out. The deadline may then come too early once, and nobody's time be out.
func (w *watcher) forget(sl *sleeper) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sleepers, sl.id)
	if sl.place >= 0 {
		heap.Remove(&w.due, sl.place)
	}
}

// report has what comes to a connection next reported under a number, once. It fails for one that is closed, or has no
// descriptor.
func (w *watcher) report(c *conn, id uint64) bool {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(uint32(id)), Pad: int32(uint32(id >> 32))}
	op := unix.EPOLL_CTL_ADD
	if c.inSet {
		op = unix.EPOLL_CTL_MOD
	}
	done := false
	err = raw.Control(func(fd uintptr) { done = unix.EpollCtl(w.set, op, int(fd), &e) == nil })
	c.inSet = c.inSet || done
	return err == nil && done
}

// watch puts it to sleep in the set, if that can be. What came since it was awake last wakes it at once.
func (sl *sleeper) watch() bool {
	if _, ok := sl.c.Conn.(syscall.Conn); !ok || goroutinesOnly {
		return false
	}
	w := watching()
	if w == nil {
		return false
	}
	sl.mu.Lock()
	defer sl.mu.Unlock()
	if sl.id == 0 {
		sl.id = w.enter(sl)
	}
	if !w.report(sl.c, sl.id) {
		sl.watched = false
		return false
	}
	sl.watched, sl.asleep = true, true
	if sl.rung || sl.stopped || sl.due || sl.heard {
		sl.wakeLocked()
	}
	return true
}

// unwatch has it forgotten for good, before its connection is anybody else's. The descriptor stays in the set until it is
// closed: connections come back, and at most once more is a number reported that nobody has.
func (sl *sleeper) unwatch() {
	if sl.id != 0 {
		watching().forget(sl)
	}
}
