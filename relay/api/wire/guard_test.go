package wire

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestGuard_Host(t *testing.T) {
	for _, tt := range []struct {
		host string
		want int
	}{
		{"localhost", 200},
		{"LocalHost:8080", 200},
		{"a.localhost", 200},
		{"127.0.0.1", 200},
		{"192.168.1.7:8080", 200},
		{"[::1]", 200},
		{"[::1]:8080", 200},
		{"abc.onion", 200},
		{"sub.abc.onion:80", 200},
		{"relay.example", 200},
		{"Relay.Example.:443", 200},
		{"", 421},
		{"evil.example", 421},
		{"relay.example.evil.example", 421},
		{"evilrelay.example", 421},
		{"evillocalhost", 421},
		{"onion", 421},
		{"abc.onion.example", 421},
		{"127.0.0.1.example", 421},
		{"127.1", 421},
	} {
		r := &http.Request{Host: tt.host, Header: http.Header{}}
		if got := guarded(t, Guard{Names: []string{"relay.example"}}, r); got != tt.want {
			t.Errorf("Host %q: got %d, want %d", tt.host, got, tt.want)
		}
	}
}

func TestGuard_Origin(t *testing.T) {
	for _, tt := range []struct {
		origin string
		want   int
	}{
		{"http://localhost:8080", 200},
		{"HTTP://LOCALHOST:8080", 200},
		{"https://app.example", 200},
		{"null", 403},
		{"", 403},
		{"https://localhost:8080", 403},
		{"http://localhost", 403},
		{"http://localhost:8081", 403},
		{"http://127.0.0.1:8080", 403},
		{"http://app.example", 403},
		{"https://app.example.evil.example", 403},
		{"https://evil.example", 403},
	} {
		g := Guard{Origins: func(*http.Request) []string { return []string{"https://app.example", "null"} }}
		r := &http.Request{Host: "localhost:8080", Header: http.Header{"Origin": {tt.origin}}}
		if got := guarded(t, g, r); got != tt.want {
			t.Errorf("Origin %q: got %d, want %d", tt.origin, got, tt.want)
		}
	}
}

func TestGuard_OriginEdges(t *testing.T) {
	r := &http.Request{Host: "abc.onion:80", Header: http.Header{"Origin": {"http://abc.onion"}}}
	if got := guarded(t, Guard{}, r); got != 200 {
		t.Errorf("own origin without its port: %d", got)
	}
	r.Header["Origin"] = []string{"http://abc.onion", "http://evil.example"}
	if got := guarded(t, Guard{}, r); got != 403 {
		t.Errorf("two origins: %d", got)
	}
}

// guarded is the status a request gets that a handler would answer with 200.
func guarded(t *testing.T, g Guard, r *http.Request) int {
	t.Helper()
	w := &plainWriter{header: http.Header{}}
	g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) })).ServeHTTP(w, r)
	if w.status != 200 && (strings.Count(w.body, "\n") != 1 || w.header.Get("Content-Type") != textPlain) {
		t.Errorf("refusal is not one line of plain text: %q", w.body)
	}
	return w.status
}

type plainWriter struct {
	header http.Header
	status int
	body   string
}

func (w *plainWriter) Header() http.Header         { return w.header }
func (w *plainWriter) WriteHeader(status int)      { w.status = status }
func (w *plainWriter) Write(b []byte) (int, error) { w.body += string(b); return len(b), nil }

// At the outside edge, on both sockets, upgrades too.
func TestServer_TurnsForeignPagesAway(t *testing.T) {
	s := serveTest(t, echo, ServeOptions{
		Names:   []string{"relay.example"},
		Origins: func(r *http.Request) []string { return []string{"https://app.example"} },
	}, Door{})
	s.each(func(t *testing.T, a net.Addr) {
		for _, tt := range []struct {
			head string
			want int
		}{
			{"Host: relay.example", 200},
			{"Host: evil.example", 421},
			{"Host: relay.example\r\nOrigin: https://app.example", 200},
			{"Host: relay.example\r\nOrigin: null", 403},
			{"Host: relay.example\r\nOrigin: https://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket", 403},
			{"Host: evil.example\r\nOrigin: http://evil.example", 421},
		} {
			c := s.call(a)
			c.send("GET / HTTP/1.1\r\n" + tt.head + "\r\n\r\n")
			if resp, _ := c.answer(); resp.StatusCode != tt.want {
				t.Errorf("%q: got %d, want %d", tt.head, resp.StatusCode, tt.want)
			}
		}
	})
}

func TestServer_ExpectationFailedNamesNoClock(t *testing.T) {
	s := serveTest(t, echo, ServeOptions{}, Door{})
	c := s.call(s.tcp)
	c.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\nContent-Length: 2\r\n\r\nhi")
	if resp, _ := c.answer(); resp.StatusCode != http.StatusExpectationFailed || resp.Header["Date"] != nil {
		t.Errorf("%d, %v", resp.StatusCode, resp.Header)
	}
	c = s.call(s.tcp)
	c.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	if line, _ := c.in.ReadString('\n'); !strings.Contains(line, "100") {
		t.Errorf("100-continue: %q", line)
	}
	c.in.ReadString('\n')
	c.send("hi")
	c.in = bufio.NewReader(c.in)
	c.want(200, "hi")
}
