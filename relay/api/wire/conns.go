package wire

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A conn is a connection of a Server, from accept to close: the same object through every request, hijack and hand-back, so
// that wrappers never nest.
type conn struct {
	net.Conn
	door *door

	prev, next *conn    // in the registry's list; guarded by its mutex
	asleep     *sleeper // who sleeps on it: a wait, or nobody's request yet; guarded by the registry's mutex
	home       *list    // the list it is in, nil once closed; guarded by the registry's mutex

	known atomic.Bool // a request on it authenticated
	busy  atomic.Bool // a request is running, or a handler took the connection over
	first bool        // one holds a byte read while net/http was away; used by one reader at a time
	one   [1]byte
	inSet bool // its descriptor is known to the epoll set; used by whoever works on the connection
	cork  cork

	writer *recollection // of the request that runs, and the one after it
}

// markKnown says that a request authenticated: its connection is no stranger's any more, and keeps its place.
func (c *conn) markKnown() {
	if c != nil && !c.known.Load() {
		c.door.s.conns.know(c)
	}
}

// Read gives the byte that woke the connection first. A stranger's bytes move it to the back of the row of those to go.
func (c *conn) Read(b []byte) (int, error) {
	if c.first && len(b) > 0 {
		c.first = false
		b[0] = c.one[0]
		return 1, nil
	}
	n, err := c.Conn.Read(b)
	if n > 0 && !c.known.Load() {
		c.door.s.conns.heard(c)
	}
	return n, err
}

// refusedExpectation begins the one ordinary answer net/http gives without asking a handler, and with a Date.
var refusedExpectation = []byte("HTTP/1.1 417 ")

// Write passes on what net/http writes, but for that answer, which tells no time here. A handler's bytes are never taken for
// it: it is written while none runs.
func (c *conn) Write(b []byte) (int, error) {
	if c.cork.put(b) {
		return len(b), nil
	}
	if c.busy.Load() || !bytes.HasPrefix(b, refusedExpectation) {
		return c.cork.flush(c.Conn, b)
	}
	_, err := c.Conn.Write([]byte("HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
	return len(b), err
}

// Close frees the slot and the descriptor. It may be called from any goroutine, any number of times.
func (c *conn) Close() error {
	c.door.s.conns.drop(c)
	return c.shut()
}

// shut closes the descriptor of a connection that has lost its slot. Who sleeps on it does not notice by itself.
func (c *conn) shut() error {
	err := c.Conn.Close()
	if sl := c.door.s.conns.sleeping(c); sl != nil {
		sl.hear()
	}
	return err
}

// CloseWrite lets net/http end a refused upload politely.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// conns is the registry of a Server's connections. At most max are open, at most strangers of them unknown; a newcomer
// beyond either takes the place of the stranger that has been silent longest.
type conns struct {
	max, strangers int

	mu             sync.Mutex // guards the rest
	known, unknown list       // unknown: longest silent first
	closing        bool
	gone           chan struct{} // closed when closing and none is left
}

func (cs *conns) limit(n int) {
	cs.max, cs.strangers = n, max(n/4, 1)
	cs.gone = make(chan struct{})
}

// admit takes a newcomer in. The evicted stranger, if any, is for the caller to close.
func (cs *conns) admit(c *conn) (evicted *conn, ok bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closing {
		return nil, false
	}
	if cs.unknown.n >= cs.strangers || cs.unknown.n+cs.known.n >= cs.max {
		evicted = cs.unknown.head
		if evicted == nil {
			return nil, false
		}
		cs.dropLocked(evicted)
	}
	cs.unknown.push(c)
	return evicted, true
}

func (cs *conns) know(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c.home == &cs.unknown {
		cs.unknown.remove(c)
		cs.known.push(c)
	}
	c.known.Store(true)
}

func (cs *conns) heard(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c.home == &cs.unknown {
		cs.unknown.remove(c)
		cs.unknown.push(c)
	}
}

func (cs *conns) drop(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.dropLocked(c)
}

func (cs *conns) dropLocked(c *conn) {
	if c.home == nil {
		return
	}
	c.home.remove(c)
	if cs.closing && cs.known.n+cs.unknown.n == 0 {
		close(cs.gone)
	}
}

// lie notes who sleeps on c from now on. It refuses once the server is closing.
func (cs *conns) lie(c *conn, sl *sleeper) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closing || c.home == nil {
		c.asleep = nil
		return false
	}
	c.asleep = sl
	return true
}

// sleeping returns who sleeps on c, if anybody.
func (cs *conns) sleeping(c *conn) *sleeper {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return c.asleep
}

// rise ends that, and reports whether the connection may live on.
func (cs *conns) rise(c *conn) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c.asleep = nil
	c.busy.Store(false)
	return !cs.closing && c.home != nil
}

