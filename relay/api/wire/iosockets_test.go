package wire

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
	"restante/relay/api/wire/socketio/socketiotest"
)

// ioStub is an IOHandler of functions.
type ioStub struct {
	event  func(*socketio.Event)
	pass   func() bool
	closed func()
}

func (h ioStub) Event(e *socketio.Event) {
	if h.event != nil {
		h.event(e)
	}
}
func (h ioStub) Pass() bool { return h.pass != nil && h.pass() }
func (h ioStub) Closed() {
	if h.closed != nil {
		h.closed()
	}
}

// An ioBench is a Server with Socket.IO sockets alone.
type ioBench struct {
	t      *testing.T
	hub    *relay.Hub
	group  *Sockets
	io     *IOSockets
	server *Server
	purse  *Purse
	faults atomic.Int32
	url    string
}

func serveIO(t *testing.T, o socketio.Options, connect IOConnect) *ioBench {
	t.Helper()
	b := &ioBench{t: t, hub: newHub(t), purse: NewPurse(minPurse)}
	b.group = NewSockets(b.hub, b.purse, func(string, error) { b.faults.Add(1) })
	b.server = NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { b.io.ServeHTTP(w, r) }), ServeOptions{})
	b.io = NewIOSockets(b.group, b.server, o)
	b.io.Of("/", connect)
	b.io.Of("/custom", connect)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.url = "http://" + ln.Addr().String()
	go b.server.Serve(ln)
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		b.server.Shutdown(context.Background())
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		b.group.Stop(ctx)
		if n := b.purse.Taken(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
		if n := b.hub.Watching(); n != 0 {
			t.Errorf("%d watches are left", n)
		}
	})
	return b
}

// open lets everybody in.
func open(fn func(*IOSocket) IOHandler) IOConnect {
	return func(*socketio.Handshake) (func(*IOSocket) IOHandler, error) { return fn, nil }
}

// A polled client polls by hand.
type polled struct {
	b   *ioBench
	url string
}

func (b *ioBench) poll() *polled {
	b.t.Helper()
	p := &polled{b, b.url + "/socket.io/?EIO=4&transport=polling"}
	var got struct{ SID string }
	if err := json.Unmarshal([]byte(p.get()[1:]), &got); err != nil {
		b.t.Fatal(err)
	}
	p.url += "&sid=" + got.SID
	p.post("40")
	if got := p.get(); !strings.HasPrefix(got, "40{") {
		b.t.Fatalf("got %q for a connect", got)
	}
	return p
}

// awaitParked waits until a poll waits.
func (b *ioBench) awaitParked() {
	for parked := false; !parked; time.Sleep(time.Millisecond) {
		b.server.conns.mu.Lock()
		for c := range b.server.conns.all() {
			parked = parked || c.asleep != nil && c.busy.Load()
		}
		b.server.conns.mu.Unlock()
	}
}

func (p *polled) get() string {
	p.b.t.Helper()
	res, err := http.Get(p.url)
	return p.body(res, err)
}

func (p *polled) post(body string) {
	p.b.t.Helper()
	res, err := http.Post(p.url, "text/plain", strings.NewReader(body))
	if got := p.body(res, err); got != "ok" {
		p.b.t.Fatalf("post: got %q", got)
	}
}

func (p *polled) body(res *http.Response, err error) string {
	p.b.t.Helper()
	if err != nil {
		p.b.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.b.t.Fatal(err)
	}
	return string(b)
}

// dial connects by WebSocket.
func (b *ioBench) dial() *websocket.Conn {
	b.t.Helper()
	c, _, err := websocket.Dial(b.t.Context(), b.url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.CloseNow() })
	b.t.Helper()
	if _, _, err := c.Read(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	send(b.t, c, "40")
	if _, got, err := c.Read(b.t.Context()); err != nil || !strings.HasPrefix(string(got), "40{") {
		b.t.Fatalf("got %q, %v for a connect", got, err)
	}
	return c
}

// tells is the simplest pass: it emits every signal.
func tells(s *IOSocket) func() bool {
	return func() bool {
		for _, g := range s.Watch().Signals() {
			s.Emit("told", string(g.Data))
		}
		s.Watch().Moved()
		return false
	}
}

func TestIOSocket_BellReachesEveryTransport(t *testing.T) {
	b := serveIO(t, socketio.Options{}, open(func(s *IOSocket) IOHandler {
		s.Watch().Add(someBox)
		return ioStub{pass: tells(s)}
	}))
	p, c := b.poll(), b.dial()
	for i := range 20 {
		got := make(chan string)
		go func() { got <- p.get() }() // sometimes it waits already, sometimes not
		if i%2 == 0 {
			time.Sleep(time.Millisecond)
		}
		b.hub.Signal(someBox, relay.Signal{Data: fmt.Append(nil, i)})
		want := fmt.Sprintf(`42["told","%d"]`, i)
		if got := <-got; got != want {
			t.Fatalf("by polling: got %q, want %q", got, want)
		}
		expect(t, c, want)
	}
}

