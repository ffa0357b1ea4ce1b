package chatalot

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// Where the operator has a repository, feedback becomes an issue there.
func TestFeedback_Issue(t *testing.T) {
	status := http.StatusCreated
	var asked, auth string
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked, auth = r.Method+" "+r.URL.Path+" "+string(body), r.Header.Get("Authorization")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"number":7,"title":"x"}`)
	}))
	defer host.Close()
	r := relaytest.New(t, relay.Options{})
	newUsers(t, r, "alice")
	svc := &wire.Service{Relay: r, Outgoing: wire.NewOutgoing(wire.OutgoingOptions{Private: true})}
	h := Family(Options{FeedbackRepo: "o/r", FeedbackToken: "secret", FeedbackURL: host.URL}).Handler(svc)
	token, err := newAPI(Options{}).tokenFor(r, "alice", false)
	if err != nil {
		t.Fatal(err)
	}
	const in = `{"title":"It \"breaks\"","description":"often","category":"bug"}`
	w := ask(h, "127.0.0.1:1", "POST", "/api/feedback", token, in)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"success":true,"issue_number":7`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if want := `POST /repos/o/r/issues {"title":"[Bug] It \"breaks\"","body":"often","labels":["bug"]}`; asked != want || auth != "Bearer secret" {
		t.Errorf("asked %s as %q, want %s", asked, auth, want)
	}
	status = http.StatusUnauthorized
	w = ask(h, "127.0.0.1:1", "POST", "/api/feedback", token, in)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}
