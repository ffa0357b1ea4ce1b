package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A bell is a box with a number in it: waiters want one above what they have seen. It rings as the hub does: after the
// change, from the changer's goroutine.
type bell struct {
	s *Server

	mu    sync.Mutex
	n     int
	rings map[int]func()
	next  int

	done    chan struct{} // a token for each waiter that ended
	parked  chan struct{} // a token for each waiter armed
	undone  atomic.Int64
	timeout time.Duration
	fail    error
}

func newBell() *bell {
	return &bell{rings: map[int]func(){}, done: make(chan struct{}, 1<<16), parked: make(chan struct{}, 1<<16), timeout: time.Minute}
}

func (b *bell) set(n int) {
	b.mu.Lock()
	b.n = n
	var rings []func()
	for _, r := range b.rings {
		rings = append(rings, r)
	}
	b.mu.Unlock()
	for _, r := range rings {
		r()
	}
}

// ServeHTTP: POST /N raises the number to N; GET /N waits for a number above N.
func (b *bell) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	var seen int
	fmt.Sscanf(r.URL.Path, "/%d", &seen)
	if r.Method == "POST" {
		b.set(seen)
		return
	}
	b.wait(w, r, seen)
}

func (b *bell) look(seen int) ([]byte, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Appendf(nil, "%d", b.n), b.n > seen, b.fail
}

func (b *bell) wait(w http.ResponseWriter, r *http.Request, seen int) {
	b.undone.Add(1)
	b.mu.Lock()
	id := b.next
	b.next++
	b.mu.Unlock()
	b.s.Park(w, r, &Wait{
		Until: time.Now().Add(b.timeout),
		Arm: func(ring func()) {
			b.mu.Lock()
			b.rings[id] = ring
			b.mu.Unlock()
			ring() // it has not looked yet
			b.parked <- struct{}{}
		},
		Check: func() ([]byte, bool, error) { return b.look(seen) },
		Empty: []byte("nothing"),
		Done: func() {
			b.mu.Lock()
			delete(b.rings, id)
			b.mu.Unlock()
			b.undone.Add(-1)
			b.done <- struct{}{}
		},
	})
}

func parkTest(t *testing.T, o ServeOptions) (*served, *bell) {
	b := newBell()
	s := serveTest(t, b, o, Door{})
	b.s = s.Server
	t.Cleanup(func() {
		s.Shutdown(context.Background())
		if n := b.undone.Load(); n != 0 {
			t.Errorf("%d waiters more were begun than done", n)
		}
	})
	return s, b
}

