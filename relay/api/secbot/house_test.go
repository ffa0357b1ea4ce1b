package secbot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A house is this API served on a real socket.
type house struct {
	t      testing.TB
	r      *relay.Relay
	svc    *wire.Service
	srv    *wire.Server
	url    string
	addr   string
	client *http.Client
}

// plan is what a test wants its house to be like. Zero values are the defaults,
// with no limits of rate.
type plan struct {
	cfg     Config
	relay   relay.Options
	rates   *wire.Rates
	waiters int
	log     zerolog.Logger
	dir     string
}

func build(t testing.TB, p plan) *house {
	t.Helper()
	if p.rates == nil {
		p.relay.NoLimits = true
	}
	if p.dir == "" {
		p.dir = t.TempDir()
	}
	h := &house{t: t, r: relaytest.Open(t, p.dir, p.relay)}
	h.svc = &wire.Service{Relay: h.r, Rates: p.rates, Purse: wire.NewPurse(0), Waiters: wire.NewWaiters(p.waiters), Log: p.log}
	var mounted http.Handler // made once there is a server to park for it
	h.srv = wire.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mounted.ServeHTTP(w, r) }), wire.ServeOptions{})
	h.svc.Server = h.srv
	mounted = Family(p.cfg).Handler(h.svc)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = ln.Addr().String()
	h.url = "http://" + h.addr
	h.client = newClient(nil)
	ended := make(chan error, 1)
	go func() { ended <- h.srv.Serve(ln) }()
	t.Cleanup(func() {
		h.client.CloseIdleConnections()
		h.srv.Shutdown(context.Background())
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if n := h.r.Hub().Watching(); n != 0 {
			t.Errorf("%d watches are left", n)
		}
		if n := h.svc.Waiters.Waiting(); n != 0 {
			t.Errorf("%d waiters are left", n)
		}
		if n := h.svc.Purse.Taken(); n != 0 {
			t.Errorf("%d bytes are not given back", n)
		}
	})
	return h
}

// newClient makes a client with connections of its own, which counts them.
func newClient(dials *int) *http.Client {
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials != nil {
			*dials++
		}
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
	return &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 64}}
}

type user struct{ ID, Token string }

// fields are a request's, in the order key, value.
type fields map[string]any

// as names the caller of a reading request, from that of a post.
func (u user) as(more fields) fields {
	more["userId"], more["authToken"] = u.ID, u.Token
	return more
}

func (u user) from(more fields) fields {
	more["fromUserId"], more["authToken"] = u.ID, u.Token
	return more
}

// An answer is one, whole.
type answer struct {
	status int
	head   http.Header
	body   string
}

func (h *house) try(c *http.Client, path string, in any, headers ...string) (answer, error) {
	body, ok := in.([]byte)
	if !ok {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return answer{}, err
		}
	}
	req, err := http.NewRequest("POST", h.url+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(got)}, err
}

// ask asks from the test's own goroutine.
func (h *house) ask(path string, in any, headers ...string) answer {
	h.t.Helper()
	a, err := h.try(h.client, path, in, headers...)
	if err != nil {
		h.t.Fatalf("%s: %v", path, err)
	}
	return a
}

func (h *house) want(status int, path string, in any, headers ...string) answer {
	h.t.Helper()
	a := h.ask(path, in, headers...)
	if a.status != status {
		h.t.Fatalf("%s: %d %q, want %d", path, a.status, a.body, status)
	}
	return a
}

func (h *house) register() user {
	h.t.Helper()
	var u struct{ UserID, AuthToken string }
	h.read(h.want(200, "/register", fields{}), &u)
	return user{u.UserID, u.AuthToken}
}

func (h *house) group(u user) string {
	h.t.Helper()
	var g struct{ GroupID string }
	h.read(h.want(200, "/register2", u.as(fields{})), &g)
	return g.GroupID
}

func (h *house) read(a answer, into any) {
	h.t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		h.t.Fatalf("%q: %v", a.body, err)
	}
}

// A page is what any of the polls answers.
type page struct {
	FriendRequests, FriendResponses, GroupInvites, Messages []item
}

type item struct {
	FromUserID, ToID, EncContent, CryptoData string
	Timestamp                                int64
}

func (i item) text() string { return i.EncContent + i.CryptoData }

func (p page) all() (items []item) {
	for _, list := range [][]item{p.FriendRequests, p.FriendResponses, p.GroupInvites, p.Messages} {
		items = append(items, list...)
	}
	return items
}

func (h *house) receive(u user, more fields) []item {
	h.t.Helper()
	var p page
	h.read(h.want(200, "/receive", u.as(more)), &p)
	return p.all()
}

func (h *house) poll(u user, group string, since int64) []item {
	h.t.Helper()
	var p page
	h.read(h.want(200, "/pollgroup", u.as(fields{"groupId": group, "lastMessageTimestamp": since})), &p)
	return p.all()
}

// until waits for what has no signal of its own: the server noticing something
// about a connection.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (h *house) waiting(n int) {
	h.t.Helper()
	until(h.t, fmt.Sprintf("%d waiters", n), func() bool {
		return h.svc.Waiters.Waiting() == n && h.r.Hub().Watching() == n
	})
}
