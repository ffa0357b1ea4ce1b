package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay/api/wire/engineio"
)

// stub is a handler of functions. Its session's end goes to closed.
type stub struct {
	receive func(data []byte, binary bool)
	closed  chan engineio.Reason
}

func (h stub) Receive(data []byte, binary bool) {
	if h.receive != nil {
		h.receive(data, binary)
	}
}

func (h stub) Closed(why engineio.Reason) {
	if h.closed != nil {
		h.closed <- why
	}
}

// budget is a line.Budget that counts.
type budget struct{ left atomic.Int64 }

func newBudget(n int64) *budget {
	b := &budget{}
	b.left.Store(n)
	return b
}

func (b *budget) Take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

func (b *budget) Give(n int64) { b.left.Add(n) }

// one serves sessions of which the next is sent to the channel.
func one(receive func(s *engineio.Session, data []byte)) (open func(*engineio.Session) engineio.Handler, sessions chan *engineio.Session, closed chan engineio.Reason) {
	sessions, closed = make(chan *engineio.Session, 100), make(chan engineio.Reason, 100)
	return func(s *engineio.Session) engineio.Handler {
		sessions <- s
		h := stub{closed: closed}
		if receive != nil {
			h.receive = func(data []byte, _ bool) { receive(s, data) }
		}
		return h
	}, sessions, closed
}

func wantReason(t *testing.T, closed chan engineio.Reason, want engineio.Reason) {
	t.Helper()
	select {
	case got := <-closed:
		if got != want {
			t.Errorf("closed because of %q, want %q", got, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("not closed; want %q", want)
	}
}

func TestPost_Limits(t *testing.T) {
	o := engineio.Options{MaxPayload: 1000}
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"all that fits", "4" + strings.Repeat("x", 999), 200},
		{"too long", "4" + strings.Repeat("x", 1000), 413},
		{"as many packets as there may be", strings.Repeat("4\x1e", 63) + "4", 200},
		{"too many packets", strings.Repeat("4\x1e", 64) + "4", 400},
		{"bad after good", "4a\x1eabc", 400},
		{"nothing", "", 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			open, _, closed := one(nil)
			s := serve(t, o, open)
			q := s.polling()
			s.status("POST", q, c.body, c.status)
			if c.status == 200 {
				return
			}
			wantReason(t, closed, engineio.ParseError)
			s.status("GET", q, "", 400)
		})
	}
	t.Run("too long, length unknown", func(t *testing.T) {
		s := serve(t, o, newEcho)
		res, err := http.Post(s.url+s.polling(), "text/plain", struct{ *strings.Reader }{strings.NewReader("4" + strings.Repeat("x", 1000))})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 413 {
			t.Errorf("got %d", res.StatusCode)
		}
	})
}

// Bad input changes nothing: of a payload that is not good throughout, nothing
// reaches the handler.
func TestPost_AllOrNothing(t *testing.T) {
	var got atomic.Int32
	open, _, closed := one(func(*engineio.Session, []byte) { got.Add(1) })
	s := serve(t, engineio.Options{}, open)
	s.status("POST", s.polling(), "4a\x1e4b\x1eabc", 400)
	wantReason(t, closed, engineio.ParseError)
	if n := got.Load(); n != 0 {
		t.Errorf("%d messages were handled", n)
	}
}

func TestPost_OneAtATime(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	open, _, closed := one(func(*engineio.Session, []byte) { close(entered); <-leave })
	s := serve(t, engineio.Options{}, open)
	q := s.polling()
	first := make(chan int)
	go func() { status, _ := s.do("POST", q, "4a"); first <- status }()
	<-entered
	s.status("POST", q, "4b", 400)
	close(leave)
	<-first
	wantReason(t, closed, engineio.TransportError)
	s.status("GET", q, "", 400)
}

func TestSocket_MessageTooLong(t *testing.T) {
	s := serve(t, engineio.Options{MaxPayload: 1000}, newEcho)
	c := s.socketOnly()
	say(t, c, "4"+strings.Repeat("x", 999))
	if got := hear(t, c); len(got) != 1000 {
		t.Fatalf("got %d bytes", len(got))
	}
	say(t, c, "4"+strings.Repeat("x", 1000))
	if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("got %v", err)
	}
}

// A client that wants no binary frames gets none.
func TestSocket_Base64(t *testing.T) {
	c := serve(t, engineio.Options{}, newEcho).socket("EIO=4&transport=websocket&b64=1")
	hear(t, c)
	say(t, c, "bAQIDBA==")
	if kind, got, err := c.Read(t.Context()); err != nil || kind != websocket.MessageText || string(got) != "bAQIDBA==" {
		t.Errorf("got %v %q, %v", kind, got, err)
	}
}

