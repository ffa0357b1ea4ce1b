package wire

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
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
	// Fail renders an error of Check. Nil: as the row that returned the wait, or 500 and no more.
	Fail func(err error) (status int, body []byte)

	row    waitingRow // what returned it, if a row did: renders errors that Fail does not
	parked parked     // once it is: a part of it, as many wait
}

// Park answers a request when its wait is over, and returns at once if it can: the connection is taken from net/http, waits in
// an epoll set or, where there is none, with one small goroutine (a tenth or a fifth of what a blocked handler costs), is answered
// by hand, sleeps again in the same way, and is handed back when the next request comes. Headers set on w go into that answer. A connection that cannot be taken over waits right here.
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
	p := &wt.parked
	*p = parked{sleeper: sleeper{c: c, until: wt.Until, owner: p}, wt: wt, extra: extra}
	p.last = r.Close || !r.ProtoAtLeast(1, 1)
	if buf.Reader.Buffered() > 0 {
		p.last, p.rung = true, true // pipelined: one look, and good-bye
	}
	p.begin(s)
}

// parked is a Wait on a hijacked connection.
type parked struct {
	sleeper
	wt    *Wait
	extra []byte // header lines set before parking
	last  bool   // the connection closes after this answer
}

// begin may be rung before the first sleep, which then is short.
func (p *parked) begin(s *Server) {
	if !s.conns.lie(p.c, &p.sleeper) { // else Shutdown may stop it from here on
		p.stop()
	}
	p.wt.Arm(p.ring)
	p.rest()
}

// wake finds out why the sleep ended.
func (p *parked) wake(n int, err error) {
	rung, stopped, due := p.risen()
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
	if !ready && !p.last && !due {
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
	switch {
	case wt.Fail != nil:
		return wt.Fail(err)
	case wt.row.op != nil:
		return wt.row.fail(err)
	}
	return http.StatusInternalServerError, nil
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
	p.c.door.s.conns.rise(p.c)
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
	switch {
	case err != nil:
		s.conns.rise(c)
		c.Close()
	case p.last:
		s.conns.rise(c)
		seeOff(c)
	default:
		c.linger()
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
