package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// Places goes on where one scan ends.
func TestRecords_Places(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	const n = 5_300
	for at := 0; at < n; at += 1000 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range min(1000, n-at) {
				if err := notesToo.Put(tx, relay.NewID(), &note{Tags: [][]byte{{7}, {0, 1}}}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		count := func(s relay.Span) (got int) {
			var last relay.Place
			for p := range notesToo.Places(tx, "tag", s) {
				if got > 0 && (p.ID == last.ID || s.Exact != nil && string(p.Value) != string(s.Exact)) {
					t.Fatalf("%v after %v", p, last)
				}
				got, last = got+1, p
			}
			return got
		}
		if got := count(relay.Span{Exact: []byte{7}}); got != n {
			t.Errorf("got %d, want %d", got, n)
		}
		if got := count(relay.Span{Reverse: true}); got != 2*n {
			t.Errorf("got %d, want %d", got, 2*n)
		}
		if got := count(relay.Span{Limit: 5_100}); got != 5_100 {
			t.Errorf("got %d, want 5100", got)
		}
		return nil
	})
}