// The race of ring and wait, on kept connections: every caller waits for the next number while the others race to set it.
func TestPark_RingsRacingWaitsOnKeptConnections(t *testing.T) {
	const callers, rounds = 200, 20
	s, b := parkTest(t, ServeOptions{})
	s.each(func(t *testing.T, a net.Addr) {
		b.set(0)
		var wg sync.WaitGroup
		ready := make(chan struct{}, callers)
		for range callers {
			c := s.call(a)
			wg.Go(func() {
				for n := range rounds {
					io.WriteString(c, fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n", n))
					ready <- struct{}{}
					resp, err := http.ReadResponse(c.in, nil)
					if err != nil {
						t.Errorf("round %d: %v", n, err)
						return
					}
					body, _ := io.ReadAll(resp.Body)
					if string(body) != fmt.Sprint(n+1) {
						t.Errorf("round %d: got %q", n, body)
						return
					}
					// A plain request on the same connection, in between.
					io.WriteString(c, "POST /0x HTTP/1.1\r\nHost: evil.example\r\n\r\n")
					if resp, err = http.ReadResponse(c.in, nil); err != nil || resp.StatusCode != 421 {
						t.Errorf("round %d, plain request: %v", n, err)
						return
					}
					io.Copy(io.Discard, resp.Body)
				}
			})
		}
		for n := range rounds {
			for range callers {
				select {
				case <-ready:
				case <-time.After(20 * time.Second):
					t.Fatalf("round %d stuck", n)
				}
			}
			b.set(n + 1) // most requests are under way, parking or parked
		}
		wg.Wait()
	})
}

func TestPark_TimeOutThenRequestLongAfter(t *testing.T) {
	s, b := parkTest(t, ServeOptions{HeaderTimeout: 50 * time.Millisecond, IdleTimeout: 20 * time.Second})
	b.timeout = 20 * time.Millisecond
	s.each(func(t *testing.T, a net.Addr) {
		c := s.call(a)
		c.get("/5")
		resp := c.want(200, "nothing")
		if resp.Header.Get("Content-Type") != textPlain || resp.Header["Date"] != nil || resp.Close {
			t.Errorf("answer by hand: %v, close %v", resp.Header, resp.Close)
		}
		time.Sleep(4 * s.o.HeaderTimeout) // the case itself: a pause that the header timeout must not end
		c.get("/5")
		c.want(200, "nothing")
	})
}

func TestPark_IdleAfterAnswerIsClosed(t *testing.T) {
	s, b := parkTest(t, ServeOptions{IdleTimeout: 50 * time.Millisecond})
	b.timeout = time.Millisecond
	c := s.call(s.tcp)
	c.get("/5")
	c.want(200, "nothing")
	c.closed()
}

func TestPark_SecondRequestInPieces(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	b.timeout = time.Millisecond
	s.each(func(t *testing.T, a net.Addr) {
		c := s.call(a)
		for range 10 {
			c.get("/5")
			c.want(200, "nothing")
			c.send("P")
			c.send("OST /3 HTTP/1.1\r\nHost: localhost\r\nContent-Le")
			c.send("ngth: 4\r\n\r\nbo")
			c.send("dy")
			c.want(200, "")
		}
	})
}

// A request sent while the first still waits ends the wait; the connection is closed, the answer arrives.
func TestPark_PipelinedIsAnsweredEmptyAndClosed(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	s.each(func(t *testing.T, a net.Addr) {
		for _, later := range []bool{false, true} {
			c := s.call(a)
			req := "GET /9 HTTP/1.1\r\nHost: localhost\r\n\r\n"
			if later {
				c.send(req)
				<-b.parked
				c.send(req)
			} else {
				c.send(req + req)
				<-b.parked
			}
			if resp := c.want(200, "nothing"); !resp.Close {
				t.Error("answer does not say that it closes")
			}
			c.closed()
			<-b.done
		}
	})
}

// hangUps are the ways in which a caller at an address may go.
func hangUps(a net.Addr) map[string]func(net.Conn) {
	ways := map[string]func(net.Conn){
		"close": func(c net.Conn) { c.Close() },
		"half":  func(c net.Conn) { c.(interface{ CloseWrite() error }).CloseWrite() },
	}
	if a.Network() == "tcp" {
		ways["reset"] = func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }
	}
	return ways
}

func TestPark_HangUpFreesTheWaiter(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	s.each(func(t *testing.T, a net.Addr) {
		for name, hangUp := range hangUps(a) {
			for range 50 {
				c := s.call(a)
				c.get("/9")
				<-b.parked
				hangUp(c.Conn)
				select {
				case <-b.done:
				case <-time.After(10 * time.Second):
					t.Fatalf("%s: waiter not freed", name)
				}
			}
		}
	})
}

func TestPark_ConnectionCloseAndHTTP10(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	b.timeout = time.Millisecond
	for _, req := range []string{
		"GET /5 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
		"GET /5 HTTP/1.0\r\nHost: localhost\r\n\r\n",
	} {
		c := s.call(s.tcp)
		c.send(req)
		if resp := c.want(200, "nothing"); !resp.Close {
			t.Error("answer does not say that it closes")
		}
		c.closed()
	}
}

