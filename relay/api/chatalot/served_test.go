package chatalot

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A served API, for what no story can show.
type served struct {
	t   *testing.T
	r   *relay.Relay
	api *api
	svc *wire.Service
	url string
}

// serve starts the API as it is configured.
func serve(t *testing.T, o Options) *served {
	t.Helper()
	s := &served{t: t, r: relaytest.New(t, relay.Options{NoLimits: true}), api: newAPI(o)}
	s.svc = &wire.Service{Relay: s.r, Outgoing: wire.NewOutgoing(wire.OutgoingOptions{Private: true})}
	server := httptest.NewServer(s.api.family().Handler(s.svc))
	s.url = server.URL
	t.Cleanup(func() {
		s.svc.Sockets.Stop(context.Background())
		server.Close()
	})
	return s
}

// user registers somebody and returns his access token.
func (s *served) user(name string) string {
	s.t.Helper()
	token, err := s.api.tokenFor(s.r, name, true)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// ask makes a request and returns the answer with its body read.
func (s *served) ask(method, path, token, kind string, body []byte) (*http.Response, []byte) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, got
}

// want asks, and decodes an answer of a status.
func (s *served) want(status int, method, path, token string, body any, out any) {
	s.t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, got := s.ask(method, path, token, "application/json", sent)
	if resp.StatusCode != status {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, got)
	}
	if out != nil {
		if err := json.Unmarshal(got, out); err != nil {
			s.t.Fatalf("%s %s: %v in %s", method, path, err, got)
		}
	}
}
