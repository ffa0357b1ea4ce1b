package wire

import (
	"net"
	"net/http"
	"testing"
	"time"
)

// lobby knows callers who ask for /known.
var lobby = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/known" {
		connOf(r).markKnown()
	}
	w.Write([]byte("ok"))
})

func (c *caller) visit(path string) {
	c.t.Helper()
	c.get(path)
	c.want(200, "ok")
}

// Beyond a quarter of the slots the stranger that was silent longest goes; who authenticated stays.
func TestConns_LongestSilentStrangerGoesFirst(t *testing.T) {
	s := serveTest(t, lobby, ServeOptions{Conns: 12}, Door{})
	s.each(func(t *testing.T, a net.Addr) {
		known := s.call(a)
		known.visit("/known")
		var strangers []*caller
		for range 3 {
			c := s.call(a)
			c.visit("/")
			strangers = append(strangers, c)
		}
		strangers[0].visit("/") // now strangers[1] is silent longest
		fresh := s.call(a)
		fresh.visit("/")
		strangers[1].closed()
		for _, c := range []*caller{known, strangers[0], strangers[2], fresh} {
			c.visit("/")
		}
		for _, c := range []*caller{known, strangers[0], strangers[2], fresh} {
			c.Close()
		}
		waitFor(t, func() bool { return s.Conns() == 0 })
	})
}

// When all slots are taken by known callers the newcomer is told so, and Accept goes on.
func TestConns_FullOfKnownRefusesWith503(t *testing.T) {
	s := serveTest(t, lobby, ServeOptions{Conns: 4}, Door{})
	var known []*caller
	for range 4 {
		c := s.call(s.tcp)
		c.visit("/known")
		known = append(known, c)
	}
	s.each(func(t *testing.T, a net.Addr) {
		for range 40 { // more than are seen off at a time: nobody waits for them
			late := s.call(a)
			defer late.Close()
		}
		waitFor(t, func() bool { return len(refusing) < cap(refusing) })
		late := s.call(a) // asks nothing: the refusal does not wait for a request, and may be quicker than one
		resp := late.want(503, "too many connections\n")
		if resp.Header.Get("Retry-After") == "" || !resp.Close {
			t.Errorf("refusal: %v", resp.Header)
		}
	})
	known[3].visit("/")
	known[0].Close()
	waitFor(t, func() bool { return s.Conns() == 3 })
	c := s.call(s.unix)
	c.visit("/known")
	if n := s.Conns(); n != 4 {
		t.Errorf("%d connections, want 4", n)
	}
}

// A waiter that authenticated is not evicted, one that did not is, and is done.
func TestConns_ParkedStrangersCanGo(t *testing.T) {
	b := newBell()
	s := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			connOf(r).markKnown()
		}
		b.wait(w, r, 9)
	}), ServeOptions{Conns: 4}, Door{})
	b.s = s.Server
	known := s.call(s.tcp)
	known.send("PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-b.parked
	stranger := s.call(s.tcp)
	stranger.get("/")
	<-b.parked
	s.call(s.tcp)
	stranger.closed()
	<-b.done
	b.set(10)
	known.want(200, "10")
}

func TestConns_DefaultFitsTheMachine(t *testing.T) {
	if n := maxConns(); n < 16 || n > 16384 {
		t.Errorf("default of %d connections", n)
	}
}

// waitFor waits for what has no signal of its own: the server noticing that a caller is gone.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}
