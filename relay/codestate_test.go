package relay_test

import (
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTx_CodeState(t *testing.T) {
	clock := &relaytest.Clock{}
	r := relaytest.New(t, relay.Options{NoLimits: true, Now: clock.Now})
	k := relay.CodeKey{Family: "test", Purpose: "state", Subject: relay.DigestOf([]byte("somebody"))}
	want := func(when string, s relay.CodeState) {
		t.Helper()
		relaytest.View(t, r, func(tx *relay.Tx) error {
			got, err := tx.CodeState(k)
			if got != s {
				t.Errorf("%s: state %d, want %d", when, got, s)
			}
			return err
		})
	}
	issue := func() string {
		code, err := r.NewCode(t.Context(), k, 6, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	want("never made", relay.CodeNone)
	code := issue()
	want("made", relay.CodeOpen)
	for range 5 {
		if err := r.TryCode(t.Context(), k, "x"+code, nil); !relay.Is(err, relay.Forbidden) {
			t.Fatalf("a wrong code: %v", err)
		}
	}
	want("five wrong tries", relay.CodeSpent)
	code = issue()
	want("made again", relay.CodeOpen)
	for range 4 {
		if err := r.TryCode(t.Context(), k, "x"+code, nil); !relay.Is(err, relay.Forbidden) {
			t.Fatalf("a wrong code: %v", err)
		}
	}
	if err := r.TryCode(t.Context(), k, code, nil); err != nil {
		t.Fatal(err)
	}
	want("used", relay.CodeNone)
	issue()
	clock.Advance(time.Minute)
	want("too late", relay.CodeExpired)
	if err := r.DropCode(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	want("withdrawn", relay.CodeNone)
}