// close admits nobody any more, closes quiet and whatever neither works nor sleeps, and returns those who sleep. gone is
// closed when the last connection is.
func (cs *conns) close(quiet chan struct{}) (sleepers []*sleeper, gone chan struct{}) {
	cs.mu.Lock()
	var idle []*conn
	if !cs.closing {
		cs.closing = true
		close(quiet)
		if cs.known.n+cs.unknown.n == 0 {
			close(cs.gone)
		}
	}
	for c := range cs.all() {
		switch {
		case c.asleep != nil:
			sleepers = append(sleepers, c.asleep)
		case !c.busy.Load():
			idle = append(idle, c)
		}
	}
	cs.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
	return sleepers, cs.gone
}

// sweep closes every connection there is.
func (cs *conns) sweep() {
	cs.mu.Lock()
	var left []*conn
	for c := range cs.all() {
		left = append(left, c)
	}
	cs.mu.Unlock()
	for _, c := range left {
		c.Close()
	}
}

// all walks both lists; the mutex must be held.
func (cs *conns) all() func(yield func(*conn) bool) {
	return func(yield func(*conn) bool) {
		for _, l := range [...]*list{&cs.known, &cs.unknown} {
			for c := l.head; c != nil; c = c.next {
				if !yield(c) {
					return
				}
			}
		}
	}
}

func (cs *conns) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.known.n + cs.unknown.n
}

// A list of connections, linked through them: no memory of its own per connection.
type list struct {
	head, tail *conn
	n          int
}

func (l *list) push(c *conn) {
	c.home, c.prev, c.next = l, l.tail, nil
	if l.tail == nil {
		l.head = c
	} else {
		l.tail.next = c
	}
	l.tail = c
	l.n++
}

func (l *list) remove(c *conn) {
	if c.prev == nil {
		l.head = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		l.tail = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.home, c.prev, c.next = nil, nil, nil
	l.n--
}

// A door is a listener whose connections are counted.
type door struct {
	net.Listener
	Door
	s *Server
}

// Accept returns the next connection there is room for. It never waits for one it refuses.
func (d *door) Accept() (net.Conn, error) {
	for {
		raw, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: raw, door: d}
		evicted, ok := d.s.conns.admit(c)
		if evicted != nil {
			evicted.shut()
		}
		if ok {
			return c, nil
		}
		refuse(raw)
	}
}

const refusal = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n" +
	"Retry-After: 10\r\nConnection: close\r\nContent-Length: 21\r\n\r\ntoo many connections\n"

// refusing bounds how many refused connections are seen off at a time: they come on top of those counted.
var refusing = make(chan struct{}, 32)

// refuse says 503 and closes. A socket closed while the peer's request is on its way is reset, and the answer lost, so a few at
// a time are given half a second to read it; in a flood the rest are just closed.
func refuse(raw net.Conn) {
	select {
	case refusing <- struct{}{}:
	default:
		raw.SetWriteDeadline(time.Now().Add(time.Millisecond))
		raw.Write([]byte(refusal)) // fits any empty socket buffer; whether it arrives is the peer's luck
		raw.Close()
		return
	}
	go func() {
		defer func() { <-refusing }()
		raw.SetWriteDeadline(time.Now().Add(time.Second / 2))
		raw.Write([]byte(refusal))
		seeOff(raw)
	}()
}

// seeOff closes a connection after its last answer, giving the peer half a second to read it. What it still sends is
// dropped, at most 64 KiB.
func seeOff(c net.Conn) {
	defer c.Close()
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	c.SetReadDeadline(time.Now().Add(time.Second / 2))
	var sink [512]byte
	for range 128 {
		if _, err := c.Read(sink[:]); err != nil {
			return
		}
	}
}
