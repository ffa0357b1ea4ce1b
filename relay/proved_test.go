package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// A claim that its family has proved is good for as long as account and device
// are, and not a moment longer.
func TestTx_Authenticate_Proved(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	var a relay.Account
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if a, err = tx.Register(relay.AccountDraft{Family: "x"}); err != nil {
			return err
		}
		return tx.PutDevice(a.ID, relay.Device{Name: "d"})
	})
	claim := relay.Claim{Named: a.ID, Names: true, Family: "x", Device: "d", Proved: true}
	ask := func(c relay.Claim) (got relay.Caller, err error) {
		err = r.View(t.Context(), func(tx *relay.Tx) (err error) {
			got, err = tx.Authenticate(c)
			return err
		})
		return got, err
	}
	if got, err := ask(claim); err != nil || got.Account != a.ID || got.Device != "d" || got.Box != a.Box {
		t.Errorf("got %v, %v", got, err)
	}
	refuse := func(name string, change func(*relay.Claim)) {
		t.Helper()
		c := claim
		change(&c)
		if _, err := ask(c); !relay.Is(err, relay.Unauthorized) {
			t.Errorf("%s: %v, want Unauthorized", name, err)
		}
	}
	same := func(*relay.Claim) {}
	refuse("another device", func(c *relay.Claim) { c.Device = "e" })
	refuse("another family", func(c *relay.Claim) { c.Family = "y" })
	refuse("nobody", func(c *relay.Claim) { c.Named = relay.NewID() })
	refuse("not proved", func(c *relay.Claim) { c.Proved = false })
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Suspend(a.ID) })
	refuse("suspended", same)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Unsuspend(a.ID) })
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.DropDevice(a.ID, "d") })
	refuse("dropped", same)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.PutDevice(a.ID, relay.Device{Name: "d"}) })
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveAccount(a.ID) })
	refuse("removed", same)
}
