package chatalot

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// ask sends a request from an address to a family.
func ask(h http.Handler, from, method, path, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = from
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// One address has its share of requests, and a smaller one of logins; loopback,
// where Tor brings everybody, has none.
func TestArrive_Rates(t *testing.T) {
	h := Family(Options{}).Handler(&wire.Service{Relay: relaytest.New(t, relay.Options{})})
	count := func(from, path string, n int) (served int, last *httptest.ResponseRecorder) {
		for range n {
			if last = ask(h, from, "GET", path, "", ""); last.Code == http.StatusOK {
				served++
			}
		}
		return served, last
	}
	served, last := count("203.0.113.5:1", "/api/auth/config", 30)
	if served < 10 || served > 15 {
		t.Errorf("%d requests of logins were served, want about 10", served)
	}
	if last.Code != http.StatusTooManyRequests || last.Header().Get("Retry-After") != "5" || !strings.Contains(last.Body.String(), `"rate_limited"`) {
		t.Errorf("got %d %v %s", last.Code, last.Header(), last.Body)
	}
	if last.Header().Get("Referrer-Policy") == "" {
		t.Error("a refusal without the headers of every answer")
	}
	served, last = count("203.0.113.6:1", "/api/health", 90)
	if served < 50 || served > 70 || last.Header().Get("Retry-After") != "1" {
		t.Errorf("%d requests were served, want about 50, %v", served, last.Header())
	}
	for _, from := range []string{"127.0.0.1:1", "203.0.113.7:1"} {
		want := map[string]int{"127.0.0.1:1": 90, "203.0.113.7:1": 10}[from]
		if served, _ := count(from, "/api/auth/config", 90); served < want {
			t.Errorf("%s: %d were served, want %d", from, served, want)
		}
	}
	h = Family(Options{NoLimits: true}).Handler(&wire.Service{Relay: relaytest.New(t, relay.Options{})})
	if served, _ := count("203.0.113.5:1", "/api/auth/config", 90); served != 90 {
		t.Errorf("%d were served without limits", served)
	}
}

// Addresses are kept if the operator wants that, and not otherwise.
func TestKeepAddresses(t *testing.T) {
	for _, kept := range []bool{false, true} {
		r := relaytest.New(t, relay.Options{})
		newUsers(t, r, "alice")
		h := Family(Options{KeepAddresses: kept}).Handler(&wire.Service{Relay: r})
		a := newAPI(Options{})
		token, err := a.tokenFor(r, "alice", false)
		if err != nil {
			t.Fatal(err)
		}
		if w := ask(h, "203.0.113.5:1", "POST", "/api/account/regenerate-recovery-code", token, "{}"); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
		relaytest.View(t, r, func(tx *relay.Tx) error {
			rows, err := listAll(tx, audits, "time", relay.Span{}, 10)
			if want := map[bool]string{true: "203.0.113.5"}[kept]; len(rows) != 1 || rows[0].Record.Address != want {
				t.Errorf("kept %v: got %+v", kept, rows)
			}
			return err
		})
	}
}

// The operator finds accounts by name, address or id, and makes one the owner.
func TestOperator(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	alice := newUsers(t, r, "alice")[0]
	f := Family(Options{})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for _, name := range []string{"ALICE", "alice@Example.com"} {
			if acc, err := f.FindAccount(tx, name); err != nil || acc.ID != alice {
				t.Errorf("%s: got %v, %v", name, acc.ID, err)
			}
		}
		if _, err := f.FindAccount(tx, "bob"); !relay.Is(err, relay.NotFound) {
			t.Errorf("bob: %v, want NotFound", err)
		}
		other, err := tx.Register(relay.AccountDraft{Family: "other"})
		if err != nil {
			return err
		}
		if err := f.MakeOwner(tx, other.ID); !relay.Is(err, relay.NotFound) {
			t.Errorf("somebody else's: %v, want NotFound", err)
		}
		if err := f.MakeOwner(tx, alice); err != nil {
			return err
		}
		rank, err := rankOf(tx, alice)
		if rank != relay.RankOwner {
			t.Errorf("got rank %v", rank)
		}
		return err
	})
}
