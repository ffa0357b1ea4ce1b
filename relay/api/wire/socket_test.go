package wire

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/relaytest"
)

// stub is a handler of functions.
type stub struct {
	receive func(data []byte, binary bool)
	pass    func() bool
	closed  func()
}

func (h stub) Receive(data []byte, binary bool) {
	if h.receive != nil {
		h.receive(data, binary)
	}
}

func (h stub) Pass() bool { return h.pass != nil && h.pass() }

func (h stub) Closed() {
	if h.closed != nil {
		h.closed()
	}
}

// oversized is a stub that survives long messages.
type oversized struct {
	stub
	long func()
}

func (h oversized) Oversized() { h.long() }

// A bench is a server with one socket route.
type bench struct {
	t       testing.TB
	hub     *relay.Hub
	sockets *Sockets
	purse   *Purse
	faults  atomic.Int32
	url     string
	client  *http.Client
}

// serveSockets starts a server over TCP that serves every request with open.
func serveSockets(t testing.TB, hub *relay.Hub, o SocketOptions, open func(*Socket) SocketHandler) *bench {
	b := &bench{t: t, hub: hub, purse: NewPurse(minPurse)}
	b.sockets = NewSockets(hub, b.purse, func(string, error) { b.faults.Add(1) })
	srv := httptest.NewServer(b.handler(o, open))
	b.url, b.client = srv.URL, srv.Client()
	t.Cleanup(func() { b.stop(); srv.Close() })
	return b
}

func (b *bench) handler(o SocketOptions, open func(*Socket) SocketHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.sockets.Serve(w, r, &o, open) })
}

func (b *bench) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	b.sockets.Stop(ctx)
}

// pipes listens to net.Pipe, which testing/synctest understands.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	mine, theirs := net.Pipe()
	p <- theirs
	return mine, nil
}

// servePipes is serveSockets inside a synctest bubble; the caller calls end.
// The hub is from outside: its own goroutine is no part of the bubble.
func servePipes(t *testing.T, hub *relay.Hub, o SocketOptions, open func(*Socket) SocketHandler) (b *bench, p pipes, end func()) {
	b = &bench{t: t, hub: hub, purse: NewPurse(minPurse), url: "http://pipe"}
	b.sockets = NewSockets(b.hub, b.purse, func(string, error) { b.faults.Add(1) })
	p = make(pipes)
	srv := &http.Server{Handler: b.handler(o, open)}
	go srv.Serve(p)
	transport := &http.Transport{DialContext: p.dial}
	b.client = &http.Client{Transport: transport}
	return b, p, func() {
		b.stop()
		transport.CloseIdleConnections()
		close(p)
		srv.Close()
	}
}

func (b *bench) dial() *websocket.Conn {
	b.t.Helper()
	c, _, err := websocket.Dial(context.Background(), b.url, &websocket.DialOptions{HTTPClient: b.client})
	if err != nil {
		b.t.Fatal(err)
	}
	c.SetReadLimit(-1)
	b.t.Cleanup(func() { c.CloseNow() })
	return c
}

