package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

func init() {
	relay.DeclareTombstone("named", func(_ *relay.Tx, e relay.Entry) ([]byte, error) { return e.Extra[:1], nil })
}

// What stays of a message is for its sender's family to say, whoever erases it.
func TestTx_Tombstone_KeepsWhatTheSendersFamilyWants(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	named := register(t, r, relay.AccountDraft{Family: "named"})
	other := people(t, r, 1)[0]
	b := room(t, r, relay.RoomDraft{}, named.ID, other).Box
	for from, want := range map[relay.ID]string{named.ID: "n", other: ""} {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			e, err := tx.Append(b, relay.Draft{Kind: "message", From: from, Body: []byte("x"), Extra: []byte("name")})
			if err != nil {
				return err
			}
			e, err = tx.Tombstone(e.ID)
			if !e.Erased || len(e.Body) > 0 || string(e.Extra) != want {
				t.Errorf("left: %+v, want %q", e, want)
			}
			return err
		})
	}
}
