package engineio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay/api/wire/engineio"
)

// The checks of the protocol's official test suite for servers, with its
// settings. The application echoes every message.
var suite = engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000}

// patient is suite for who answers pings: it may take him a while on a busy machine.
var patient = engineio.Options{PingInterval: suite.PingInterval, PingTimeout: 20 * time.Second, MaxPayload: suite.MaxPayload}

type echo struct{ *engineio.Session }

func (e echo) Receive(data []byte, binary bool) {
	e.Send(engineio.Message{Data: data, Binary: binary})
}
func (e echo) Closed(engineio.Reason) {}

func newEcho(s *engineio.Session) engineio.Handler { return echo{s} }

// A site is a server and its URL.
type site struct {
	t   *testing.T
	v   *engineio.Server
	url string // with the query begun
}

func serve(t *testing.T, o engineio.Options, open func(*engineio.Session) engineio.Handler) *site {
	t.Helper()
	v := engineio.NewServer(o, open)
	srv := httptest.NewServer(v)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		v.Shutdown(ctx)
		srv.Close()
		if n := v.Len(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
	return &site{t: t, v: v, url: srv.URL + "/engine.io/?"}
}

func (s *site) do(method, query, body string) (status int, answer string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+query, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (s *site) want(method, query, body string, status int, answer string) {
	s.t.Helper()
	if gotStatus, got := s.do(method, query, body); gotStatus != status || got != answer {
		s.t.Fatalf("%s %s: got %d %q, want %d %q", method, query, gotStatus, got, status, answer)
	}
}

func (s *site) status(method, query, body string, status int) {
	s.t.Helper()
	if got, answer := s.do(method, query, body); got != status {
		s.t.Fatalf("%s %s: got %d %q, want %d", method, query, got, answer, status)
	}
}

// polling begins a session and returns the query of its requests.
func (s *site) polling() string {
	s.t.Helper()
	_, body := s.do("GET", "EIO=4&transport=polling", "")
	return "EIO=4&transport=polling&sid=" + s.sid(body)
}

func (s *site) sid(open string) string {
	s.t.Helper()
	var got struct{ SID string }
	if !strings.HasPrefix(open, "0") || json.Unmarshal([]byte(open[1:]), &got) != nil || len(got.SID) < 22 {
		s.t.Fatalf("got %q for an open packet", open)
	}
	return got.SID
}

func (s *site) dial(query string) (*websocket.Conn, error) {
	c, _, err := websocket.Dial(s.t.Context(), strings.Replace(s.url, "http", "ws", 1)+query, nil)
	if err == nil {
		c.SetReadLimit(-1)
		s.t.Cleanup(func() { c.CloseNow() })
	}
	return c, err
}

func (s *site) socket(query string) *websocket.Conn {
	s.t.Helper()
	c, err := s.dial(query)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// socketOnly begins a session on a WebSocket.
func (s *site) socketOnly() *websocket.Conn {
	s.t.Helper()
	c := s.socket("EIO=4&transport=websocket")
	s.sid(hear(s.t, c))
	return c
}

func hear(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	_, b, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func expect(t *testing.T, c *websocket.Conn, want string) {
	t.Helper()
	if got := hear(t, c); got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func say(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// expectClosed reads until the connection ends.
func expectClosed(t *testing.T, c *websocket.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			if ctx.Err() != nil {
				t.Fatal("the connection stays")
			}
			return
		}
	}
}

func TestSuite_Handshake_Polling(t *testing.T) {
	s := serve(t, suite, newEcho)
	check := func(status int, open, upgrades string) {
		t.Helper()
		want := fmt.Sprintf(`0{"sid":%q,"upgrades":%s,"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}`, s.sid(open), upgrades)
		if status != 200 || open != want {
			t.Errorf("got %d %s, want 200 %s", status, open, want)
		}
	}
	t.Run("should successfully open a session", func(t *testing.T) {
		status, open := s.do("GET", "EIO=4&transport=polling", "")
		check(status, open, `["websocket"]`)
	})
	t.Run("websocket: should successfully open a session", func(t *testing.T) {
		check(200, hear(t, s.socket("EIO=4&transport=websocket")), "[]")
	})
}

func TestSuite_Handshake_Refused(t *testing.T) {
	s := serve(t, patient, newEcho)
	for _, c := range []struct{ name, method, query, answer string }{
		{"no EIO", "GET", "transport=polling", `{"code":5,"message":"Unsupported protocol version"}`},
		{"bad EIO", "GET", "EIO=abc&transport=polling", `{"code":5,"message":"Unsupported protocol version"}`},
		{"older EIO", "GET", "EIO=3&transport=polling", `{"code":5,"message":"Unsupported protocol version"}`},
		{"no transport", "GET", "EIO=4", `{"code":0,"message":"Transport unknown"}`},
		{"bad transport", "GET", "EIO=4&transport=abc", `{"code":0,"message":"Transport unknown"}`},
		{"POST", "POST", "EIO=4&transport=polling", `{"code":2,"message":"Bad handshake method"}`},
		{"PUT", "PUT", "EIO=4&transport=polling", `{"code":2,"message":"Bad handshake method"}`},
		{"unknown sid", "GET", "EIO=4&transport=polling&sid=abc", `{"code":1,"message":"Session ID unknown"}`},
		{"empty sid", "GET", "EIO=4&transport=polling&sid=", `{"code":1,"message":"Session ID unknown"}`},
		{"no upgrade", "GET", "EIO=4&transport=websocket", `{"code":3,"message":"Bad request"}`},
	} {
		t.Run(c.name, func(t *testing.T) { s.want(c.method, c.query, "", 400, c.answer) })
	}
	for _, q := range []string{"transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc", "EIO=4&transport=websocket&sid=abc"} {
		t.Run("websocket "+q, func(t *testing.T) {
			if _, err := s.dial(q); err == nil {
				t.Error("the connection was accepted")
			}
		})
	}
}

func TestSuite_Messages_Polling(t *testing.T) {
	t.Run("should send and receive a single packet", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q := s.polling()
		s.want("POST", q, "4hello", 200, "ok")
		s.want("GET", q, "", 200, "4hello")
	})
	t.Run("should send and receive several packets", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q := s.polling()
		s.want("POST", q, "4test1\x1e4test2\x1e4test3", 200, "ok")
		s.want("GET", q, "", 200, "4test1\x1e4test2\x1e4test3")
	})
	t.Run("should send and receive text and binary", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q := s.polling()
		s.want("POST", q, "4hello\x1ebAQIDBA==", 200, "ok")
		s.want("GET", q, "", 200, "4hello\x1ebAQIDBA==")
	})
	t.Run("should close upon an invalid packet", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q := s.polling()
		s.status("POST", q, "abc", 400)
		s.status("GET", q, "", 400)
	})
	t.Run("should close upon duplicate polls", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q := s.polling()
		first := make(chan string)
		go func() { _, body := s.do("GET", q, ""); first <- body }()
		time.Sleep(5 * time.Millisecond) // as the suite does; either may come first
		status, second := s.do("GET", q, "")
		if got := <-first; !(got == "1" && status == 400) && second != "1" {
			t.Errorf("got %q, then %d %q", got, status, second)
		}
		s.status("GET", q, "", 400)
	})
}