// expect reads one message.
func expect(t testing.TB, c *websocket.Conn, want string) {
	t.Helper()
	_, got, err := c.Read(context.Background())
	if err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// expectClose reads until the server closes.
func expectClose(t testing.TB, c *websocket.Conn, want websocket.StatusCode) {
	t.Helper()
	var err error
	for err == nil {
		_, _, err = c.Read(context.Background())
	}
	if got := websocket.CloseStatus(err); got != want {
		t.Fatalf("closed with %v (%v), want %v", got, err, want)
	}
}

func send(t testing.TB, c *websocket.Conn, s string) {
	t.Helper()
	if err := c.Write(context.Background(), websocket.MessageText, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

var someBox = relay.BoxID{1}

// signals is the simplest pass: it sends every signal as an event.
func signals(s *Socket) func() bool {
	return func() bool {
		for _, g := range s.Watch().Signals() {
			s.Send(g.Data)
		}
		s.Watch().Moved()
		return false
	}
}

func newHub(t testing.TB) *relay.Hub { return relaytest.New(t, relay.Options{}).Hub() }

func TestSocket_AnswerPrecedesWhatItCaused(t *testing.T) {
	hub := newHub(t)
	b := serveSockets(t, hub, SocketOptions{}, func(s *Socket) SocketHandler {
		s.Watch().Add(someBox)
		return stub{pass: signals(s), receive: func(data []byte, _ bool) {
			hub.Signal(someBox, relay.Signal{Data: append([]byte("event "), data...)})
			s.Send(append([]byte("answer "), data...))
		}}
	})
	c := b.dial()
	for i := range 200 {
		send(t, c, fmt.Sprint(i))
		expect(t, c, fmt.Sprintf("answer %d", i))
		expect(t, c, fmt.Sprintf("event %d", i))
	}
}

func TestSocket_WhatWasDueComesFirst(t *testing.T) {
	opened := make(chan struct{})
	hub := newHub(t)
	b := serveSockets(t, hub, SocketOptions{}, func(s *Socket) SocketHandler {
		s.Watch().Add(someBox)
		close(opened)
		return stub{pass: signals(s), receive: func([]byte, bool) { s.Send([]byte("answer")) }}
	})
	c := b.dial()
	<-opened
	for range 200 {
		hub.Signal(someBox, relay.Signal{Data: []byte("event")})
		send(t, c, "request")
		expect(t, c, "event")
		expect(t, c, "answer")
	}
}

func TestSocket_PongFollowsWhatWasDue(t *testing.T) {
	opened := make(chan struct{})
	hub := newHub(t)
	b := serveSockets(t, hub, SocketOptions{}, func(s *Socket) SocketHandler {
		s.Watch().Add(someBox)
		close(opened)
		return stub{pass: signals(s)}
	})
	c := b.dial()
	<-opened
	var got atomic.Int32
	go func() {
		for {
			if _, _, err := c.Read(context.Background()); err != nil {
				return
			}
			got.Add(1)
		}
	}()
	for i := range int32(200) {
		hub.Signal(someBox, relay.Signal{Data: []byte("event")})
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := got.Load(); n != i+1 {
			t.Fatalf("at pong %d the client had %d events", i+1, n)
		}
	}
}

func TestSocket_Refuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		kind websocket.MessageType
		data []byte
		want websocket.StatusCode
	}{
		{"binary", websocket.MessageBinary, []byte("x"), websocket.StatusUnsupportedData},
		{"too long", websocket.MessageText, bytes.Repeat([]byte("x"), 101), websocket.StatusMessageTooBig},
		{"not UTF-8", websocket.MessageText, []byte("\xff"), websocket.StatusInvalidFramePayloadData},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := serveSockets(t, newHub(t), SocketOptions{MaxMessage: 100}, func(s *Socket) SocketHandler {
				return stub{receive: func([]byte, bool) { t.Error("the message came through") }}
			})
			c := b.dial()
			if err := c.Write(t.Context(), tt.kind, tt.data); err != nil {
				t.Fatal(err)
			}
			expectClose(t, c, tt.want)
		})
	}
}

func TestSocket_OversizedSurvives(t *testing.T) {
	b := serveSockets(t, newHub(t), SocketOptions{MaxMessage: 100}, func(s *Socket) SocketHandler {
		h := stub{receive: func(data []byte, _ bool) { s.Send(data) }}
		return oversized{h, func() { s.Send([]byte("too long")) }}
	})
	c := b.dial()
	send(t, c, strings.Repeat("x", 1600))
	expect(t, c, "too long")
	send(t, c, "short")
	expect(t, c, "short")
	send(t, c, strings.Repeat("x", 1601))
	expectClose(t, c, websocket.StatusMessageTooBig)
}

func TestSocket_LastWordsAreWritten(t *testing.T) {
	b := serveSockets(t, newHub(t), SocketOptions{}, func(s *Socket) SocketHandler {
		return stub{receive: func([]byte, bool) {
			s.Send([]byte("answer"))
			s.End(Ending{Say: []byte("goodbye"), Code: 4003, Reason: "gone"})
			s.Send([]byte("too late"))
			s.Close(4000, "the first call counts")
		}}
	})
	c := b.dial()
	send(t, c, "delete me")
	expect(t, c, "answer")
	expect(t, c, "goodbye")
	expectClose(t, c, 4003)
}

func TestSocket_PanicEndsOneSession(t *testing.T) {
	b := serveSockets(t, newHub(t), SocketOptions{}, func(s *Socket) SocketHandler {
		return stub{receive: func(data []byte, _ bool) {
			if string(data) == "bad" {
				panic("secret")
			}
			s.Send(data)
		}}
	})
	bad, good := b.dial(), b.dial()
	send(t, bad, "bad")
	expectClose(t, bad, websocket.StatusInternalError)
	send(t, good, "good")
	expect(t, good, "good")
	if n := b.faults.Load(); n != 1 {
		t.Errorf("%d faults reported, want 1", n)
	}
}