func TestPark_ShutdownAnswersEveryWaiter(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	var callers []*caller
	for i := range 300 {
		c := s.call([]net.Addr{s.tcp, s.unix}[i%2])
		c.get("/9")
		callers = append(callers, c)
	}
	for range callers {
		<-b.parked
	}
	start := time.Now()
	if err := s.Shutdown(context.Background()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("Shutdown took %v", d)
	}
	for _, c := range callers {
		if resp := c.want(200, "nothing"); !resp.Close {
			t.Fatal("answer does not say that it closes")
		}
		c.closed()
	}
}

func TestPark_ErrorIsRendered(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	b.fail = errors.New("secret")
	c := s.call(s.tcp)
	for range 2 {
		c.get("/5")
		c.want(500, "")
	}
}

// handle serves one Wait made by f.
func handle(t *testing.T, f func() *Wait) *served {
	var s *served
	s = serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Family", "a\r\nb")
		s.Park(w, r, f())
	}), ServeOptions{}, Door{})
	return s
}

func TestPark_HeadersPanicsAndLateRings(t *testing.T) {
	bells := make(chan func(), 2)
	rung := func(ring func()) { bells <- ring; ring(); ring() }
	first := true
	s := handle(t, func() *Wait {
		wt := &Wait{Until: time.Now().Add(time.Minute), Arm: rung, Done: func() {}, ContentType: "a/b"}
		wt.Check = func() ([]byte, bool, error) { panic("secret") }
		if !first {
			wt.Check = func() ([]byte, bool, error) { return []byte("x"), true, nil }
		}
		first = false
		return wt
	})
	c := s.call(s.tcp)
	c.get("/")
	c.want(500, "")
	if s.Troubles() != 1 {
		t.Error("panic not counted")
	}
	late := <-bells
	late() // must not disturb whoever has the connection now
	c.get("/")
	late()
	resp := c.want(200, "x")
	if resp.Header.Get("Content-Type") != "a/b" || resp.Header.Get("X-Family") != "a  b" {
		t.Errorf("headers: %v", resp.Header)
	}
}

// A ring without news leaves the wait as it was.
func TestPark_SpuriousRings(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	c := s.call(s.tcp)
	c.get("/9")
	<-b.parked
	for range 100 {
		b.set(1)
	}
	b.set(10)
	c.want(200, "10")
}

// A reader that does not read its long answer holds a goroutine, for no longer than it may stand still.
func TestPark_ReaderThatDoesNotReadIsCutOff(t *testing.T) {
	big := []byte(strings.Repeat("x", 32<<20))
	var s *served
	s = serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Park(w, r, &Wait{Until: time.Now(), Arm: func(func()) {}, Empty: big, Done: func() {}})
	}), ServeOptions{Patience: 200 * time.Millisecond, Rate: 1 << 20}, Door{})
	c := s.call(s.unix)
	c.get("/")
	c.in.Peek(1) // the answer has begun
	for deadline := time.Now().Add(10 * time.Second); s.Conns() > 0; {
		if time.Now().After(deadline) {
			t.Fatal("connection still held")
		}
		time.Sleep(time.Millisecond)
	}
}

// Without a connection to take over, the handler's goroutine waits.
func TestPark_Blocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBell()
		run := func(ctx context.Context) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			b.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/9", nil))
			<-b.done
			return w
		}
		if w := run(t.Context()); w.Body.String() != "nothing" || w.Code != 200 {
			t.Errorf("time out: %d %q", w.Code, w.Body)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if w := run(ctx); w.Body.Len() != 0 {
			t.Errorf("hang-up: %q", w.Body)
		}
		go func() { <-b.parked; <-b.parked; <-b.parked; synctest.Wait(); b.set(10) }()
		if w := run(t.Context()); w.Body.String() != "10" {
			t.Errorf("ring: %q", w.Body)
		}
	})
}