func TestSuite_Messages_WebSocket(t *testing.T) {
	s := serve(t, patient, newEcho)
	t.Run("text", func(t *testing.T) {
		c := s.socketOnly()
		say(t, c, "4hello")
		expect(t, c, "4hello")
	})
	t.Run("binary", func(t *testing.T) {
		c := s.socketOnly()
		if err := c.Write(t.Context(), websocket.MessageBinary, []byte{1, 2, 3, 4}); err != nil {
			t.Fatal(err)
		}
		if kind, got, err := c.Read(t.Context()); err != nil || kind != websocket.MessageBinary || string(got) != "\x01\x02\x03\x04" {
			t.Errorf("got %v %q, %v", kind, got, err)
		}
	})
	t.Run("invalid packet", func(t *testing.T) {
		c := s.socketOnly()
		say(t, c, "abc")
		expectClosed(t, c)
	})
}

func TestSuite_Heartbeat_Polling(t *testing.T) {
	t.Run("should ping and pong", func(t *testing.T) {
		t.Parallel()
		s := serve(t, patient, newEcho)
		q := s.polling()
		for range 3 {
			s.want("GET", q, "", 200, "2")
			s.want("POST", q, "3", 200, "ok")
		}
	})
	t.Run("should close without pong", func(t *testing.T) {
		t.Parallel()
		s := serve(t, suite, newEcho)
		q := s.polling()
		time.Sleep(500 * time.Millisecond)
		s.status("GET", q, "", 400)
	})
	t.Run("websocket: should ping and pong", func(t *testing.T) {
		t.Parallel()
		c := serve(t, patient, newEcho).socketOnly()
		for range 3 {
			expect(t, c, "2")
			say(t, c, "3")
		}
	})
	t.Run("websocket: should close without pong", func(t *testing.T) {
		t.Parallel()
		c := serve(t, suite, newEcho).socketOnly()
		begun := time.Now()
		expectClosed(t, c)
		if d := time.Since(begun); d < 400*time.Millisecond || d > 5*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
}

func TestSuite_Close(t *testing.T) {
	t.Run("polling", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q := s.polling()
		waiting := make(chan string)
		go func() { _, body := s.do("GET", q, ""); waiting <- body }()
		time.Sleep(100 * time.Millisecond) // the poll is to come first
		s.want("POST", q, "1", 200, "ok")
		if got := <-waiting; got != "6" {
			t.Errorf("the poll got %q, want 6", got)
		}
		s.status("GET", q, "", 400)
	})
	t.Run("websocket", func(t *testing.T) {
		c := serve(t, patient, newEcho).socketOnly()
		say(t, c, "1")
		expectClosed(t, c)
	})
}

func TestSuite_Upgrade(t *testing.T) {
	upgrade := func(s *site) (poll string, c *websocket.Conn) {
		q := s.polling()
		return q, s.socket(strings.Replace(q, "polling", "websocket", 1))
	}
	t.Run("should upgrade", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q, c := upgrade(s)
		say(t, c, "2probe")
		expect(t, c, "3probe")
		s.want("GET", q, "", 200, "6")
		say(t, c, "5")
		say(t, c, "4hello")
		expect(t, c, "4hello")
	})
	t.Run("should ignore polls once upgraded", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q, c := upgrade(s)
		say(t, c, "2probe")
		expect(t, c, "3probe")
		say(t, c, "5")
		say(t, c, "4moved")
		expect(t, c, "4moved")
		s.status("GET", q, "", 400)
		s.status("POST", q, "4hello", 400)
		say(t, c, "4hello")
		expect(t, c, "4hello")
	})
	t.Run("should take an upgrade sent at once", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		_, c := upgrade(s)
		say(t, c, "2probe")
		say(t, c, "5")
		expect(t, c, "3probe")
		say(t, c, "4hello")
		expect(t, c, "4hello")
	})
	t.Run("should ignore a second WebSocket", func(t *testing.T) {
		s := serve(t, patient, newEcho)
		q, c := upgrade(s)
		say(t, c, "2probe")
		expect(t, c, "3probe")
		say(t, c, "5")
		expectClosed(t, s.socket(strings.Replace(q, "polling", "websocket", 1)))
		say(t, c, "4hello")
		expect(t, c, "4hello")
	})
}
