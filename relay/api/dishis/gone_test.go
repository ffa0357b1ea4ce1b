package dishis

import (
	"context"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// What somebody wrote who is gone can still be read, under his id.
func TestHistory_OfSomebodyGone(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna, bert := h.register("anna"), h.register("bert")
	h.must(bert, "POST", "/api/messages/send", fields{"recipientId": anna.id, "encryptedContent": sealed})
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		a, err := findUser(tx, bert.id)
		if err != nil {
			return err
		}
		return tx.RemoveAccount(a.ID)
	})
	if err := h.r.RunDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := h.history(anna, bert); len(got) != 1 || got[0]["senderId"] != bert.id || got[0]["content"] != sealed {
		t.Errorf("the history has %v", got)
	}
	for what, status := range map[string]int{"/api/users/" + bert.id + "/public-key": 404, "/api/messages/" + anna.id + "/000000000000000000000000": 404} {
		if got, _ := h.ask(anna, "GET", what, nil); got != status {
			t.Errorf("%s: %d, want %d", what, got, status)
		}
	}
	if got, _ := h.ask(bert, "GET", "/api/groups/user/"+bert.id, nil); got != 401 {
		t.Errorf("who is gone is answered %d", got)
	}
}
