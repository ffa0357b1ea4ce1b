package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
)

// stub is a handler of functions.
type stub struct {
	event  func(*socketio.Event)
	closed func(engineio.Reason)
}

func (h stub) Event(e *socketio.Event) {
	if h.event != nil {
		h.event(e)
	}
}

func (h stub) Closed(why engineio.Reason) {
	if h.closed != nil {
		h.closed(why)
	}
}

// one lets everybody in, and sends the sockets and why they ended.
func one(event func(*socketio.Event)) (connect socketio.Connect, sockets chan *socketio.Socket, closed chan engineio.Reason) {
	sockets, closed = make(chan *socketio.Socket, 100), make(chan engineio.Reason, 100)
	return func(*socketio.Handshake) (socketio.Open, error) {
		return func(s *socketio.Socket) socketio.Handler {
			sockets <- s
			return stub{event, func(why engineio.Reason) { closed <- why }}
		}, nil
	}, sockets, closed
}

// in is a client in /, whose socket is in the channel.
func (s *site) in() *caller {
	s.t.Helper()
	c := s.socket()
	c.say("40")
	c.matches(`40{"sid":".+"}`)
	return c
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

// What no client that keeps to the protocol does ends the connection.
func TestClient_Misbehaves(t *testing.T) {
	const placeholder = `{"_placeholder":true,"num":0}`
	for _, c := range []struct {
		name  string
		texts []string // a leading ^ marks a binary message
	}{
		{"connects twice", []string{"40"}},
		{"speaks where it is not", []string{`42/custom,["a"]`}},
		{"leaves where it is not", []string{`41/custom`}},
		{"speaks where it was", []string{`41`, `42["a"]`}},
		{"refuses us", []string{`44{"message":"no"}`}},
		{"takes a reserved name", []string{`42["disconnect"]`}},
		{"sends binary unannounced", []string{"^x"}},
		{"sends more than announced", []string{`451-["a",` + placeholder + `]`, "^x", "^y"}},
		{"speaks in between", []string{`452-["a",` + placeholder + `]`, "^x", `42["b"]`}},
		{"announces too many", []string{`459-["a"]`}},
		{"sends too many bytes in all", []string{`452-["a",` + placeholder + `]`, "^" + strings.Repeat("x", 600), "^" + strings.Repeat("x", 600)}},
		{"sends no attachments", []string{`451-["a",` + placeholder + `]`}},
		{"sends an empty message", []string{"4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			connect, _, closed := one(nil)
			b := &budget{}
			late := time.Minute
			if c.name == "sends no attachments" {
				late = 200 * time.Millisecond
			}
			s := serve(t, socketio.Options{
				AttachTimeout: late, Engine: engineio.Options{MaxPayload: 1000, Budget: b},
			}, connect)
			k := s.in()
			for _, text := range c.texts {
				if data, ok := strings.CutPrefix(text, "^"); ok {
					k.sayBinary(data)
				} else {
					k.say(text)
				}
			}
			k.expectClosed()
			<-closed
			s.v.Shutdown(context.Background())
			if n := b.taken.Load(); n != 0 {
				t.Errorf("%d bytes were not given back", n)
			}
		})
	}
}

// budget is a line.Budget without a bottom, that counts.
type budget struct{ taken atomic.Int64 }

func (b *budget) Take(n int64) bool { b.taken.Add(n); return true }
func (b *budget) Give(n int64)      { b.taken.Add(-n) }

func TestConnect_Refused(t *testing.T) {
	o := socketio.Options{MaxRefusals: 3}
	s := serve(t, o, func(h *socketio.Handshake) (socketio.Open, error) {
		if h.Namespace == "/custom" {
			return nil, fmt.Errorf("wrapped: %w", &socketio.Refusal{Message: "no <entry>", Data: 1})
		}
		return nil, errors.New("secret")
	})
	c := s.socket()
	c.say("40", "40/custom", "40/nowhere")
	c.expect(`44{"message":"internal error"}`, `44/custom,{"message":"no <entry>","data":1}`, `44/nowhere,{"message":"Invalid namespace"}`)
	c.say("40")
	c.expectClosed()
}

func TestConnect_ManyNamespaces(t *testing.T) {
	connect, _, _ := one(nil)
	s := serve(t, socketio.Options{MaxNamespaces: 1}, connect)
	c := s.in()
	c.say("40/custom")
	c.expect(`44/custom,{"message":"Invalid namespace"}`)
	c.say("41", "40/custom")
	c.matches(`40/custom,{"sid":".+"}`)
}

func TestConnect_Panics(t *testing.T) {
	for _, c := range []struct {
		name    string
		connect socketio.Connect
	}{
		{"deciding", func(*socketio.Handshake) (socketio.Open, error) { panic("secret") }},
		{"opening", func(*socketio.Handshake) (socketio.Open, error) {
			return func(*socketio.Socket) socketio.Handler { panic("secret") }, nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := serve(t, socketio.Options{}, c.connect).socket()
			k.say("40")
			k.expectClosed()
		})
	}
}

// The session ends with its transport; each of its sockets is told why.
func TestClosed(t *testing.T) {
	connect, _, closed := one(nil)
	s := serve(t, socketio.Options{}, connect)
	c := s.in()
	c.say("40/custom")
	c.matches(`40/custom,{"sid":".+"}`)
	c.say("41/custom")
	wantReason(t, closed, socketio.ClientLeft)
	c.CloseNow()
	wantReason(t, closed, engineio.ClientClose)
}

// Of a client that is put out, what it sent before it knew is not held against it.
func TestLeave(t *testing.T) {
	var heard atomic.Int32
	connect, sockets, closed := one(func(e *socketio.Event) {
		heard.Add(1)
		e.Socket().Leave()
		e.Socket().Emit("too late")
		e.Ack()
	})
	s := serve(t, socketio.Options{}, connect)
	c := s.in()
	first := <-sockets
	c.say(`421["a"]`, `42["b"]`, `431[]`)
	c.expect("41")
	wantReason(t, closed, socketio.ServerLeft)
	c.say("40")
	c.matches(`40{"sid":".+"}`)
	if second := <-sockets; second.ID() == first.ID() || !first.Ended() || second.Ended() {
		t.Error("the second socket is the first one")
	}
	if n := heard.Load(); n != 1 {
		t.Errorf("%d events were heard, want 1", n)
	}
}

func TestEmitAck(t *testing.T) {
	connect, sockets, _ := one(nil)
	s := serve(t, socketio.Options{MaxAcks: 2}, connect)
	c := s.in()
	socket := <-sockets
	type answer struct {
		args socketio.Args
		err  error
	}
	answers := make(chan answer, 10)
	ask := func(within time.Duration) error {
		return socket.EmitAck(within, func(a socketio.Args, err error) { answers <- answer{a, err} }, "ask")
	}
	t.Run("answered", func(t *testing.T) {
		if err := ask(time.Minute); err != nil {
			t.Fatal(err)
		}
		c.expect(`420["ask"]`)
		c.say(`430["yes",2]`, `430["again"]`, `4399[]`) // the rest is nobody's
		var word string
		var n int
		if a := <-answers; a.err != nil || a.args.Bind(&word, &n) != nil || word != "yes" || n != 2 {
			t.Errorf("got %q, %v", a.args.JSON, a.err)
		}
	})
	t.Run("too late", func(t *testing.T) {
		if err := ask(time.Millisecond); err != nil {
			t.Fatal(err)
		}
		c.expect(`421["ask"]`)
		if a := <-answers; !errors.Is(a.err, socketio.ErrTimeout) {
			t.Errorf("got %v", a.err)
		}
		c.say(`431["late"]`)
	})
	t.Run("closed", func(t *testing.T) {
		for range 2 {
			if err := ask(time.Minute); err != nil {
				t.Fatal(err)
			}
		}
		if err := ask(time.Minute); !errors.Is(err, socketio.ErrManyAcks) {
			t.Errorf("got %v", err)
		}
		c.CloseNow()
		for range 2 {
			if a := <-answers; !errors.Is(a.err, socketio.ErrClosed) {
				t.Errorf("got %v", a.err)
			}
		}
		if err := ask(time.Minute); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("got %v", err)
		}
	})
	select {
	case a := <-answers:
		t.Errorf("and %v, %v", a.args, a.err)
	default:
	}
}

