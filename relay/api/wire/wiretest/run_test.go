package wiretest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// fake is a family with little to say: /echo answers with what it is sent,
// /wait waits for /ring.
func fake(*Settings) wire.Family {
	box := relay.BoxID{1}
	var rung atomic.Bool
	echo := func(_ *wire.Call, _ *relay.Relay, in map[string]any) (map[string]any, error) { return in, nil }
	ring := func(_ *wire.Call, r *relay.Relay, _ wire.None) (any, error) {
		rung.Store(true)
		r.Hub().Signal(box, relay.Signal{})
		return nil, nil
	}
	wait := func(_ *wire.Call, r *relay.Relay, _ wire.None) (any, error) {
		w := r.Hub().Watch(box)
		return &wire.Wait{
			Until: time.Now().Add(time.Minute),
			Arm:   w.Arm,
			Check: func() ([]byte, bool, error) { return []byte("rung\n"), rung.Load(), nil },
			Done:  w.Close,
		}, nil
	}
	return wire.Family{Name: "fake", MaxBody: 1000,
		Ops: []wire.Op{
			wire.Row("POST /echo", wire.Anyone, wire.Free(echo), ""),
			wire.Row("POST /ring", wire.Anyone, wire.Free(ring), ""),
			wire.Row("POST /wait", wire.Anyone, wire.Free(wait), ""),
		},
		Dialect: wire.Dialect{Fail: func(_ *wire.Call, err *relay.Error) wire.Reply {
			return wire.Reply{Status: 400, Body: err.Text + "\n"}
		}},
	}
}

// tell plays a story against the fake family.
func tell(t *testing.T, src string, row func(string)) error {
	t.Helper()
	st, err := parse("story.txt", src)
	if err != nil {
		return err
	}
	w, err := open(t, fake, st.settings, row)
	if err != nil {
		return err
	}
	w.patience = 200 * time.Millisecond
	return play(w, st)
}

func TestPlay_ComesTrue(t *testing.T) {
	err := tell(t, `
# the kinds of lines there are
! max-body=5000
! $n = 5
alice> POST /echo {"a":"one","b":[1,2],"n":$n}
alice< 200 [Cache-Control: no-store] [Retry-After: none] {"a":"$a", "b":[1, ...], "n":$n}
alice> POST /echo [Content-Type: text/plain]
    {"a":"$a",
     "long":"$(ab*3)", "dollar":"$$"}
alice< 200 {"a":"one","long":"ababab","dollar":"$$"}
alice> POST /echo {"one":1}
alice< 200 {"$a":1}
bob>   POST /wait
alice> POST /ring
alice< 200 empty
bob<   200 text "ru...\n"
alice> POST /echo text "{\"a\":\"\xff\"}"
alice< 400 text "bad JSON...\n"
alice> POST /echo
alice< 400 _
alice> POST /echo {"a":1,"b":2}
alice< 200 {"a":$one,"b":$two}
! $one < $two
alice> GET /echo
alice< 405 [Allow: POST] _
alice> POST /echo {"a":"$(x*5000)"}
alice< 400 text "body too large\n"
! advance -1h
`, nil)
	if err != nil {
		t.Error(err)
	}
}