func TestIOSocket_AnswerPrecedesWhatItCaused(t *testing.T) {
	var hub *relay.Hub
	b := serveIO(t, socketio.Options{}, open(func(s *IOSocket) IOHandler {
		s.Watch().Add(someBox)
		return ioStub{pass: tells(s), event: func(e *socketio.Event) {
			hub.Signal(someBox, relay.Signal{Data: []byte("event")})
			e.Ack("answer")
		}}
	}))
	hub = b.hub
	c := b.dial()
	for i := range 100 {
		send(t, c, fmt.Sprintf(`42%d["ask"]`, i))
		expect(t, c, fmt.Sprintf(`43%d["answer"]`, i))
		expect(t, c, `42["told","event"]`)
	}
}

// A pass that fills the queue goes on when the client has read.
func TestIOSocket_LongPassWaitsForRoom(t *testing.T) {
	const events = 500
	o := socketio.Options{Engine: engineio.Options{QueuePackets: 16}}
	b := serveIO(t, o, open(func(s *IOSocket) IOHandler {
		s.Watch().Add(someBox)
		n := 0
		return ioStub{pass: func() bool {
			s.Watch().Signals()
			for ; n < events; n++ {
				if s.Short() {
					return true
				}
				s.Emit("n", n)
			}
			return false
		}}
	}))
	p, c := b.poll(), b.dial()
	b.hub.Signal(someBox, relay.Signal{})
	var polled []string
	for len(polled) < events {
		polled = append(polled, strings.Split(p.get(), "\x1e")...)
	}
	for i := range events {
		want := fmt.Sprintf(`42["n",%d]`, i)
		expect(t, c, want)
		if polled[i] != want {
			t.Fatalf("by polling: got %q, want %q", polled[i], want)
		}
	}
}

func TestIOSocket_PanicEndsItsSessionAlone(t *testing.T) {
	b := serveIO(t, socketio.Options{}, open(func(s *IOSocket) IOHandler {
		s.Watch().Add(someBox)
		return ioStub{event: func(e *socketio.Event) {
			if e.Name == "fall" {
				panic("secret")
			}
			e.Ack()
		}}
	}))
	c, other := b.dial(), b.dial()
	send(t, c, `42["fall"]`)
	expect(t, c, "41")
	expectClose(t, c, websocket.StatusNormalClosure)
	send(t, other, `421["stand"]`)
	expect(t, other, "431[]")
	if n := b.faults.Load(); n != 1 {
		t.Errorf("%d faults were told, want 1", n)
	}
}

func TestIOSocket_KnownClientsKeepTheirConnection(t *testing.T) {
	b := serveIO(t, socketio.Options{}, open(func(s *IOSocket) IOHandler { return ioStub{} }))
	b.dial()
	known := func() int {
		b.server.conns.mu.Lock()
		defer b.server.conns.mu.Unlock()
		return b.server.conns.known.n
	}
	if got := known(); got != 1 {
		t.Errorf("%d connections are known, want 1", got)
	}
}

// A server that shuts down lets its sockets go, those that poll too.
func TestIOSockets_EndWithTheirServer(t *testing.T) {
	closed := make(chan struct{}, 2)
	b := serveIO(t, socketio.Options{}, open(func(s *IOSocket) IOHandler {
		return ioStub{closed: func() { closed <- struct{}{} }}
	}))
	p, c := b.poll(), b.dial()
	got := make(chan string)
	go func() { got <- p.get() }()
	b.awaitParked()
	go b.server.Shutdown(context.Background())
	expectClose(t, c, websocket.StatusNormalClosure)
	if got := <-got; got != "1" && got != "6" {
		t.Errorf("the poll got %q", got)
	}
	<-closed
	<-closed
}

// The client that people use, with polls that are parked.
func TestIOSockets_Client(t *testing.T) {
	var hall socketiotest.Hall
	o := socketio.Options{Engine: engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 5 * time.Second}}
	b := serveIO(t, o, func(h *socketio.Handshake) (func(*IOSocket) IOHandler, error) {
		if err := hall.Admit(h); err != nil {
			return nil, err
		}
		return func(s *IOSocket) IOHandler {
			v := hall.Enter(s, h.Auth, s.Close)
			return ioStub{event: v.Event, closed: v.Leave}
		}, nil
	})
	socketiotest.Check(t, b.url)
}
