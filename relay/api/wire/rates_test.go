package wire

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"restante/ratelimit"
	"restante/relay"
)

func soon() time.Time { return time.Now().Add(time.Minute) }

// few allows n at once and then next to nothing.
func few(n int) *ratelimit.Limiter { return ratelimit.New(ratelimit.PerHour(1, n), 100) }

// times posts n times and expects one status.
func (ty *toy) times(t *testing.T, n int, path, token string, status int) {
	t.Helper()
	for range n {
		resp := ty.post(path, `{"text":"x","token":"`+token+`"}`)
		wantStatus(t, resp, status)
		if status == 429 {
			wantRetryAfter(t, resp)
		}
	}
}

func missing(*Call, *relay.Tx, toyIn) (None, error) {
	return None{}, relay.Errorf(relay.NotFound, relay.SubjectRoom, "no such room")
}

func TestRates_RequestsOfAnAccount(t *testing.T) {
	ty := serveToy(t, &Service{Rates: &Rates{Requests: few(3)}}, ServeOptions{}, Door{},
		Row("POST /read", User, Read(toyEcho), ""), Row("POST /open", Anyone, Read(toyEcho), ""))
	ty.account("alice")
	ty.account("bob")
	ty.times(t, 5, "/read", "wrong", 401) // wrong tokens never slow good ones
	ty.times(t, 3, "/read", "alice", 200)
	ty.times(t, 2, "/read", "alice", 429)
	ty.times(t, 3, "/read", "bob", 200)
	ty.times(t, 5, "/open", "alice", 200)
}

func TestRates_PostsOfAnAccount(t *testing.T) {
	ty := serveToy(t, &Service{Rates: &Rates{Posts: few(2)}}, ServeOptions{}, Door{},
		Row("POST /read", User, Read(toyEcho), ""), Row("POST /write", User, Write(toyEcho), ""))
	ty.account("alice")
	ty.account("bob")
	ty.times(t, 2, "/write", "alice", 200)
	ty.times(t, 1, "/write", "alice", 429)
	ty.times(t, 3, "/read", "alice", 200)
	ty.times(t, 2, "/write", "bob", 200)
}

// What a row writes that speaks HTTP itself is a post like any other.
func TestRates_PostsByRaw(t *testing.T) {
	rs := &Rates{Posts: few(2)}
	op := Row("PUT /file", User, Raw(func(*Call, http.ResponseWriter, *http.Request) error { return nil }), "")
	call := func(method string) error {
		return rs.admit(&Call{Who: relay.Caller{Account: relay.ID{1}}, request: httptest.NewRequest(method, "/file", nil)}, &op)
	}
	for i, refused := range []bool{false, false, true} {
		if err := call("PUT"); relay.Is(err, relay.TooMany) != refused {
			t.Errorf("upload %d: %v", i, err)
		}
	}
	if err := call("GET"); err != nil {
		t.Errorf("a download: %v", err)
	}
}

func TestRates_MissesOfAnAccount(t *testing.T) {
	ty := serveToy(t, &Service{Rates: &Rates{Misses: DefaultRates().Misses}}, ServeOptions{}, Door{},
		Row("POST /miss", User, Read(missing), ""), Row("POST /misswrite", User, Write(missing), ""),
		Row("POST /hit", User, Read(toyEcho), ""), Row("POST /own", User, Read(toyEcho), "").NamesNobody())
	ty.account("alice")
	ty.account("bob")
	ty.times(t, 30, "/miss", "alice", 404)
	ty.times(t, 10, "/hit", "alice", 200)
	ty.times(t, 30, "/misswrite", "alice", 404)
	ty.times(t, 2, "/miss", "alice", 429)
	ty.times(t, 2, "/hit", "alice", 429) // a hit would tell as much
	ty.times(t, 2, "/own", "alice", 200)
	ty.times(t, 1, "/miss", "bob", 404)
	ty.times(t, 70, "/miss", "wrong", 401)
}

func TestRates_Addresses(t *testing.T) {
	ty := serveToy(t, &Service{Rates: &Rates{Addresses: few(2)}}, ServeOptions{}, Door{TrustProxy: true},
		Row("POST /read", Anyone, Read(toyEcho), ""))
	from := func(addr string, status int) {
		t.Helper()
		resp := ty.on(ty.call(ty.tcp), "/read", `{"text":"x"}`, "X-Forwarded-For", addr)
		wantStatus(t, resp, status)
		if status == 429 {
			wantRetryAfter(t, resp)
		}
	}
	for i := range 2 {
		from("203.0.113.1", 200)
		from(fmt.Sprintf("2001:db8::%d", i), 200)
		from("::ffff:203.0.113.3", 200)
	}
	from("203.0.113.1", 429)
	from("::ffff:203.0.113.1", 429)
	from("1.1.1.1, 203.0.113.3", 429) // the proxy wrote the last one
	from("2001:db8::ffff", 429)       // one customer has the whole /64
	from("2001:db8:0:1::1", 200)
	from("203.0.113.2", 200)
	for range 4 { // loopback, nothing at all, and a listener without a proxy
		from("127.0.0.1", 200)
		from("", 200)
		wantStatus(t, ty.on(ty.call(ty.unix), "/read", `{"text":"x"}`, "X-Forwarded-For", "203.0.113.1"), 200)
	}
}

func TestRates_Newcomers(t *testing.T) {
	ty := serveToy(t, &Service{Rates: &Rates{Newcomers: few(2)}}, ServeOptions{}, Door{},
		Row("POST /join", Anyone, Free(func(c *Call, _ *relay.Relay, _ None) (None, error) { return None{}, c.Service.Newcomer() }), ""))
	ty.times(t, 2, "/join", "", 200)
	ty.times(t, 2, "/join", "", 429)
}

func TestRates_NilLimitsNothing(t *testing.T) {
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{}, Row("POST /miss", User, Write(missing), ""))
	ty.account("alice")
	ty.times(t, 300, "/miss", "alice", 404)
	if err := ty.svc.Newcomer(); err != nil {
		t.Error(err)
	}
}

func TestRetryAfter_WholeSeconds(t *testing.T) {
	for _, test := range []struct {
		wait time.Duration
		want string
	}{{1, "1"}, {time.Millisecond, "1"}, {time.Second, "1"}, {time.Second + 1, "2"}, {24 * time.Hour, "86400"}, {1<<63 - 1, "9223372037"}} {
		ty := serveToy(t, &Service{}, ServeOptions{}, Door{}, Row("POST /later", Anyone,
			Read(func(*Call, *relay.Tx, toyIn) (None, error) { return None{}, relay.Later(test.wait, "later") }), ""))
		resp := ty.post("/later", `{"text":"x"}`)
		wantStatus(t, resp, 429)
		if got := resp.Header.Get("Retry-After"); got != test.want {
			t.Errorf("%v: Retry-After %q, want %q", test.wait, got, test.want)
		}
	}
}
