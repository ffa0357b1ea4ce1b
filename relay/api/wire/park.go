package wire

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Wait is one request waiting for something to happen. Whoever fills it has begun to watch before looking, looked, and
// found nothing; its functions must not hold on to the request or its context, which are over once it is parked.
type Wait struct {
	// Until is when the wait ends with Empty.
	Until time.Time
	// Arm connects the bell. It is called once; ring may be called during it and after, by any goroutine, any number of
	// times, also after Done. What rang between the first look and Arm must ring in Arm. ring does not block.
	Arm func(ring func())
	// Check looks again, on a goroutine of its own waiter, after each ring. Not ready: the wait goes on.
	Check func() (body []byte, ready bool, err error)
	// Empty is the body when time is out and at shutdown.
	Empty []byte
	// ContentType of all bodies; plain text if empty.
	ContentType string
	// Done is called exactly once, when the outcome is known and before it is written, or when the caller hung up: it lets
	// go of the watch and of the waiter's slot.
	Done func()
	// Sent, if set, is called once when an answer has been written, or could not be; never for a caller who hung up.
	Sent func(err error)
	// Fail renders an error of Check. Nil: 500 and no more.
	Fail func(err error) (status int, body []byte)
}

// Park answers a request when its wait is over, and returns at once if it can: the connection is taken from net/http, waits in
// an epoll set or, where there is none, with one small goroutine (a tenth or a fifth of what a blocked handler costs), is answered
// by hand and handed back when the next request comes. Headers set on w go into that answer. A connection that cannot be taken over waits right here.
//
// The request's body must have been read. A caller who hangs up or closes its sending half is gone at once; one who sends the next
// request while waiting gets its empty answer, and the connection is closed.
func (s *Server) Park(w http.ResponseWriter, r *http.Request, wt *Wait) {
	c := connOf(r)
	if s == nil || c == nil || c.door.s != s {
		s.block(w, r, wt)
		return
	}
	if r.Body != nil {
		r.Body.Read(make([]byte, 1)) // a decoder may stop just short of EOF
	}
	extra := extraHeaders(w.Header())
	_, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.block(w, r, wt)
		return
	}
	p := &parked{c: c, wt: wt, extra: extra, last: r.Close || !r.ProtoAtLeast(1, 1)}
	if buf.Reader.Buffered() > 0 {
		p.last, p.rung = true, true // pipelined: one look, and good-bye
	}
	p.begin(s)
}

// parked is a Wait on a hijacked connection. At any time at most one goroutine works on it; ring and stop come from others.
type parked struct {
	c     *conn
	wt    *Wait
	extra []byte // header lines set before parking
	last  bool   // the connection closes after this answer

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

// begin may be rung before the first sleep, which then is short.
func (p *parked) begin(s *Server) {
	p.stopped = !s.conns.park(p.c, p)
	p.wt.Arm(p.ring)
	p.rest()
}

// ring wakes the sleeper. After the wait it moves nothing: the deadline is somebody else's by then.
func (p *parked) ring() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.rung {
		p.rung = true
		p.wakeLocked()
	}
}

// stop ends the wait with its empty answer.
func (p *parked) stop() { p.note(&p.stopped) }

// timeUp ends it so, too.
func (p *parked) timeUp() { p.note(&p.due) }

// hear says that the connection has something to read, or is closed.
func (p *parked) hear() { p.note(&p.heard) }

func (p *parked) note(what *bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*what = true
	p.wakeLocked()
}

func (p *parked) wakeLocked() {
	switch {
	case !p.asleep:
	case p.watched:
		p.asleep = false // the first to come wakes it, and once
		go p.roused()
	default:
		p.c.Conn.SetReadDeadline(time.Unix(1, 0))
	}
}

// rest goes to sleep.
func (p *parked) rest() {
	if !p.watch() {
		p.settle()
		go p.sleep()
	}
}

// roused follows a sleep in the set. What was announced there is read, without waiting for it.
func (p *parked) roused() {
	p.mu.Lock()
	heard := p.heard
	p.heard = false
	p.mu.Unlock()
	n, err := 0, error(os.ErrDeadlineExceeded)
	if heard {
		p.c.Conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err = p.c.Conn.Read(p.c.one[:])
	}
	p.wake(n, err)
}

// settle prepares for sleep, with a deadline already past if there is something to do.
func (p *parked) settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asleep = true
	p.c.Conn.SetReadDeadline(p.wt.Until)
	if p.rung || p.stopped {
		p.wakeLocked()
	}
}

// sleep blocks in a read of one byte, which ends by ring, time, hang-up or a pipelined request. Nothing else happens on this
// goroutine, so its stack stays as small as stacks are; a fresh one does the rest.
func (p *parked) sleep() {
	n, err := p.c.Conn.Read(p.c.one[:])
	go p.wake(n, err)
}

