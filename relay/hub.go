package relay

import (
	"slices"
	"sync"
)

// Limits of what a watch holds until its owner looks.
const (
	MaxSignalBytes = 64 << 10 // of all signals waiting at one watch
	MaxSignals     = 256
)

// A Hub is the bell. A ring carries no data, only "this box moved": whoever
// watches the box looks again from its own cursor, so a slow or restarted
// reader loses nothing. What is not worth keeping (typing, presence) travels in
// the bell itself as a [Signal].
//
// The writer only notes what a commit touched; a goroutine of the hub rings in
// commit order, so that no number of watchers holds a commit up.
type Hub struct {
	mu       sync.Mutex
	links    map[BoxID]*link // first of the list of those who watch a box
	watching int
	rung     Time    // everything up to here has been rung
	untold   []BoxID // moved in a commit that is not told of whole yet
	pending  []BoxID // committed, not rung yet
	upTo     Time    // of pending
	closed   bool

	wake chan struct{} // the ringer has work; holds one
	done chan struct{} // the ringer has ended
}

// A link says that one watch watches one box. Links of a box are a list, so
// that a watch among ten thousand comes and goes at the price of one; those of a
// watch are another.
type link struct {
	w          *Watch // nil: not in use
	box        BoxID
	moved      bool  // rung since the watch last looked
	prev, next *link // of the box
	other      *link // of the watch
}

// newHub returns a hub that rings what is committed after rung.
func newHub(rung Time) *Hub {
	h := &Hub{links: map[BoxID]*link{}, rung: rung, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go h.run()
	return h
}

// moved notes what an update appended, and to which boxes. It is called in commit order and
// does not block; told follows when the whole commit is known. Until then they
// are not rung: whoever looked now would look no further than the commit before,
// and not be told again.
func (h *Hub) moved(entries []EntryID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range entries {
		h.untold = append(h.untold, id.Box)
	}
}

// told has everything rung that moved in commits up to a time.
func (h *Hub) told(upTo int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.upTo = max(h.upTo, Time(upTo))
	if h.closed {
		h.untold = nil
		return
	}
	h.pending, h.untold = append(h.pending, h.untold...), h.untold[:0]
	// Where nobody watches, the ringer need not be woken. But then all of it counts
	// as rung at once: whoever begins to watch a box before the ringer comes is
	// rung for what moved, or reads it because it has been rung.
	if !slices.ContainsFunc(h.pending, func(b BoxID) bool { return h.links[b] != nil }) {
		h.pending = h.pending[:0]
		h.rung = max(h.rung, h.upTo)
		return
	}
	select {
	case h.wake <- struct{}{}:
	default: // the ringer will see this with what it has not begun yet
	}
}

// run rings what is pending until the hub closes.
func (h *Hub) run() {
	defer close(h.done)
	for range h.wake {
		h.ring()
	}
}

// ring rings every pending box, then publishes the time up to which it rang.
func (h *Hub) ring() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.pending {
		for l := h.links[b]; l != nil; l = l.next {
			l.w.rungLocked(l)
		}
	}
	h.pending = h.pending[:0]
	h.rung = max(h.rung, h.upTo)
}

// Rung returns the time up to which every commit has been rung: a watch that
// was not told of a box by then has nothing new in it up to that time.
func (h *Hub) Rung() Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rung
}

// Watching returns how many watches are open.
func (h *Hub) Watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watching
}

// close ends the ringer. Watches stay valid and silent.
func (h *Hub) close() {
	h.mu.Lock()
	already := h.closed
	h.closed = true
	h.mu.Unlock()
	if !already {
		close(h.wake)
		<-h.done
	}
}

// Watch starts watching boxes; one named twice is watched once. Watch first and
// read after: what is committed between the two rings.
func (h *Hub) Watch(boxes ...BoxID) *Watch {
	w := new(Watch)
	h.Begin(w, boxes...)
	return w
}

// Begin is Watch for a watch that is part of something else, and not in use.
func (h *Hub) Begin(w *Watch, boxes ...BoxID) {
	*w = Watch{hub: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watching++
	for _, b := range boxes {
		if first := h.links[b]; first == nil || first.w != w { // links go to the front
			w.addLocked(b)
		}
	}
}

// Signal gives s to everybody who watches the box. Whoever has no room for it
// does not get it.
func (h *Hub) Signal(b BoxID, s Signal) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := h.links[b]; l != nil; l = l.next {
		if w := l.w; len(w.signals) < MaxSignals && w.signalBytes+len(s.Data) <= MaxSignalBytes {
			w.signals = append(w.signals, s)
			w.signalBytes += len(s.Data)
			w.tellLocked()
		}
	}
}

