package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"restante/relay"
	"restante/relay/relaytest"
)

// named returns a row that answers with its own name and its parameters.
func named(name string, params ...string) Op {
	return Row(name, Anyone, Free(func(c *Call, _ *relay.Relay, _ None) (string, error) {
		got := name
		for _, p := range params {
			got += fmt.Sprintf(" %s=%q", p, c.Param(p))
		}
		return got, nil
	}), "")
}

// town is a table with every conflict that httprouter refuses.
var town = []Op{
	named("GET /rooms/:id", "id"),
	named("GET /rooms/unread"),
	named("POST /rooms/:id", "id"),
	named("PUT /rooms/unread"),
	named("GET /rooms/:id/messages", "id"),
	named("GET /rooms/:room/messages/:id", "room", "id"),
	named("GET /rooms/:id/messages/newest", "id"),
	named("GET /rooms/all/messages/:id", "id"),
	named("GET /:a/:b/messages/newest", "a", "b"),
	named("GET /files/*path", "path"),
	named("GET /files/:id/thumb", "id"),
	named("DELETE /"),
	named("joinRoom"), // a socket's message
}

func TestRouter_Find(t *testing.T) {
	s := serveTest(t, Family{Ops: town, Dialect: toyDialect}.Handler(&Service{Relay: relaytest.New(t, relay.Options{})}), ServeOptions{}, Door{})
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/rooms/unread", `GET /rooms/unread`},
		{"GET", "/rooms/7", `GET /rooms/:id id="7"`},
		{"GET", "/rooms/unread2", `GET /rooms/:id id="unread2"`},
		{"POST", "/rooms/unread", `POST /rooms/:id id="unread"`},
		{"PUT", "/rooms/unread", `PUT /rooms/unread`},
		{"GET", "/rooms/7/messages", `GET /rooms/:id/messages id="7"`},
		{"GET", "/rooms/7/messages/8", `GET /rooms/:room/messages/:id room="7" id="8"`},
		{"GET", "/rooms/7/messages/newest", `GET /rooms/:id/messages/newest id="7"`},
		{"GET", "/rooms/all/messages/newest", `GET /rooms/all/messages/:id id="newest"`},
		{"GET", "/rooms/all/messages", `GET /rooms/:id/messages id="all"`},
		{"GET", "/clubs/7/messages/newest", `GET /:a/:b/messages/newest a="clubs" b="7"`},
		{"GET", "/files/a/thumb", `GET /files/:id/thumb id="a"`},
		{"GET", "/files/a/b/c", `GET /files/*path path="/a/b/c"`},
		{"DELETE", "/", `DELETE /`},
		// Encoded: the same path, but a slash that came encoded is no separator.
		{"GET", "/r%6foms/%75nread", `GET /rooms/unread`},
		{"GET", "/rooms/a%2Fb", `GET /rooms/:id id="a/b"`},
		{"GET", "/rooms/a%2fmessages", `GET /rooms/:id id="a/messages"`},
		{"GET", "/rooms/%252F", `GET /rooms/:id id="%2F"`},
		{"GET", "/rooms/a%20%C3%A9?x=/rooms/unread", `GET /rooms/:id id="a é"`},
		{"GET", "/rooms/..", `GET /rooms/:id id=".."`},
	} {
		c := s.call(s.tcp)
		c.send(test.method + " " + test.path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
		c.want(200, test.want)
	}
}

func TestRouter_NothingThere(t *testing.T) {
	s := serveTest(t, Family{Ops: town, Dialect: toyDialect}.Handler(&Service{Relay: relaytest.New(t, relay.Options{})}), ServeOptions{}, Door{})
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"DELETE", "/rooms/unread", 405, "GET, POST, PUT"},
		{"PATCH", "/rooms/7", 405, "GET, POST"},
		{"HEAD", "/rooms/7", 405, "GET, POST"},
		{"OPTIONS", "/files/a", 405, "GET"},
		{"POST", "/", 405, "DELETE"},
		{"BREW", "/rooms/7", 405, "GET, POST"},
		{"GET", "/", 405, "DELETE"},
		{"GET", "/rooms", 404, ""},
		{"GET", "/rooms/", 404, ""},
		{"GET", "/rooms/7/", 404, ""},
		{"GET", "/rooms/7/messages/8/9", 404, ""},
		{"GET", "//rooms/7", 404, ""},
		{"GET", "/ROOMS/unread", 404, ""},
		{"GET", "/joinRoom", 404, ""},
		{"GET", "/rooms/%ff", 404, ""},
		{"GET", "/rooms/%ff%2F", 404, ""},
		{"GET", "/rooms%2Funread", 404, ""},
		{"OPTIONS", "*", 404, ""},
	} {
		c := s.call(s.tcp)
		c.send(test.method + " " + test.path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(c.in, &http.Request{Method: test.method})
		if err != nil {
			t.Fatalf("%s %s: %v", test.method, test.path, err)
		}
		if resp.StatusCode != test.status || resp.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", test.method, test.path,
				resp.StatusCode, resp.Header.Get("Allow"), test.status, test.allow)
		}
	}
}

func TestRouter_RowsThatCannotBe(t *testing.T) {
	for _, names := range [][]string{
		{"GET /a", "GET /a"},
		{"GET /a/:id", "GET /a/:id"},
		{"GET /a/:id", "GET /a/:name"}, // one of them would never be found
		{"GET /a/*x", "GET /a/*y"},
		{"GET /a/:id/b", "POST /a/:id/b", "GET /a/:n/b"},
		{"GET a/:id"},
		{"GET a"},
		{"GET "},
		{"GET /a/:"},
		{"GET /a/*x/b"},
	} {
		if !panics(func() {
			var ops []Op
			for _, n := range names {
				ops = append(ops, Row(n, Anyone, Handler{}, ""))
			}
			newRouter(ops)
		}) {
			t.Errorf("%q made a router", names)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// Whatever the path, it is found or not, and what is found is a row whose
// literal segments are those of the path.
func FuzzRouter(f *testing.F) {
	for _, path := range []string{"/", "/rooms/unread", "/rooms/7/messages/newest", "/files/a/thumb", "/files/", "/rooms//messages", "*", "", "/rooms/a%2Fb", "/:a/:b", "/rooms/*path"} {
		f.Add("GET", path)
	}
	rt := newRouter(town)
	f.Fuzz(func(t *testing.T, method, raw string) {
		u, err := url.ParseRequestURI(raw)
		if err != nil {
			return
		}
		path, ok := routed(u)
		if ok != utf8.ValidString(u.Path) {
			t.Fatalf("%q: routed %v", raw, ok)
		}
		op, params := rt.find(method, path)
		if op == nil {
			return
		}
		for _, m := range rt.allowed(path) {
			if m == method {
				checkFound(t, path, op.Name, len(params))
				return
			}
		}
		t.Fatalf("%q is found by %s, which is not allowed", path, method)
	})
}

func checkFound(t *testing.T, path, name string, params int) {
	_, pattern, _ := strings.Cut(name, " ")
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	wild := 0
	for i, seg := range want {
		switch {
		case strings.HasPrefix(seg, "*"):
			wild++
			got = got[:min(len(got), i+1)]
		case strings.HasPrefix(seg, ":"):
			wild++
		case i >= len(got) || got[i] != seg:
			t.Fatalf("%q is found as %s", path, name)
		}
	}
	if wild != params || len(want) != len(got) {
		t.Fatalf("%q is found as %s with %d parameters", path, name, params)
	}
}