func TestSocket_RequestsWaitForRoom(t *testing.T) {
	const n = 2000
	b := serveSockets(t, newHub(t), SocketOptions{QueueFrames: 8}, func(s *Socket) SocketHandler {
		return stub{receive: func(data []byte, _ bool) { s.Send(bytes.Repeat(data, 500)) }}
	})
	c := b.dial()
	go func() {
		for i := range n {
			send(t, c, fmt.Sprintf("%04d", i))
		}
	}()
	for i := range n {
		expect(t, c, strings.Repeat(fmt.Sprintf("%04d", i), 500))
	}
}

func TestSocket_PassGoesOnWhenThereIsRoom(t *testing.T) {
	const n = 3000
	opened := make(chan struct{})
	hub := newHub(t)
	b := serveSockets(t, hub, SocketOptions{QueueFrames: 8}, func(s *Socket) SocketHandler {
		s.Watch().Add(someBox)
		close(opened)
		next := 0
		return stub{pass: func() bool {
			for ; next < n && !s.Short(); next++ {
				s.Send([]byte(fmt.Sprint(next)))
			}
			return next < n
		}}
	})
	c := b.dial()
	<-opened
	hub.Signal(someBox, relay.Signal{})
	for i := range n {
		expect(t, c, fmt.Sprint(i))
	}
}

// A client that stops reading is cut off, with nothing but its own session
// taking notice.
func TestSocket_SlowReader(t *testing.T) {
	hub := newHub(t)
	synctest.Test(t, func(t *testing.T) {
		var s *Socket
		opened, closed := make(chan struct{}), make(chan time.Time, 1)
		b, _, end := servePipes(t, hub, SocketOptions{QueueFrames: 8}, func(x *Socket) SocketHandler {
			s = x
			close(opened)
			return stub{closed: func() { closed <- time.Now() }}
		})
		defer end()
		c := b.dial() // and does not read
		defer c.CloseNow()
		<-opened
		start := time.Now()
		for range 1000 {
			s.Send([]byte("event"))
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("the sender waited %v", d)
		}
		if d := (<-closed).Sub(start); d > cutAfter {
			t.Errorf("cut off after %v, want at most %v", d, cutAfter)
		}
	})
}

// A client that reads nothing and is sent little is cut off by the deadline of
// the write.
func TestSocket_StuckWrite(t *testing.T) {
	hub := newHub(t)
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan time.Time, 1)
		b, _, end := servePipes(t, hub, SocketOptions{PingEvery: time.Hour, IdleAfter: time.Hour}, func(s *Socket) SocketHandler {
			s.Send([]byte("hello"))
			return stub{closed: func() { closed <- time.Now() }}
		})
		defer end()
		start := time.Now()
		c := b.dial()
		defer c.CloseNow()
		if d := (<-closed).Sub(start); d < 30*time.Second || d > 31*time.Second {
			t.Errorf("cut off after %v, want about 30s", d)
		}
	})
}

// A full queue is told, with the family's last word, to a client that reads
// after all.
func TestSocket_FullIsSaid(t *testing.T) {
	hub := newHub(t)
	synctest.Test(t, func(t *testing.T) {
		var s *Socket
		opened := make(chan struct{})
		o := SocketOptions{QueueFrames: 8, Full: Ending{Say: []byte("out_of_sync"), Code: 4008}}
		b, _, end := servePipes(t, hub, o, func(x *Socket) SocketHandler {
			s = x
			close(opened)
			return stub{}
		})
		defer end()
		c := b.dial()
		<-opened
		s.Send([]byte("in flight"))
		synctest.Wait() // the writer has taken it
		for range 9 {
			s.Send([]byte("event"))
		}
		expect(t, c, "in flight")
		expect(t, c, "out_of_sync")
		expectClose(t, c, 4008)
	})
}

func TestSocket_PingKeepsAlive(t *testing.T) {
	hub := newHub(t)
	synctest.Test(t, func(t *testing.T) {
		b, _, end := servePipes(t, hub, SocketOptions{}, func(s *Socket) SocketHandler {
			return stub{receive: func(data []byte, _ bool) { s.Send(data) }}
		})
		defer end()
		c := b.dial()
		time.AfterFunc(time.Hour, func() { send(t, c, "still here") })
		expect(t, c, "still here") // reading answers pings
		c.CloseNow()
	})
}