// An event is acknowledged once, whoever does it and when.
func TestEvent_AckOnce(t *testing.T) {
	connect, _, _ := one(func(e *socketio.Event) {
		go func() {
			e.Ack("first")
			e.Ack("second")
			e.Socket().Emit("end")
		}()
	})
	c := serve(t, socketio.Options{}, connect).in()
	c.say(`427["a"]`)
	c.expect(`437["first"]`, `42["end"]`)
	c.say(`42["a"]`)
	c.expect(`42["end"]`)
}

func TestArgs_Bind(t *testing.T) {
	got := make(chan string, 1)
	connect, _, _ := one(func(e *socketio.Event) {
		var n int
		var data, none []byte
		var s struct{ A []string }
		err := e.Bind(&n, &data, &s, &none)
		got <- fmt.Sprint(n, data, s.A, none, err, e.Bind(&s) != nil, e.Bind(&data) != nil)
	})
	c := serve(t, socketio.Options{}, connect).in()
	c.say(`451-["a",5,{"_placeholder":true,"num":0},{"A":["x"]}]`)
	c.sayBinary("\x01\x02")
	if got, want := <-got, "5 [1 2] [x] [] <nil> true true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Several goroutines emit, with attachments: nothing comes between a packet and
// what belongs to it.
func TestEmit_Together(t *testing.T) {
	connect, sockets, _ := one(nil)
	c := serve(t, socketio.Options{}, connect).in()
	s := <-sockets
	for i := range 4 {
		go func() {
			for range 50 {
				s.Emit("e", []byte{byte(i)}, i)
			}
		}()
	}
	for range 200 {
		var i int
		if _, err := fmt.Sscanf(c.hear(), `451-["e",{"_placeholder":true,"num":0},%d]`, &i); err != nil {
			t.Fatal(err)
		}
		c.expect(string([]byte{byte(i)}))
	}
}