// wake finds out why the sleep ended.
func (p *parked) wake(n int, err error) {
	p.mu.Lock()
	p.asleep = false
	rung, stopped, due := p.rung, p.stopped, p.due
	p.rung = false
	p.mu.Unlock()
	switch {
	case n > 0: // the byte is lost, and with it the connection
		p.last = true
	case !isTimeout(err):
		p.hangUp()
		return
	}
	p.last = p.last || stopped
	status, body, ready := http.StatusOK, p.wt.Empty, false
	if rung && !stopped {
		status, body, ready = p.look()
	}
	if !ready && !p.last && !due && time.Now().Before(p.wt.Until) {
		p.rest()
		return
	}
	p.answer(status, body)
}

// look runs Check. A panic there is an error like any other: nothing above this goroutine would catch it.
func (p *parked) look() (status int, body []byte, ready bool) {
	defer func() {
		if recover() != nil {
			p.c.door.s.troubles.Add(1)
			status, body, ready = http.StatusInternalServerError, nil, true
		}
	}()
	body, ready, err := p.wt.Check()
	if err != nil {
		status, body = p.wt.fail(err)
		return status, body, true
	}
	if !ready {
		body = p.wt.Empty
	}
	return http.StatusOK, body, ready
}

func (wt *Wait) fail(err error) (int, []byte) {
	if wt.Fail == nil {
		return http.StatusInternalServerError, nil
	}
	return wt.Fail(err)
}

func (wt *Wait) sent(err error) {
	if wt.Sent != nil {
		wt.Sent(err)
	}
}

func (wt *Wait) contentType() string {
	if wt.ContentType == "" {
		return textPlain
	}
	return wt.ContentType
}

// hangUp ends a wait whose caller is gone.
func (p *parked) hangUp() {
	p.unwatch()
	p.wt.Done()
	p.c.door.s.conns.unpark(p.c)
	p.c.Close()
}

// answer writes the outcome and lets the connection live on or closes it.
func (p *parked) answer(status int, body []byte) {
	p.unwatch()
	p.wt.Done()
	s, c := p.c.door.s, p.c
	msg := p.render(status, body)
	pc := pace{patience: s.o.Patience, rate: s.o.Rate}
	c.Conn.SetReadDeadline(time.Time{})
	err := pc.write(c.Conn, msg)
	p.wt.sent(err)
	alive := s.conns.unpark(c)
	switch {
	case err != nil:
		c.Close()
	case p.last:
		seeOff(c)
	case !alive:
		c.Close()
	default:
		go c.linger()
	}
}

func (p *parked) render(status int, body []byte) []byte {
	msg := make([]byte, 0, 160+len(p.extra)+len(body))
	msg = fmt.Appendf(msg, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n",
		status, http.StatusText(status), p.wt.contentType(), len(body))
	if p.last {
		msg = append(msg, "Connection: close\r\n"...)
	}
	msg = append(msg, p.extra...)
	msg = append(msg, "\r\n"...)
	return append(msg, body...)
}

// linger waits for the next request and hands the connection back with its first byte: net/http gives a connection it is
// given as new only its header timeout, so an idle one must not come back.
func (c *conn) linger() {
	s := c.door.s
	c.Conn.SetReadDeadline(time.Now().Add(s.o.IdleTimeout))
	if n, _ := c.Conn.Read(c.one[:]); n == 0 {
		c.Close()
		return
	}
	c.Conn.SetDeadline(time.Time{})
	c.first = true
	s.back.give(c)
}

// block waits on the handler's own goroutine.
func (s *Server) block(w http.ResponseWriter, r *http.Request, wt *Wait) {
	status, body, ok := s.blocked(r, wt)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", wt.contentType())
	w.WriteHeader(status)
	_, err := w.Write(body)
	wt.sent(err)
}

func (s *Server) blocked(r *http.Request, wt *Wait) (status int, body []byte, ok bool) {
	defer wt.Done()
	bell := make(chan struct{}, 1)
	out := time.NewTimer(time.Until(wt.Until))
	defer out.Stop()
	wt.Arm(func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	})
	for {
		select {
		case <-bell:
			body, ready, err := wt.Check()
			if err != nil {
				status, body = wt.fail(err)
				return status, body, true
			}
			if ready {
				return http.StatusOK, body, true
			}
		case <-out.C:
			return http.StatusOK, wt.Empty, true
		case <-s.Quiet():
			return http.StatusOK, wt.Empty, true
		case <-r.Context().Done():
			return 0, nil, false
		}
	}
}

// usual are the lines that were set last. Nearly all waiters have the same, and share them.
var usual atomic.Pointer[[]byte]

// extraHeaders renders what the handler set, without what every answer has anyway. Nobody may change it.
func extraHeaders(h http.Header) []byte {
	var lines []byte
	for _, name := range slices.Sorted(maps.Keys(h)) {
		values := h[name]
		if slices.Contains([]string{"Content-Type", "Content-Length", "Connection", "Date"}, name) {
			continue
		}
		for _, v := range values {
			lines = fmt.Appendf(lines, "%s: %s\r\n", name, headerLine.Replace(v))
		}
	}
	if last := usual.Load(); last != nil && bytes.Equal(*last, lines) {
		return *last
	}
	usual.Store(&lines)
	return lines
}