func TestSlowReader(t *testing.T) {
	o := engineio.Options{QueuePackets: 10, Linger: 50 * time.Millisecond}
	t.Run("polling", func(t *testing.T) {
		open, sessions, closed := one(nil)
		s := serve(t, o, open)
		q := s.polling()
		session := <-sessions
		for range 11 {
			session.Send(engineio.Message{Data: []byte("x")})
		}
		wantReason(t, closed, engineio.SlowReader)
		s.status("GET", q, "", 400)
	})
	t.Run("websocket", func(t *testing.T) {
		open, sessions, closed := one(nil)
		s := serve(t, o, open)
		s.socketOnly()
		session := <-sessions
		big := []byte(strings.Repeat("x", 1<<20))
		for !session.Ended() {
			session.Send(engineio.Message{Data: big})
		}
		wantReason(t, closed, engineio.SlowReader)
	})
	t.Run("signals are dropped", func(t *testing.T) {
		open, sessions, _ := one(nil)
		s := serve(t, o, open)
		q := s.polling()
		session := <-sessions
		for range 100 {
			session.SendSignal([]byte("x"))
		}
		if _, got := s.do("GET", q, ""); strings.Count(got, "4x") != 6 {
			t.Errorf("got %q", got)
		}
	})
}

// Beyond a quarter of the sessions, the oldest stranger goes for a newcomer.
func TestServer_Strangers(t *testing.T) {
	open, sessions, closed := one(nil)
	s := serve(t, engineio.Options{MaxSessions: 8}, open)
	known := s.polling()
	(<-sessions).Known()
	oldest, older := s.polling(), s.polling()
	newest := s.polling()
	wantReason(t, closed, engineio.Evicted)
	s.status("POST", oldest, "4", 400)
	for _, q := range []string{known, older, newest} {
		s.status("POST", q, "4", 200)
	}
}

func TestServer_Full(t *testing.T) {
	open, sessions, _ := one(nil)
	s := serve(t, engineio.Options{MaxSessions: 2}, open)
	for range 2 {
		s.polling()
		(<-sessions).Known()
	}
	s.want("GET", "EIO=4&transport=polling", "", 503, `{"code":3,"message":"Busy"}`)
	if _, err := s.dial("EIO=4&transport=websocket"); err == nil {
		t.Error("the connection was accepted")
	}
}

func TestBudget(t *testing.T) {
	b := newBudget(5000)
	s := serve(t, engineio.Options{Budget: b}, newEcho)
	t.Run("given back", func(t *testing.T) {
		q, c := s.polling(), s.socketOnly()
		s.want("POST", q, "4hello\x1ebAQID", 200, "ok")
		s.want("GET", q, "", 200, "4hello\x1ebAQID")
		say(t, c, "4hello")
		expect(t, c, "4hello")
		s.want("POST", q, "4queued", 200, "ok")
		s.want("POST", q, "1", 200, "ok")
		say(t, c, "1")
		expectClosed(t, c)
	})
	t.Run("spent", func(t *testing.T) {
		q, c := s.polling(), s.socketOnly()
		long := "4" + strings.Repeat("x", 6000)
		s.status("POST", q, long, 503)
		say(t, c, long)
		if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
			t.Errorf("got %v", err)
		}
	})
	s.v.Shutdown(context.Background())
	if n := b.left.Load(); n != 5000 {
		t.Errorf("%d of 5000 bytes are left", n)
	}
}

// A panic ends its session, and says nothing of what it was about.
func TestPanic(t *testing.T) {
	faults := make(chan error, 10)
	o := engineio.Options{Fault: func(_ string, err error) { faults <- err }}
	open, _, closed := one(func(_ *engineio.Session, data []byte) {
		if string(data) == "fall" {
			panic("secret")
		}
	})
	s := serve(t, o, open)
	q, other := s.polling(), s.polling()
	s.status("POST", q, "4fall", 200)
	wantReason(t, closed, engineio.HandlerPanic)
	if err := <-faults; strings.Contains(err.Error(), "secret") {
		t.Errorf("the fault tells: %v", err)
	}
	s.status("POST", q, "4", 400)
	s.status("POST", other, "4", 200)
}

func TestPanic_Opening(t *testing.T) {
	s := serve(t, engineio.Options{}, func(*engineio.Session) engineio.Handler { panic("secret") })
	s.status("GET", "EIO=4&transport=polling", "", 500)
	c, err := s.dial("EIO=4&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	expectClosed(t, c)
}

func TestClose(t *testing.T) {
	t.Run("polling, later", func(t *testing.T) {
		open, sessions, closed := one(nil)
		s := serve(t, engineio.Options{}, open)
		q := s.polling()
		session := <-sessions
		session.Send(engineio.Message{Data: []byte("last words")})
		session.Close()
		session.Send(engineio.Message{Data: []byte("too late")})
		wantReason(t, closed, engineio.ServerClose)
		s.want("GET", q, "", 200, "4last words")
		s.want("GET", q, "", 200, "1")
		s.status("GET", q, "", 400)
	})
	t.Run("polling, never", func(t *testing.T) {
		open, sessions, _ := one(nil)
		s := serve(t, engineio.Options{Linger: time.Millisecond}, open)
		s.polling()
		session := <-sessions
		session.Send(engineio.Message{Data: []byte("last words")})
		session.Close()
		for s.v.Len() > 0 {
			time.Sleep(time.Millisecond)
		}
	})
	t.Run("websocket", func(t *testing.T) {
		open, sessions, closed := one(nil)
		s := serve(t, engineio.Options{}, open)
		c := s.socketOnly()
		session := <-sessions
		session.Send(engineio.Message{Data: []byte("last words")})
		session.Close()
		expect(t, c, "4last words")
		if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
			t.Errorf("got %v", err)
		}
		wantReason(t, closed, engineio.ServerClose)
	})
}