func TestSocket_SilenceEnds(t *testing.T) {
	hub := newHub(t)
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan time.Time, 1)
		b, _, end := servePipes(t, hub, SocketOptions{Beat: func(s *Socket) { s.Send([]byte("beat")) }}, func(s *Socket) SocketHandler {
			return stub{closed: func() { closed <- time.Now() }}
		})
		defer end()
		start := time.Now()
		c := b.dial()
		expect(t, c, "beat")
		expect(t, c, "beat")
		expectClose(t, c, websocket.StatusPolicyViolation)
		if d := (<-closed).Sub(start); d != 90*time.Second {
			t.Errorf("ended after %v, want 90s", d)
		}
	})
}

func TestSocket_AuthTimeout(t *testing.T) {
	o := SocketOptions{AuthWithin: 10 * time.Second, Late: Ending{Say: []byte("auth_timeout"), Code: 4002}}
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprintf("known=%v", known), func(t *testing.T) {
			hub := newHub(t)
			synctest.Test(t, func(t *testing.T) {
				b, _, end := servePipes(t, hub, o, func(s *Socket) SocketHandler {
					if known {
						s.Known()
					}
					time.AfterFunc(11*time.Second, func() { s.Send([]byte("late event")) })
					return stub{}
				})
				defer end()
				c := b.dial()
				if known {
					expect(t, c, "late event")
					c.CloseNow()
					return
				}
				expect(t, c, "auth_timeout")
				expectClose(t, c, 4002)
			})
		})
	}
}

// A message that trickles in is cut off, though every byte is a sign of life.
func TestSocket_TricklingMessage(t *testing.T) {
	hub := newHub(t)
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan time.Time, 1)
		_, p, end := servePipes(t, hub, SocketOptions{MaxMessage: 1024, IdleAfter: time.Hour, PingEvery: time.Hour}, func(s *Socket) SocketHandler {
			return stub{closed: func() { closed <- time.Now() }}
		})
		defer end()
		c := upgradeByHand(t, func() (net.Conn, error) { return p.dial(t.Context(), "", "") })
		defer c.Close()
		start := time.Now()
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			c.Write([]byte{0x81, 0xfe, 0x03, 0x00, 1, 2, 3, 4}) // text, masked, 768 bytes
			for {
				if _, err := c.Write([]byte{'x'}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		if d := (<-closed).Sub(start); d > 32*time.Second {
			t.Errorf("cut off after %v, want about 31s", d)
		}
		<-gone
	})
}

func TestSockets_Stop(t *testing.T) {
	hub := newHub(t)
	synctest.Test(t, func(t *testing.T) {
		b, p, end := servePipes(t, hub, SocketOptions{}, func(s *Socket) SocketHandler {
			s.Send([]byte("hello"))
			return stub{}
		})
		defer end()
		polite := b.dial()
		expect(t, polite, "hello")
		deaf := upgradeByHand(t, func() (net.Conn, error) { return p.dial(t.Context(), "", "") })
		defer deaf.Close()
		left := make(chan struct{})
		go func() { expectClose(t, polite, websocket.StatusGoingAway); close(left) }()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		b.sockets.Stop(ctx)
		<-left
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("stopped after %v, want 3s for the one that does not read", d)
		}
		if n := b.sockets.Len(); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
		resp, err := b.client.Get(b.url)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a new socket got %v, %v, want 503", resp, err)
		}
		resp.Body.Close()
	})
}

// A server that shuts down ends its sockets, and waits for no longer than they
// take.
func TestSockets_EndWithTheirServer(t *testing.T) {
	sockets := NewSockets(newHub(t), nil, func(string, error) {})
	srv := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sockets.Serve(w, r, &SocketOptions{}, func(s *Socket) SocketHandler {
			s.Known()
			s.Send([]byte("hello"))
			return stub{}
		})
	}), ServeOptions{Grace: time.Minute})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(ln)
	b := &bench{t: t, url: "http://" + ln.Addr().String(), client: &http.Client{}}
	c := b.dial()
	expect(t, c, "hello")
	go srv.Shutdown(context.Background())
	expectClose(t, c, websocket.StatusGoingAway)
}

