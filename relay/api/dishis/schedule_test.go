package dishis

import (
	"context"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// What was planned outlives the relay that planned it, and what is overdue at
// its next start goes out then, in the order in which it was planned.
func TestSchedule_Restart(t *testing.T) {
	dir := t.TempDir()
	clock := &relaytest.Clock{}
	var anna, bert user
	planned := map[time.Duration]string{}
	t.Run("before", func(t *testing.T) {
		h := build(t, dir, relay.Options{Now: clock.Now})
		anna, bert = h.register("anna"), h.register("bert")
		for _, after := range []time.Duration{2 * time.Hour, time.Hour, 3 * time.Hour, 48 * time.Hour, 90 * time.Minute} {
			data := h.must(anna, "POST", "/api/messages/schedule", fields{
				"recipientId": bert.id, "encryptedContent": sealed, "scheduledFor": wire.ISO(h.r.Now().Add(after)),
			})
			planned[after] = data["messageId"].(string)
		}
		if got := h.history(bert, anna); len(got) != 0 {
			t.Errorf("the history has %v", got)
		}
	})
	clock.Advance(24 * time.Hour)
	h := build(t, dir, relay.Options{Now: clock.Now})
	if err := h.r.RunDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := h.history(bert, anna)
	order := []time.Duration{3 * time.Hour, 2 * time.Hour, 90 * time.Minute, time.Hour} // newest first
	if len(got) != len(order) {
		t.Fatalf("%d messages went out, want %d", len(got), len(order))
	}
	for i, after := range order {
		if got[i]["messageId"] != planned[after] || got[i]["status"] != "sent" {
			t.Errorf("message %d is %v, want %s", i, got[i], planned[after])
		}
	}
	if data := h.must(anna, "GET", "/api/status/"+planned[48*time.Hour], nil); data["status"] != "scheduled" {
		t.Errorf("what is not due is %v", data)
	}
	if data := h.must(anna, "GET", "/api/analytics/user/"+anna.id, nil); data["messagesSent"] != 4.0 {
		t.Errorf("counted: %v", data)
	}
}

// More cannot be planned than there is room for.
func TestSchedule_Full(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna, bert := h.register("anna"), h.register("bert")
	in := fields{"recipientId": bert.id, "encryptedContent": sealed, "scheduledFor": wire.ISO(h.r.Now().Add(time.Hour))}
	for range maxScheduled {
		h.must(anna, "POST", "/api/messages/schedule", in)
	}
	if status, _ := h.ask(anna, "POST", "/api/messages/schedule", in); status != 400 {
		t.Errorf("one more: %d", status)
	}
}
