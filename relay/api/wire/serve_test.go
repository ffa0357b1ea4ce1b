package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A served is a Server under test, on a TCP and a unix socket.
type served struct {
	*Server
	t         *testing.T
	tcp, unix net.Addr
}

// serveTest serves h on both kinds of socket, and checks at the end that everything ends.
func serveTest(t *testing.T, h http.Handler, o ServeOptions, d Door) *served {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unix, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	s := &served{Server: NewServer(h, o), t: t, tcp: tcp.Addr(), unix: unix.Addr()}
	ended := make(chan error, 2)
	go func() { ended <- s.Serve(unix) }()
	go func() { ended <- s.ServeDoor(tcp, d) }()
	t.Cleanup(func() {
		s.Shutdown(context.Background())
		for range 2 {
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("Serve returned %v", err)
			}
		}
		if n := s.Conns(); n != 0 {
			t.Errorf("%d connections left after Shutdown", n)
		}
	})
	return s
}

// A caller is one raw connection to a server. Everything on it is over within seconds, or the test fails.
type caller struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

func (s *served) call(a net.Addr) *caller {
	s.t.Helper()
	c, err := net.Dial(a.Network(), a.String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &caller{c, s.t, bufio.NewReader(c)}
}

func (c *caller) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// get sends a plain request.
func (c *caller) get(path string) {
	c.t.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

// answer reads one answer whole.
func (c *caller) answer() (*http.Response, string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatalf("answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("answer's body: %v", err)
	}
	return resp, string(body)
}

func (c *caller) want(status int, body string) *http.Response {
	c.t.Helper()
	resp, got := c.answer()
	if resp.StatusCode != status || got != body {
		c.t.Fatalf("got %d %q, want %d %q", resp.StatusCode, got, status, body)
	}
	return resp
}

// closed waits for the server to close, and reports how long that took.
func (c *caller) closed() time.Duration {
	c.t.Helper()
	start := time.Now()
	if n, err := io.Copy(io.Discard, c.in); n != 0 || isTimeout(err) {
		c.t.Fatalf("connection not closed: %d more bytes, %v", n, err)
	}
	return time.Since(start)
}

// each runs f on both sockets; callers made in it end with it.
func (s *served) each(f func(t *testing.T, a net.Addr)) {
	whole := s.t
	defer func() { s.t = whole }()
	for _, a := range []net.Addr{s.tcp, s.unix} {
		whole.Run(a.Network(), func(t *testing.T) {
			s.t = t
			f(t, a)
		})
	}
}

var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Write(b)
})

// quick are options whose timeouts a test can wait for.
var quick = ServeOptions{HeaderTimeout: 200 * time.Millisecond, Patience: 300 * time.Millisecond, IdleTimeout: 10 * time.Second}

func TestServer_AnswersNameNoClockAndNoSoftware(t *testing.T) {
	s := serveTest(t, echo, ServeOptions{}, Door{})
	s.each(func(t *testing.T, a net.Addr) {
		c := s.call(a)
		for range 2 {
			c.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
			resp := c.want(200, "hi")
			for _, name := range []string{"Date", "Server"} {
				if resp.Header.Values(name) != nil {
					t.Errorf("%s: %s", name, resp.Header.Get(name))
				}
			}
		}
		c.send("OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n")
		if resp, _ := c.answer(); resp.StatusCode != 421 || resp.Header["Date"] != nil {
			t.Errorf("OPTIONS *: %d, %v", resp.StatusCode, resp.Header)
		}
	})
}

func TestServer_SlowHeaderIsCutOff(t *testing.T) {
	s := serveTest(t, echo, quick, Door{})
	s.each(func(t *testing.T, a net.Addr) {
		c := s.call(a)
		c.send("GET / HTTP/1.1\r\nHost: loc")
		if d := c.closed(); d > 5*time.Second {
			t.Errorf("cut off after %v", d)
		}
		s.call(a).closed() // nothing said at all
	})
}

func TestServer_LargeHeaderIsRefused(t *testing.T) {
	s := serveTest(t, echo, ServeOptions{}, Door{})
	c := s.call(s.tcp)
	c.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 21<<10) + "\r\n\r\n")
	if resp, _ := c.answer(); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestServer_SlowBodyIsCutOff(t *testing.T) {
	failed := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		failed <- err
	})
	s := serveTest(t, h, quick, Door{})
	s.each(func(t *testing.T, a net.Addr) {
		for _, head := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked"} {
			c := s.call(a)
			c.send("POST / HTTP/1.1\r\nHost: localhost\r\n" + head + "\r\n\r\n3\r\nabc\r\n")
			if err := <-failed; !isTimeout(err) {
				t.Errorf("%s: handler got %v, want a timeout", head, err)
			}
		}
	})
}

