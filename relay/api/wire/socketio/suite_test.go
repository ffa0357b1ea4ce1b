package socketio_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
)

// The checks of the protocol's official test suite for servers, with its
// settings and its application.
var suite = socketio.Options{
	Engine:         engineio.Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000},
	ConnectTimeout: time.Second,
}

// patient is suite for who answers pings: it may take him a while on a busy machine.
var patient = func() socketio.Options {
	o := suite
	o.Engine.PingTimeout = 20 * time.Second
	return o
}()

// app is the application: it tells the client how it authenticated, sends its
// messages back, and acknowledges.
type app struct{ *socketio.Socket }

func (a app) Event(e *socketio.Event) {
	switch e.Name {
	case "message":
		a.Emit("message-back", e.Args)
	case "message-with-ack":
		e.Ack(e.Args)
	}
}

func (a app) Closed(engineio.Reason) {}

func connectApp(h *socketio.Handshake) (socketio.Open, error) {
	return func(s *socketio.Socket) socketio.Handler {
		s.Emit("auth", h.Auth)
		return app{s}
	}, nil
}

// A site is a server and its URL.
type site struct {
	t   *testing.T
	v   *socketio.Server
	url string // with the query begun
}

// serve serves the application, or what connect connects to, in / and /custom.
func serve(t *testing.T, o socketio.Options, connect socketio.Connect) *site {
	t.Helper()
	if connect == nil {
		connect = connectApp
	}
	v := socketio.NewServer(o)
	v.Of("/", connect)
	v.Of("/custom", connect)
	srv := httptest.NewServer(v)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		v.Shutdown(ctx)
		srv.Close()
		if n := v.Engine().Len(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
	return &site{t: t, v: v, url: srv.URL + "/socket.io/?"}
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

func (s *site) polling() string {
	s.t.Helper()
	_, open := s.do("GET", "EIO=4&transport=polling", "")
	return "EIO=4&transport=polling&sid=" + s.sid(open)
}

func (s *site) sid(open string) string {
	s.t.Helper()
	var got struct{ SID string }
	if !strings.HasPrefix(open, "0") || json.Unmarshal([]byte(open[1:]), &got) != nil || len(got.SID) < 22 {
		s.t.Fatalf("got %q for an open packet", open)
	}
	return got.SID
}

// A caller is a client by hand.
type caller struct {
	*websocket.Conn
	t *testing.T
}

func (s *site) dial(query string) (*caller, error) {
	c, _, err := websocket.Dial(s.t.Context(), strings.Replace(s.url, "http", "ws", 1)+query, nil)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(-1)
	s.t.Cleanup(func() { c.CloseNow() })
	return &caller{c, s.t}, nil
}

// socket begins a session on a WebSocket, not connected to any namespace.
func (s *site) socket() *caller {
	s.t.Helper()
	c, err := s.dial("EIO=4&transport=websocket")
	if err != nil {
		s.t.Fatal(err)
	}
	s.sid(c.hear())
	return c
}

// connected is a client in /.
func (s *site) connected() *caller {
	s.t.Helper()
	c := s.socket()
	c.say("40")
	c.matches(`40{"sid":".+"}`)
	c.expect(`42["auth",{}]`)
	return c
}

func (c *caller) hear() string {
	c.t.Helper()
	_, b, err := c.Read(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

func (c *caller) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.hear(); got != w {
			c.t.Fatalf("got %q, want %q", got, w)
		}
	}
}

func (c *caller) matches(want string) {
	c.t.Helper()
	want = "^" + strings.NewReplacer("{", `\{`, "}", `\}`).Replace(want) + "$"
	if got := c.hear(); !regexp.MustCompile(want).MatchString(got) {
		c.t.Fatalf("got %q, want %s", got, want)
	}
}

func (c *caller) say(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if err := c.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *caller) sayBinary(data string) {
	c.t.Helper()
	if err := c.Write(c.t.Context(), websocket.MessageBinary, []byte(data)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) expectClosed() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := c.Read(ctx); err != nil {
			if ctx.Err() != nil {
				c.t.Fatal("the connection stays")
			}
			return
		}
	}
}

// The checks of the transport, as far as they are repeated in this suite.
func TestSuite_EngineIO(t *testing.T) {
	for _, c := range []struct{ name, method, query string }{
		{"no EIO", "GET", "transport=polling"},
		{"bad EIO", "GET", "EIO=abc&transport=polling"},
		{"no transport", "GET", "EIO=4"},
		{"bad transport", "GET", "EIO=4&transport=abc"},
		{"POST", "POST", "EIO=4&transport=polling"},
		{"PUT", "PUT", "EIO=4&transport=polling"},
	} {
		t.Run("polling: "+c.name, func(t *testing.T) {
			s := serve(t, patient, nil)
			if status, _ := s.do(c.method, c.query, ""); status != 400 {
				t.Errorf("got %d", status)
			}
		})
	}
	for _, q := range []string{"transport=websocket", "EIO=abc&transport=websocket", "EIO=4", "EIO=4&transport=abc"} {
		t.Run("websocket: "+q, func(t *testing.T) {
			if _, err := serve(t, patient, nil).dial(q); err == nil {
				t.Error("the connection was accepted")
			}
		})
	}
	t.Run("should open a session", func(t *testing.T) {
		s := serve(t, patient, nil)
		s.polling()
		s.socket()
	})
	t.Run("heartbeat: polling", func(t *testing.T) {
		t.Parallel()
		s := serve(t, patient, nil)
		q := s.polling()
		for range 3 {
			s.want("GET", q, "", 200, "2")
			s.want("POST", q, "3", 200, "ok")
		}
	})
	t.Run("heartbeat: no pong", func(t *testing.T) {
		t.Parallel()
		s := serve(t, suite, nil)
		q, c := s.polling(), s.socket()
		time.Sleep(500 * time.Millisecond)
		if status, _ := s.do("GET", q, ""); status != 400 {
			t.Errorf("got %d", status)
		}
		c.expectClosed()
	})
	t.Run("heartbeat: websocket", func(t *testing.T) {
		t.Parallel()
		c := serve(t, patient, nil).socket()
		for range 3 {
			c.expect("2")
			c.say("3")
		}
	})
	t.Run("close: polling", func(t *testing.T) {
		s := serve(t, patient, nil)
		q := s.polling()
		waiting := make(chan string)
		go func() { _, body := s.do("GET", q, ""); waiting <- body }()
		time.Sleep(100 * time.Millisecond) // the poll is to come first
		s.want("POST", q, "1", 200, "ok")
		if got := <-waiting; got != "6" {
			t.Errorf("the poll got %q, want 6", got)
		}
		if status, _ := s.do("GET", q, ""); status != 400 {
			t.Errorf("got %d", status)
		}
	})
	t.Run("close: websocket", func(t *testing.T) {
		c := serve(t, patient, nil).socket()
		c.say("1")
		c.expectClosed()
	})
	t.Run("upgrade", func(t *testing.T) {
		s := serve(t, patient, nil)
		q := s.polling()
		c, err := s.dial(strings.Replace(q, "polling", "websocket", 1))
		if err != nil {
			t.Fatal(err)
		}
		c.say("2probe")
		c.expect("3probe")
		s.want("GET", q, "", 200, "6")
		c.say("5", "40")
		c.matches(`40{"sid":".+"}`)
		second, err := s.dial(strings.Replace(q, "polling", "websocket", 1))
		if err != nil {
			t.Fatal(err)
		}
		second.expectClosed()
		c.expect(`42["auth",{}]`)
	})
}

func TestSuite_Connect(t *testing.T) {
	for _, c := range []struct {
		name, say string
		hear      []string
	}{
		{"to the main namespace", `40`, []string{`40{"sid":".+"}`, `42\["auth",{}\]`}},
		{"with a payload", `40{"token":"123"}`, []string{`40{"sid":".+"}`, `42\["auth",{"token":"123"}\]`}},
		{"to a custom namespace", `40/custom,`, []string{`40/custom,{"sid":".+"}`, `42/custom,\["auth",{}\]`}},
		{"to a custom namespace, without comma", `40/custom`, []string{`40/custom,{"sid":".+"}`, `42/custom,\["auth",{}\]`}},
		{"to a custom namespace with a payload", `40/custom,{"token":"abc"}`, []string{`40/custom,{"sid":".+"}`, `42/custom,\["auth",{"token":"abc"}\]`}},
		{"to an unknown namespace", `40/random`, []string{`44/random,{"message":"Invalid namespace"}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := serve(t, patient, nil).socket()
			k.say(c.say)
			for _, want := range c.hear {
				k.matches(want)
			}
		})
	}
	t.Run("should close upon an invalid packet", func(t *testing.T) {
		c := serve(t, patient, nil).socket()
		c.say("4abc")
		c.expectClosed()
	})
	t.Run("should close without connect", func(t *testing.T) {
		t.Parallel()
		o := suite
		o.Engine = engineio.Options{} // so that it is not the ping
		begun := time.Now()
		serve(t, o, nil).socket().expectClosed()
		if d := time.Since(begun); d < time.Second || d > 5*time.Second {
			t.Errorf("closed after %v", d)
		}
	})
}

func TestSuite_Disconnect(t *testing.T) {
	t.Run("should leave the main namespace", func(t *testing.T) {
		c := serve(t, patient, nil).connected()
		c.say("41")
		c.expect("2")
	})
	t.Run("should leave a custom namespace", func(t *testing.T) {
		c := serve(t, patient, nil).connected()
		c.say("40/custom")
		c.matches(`40/custom,{"sid":".+"}`)
		c.expect(`42/custom,["auth",{}]`)
		c.say("41/custom", `42["message","message to main namespace"]`)
		c.expect(`42["message-back","message to main namespace"]`)
	})
}

func TestSuite_Message(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		c := serve(t, patient, nil).connected()
		c.say(`42["message",1,"2",{"3":[true]}]`)
		c.expect(`42["message-back",1,"2",{"3":[true]}]`)
	})
	t.Run("binary", func(t *testing.T) {
		c := serve(t, patient, nil).connected()
		c.say(`452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		c.sayBinary("\x01\x02\x03")
		c.sayBinary("\x04\x05\x06")
		c.expect(`452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "\x01\x02\x03", "\x04\x05\x06")
	})
	t.Run("ack", func(t *testing.T) {
		c := serve(t, patient, nil).connected()
		c.say(`42456["message-with-ack",1,"2",{"3":[false]}]`)
		c.expect(`43456[1,"2",{"3":[false]}]`)
	})
	t.Run("binary ack", func(t *testing.T) {
		c := serve(t, patient, nil).connected()
		c.say(`452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		c.sayBinary("\x01\x02\x03")
		c.sayBinary("\x04\x05\x06")
		c.expect(`462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "\x01\x02\x03", "\x04\x05\x06")
	})
	for _, bad := range []string{`4abc`, `42{}`, `42abc["message-with-ack",1,"2",{"3":[false]}]`} {
		t.Run("should close upon "+bad, func(t *testing.T) {
			c := serve(t, patient, nil).connected()
			c.say(bad)
			c.expectClosed()
		})
	}
}