// Messages and answers are paid for, and a purse that is empty ends sessions.
func TestSocket_Purse(t *testing.T) {
	b := serveSockets(t, newHub(t), SocketOptions{}, func(s *Socket) SocketHandler {
		return stub{receive: func(data []byte, _ bool) { s.Send(data) }}
	})
	rest := b.purse.Size() - 3000
	b.purse.Take(rest)
	c := b.dial()
	send(t, c, strings.Repeat("x", 1000))
	expect(t, c, strings.Repeat("x", 1000))
	send(t, c, strings.Repeat("x", 3001))
	expectClose(t, c, websocket.StatusTryAgainLater)
	b.stop()
	if n := b.purse.Taken(); n != rest {
		t.Errorf("%d bytes are missing in the purse", n-rest)
	}
}

// upgradeByHand opens a WebSocket that nobody reads.
func upgradeByHand(t testing.TB, dial func() (net.Conn, error)) net.Conn {
	t.Helper()
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		if _, err := c.Read(one); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		t.Fatalf("upgrade: %s", head)
	}
	return c
}

// Many sessions, many senders, signals, passes and ends at any moment: every
// session is buried exactly once, and Closed is its last call.
func TestSocket_CloseAtABadMoment(t *testing.T) {
	const sessions, senders = 40, 4
	var opened, buried, after atomic.Int32
	var all sync.Map
	hub := newHub(t)
	b := serveSockets(t, hub, SocketOptions{QueueFrames: 32}, func(s *Socket) SocketHandler {
		opened.Add(1)
		all.Store(s, true)
		s.Watch().Add(someBox)
		var over atomic.Bool
		check := func() {
			if over.Load() {
				after.Add(1)
			}
		}
		pass := signals(s)
		return stub{
			receive: func(data []byte, _ bool) { check(); s.Send(data); s.Watch().Add(relay.BoxID{2}) },
			pass:    func() bool { check(); return pass() },
			closed:  func() { check(); over.Store(true); buried.Add(1) },
		}
	})
	var wg sync.WaitGroup
	for range sessions {
		c := b.dial()
		wg.Go(func() { // reads for a while, then goes one way or another
			for range rand.IntN(60) {
				if _, _, err := c.Read(context.Background()); err != nil {
					return
				}
			}
			if rand.IntN(2) == 0 {
				c.CloseNow()
			}
		})
		wg.Go(func() {
			for range 50 {
				if c.Write(context.Background(), websocket.MessageText, []byte("request")) != nil {
					return
				}
			}
			if rand.IntN(3) == 0 {
				c.Close(websocket.StatusNormalClosure, "")
			}
		})
	}
	for range senders {
		wg.Go(func() {
			for i := range 300 {
				hub.Signal(someBox, relay.Signal{Data: []byte("event")})
				all.Range(func(k, _ any) bool {
					switch s := k.(*Socket); rand.IntN(400) {
					case 0:
						s.Close(4000, "kicked")
					case 1:
						go s.cutOff()
					default:
						s.SendSignal([]byte("typing"))
					}
					return i%10 == 0
				})
			}
		})
	}
	time.AfterFunc(200*time.Millisecond, b.stop)
	wg.Wait()
	b.stop()
	if o, n := opened.Load(), buried.Load(); o != n || o == 0 {
		t.Errorf("%d sessions opened, %d buried", o, n)
	}
	if n := after.Load(); n > 0 {
		t.Errorf("%d calls after Closed", n)
	}
	if n := b.hub.Watching(); n != 0 {
		t.Errorf("%d watches left", n)
	}
	if n := b.purse.Taken(); n != 0 {
		t.Errorf("%d bytes are missing in the purse", n)
	}
}

// BenchmarkSocket_IdleMemory reports what an idle socket costs the server: heap
// and stacks, with a client that is no more than a connection.
func BenchmarkSocket_IdleMemory(b *testing.B) {
	const n = 1000
	for b.Loop() {
		srv := serveSockets(b, newHub(b), SocketOptions{}, func(s *Socket) SocketHandler {
			s.Watch().Add(someBox)
			return stub{}
		})
		addr := strings.TrimPrefix(srv.url, "http://")
		before := memory()
		conns := make([]net.Conn, n)
		for i := range conns {
			conns[i] = upgradeByHand(b, func() (net.Conn, error) { return net.Dial("tcp", addr) })
		}
		for srv.hub.Watching() < n {
			runtime.Gosched()
		}
		b.ReportMetric((memory()-before)/n, "B/socket")
		for _, c := range conns {
			c.Close()
		}
	}
}

// memory returns the bytes of heap and stacks in use, after a collection.
func memory() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}
