package sama

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A house is a relay that serves this API, for tests that a transcript cannot
// tell.
type house struct {
	t   testing.TB
	r   *relay.Relay
	svc *wire.Service
	api *api
	log *relaytest.Log
	url string // http://host
}

// patience is how long something may take before it counts as missing.
const patience = 10 * time.Second

// build opens a house; origins may use it from their pages.
func build(t testing.TB, o Options, origins ...string) *house {
	t.Helper()
	h := &house{t: t, r: relaytest.New(t, relay.Options{NoLimits: true}), api: newAPI(o), log: &relaytest.Log{}}
	var mounted http.Handler
	srv := wire.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { mounted.ServeHTTP(w, q) }),
		wire.ServeOptions{Origins: func(*http.Request) []string { return origins }})
	h.svc = &wire.Service{
		Relay: h.r, Server: srv, Log: zerolog.New(h.log),
		Outgoing: wire.NewOutgoing(wire.OutgoingOptions{Private: true}),
	}
	mounted = h.api.family().Handler(h.svc)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	t.Cleanup(func() {
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	h.url = "http://" + ln.Addr().String()
	return h
}

// A client is a connection, of somebody once it has logged in.
type client struct {
	t      testing.TB
	conn   *websocket.Conn
	id     string // of its account
	token  string
	login  string
	events []map[string]any // that came while an answer was waited for
}

func (h *house) dial() *client {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, h.url+"/", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	h.t.Cleanup(func() { conn.CloseNow() })
	return &client{t: h.t, conn: conn}
}

// enter registers somebody new and connects as him. Passwords are slow, so his
// session is made under the table.
func (h *house) enter(login string) *client {
	h.t.Helper()
	c := h.dial()
	a := &api{o: Options{}.withDefaults()}
	var who relay.ID
	relaytest.Update(h.t, h.r, func(tx *relay.Tx) error {
		p := person{Login: login}
		acc, err := tx.Register(relay.AccountDraft{Family: family, Profile: wire.MustEncode(p), Logins: p.logins()})
		who = acc.ID
		return err
	})
	p, err := a.newPass(h.r, who, login)
	if err != nil {
		h.t.Fatal(err)
	}
	relaytest.Update(h.t, h.r, func(tx *relay.Tx) error { return a.grant(tx, who, "device", "seed", p, "", "") })
	c.id, c.token, c.login = shown(who), p.access, login
	c.connect()
	return c
}

// again is another connection of the same device.
func (h *house) again(c *client) *client {
	h.t.Helper()
	d := h.dial()
	d.id, d.token, d.login = c.id, c.token, c.login
	d.connect()
	return d
}

func (c *client) connect() {
	c.t.Helper()
	c.ask("connect", map[string]any{"token": c.token, "device_id": "device"})
}

func (c *client) send(packet any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b, err := json.Marshal(packet)
	if err == nil {
		err = c.conn.Write(ctx, websocket.MessageText, b)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) read() map[string]any {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, b, err := c.conn.Read(ctx)
	if err != nil {
		c.t.Fatalf("%s: %v", c.login, err)
	}
	var got map[string]any
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&got); err != nil {
		c.t.Fatal(err)
	}
	return got
}

// ask asks and returns what stands in the response; errors fail the test.
func (c *client) ask(op string, params any) map[string]any {
	c.t.Helper()
	c.send(map[string]any{"request": map[string]any{op: params, "id": "q"}})
	answer := c.until("response")
	if answer["error"] != nil {
		c.t.Fatalf("%s: %v", op, answer["error"])
	}
	return answer
}

// say sends a message and returns its receipt.
func (c *client) say(cid, body string) map[string]any {
	c.t.Helper()
	c.send(map[string]any{"message": map[string]any{"id": body[:min(len(body), 100)], "cid": cid, "body": body}})
	return c.until("ask")
}

// until reads up to a packet of a kind, and keeps the others.
func (c *client) until(key string) map[string]any {
	c.t.Helper()
	for {
		got := c.read()
		if v, ok := got[key].(map[string]any); ok {
			return v
		}
		if m, ok := got["message"].(map[string]any); ok && m["error"] != nil {
			c.t.Fatalf("a message was refused: %v", m)
		}
		c.events = append(c.events, got)
	}
}

// event returns the next event of a kind, in the order in which they came.
func (c *client) event(key string) map[string]any {
	c.t.Helper()
	for {
		var got map[string]any
		if len(c.events) > 0 {
			got, c.events = c.events[0], c.events[1:]
		} else {
			got = c.read()
		}
		if v, ok := got[key].(map[string]any); ok {
			return v
		}
	}
}

// group opens a group of c and others and returns its id.
func (c *client) group(others ...*client) string {
	c.t.Helper()
	ids := make([]string, len(others))
	for i, o := range others {
		ids[i] = o.id
	}
	answer := c.ask("conversation_create", map[string]any{"type": "g", "name": "group", "participants": ids})
	return answer["conversation"].(map[string]any)["_id"].(string)
}

// dialog opens a dialog and returns its id.
func (c *client) dialog(other string) string {
	c.t.Helper()
	answer := c.ask("conversation_create", map[string]any{"type": "u", "opponent_id": other})
	return answer["conversation"].(map[string]any)["_id"].(string)
}

// account returns the account behind a client.
func (h *house) account(c *client) (acc relay.Account) {
	h.t.Helper()
	relaytest.View(h.t, h.r, func(tx *relay.Tx) (err error) {
		acc, err = accountOf(tx, c.id)
		return err
	})
	return acc
}

// clean fails the test if the log names something that was sent.
func (h *house) clean(secrets ...string) {
	h.t.Helper()
	for _, s := range secrets {
		if strings.Contains(h.log.String(), s) {
			h.t.Errorf("the log names %q", s)
		}
	}
}
