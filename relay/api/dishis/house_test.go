package dishis

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A house is this API served on a real socket.
type house struct {
	t   testing.TB
	r   *relay.Relay
	svc *wire.Service
	url string
}

// build serves the API on the state directory dir. The house is left when the
// test ends.
func build(t testing.TB, dir string, o relay.Options) *house {
	t.Helper()
	o.NoLimits = true
	h := &house{t: t, r: relaytest.Open(t, dir, o)}
	var mounted http.Handler
	srv := wire.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mounted.ServeHTTP(w, r) }), wire.ServeOptions{})
	h.svc = &wire.Service{Relay: h.r, Server: srv, Purse: wire.NewPurse(0)}
	mounted = Family(Options{}).Handler(h.svc)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + ln.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		srv.Shutdown(context.Background())
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		h.svc.Sockets.Stop(context.Background())
		if n := h.r.Hub().Watching(); n != 0 {
			t.Errorf("%d watches are left", n)
		}
		if n := h.svc.Purse.Taken(); n != 0 {
			t.Errorf("%d bytes are not given back", n)
		}
	})
	return h
}

type user struct{ id, token string }

type fields map[string]any

// ask asks and returns the answer's status and its data.
func (h *house) ask(u user, method, path string, in any) (int, map[string]any) {
	h.t.Helper()
	body := ""
	if in != nil {
		body = string(wire.MustEncode(in))
	}
	req, err := http.NewRequest(method, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if u.token != "" {
		req.Header.Set("Authorization", "Bearer "+u.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	var got struct{ Data any }
	if err := json.Unmarshal(raw, &got); err != nil {
		h.t.Fatalf("%s %s: %q", method, path, raw)
	}
	data, isMap := got.Data.(map[string]any)
	if !isMap {
		data = map[string]any{"list": got.Data}
	}
	return resp.StatusCode, data
}

// must is ask for what has to work.
func (h *house) must(u user, method, path string, in any) map[string]any {
	h.t.Helper()
	status, data := h.ask(u, method, path, in)
	if status >= 300 {
		h.t.Fatalf("%s %s: %d", method, path, status)
	}
	return data
}

func (h *house) register(name string) user {
	h.t.Helper()
	data := h.must(user{}, "POST", "/api/users/register", fields{"username": name, "deviceId": "d", "publicKey": "k"})
	return user{data["userId"].(string), data["authToken"].(string)}
}

const sealed = `{"message":"m","key":"k","iv":"i"}`

// history returns the messages of two users, the newest first.
func (h *house) history(u, peer user) (list []map[string]any) {
	h.t.Helper()
	for _, m := range h.must(u, "GET", "/api/messages/"+u.id+"/"+peer.id, nil)["list"].([]any) {
		list = append(list, m.(map[string]any))
	}
	return list
}