func TestPlay_Fails(t *testing.T) {
	for _, tt := range []struct{ name, story, want string }{
		{"wrong status", "a> POST /echo {}\na< 201 {}", "story.txt:2: got status 200, want 201"},
		{"missing key", "a> POST /echo {}\na< 200 {\"k\":1}", "story.txt:2: k: missing"},
		{"further key", "a> POST /echo {\"k\":1}\na< 200 {}", "k: got 1, want no such key"},
		{"wrong value", "a> POST /echo {\"k\":[{\"l\":1}]}\na< 200 {\"k\":[{\"l\":2}]}", "k[0].l: got 1, want 2"},
		{"wrong type", "a> POST /echo {\"k\":1}\na< 200 {\"k\":\"1\"}", `k: got 1, want "1"`},
		{"too few elements", "a> POST /echo {\"k\":[1]}\na< 200 {\"k\":[1,2]}", "k: got 1 elements, want 2"},
		{"bound to something else", "a> POST /echo {\"k\":\"1\",\"l\":\"2\"}\na< 200 {\"k\":\"$x\",\"l\":\"$x\"}", `got "2", want "$x" ($x is "1")`},
		{"unbound variable", "a> POST /echo {\"k\":\"$x\"}\na< 200 _", "story.txt:1: $x is not bound yet"},
		{"unbound key", "a> POST /echo {\"k\":1}\na< 200 {\"$x\":1}", "$x is not bound yet"},
		{"missing header", "a> POST /echo {}\na< 200 [Allow: _] {}", "header Allow is missing"},
		{"content type", "a> POST /echo {}\na< 200 text \"{}\"", `Content-Type: got "application/json; charset=utf-8", want text/plain`},
		{"body where none is due", "a> POST /echo {}\na< 200 empty", `got "{}", want no body`},
		{"missing answer", "a> POST /wait\na< 200 _", "story.txt:2: no answer to story.txt:1 within 200ms"},
		{"answered at once", "a> POST /echo {}\nb> POST /ring\nb< 200 _\na< 200 _", "story.txt:1: POST /echo did not wait: 200 {}"},
		{"answer nobody expects", "a> POST /wait\nb> POST /ring\nb< 200 _", "story.txt:1: a asked, and no line has the answer"},
		{"not rising", "! $x = 5\n! $x < 5", "5 is not greater than 5"},
		{"unknown setting", "! colour=red\na> POST /echo {}\na< 200 _", "story.txt:1: no such setting: colour"},
		{"bad line", "alice POST /echo", "story.txt:1: want a client's name"},
		{"body not said", "a> POST /echo {}\na< 200", "say what the body is"},
		{"bad pattern", "a> POST /echo {}\na< 200 {\"k\":}", "want a value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tell(t, tt.story, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestReached(t *testing.T) {
	r := &reached{rows: map[string]bool{}}
	if err := tell(t, "a> POST /echo {}\na< 200 {}\na> GET /ring\na< 405 _", r.row); err != nil {
		t.Fatal(err)
	}
	if got, want := r.missing(fake(nil)), []string{"POST /ring", "POST /wait"}; !slices.Equal(got, want) {
		t.Errorf("rows not reached: got %q, want %q", got, want)
	}
}

// echoing is a socket handler that answers with what it is sent, tells everybody
// of it, and closes when it is asked to.
type echoing struct {
	s   *wire.Socket
	hub *relay.Hub
}

func (h echoing) Receive(data []byte, _ bool) {
	if string(data) == "bye" {
		h.s.Close(4001, "as you wish")
		return
	}
	h.hub.Signal(relay.BoxID{1}, relay.Signal{Data: data})
	h.s.Send(data)
}

func (h echoing) Pass() bool {
	for _, g := range h.s.Watch().Signals() {
		h.s.Send(append([]byte("heard "), g.Data...))
	}
	return false
}

func (h echoing) Closed() {}

// tellSockets plays a story against a server of sockets; /no refuses them.
func tellSockets(t *testing.T, src string) error {
	t.Helper()
	st, err := parse("story.txt", src)
	if err != nil {
		return err
	}
	r := relaytest.New(t, relay.Options{})
	sockets := wire.NewSockets(r.Hub(), nil, func(string, error) {})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/no" {
			wire.Refuse(w, http.StatusForbidden, "no")
			return
		}
		sockets.Serve(w, q, &wire.SocketOptions{Binary: true}, func(s *wire.Socket) wire.SocketHandler {
			s.Watch().Add(relay.BoxID{1})
			return echoing{s, r.Hub()}
		})
	}))
	defer srv.Close()
	defer sockets.Stop(context.Background())
	rung, err := bell(r)
	if err != nil {
		return err
	}
	return play(world{url: srv.URL, watching: r.Hub().Watching, rung: rung, patience: 200 * time.Millisecond}, st)
}

func TestPlay_Sockets(t *testing.T) {
	for _, tt := range []struct{ name, story, want string }{
		{"all is well", `
alice+ /ws [X-Name: alice]
bob+   /ws
alice> {"n":1}
alice< {"n":$n}
alice< text "heard {\"n\":$n}"
bob<   text "heard ..."
bob!
carol> GET /no
carol< 403 text "no\n"
carol+ /no
carol< 403 _
bob>   bye
bob<   closed 4001 "as you wish"
alice> text "x"
alice< text "x"
alice< text "heard x"
alice-
`, ""},
		{"nothing came", "a+ /\na< {}", "story.txt:2: no message within 200ms"},
		{"something came", "a+ /\nb+ /\na> text \"x\"\na< text \"x\"\na< _\nb!", `story.txt:6: got "heard x", want nothing`},
		{"something is left over", "a+ /\nb+ /\na> text \"x\"\na< text \"x\"\na< _", `story.txt:2: at the end of the story: got "heard x", want nothing`},
		{"another close code", "a+ /\na> bye\na< closed 4002", `closed with 4001 "as you wish", want 4002`},
		{"opened after all", "a+ /\na< 403 _", "story.txt:1: the socket opened, want status 403"},
		{"text for bytes", "a+ /\na> text \"x\"\na< bytes \"x\"", "got binary false, want true"},
		{"no socket", "a< {}", "a has no socket"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tellSockets(t, tt.story)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