// A Signal is news that is worth telling and not worth keeping.
type Signal struct {
	Kind string
	Box  BoxID
	From ID
	Data []byte // at most MaxSignalBytes; never changed once sent
}

// A Watch is one listener's ear at the bell. One goroutine uses it; rings come
// from the hub's.
type Watch struct {
	hub *Hub

	// Guarded by hub.mu.
	links       *link // the one added last
	first       link  // lent to one of them: most watch a single box
	moved       []BoxID
	signals     []Signal
	signalBytes int
	rung        bool // told since the last look
	closed      bool
	tell        func()        // set by Arm
	c           chan struct{} // made by C
}

// C returns a channel that holds one token whenever there is something to look
// at.
func (w *Watch) C() <-chan struct{} {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if w.c == nil {
		w.c = make(chan struct{}, 1)
		if w.rung {
			w.c <- struct{}{}
		}
	}
	return w.c
}

// Arm has ring called at every ring from now on, and at once if the bell has
// rung before. ring is called with the hub locked: it must be quick and must
// not use the hub. It may be called more often than there is news.
func (w *Watch) Arm(ring func()) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.tell = ring
	if w.rung {
		ring()
	}
}

// Add watches one more box; a box watched already is no error.
func (w *Watch) Add(b BoxID) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for l := w.links; l != nil; l = l.other {
		if l.box == b {
			return
		}
	}
	if !w.closed {
		w.addLocked(b)
	}
}

// Remove stops watching a box, and what it moved before is not told any more.
func (w *Watch) Remove(b BoxID) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for at := &w.links; *at != nil; at = &(*at).other {
		if l := *at; l.box == b {
			*at = l.other
			w.hub.unlinkLocked(l)
			w.moved = slices.DeleteFunc(w.moved, func(m BoxID) bool { return m == b })
			return
		}
	}
}

// Ring has the watch told as if something had happened, and nothing has moved.
func (w *Watch) Ring() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if !w.closed {
		w.tellLocked()
	}
}

// Moved returns the boxes that moved since the last call, each once, in the
// order in which they were first rung.
func (w *Watch) Moved() []BoxID {
	got, _ := w.movedTo()
	return got
}

// movedTo is Moved, with the time up to which these are all: no box of another
// name has anything new up to then.
func (w *Watch) movedTo() (boxes []BoxID, rung Time) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	for l := w.links; l != nil; l = l.other {
		l.moved = false
	}
	got := w.moved
	w.moved, w.rung = nil, false
	return got, w.hub.rung
}

// Signals returns the signals that came since the last call.
func (w *Watch) Signals() []Signal {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	got := w.signals
	w.signals, w.signalBytes = nil, 0
	return got
}

// Close stops watching. Once it has returned nothing is told any more.
func (w *Watch) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	w.hub.watching--
	w.clearLocked()
	w.tell = nil
}

// Clear stops watching all boxes, and what came of them before is not told any
// more. Others may be added.
func (w *Watch) Clear() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.clearLocked()
}

// clearLocked needs hub.mu.
func (w *Watch) clearLocked() {
	for l := w.links; l != nil; {
		other := l.other
		w.hub.unlinkLocked(l)
		l = other
	}
	w.links, w.signals, w.signalBytes, w.moved, w.rung = nil, nil, 0, nil, false
}

// addLocked needs hub.mu.
func (w *Watch) addLocked(b BoxID) {
	l := &w.first
	if l.w != nil {
		l = new(link)
	}
	*l = link{w: w, box: b, next: w.hub.links[b], other: w.links}
	if l.next != nil {
		l.next.prev = l
	}
	w.hub.links[b] = l
	w.links = l
}

// unlinkLocked takes a link out of its box's list; its watch lets go of it. It
// needs hub.mu.
func (h *Hub) unlinkLocked(l *link) {
	if l.next != nil {
		l.next.prev = l.prev
	}
	switch {
	case l.prev != nil:
		l.prev.next = l.next
	case l.next != nil:
		h.links[l.box] = l.next
	default:
		delete(h.links, l.box)
	}
	*l = link{}
}

// rungLocked needs hub.mu.
func (w *Watch) rungLocked(l *link) {
	if !l.moved {
		l.moved = true
		w.moved = append(w.moved, l.box)
	}
	w.tellLocked()
}

// tellLocked needs hub.mu.
func (w *Watch) tellLocked() {
	w.rung = true
	if w.tell != nil {
		w.tell()
	}
	if w.c != nil {
		select {
		case w.c <- struct{}{}:
		default:
		}
	}
}