// A body that drips faster than it may stand still is cut off all the same: it makes less than the rate.
func TestServer_DrippingBodyIsCutOff(t *testing.T) {
	failed := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		failed <- err
	})
	s := serveTest(t, h, quick, Door{})
	c := s.call(s.tcp)
	c.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
	drip := time.NewTicker(20 * time.Millisecond)
	defer drip.Stop()
	for deadline := time.After(10 * time.Second); ; {
		select {
		case err := <-failed:
			if !isTimeout(err) {
				t.Errorf("handler got %v, want a timeout", err)
			}
			return
		case <-deadline:
			t.Fatal("still dripping")
		case <-drip.C:
			c.Write([]byte{'x'}) // fails once cut off
		}
	}
}

// The body's deadline ends with the body: a handler may then take its time.
func TestServer_SlowHandlerIsNotCutOff(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		select {
		case <-time.After(3 * quick.Patience):
			w.Write(b)
		case <-r.Context().Done():
			w.WriteHeader(500)
		}
	})
	s := serveTest(t, h, quick, Door{})
	c := s.call(s.tcp)
	for range 2 {
		c.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi")
		c.want(200, "hi")
	}
}

func TestServer_ReaderThatDoesNotReadIsCutOff(t *testing.T) {
	failed := make(chan error, 1)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		big := make([]byte, 4<<20)
		var err error
		for err == nil { // the kernel's buffers take the first few
			_, err = w.Write(big)
		}
		failed <- err
	})
	s := serveTest(t, h, ServeOptions{Patience: 200 * time.Millisecond, Rate: 1 << 20}, Door{})
	s.each(func(t *testing.T, a net.Addr) {
		c := s.call(a)
		c.get("/")
		if err := <-failed; !isTimeout(err) {
			t.Errorf("handler got %v, want a timeout", err)
		}
		if _, err := io.Copy(io.Discard, c); isTimeout(err) {
			t.Error("connection not closed")
		}
	})
}

func TestServer_ShutdownFinishesWhatRuns(t *testing.T) {
	running, finish := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(running)
		<-finish
		w.Write([]byte("done"))
	})
	s := serveTest(t, h, ServeOptions{Grace: 20 * time.Second}, Door{})
	c, silent, slow := s.call(s.tcp), s.call(s.tcp), s.call(s.tcp)
	slow.send("GET / HT")
	c.get("/")
	<-running
	down := make(chan error)
	go func() { down <- s.Shutdown(context.Background()) }()
	silent.closed() // neither has a request to finish
	slow.closed()
	close(finish)
	c.want(200, "done")
	if err := <-down; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if _, err := net.Dial("tcp", s.tcp.String()); err == nil {
		t.Error("still accepting")
	}
}

func TestServer_ShutdownDoesNotWaitForEver(t *testing.T) {
	running := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(running)
		<-r.Context().Done()
	})
	s := serveTest(t, h, ServeOptions{Grace: 100 * time.Millisecond}, Door{})
	c := s.call(s.unix)
	c.get("/")
	<-running
	start := time.Now()
	if err := s.Shutdown(context.Background()); err == nil {
		t.Error("Shutdown says all was well")
	}
	if d := time.Since(start); d > 4*time.Second {
		t.Errorf("Shutdown took %v", d)
	}
	c.closed()
}

func TestServer_DoorsHaveTheirOwnHandlers(t *testing.T) {
	other := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("other")) })
	s := serveTest(t, echo, ServeOptions{}, Door{Handler: other})
	c := s.call(s.tcp)
	c.get("/")
	c.want(200, "other")
	c = s.call(s.unix)
	c.get("/")
	c.want(200, "")
}

func TestServer_TroublesAreCountedNotTold(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic("secret") })
	s := serveTest(t, h, ServeOptions{}, Door{})
	c := s.call(s.tcp)
	c.get("/")
	c.closed()
	if s.Troubles() == 0 {
		t.Error("a panic went unnoticed")
	}
}

// An answer that is larger than net/http's buffer arrives whole, however it is
// written, and in one packet if it is a small one.
func TestServer_LargeAnswers(t *testing.T) {
	s := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var size, part int
		fmt.Sscanf(r.URL.Path, "/%d/%d", &size, &part)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		for n := 0; n < size; n += part {
			w.Write(bytes.Repeat([]byte{'a' + byte(n/part%26)}, min(part, size-n)))
		}
	}), ServeOptions{}, Door{})
	for _, c := range [][2]int{{1, 1}, {2048, 2048}, {4000, 4000}, {4095, 4095}, {4096, 4096}, {5000, 5000}, {5000, 4200}, {10_000, 10_000}, {100_000, 100_000}, {100_000, 4100}, {100_000, 900}} {
		size, part := c[0], c[1]
		var want strings.Builder
		for n := 0; n < size; n += part {
			want.WriteString(strings.Repeat(string(rune('a'+n/part%26)), min(part, size-n)))
		}
		if _, got := get(t, "GET", fmt.Sprintf("http://%s/%d/%d", s.tcp, size, part), nil); got != want.String() {
			t.Errorf("%d bytes in parts of %d: got %d", size, part, len(got))
		}
	}
}
