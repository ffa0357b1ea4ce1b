package wire

import (
	"context"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// A frame is counted as reached, and is refused once the session whose claim it
// rests on has ended.
func TestService_Do_As(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	var reached []string
	svc := &Service{Relay: r, Reached: func(op string) { reached = append(reached, op) }}
	op := Row("frame", User, Write(func(c *Call, _ *relay.Tx, _ None) (relay.ID, error) { return c.Who.Account, nil }), "")
	Family{Name: "test", Ops: []Op{op}}.Handler(svc)
	var who relay.Account
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if who, err = tx.Register(relay.AccountDraft{Family: "test"}); err != nil {
			return err
		}
		return tx.Grant("secret", relay.Token{Account: who.ID, Family: "test", Device: "phone"})
	})
	do := func() (any, error) {
		call := NewCall(context.Background(), svc, op.Name, relay.Caller{}).As(relay.Claim{Secret: "secret", Family: "test"})
		return svc.Do(call, &op, []byte("{}"))
	}
	if got, err := do(); err != nil || got != who.ID {
		t.Errorf("got %v, %v", got, err)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Suspend(who.ID) })
	if _, err := do(); !relay.Is(err, relay.Unauthorized) {
		t.Errorf("suspended: %v", err)
	}
	if len(reached) != 2 || reached[0] != "frame" {
		t.Errorf("reached %v", reached)
	}
}