// A client that hangs up while it polls may have lost what was sent it.
func TestPoll_HangUp(t *testing.T) {
	open, _, closed := one(nil)
	s := serve(t, engineio.Options{}, open)
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", s.url+s.polling(), nil)
	time.AfterFunc(100*time.Millisecond, cancel) // the poll has come by then
	if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	wantReason(t, closed, engineio.ClientClose)
}

func TestUpgrade_Order(t *testing.T) {
	open, sessions, _ := one(nil)
	s := serve(t, engineio.Options{}, open)
	q := s.polling()
	session := <-sessions
	c := s.socket(strings.Replace(q, "polling", "websocket", 1))
	say(t, c, "2probe")
	expect(t, c, "3probe")
	session.Send(engineio.Message{Data: []byte("a")})
	s.want("GET", q, "", 200, "4a") // messages go by polling until the end
	s.want("GET", q, "", 200, "6")  // and no poll waits
	session.Send(engineio.Message{Data: []byte("b")}, engineio.Message{Data: []byte{1}, Binary: true})
	say(t, c, "5")
	expect(t, c, "4b")
	expect(t, c, "\x01")
	session.Send(engineio.Message{Data: []byte("c")})
	expect(t, c, "4c")
}

// An upgrade that fails leaves the session where it was.
func TestUpgrade_Fails(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, c *websocket.Conn)
	}{
		{"by another word", func(t *testing.T, c *websocket.Conn) { say(t, c, "2prob") }},
		{"by a long word", func(t *testing.T, c *websocket.Conn) { say(t, c, strings.Repeat("2probe", 10)) }},
		{"by a message too early", func(t *testing.T, c *websocket.Conn) { say(t, c, "2probe"); hear(t, c); say(t, c, "4hello") }},
		{"by silence", func(t *testing.T, c *websocket.Conn) {}},
		{"by silence after the probe", func(t *testing.T, c *websocket.Conn) { say(t, c, "2probe"); hear(t, c) }},
		{"by hanging up", func(t *testing.T, c *websocket.Conn) { c.CloseNow() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, engineio.Options{UpgradeTimeout: 100 * time.Millisecond}, newEcho)
			q := s.polling()
			k := s.socket(strings.Replace(q, "polling", "websocket", 1))
			c.do(t, k)
			expectClosed(t, k)
			s.want("POST", q, "4still here", 200, "ok")
			if _, got := s.do("GET", q, ""); got != "4still here" && got != "6" {
				t.Errorf("got %q", got)
			}
			if c.name == "by hanging up" {
				time.Sleep(50 * time.Millisecond) // until the server has noticed
			}
			again := s.socket(strings.Replace(q, "polling", "websocket", 1))
			say(t, again, "2probe")
			expect(t, again, "3probe")
		})
	}
}

// Shutdown takes nobody in any more, and waits until everybody is gone.
func TestShutdown(t *testing.T) {
	open, _, closed := one(nil)
	s := serve(t, engineio.Options{}, open)
	s.polling()
	c := s.socketOnly()
	c.CloseRead(t.Context())
	s.v.Shutdown(context.Background())
	wantReason(t, closed, engineio.ServerClose)
	wantReason(t, closed, engineio.ServerClose)
	if n := s.v.Len(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	s.status("GET", "EIO=4&transport=polling", "", 503)
}

// What is queued between a poll's first look and its going to sleep wakes it.
func TestPoll_NothingIsMissedBeforeItSleeps(t *testing.T) {
	open, sessions, _ := one(nil)
	var session *engineio.Session
	o := engineio.Options{Park: func(w http.ResponseWriter, _ *http.Request, wt *engineio.Wait) {
		session.Send(engineio.Message{Data: []byte("x")})
		rung := false
		wt.Arm(func() { rung = true })
		if !rung {
			t.Error("the bell does not ring")
		}
		body, _ := wt.Check()
		wt.Done()
		_, err := w.Write(body)
		wt.Sent(err)
	}}
	s := serve(t, o, open)
	q := s.polling()
	session = <-sessions
	s.want("GET", q, "", 200, "4x")
}