// A wait hears that its answer went out, parked or not, and hears nothing when
// its caller hung up.
func TestPark_Sent(t *testing.T) {
	sent, done := make(chan error, 1), make(chan struct{}, 1)
	armed := make(chan struct{}, 1)
	wait := func(ready bool) *Wait {
		return &Wait{
			Until: time.Now().Add(time.Minute),
			Arm: func(ring func()) {
				armed <- struct{}{}
				if ready {
					ring()
				}
			},
			Check: func() ([]byte, bool, error) { return []byte("body"), true, nil },
			Done:  func() { done <- struct{}{} },
			Sent:  func(err error) { sent <- err },
		}
	}
	var s *Server
	bench := serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		s.Park(w, r, wait(r.URL.Path == "/ready"))
	}), ServeOptions{}, Door{})
	s = bench.Server
	c := bench.call(bench.tcp)
	c.get("/ready")
	c.answer()
	<-armed
	<-done
	if err := <-sent; err != nil {
		t.Errorf("parked: got %v", err)
	}
	c = bench.call(bench.tcp)
	c.get("/waits")
	<-armed
	c.Close()
	<-done
	if len(sent) != 0 {
		t.Error("a caller who hung up was sent something")
	}
	var none *Server
	none.Park(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil), wait(true))
	<-armed
	<-done
	if err := <-sent; err != nil {
		t.Errorf("not parked: got %v", err)
	}
}

// Where there is no epoll set a goroutine sleeps for each waiter, and all holds that holds with one.
func TestPark_WithGoroutines(t *testing.T) {
	was := goroutinesOnly
	goroutinesOnly = true
	defer func() { goroutinesOnly = was }()
	for _, c := range []struct {
		name string
		test func(*testing.T)
	}{
		{"RingsRacingWaits", TestPark_RingsRacingWaitsOnKeptConnections},
		{"TimeOut", TestPark_TimeOutThenRequestLongAfter},
		{"IdleAfterAnswer", TestPark_IdleAfterAnswerIsClosed},
		{"SecondRequest", TestPark_SecondRequestInPieces},
		{"Pipelined", TestPark_PipelinedIsAnsweredEmptyAndClosed},
		{"HangUp", TestPark_HangUpFreesTheWaiter},
		{"Close", TestPark_ConnectionCloseAndHTTP10},
		{"Shutdown", TestPark_ShutdownAnswersEveryWaiter},
		{"SpuriousRings", TestPark_SpuriousRings},
		{"StrangersCanGo", TestConns_ParkedStrangersCanGo},
		{"IdleHangUp", TestIdle_HangUpFreesTheConnection},
		{"IdleShutdown", TestIdle_ShutdownClosesThem},
		{"IdleNotAfterShutdown", TestIdle_NotOnceShutdownHasBegun},
		{"IdleStrangers", TestIdle_LongestSilentStrangerGoesFirst},
		{"IdleByteByByte", TestIdle_NextRequestByteByByte},
		{"IdleStorm", TestIdle_StormAndShutdown},
	} {
		t.Run(c.name, c.test)
	}
}

// A waiter whose connection is closed on our side is let go at once, not when its time is out.
func TestPark_ClosedOnOurSide(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	s.each(func(t *testing.T, a net.Addr) {
		c := s.call(a)
		c.get("/9")
		<-b.parked
		s.conns.sweep()
		select {
		case <-b.done:
		case <-time.After(10 * time.Second):
			t.Fatal("waiter not freed")
		}
		c.closed()
	})
}

// What comes one byte at a time to hundreds of waiters, while they are rung in vain, is each one's last request.
func TestPark_BytesRacingRings(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	stop := make(chan struct{})
	var ringing sync.WaitGroup
	ringing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				b.set(0) // rings, and there is nothing
			}
		}
	})
	s.each(func(t *testing.T, a net.Addr) {
		var callers []*caller
		for range 100 {
			c := s.call(a)
			c.get("/9")
			callers = append(callers, c)
		}
		for i, c := range callers {
			if i%2 == 0 {
				c.send("G")
				if resp := c.want(200, "nothing"); !resp.Close {
					t.Error("answer does not say that it closes")
				}
			}
			c.Close()
		}
		for range callers {
			<-b.done
		}
	})
	close(stop)
	ringing.Wait()
}
