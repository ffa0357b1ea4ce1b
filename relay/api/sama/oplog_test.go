package sama

import (
	"fmt"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// The log is read page by page, by time, and nothing is missing or twice, though
// one lane is much fuller than the other.
func TestOperations_Pages(t *testing.T) {
	h := build(t, Options{})
	alice, bob := h.enter("alice"), h.enter("bob")
	cid := alice.dialog(bob.id)
	const n = 3*logPage + 7
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		a, err := accountOf(tx, alice.id)
		if err != nil {
			return err
		}
		acc, err := roomOf(tx, a.ID, cid)
		if err != nil {
			return err
		}
		for i := range n {
			e, err := tx.Append(acc.Room.Box, relay.Draft{Kind: kindMessage, From: a.ID, Body: fmt.Append(nil, i)})
			if err != nil {
				return err
			}
			if i%(logPage/2) == 0 || i == n-1 {
				ev := relay.EntryEvent{Entries: []relay.Time{e.ID.Time}}
				if _, err := tx.TellEntries(acc.Room.Box, relay.EventEdited, a.ID, ev); err != nil {
					return err
				}
			}
		}
		return nil
	})
	messages, edits, since, last := 0, 0, any(1), 0.0
	for {
		logs := bob.ask("op_log_list", map[string]any{"created_at": map[string]any{"gt": since}})["logs"].([]any)
		if len(logs) == 0 {
			break
		}
		for _, l := range logs {
			line := l.(map[string]any)
			if id := line["_id"].(float64); id <= last {
				t.Fatalf("%f comes after %f", id, last)
			} else {
				last = id
			}
			since = line["created_at"]
			packet := line["packet"].(map[string]any)
			if m, ok := packet["message"].(map[string]any); ok {
				if want := fmt.Sprint(messages); m["body"] != want {
					t.Fatalf("got message %v, want %s", m["body"], want)
				}
				messages++
			}
			if packet["message_edit"] != nil {
				edits++
			}
		}
	}
	if messages != n || edits != 8 {
		t.Errorf("%d messages and %d edits, want %d and 8", messages, edits, n)
	}
}
