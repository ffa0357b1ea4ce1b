package wire

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// idlers are callers who have their answer, and have not asked again.
func idlers(s *served, b *bell, a net.Addr, n int) (callers []*caller) {
	s.t.Helper()
	b.timeout = time.Millisecond
	already := s.idling()
	for range n {
		c := s.call(a)
		c.get("/9")
		c.want(200, "nothing")
		callers = append(callers, c)
	}
	waitFor(s.t, func() bool { return s.idling() == already+n })
	return callers
}

// idling counts the connections of idlers.
func (s *served) idling() (n int) {
	s.conns.mu.Lock()
	defer s.conns.mu.Unlock()
	for c := range s.conns.all() {
		if c.asleep != nil {
			if _, ok := c.asleep.owner.(*idle); ok {
				n++
			}
		}
	}
	return n
}

// Whoever hangs up between two requests frees his place at once.
func TestIdle_HangUpFreesTheConnection(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	s.each(func(t *testing.T, a net.Addr) {
		for _, hangUp := range hangUps(a) {
			for _, c := range idlers(s, b, a, 20) {
				hangUp(c.Conn)
			}
			waitFor(t, func() bool { return s.Conns() == 0 && lying(s) == 0 })
		}
	})
}

func TestIdle_ShutdownClosesThem(t *testing.T) {
	s, b := parkTest(t, ServeOptions{Grace: 20 * time.Second})
	callers := append(idlers(s, b, s.tcp, 50), idlers(s, b, s.unix, 50)...)
	start := time.Now()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("Shutdown took %v", d)
	}
	for _, c := range callers {
		c.closed()
	}
	waitFor(t, func() bool { return lying(s) == 0 })
}

// Who has his answer just when the server shuts down does not lie down any more.
func TestIdle_NotOnceShutdownHasBegun(t *testing.T) {
	answered := make(chan struct{})
	var s *served
	s = serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Park(w, r, &Wait{
			Until: time.Now(), Arm: func(func()) {}, Done: func() {},
			Sent: func(error) { answered <- struct{}{}; <-s.Quiet() },
		})
	}), ServeOptions{Grace: 20 * time.Second}, Door{})
	c := s.call(s.tcp)
	c.get("/")
	<-answered
	start := time.Now()
	if err := s.Shutdown(context.Background()); err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("Shutdown: %v after %v", err, time.Since(start))
	}
	c.want(200, "")
	c.closed()
}

// The stranger that was silent longest makes room, though he sleeps, and is closed at once.
func TestIdle_LongestSilentStrangerGoesFirst(t *testing.T) {
	s, b := parkTest(t, ServeOptions{Conns: 12})
	s.each(func(t *testing.T, a net.Addr) {
		strangers := idlers(s, b, a, 3)
		strangers[0].get("/9")
		strangers[0].want(200, "nothing") // now strangers[1] is silent longest
		waitFor(t, func() bool { return s.idling() == 3 })
		fresh := s.call(a)
		fresh.get("/9")
		fresh.want(200, "nothing")
		strangers[1].closed()
		left := []*caller{strangers[0], strangers[2], fresh}
		for _, c := range left {
			c.get("/9")
			c.want(200, "nothing")
		}
		waitFor(t, func() bool { return s.idling() == 3 && lying(s) <= 3 })
		for _, c := range left {
			c.Close()
		}
		waitFor(t, func() bool { return s.Conns() == 0 })
	})
}

// Bytes are handed back whole, whenever they come.
func TestIdle_NextRequestByteByByte(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	s.each(func(t *testing.T, a net.Addr) {
		for _, c := range idlers(s, b, a, 30) {
			for _, sent := range []byte("POST /3 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx") {
				c.send(string(sent))
			}
			c.want(200, "")
			c.get("/7")
			c.want(200, "nothing")
			c.Close()
		}
		waitFor(t, func() bool { return s.Conns() == 0 })
	})
}

// Callers come, poll, ask, stop in the middle and go, push each other out of too few places, and the server is shut down under
// them: each answer is the right one or none, and nothing is left.
func TestIdle_StormAndShutdown(t *testing.T) {
	for round := range uint64(3) {
		s, b := parkTest(t, ServeOptions{Conns: 160, IdleTimeout: 5 * time.Millisecond})
		b.timeout = time.Millisecond
		var callers sync.WaitGroup
		for i := range uint64(60) {
			rnd := rand.New(rand.NewPCG(round, i))
			callers.Go(func() {
				for s.storm(t, rnd) {
				}
			})
		}
		for range 2000 {
			<-b.done
			b.set(0) // rings, and there is nothing
		}
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		callers.Wait()
		waitFor(t, func() bool { return lying(s) == 0 })
	}
}

// storm is one caller's connection. It reports whether the server was there.
func (s *served) storm(t *testing.T, rnd *rand.Rand) bool {
	a := []net.Addr{s.tcp, s.unix}[rnd.IntN(2)]
	nc, err := net.Dial(a.Network(), a.String())
	if err != nil {
		return false
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(nc)
	for range rnd.IntN(10) {
		req := "GET /9 HTTP/1.1\r\nHost: localhost\r\n\r\n"
		cut := rnd.IntN(len(req))
		io.WriteString(nc, req[:cut])
		if rnd.IntN(8) == 0 {
			break
		}
		io.WriteString(nc, req[cut:]) // a server that has closed is met when reading
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			if isTimeout(err) {
				t.Error("neither answered nor closed")
			}
			break
		}
		if resp.StatusCode == http.StatusServiceUnavailable {
			break // no room
		}
		if body, err := io.ReadAll(resp.Body); err == nil && (resp.StatusCode != http.StatusOK || string(body) != "nothing") {
			t.Errorf("got %s %q", resp.Status, body)
		}
	}
	return true
}
