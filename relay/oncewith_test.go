package relay_test

import (
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTx_OnceWith(t *testing.T) {
	var clk relaytest.Clock
	r := relaytest.New(t, relay.Options{Now: clk.Now})
	name, print := relay.DigestOf([]byte("name")), relay.DigestOf([]byte("print"))
	done := 0
	once := func(result string, want string, wantAgain bool) {
		t.Helper()
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			got, again, err := tx.OnceWith(name, print, func() ([]byte, error) { done++; return []byte(result), nil })
			if string(got) != want || again != wantAgain {
				t.Errorf("got %q, %v, want %q, %v", got, again, want, wantAgain)
			}
			return err
		})
	}
	once("first", "first", false)
	once("second", "first", true)
	clk.Advance(25 * time.Hour)
	once("third", "third", false)
	if done != 2 {
		t.Errorf("done %d times, want 2", done)
	}
	for want, do := range map[relay.Code]func() ([]byte, error){
		relay.TooLarge: func() ([]byte, error) { return make([]byte, relay.MaxOnceResult+1), nil },
		relay.Busy:     func() ([]byte, error) { return nil, relay.Errorf(relay.Busy, relay.SubjectNone, "busy") },
	} {
		err := r.Update(t.Context(), func(tx *relay.Tx) error {
			_, _, err := tx.OnceWith(relay.DigestOf([]byte("other")), print, do)
			return err
		})
		if !relay.Is(err, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
