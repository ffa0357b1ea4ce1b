package chatalot

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

func TestDeviceLabel(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36":                "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36 Edg/126.0":                           "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36":                            "Chrome on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile/15E148 Safari/604": "Safari on iOS",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14) Gecko/20100101 Firefox/127.0":                      "Firefox on macOS",
		"Mozilla/5.0 Tauri/2.0": "Chatalot Desktop",
		"curl on Linux":         "Linux",
		"curl/8.5.0":            "curl/8.5.0",
		"":                      "",
		"0123456789012345678901234567890123456789012345678901234567890": "01234567890123456789012345678901234567890123456789",
		fmt.Sprintf("%0513d", 1): "",
	} {
		if got := deviceLabel(agent); got != want {
			t.Errorf("%q: got %q, want %q", agent, got, want)
		}
	}
}

// A call of nobody in particular.
func stranger(r *relay.Relay) *wire.Call {
	return wire.NewCall(context.Background(), &wire.Service{Relay: r}, "test", relay.Caller{})
}

// signedUp returns a user with a session, and its refresh token.
func signedUp(t testing.TB, a *api, r *relay.Relay) (who relay.ID, refresh string) {
	t.Helper()
	who, refresh = newUsers(t, r, "alice")[0], newRefresh()
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, err := a.openSession(stranger(r), tx, who, refresh)
		return err
	})
	return who, refresh
}

// Of many who bring the same refresh token at once, one is served.
func TestRefresh_Race(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	a := newAPI(Options{})
	_, token := signedUp(t, a, r)
	var served atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			_, err := a.refresh(stranger(r), r, refreshIn{token})
			if err == nil {
				served.Add(1)
			} else if !relay.Is(err, relay.Unauthorized) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := served.Load(); n != 1 {
		t.Errorf("%d were served, want 1", n)
	}
}

// A refresh token that is good for nothing is refused without the writer, which
// is held up here.
func TestRefresh_Worthless(t *testing.T) {
	clock := &relaytest.Clock{}
	r := relaytest.New(t, relay.Options{Now: clock.Now})
	a := newAPI(Options{})
	_, spent := signedUp(t, a, r)
	got, err := a.refresh(stranger(r), r, refreshIn{spent})
	if err != nil {
		t.Fatal(err)
	}
	held, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	done := make(chan error, 1)
	go func() {
		done <- r.Update(context.Background(), func(*relay.Tx) error {
			once.Do(func() { close(held) })
			<-free
			return nil
		})
	}()
	<-held
	refused := make(chan error, 2)
	go func() {
		for _, token := range []string{"none", spent} { // the latter from another tab
			_, err := a.refresh(stranger(r), r, refreshIn{token})
			refused <- err
		}
	}()
	for range 2 {
		select {
		case err := <-refused:
			if !relay.Is(err, relay.Unauthorized) {
				t.Errorf("got %v, want Unauthorized", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("it waits for the writer")
		}
	}
	close(free)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// Late, it is no other tab's, and the session ends.
	clock.Advance(tabsRace + time.Second)
	for _, token := range []string{spent, got.RefreshToken} {
		if _, err := a.refresh(stranger(r), r, refreshIn{token}); !relay.Is(err, relay.Unauthorized) {
			t.Errorf("after a token came back late: got %v, want Unauthorized", err)
		}
	}
}

// An account has so many sessions and no more: who has been silent the longest
// goes first.
func TestOpenSession_Many(t *testing.T) {
	c := &relaytest.Clock{}
	r := relaytest.New(t, relay.Options{Now: c.Now})
	a := newAPI(Options{})
	who, first := signedUp(t, a, r)
	var second string
	for range maxSessions {
		c.Advance(1e9)
		second = newRefresh()
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := a.openSession(stranger(r), tx, who, second)
			return err
		})
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		devices, err := tx.Devices(who, 1000)
		if len(devices) != maxSessions {
			t.Errorf("%d sessions, want %d", len(devices), maxSessions)
		}
		return err
	})
	if _, err := a.refresh(stranger(r), r, refreshIn{first}); !relay.Is(err, relay.Unauthorized) {
		t.Errorf("the first: %v, want Unauthorized", err)
	}
	if _, err := a.refresh(stranger(r), r, refreshIn{second}); err != nil {
		t.Error(err)
	}
}
