package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTombstoneWith(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		a, err := tx.Register(relay.AccountDraft{Family: "test"})
		if err != nil {
			return err
		}
		e, err := tx.Append(a.Box, relay.Draft{Kind: "text", From: a.ID, Body: []byte("body"), Nonce: []byte("nonce"), Extra: []byte("name and more")})
		if err != nil {
			return err
		}
		if _, err := tx.SetMark(e.ID, relay.Reaction, a.ID, "+"); err != nil {
			return err
		}
		if _, err := tx.TombstoneWith(e.ID, []byte("name")); err != nil {
			return err
		}
		got, err := tx.Entry(relay.Messages, e.ID)
		if err != nil {
			return err
		}
		if !got.Erased || got.Body != nil || got.Nonce != nil || string(got.Extra) != "name" || got.From != a.ID {
			t.Errorf("the tombstone is %+v", got)
		}
		if n := tx.CountMarks(e.ID, relay.Reaction, 1); n != 0 {
			t.Error("a reaction is left")
		}
		held, err := tx.Holding(a.Box)
		if err != nil {
			return err
		}
		if held.Entries != 1 || held.Bytes <= 0 || held.Bytes > 80 {
			t.Errorf("the box holds %+v", held)
		}
		_, err = tx.TombstoneWith(relay.EntryID{Box: a.Box, Time: 1}, nil)
		if !relay.Is(err, relay.NotFound) {
			t.Errorf("a tombstone for nothing: %v", err)
		}
		return nil
	})
}

func TestTokenOf(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		a, err := tx.Register(relay.AccountDraft{Family: "test"})
		if err != nil {
			return err
		}
		if err := tx.Grant("secret", relay.Token{Account: a.ID, Family: "test", Device: "phone"}); err != nil {
			return err
		}
		if err := tx.Suspend(a.ID); err != nil {
			return err
		}
		got, found, err := tx.TokenOf("secret")
		if err != nil || !found || got.Account != a.ID || got.Device != "phone" {
			t.Errorf("of a suspended account: %+v %v %v", got, found, err)
		}
		if _, found, err = tx.TokenOf("other"); found || err != nil {
			t.Errorf("of no token: %v %v", found, err)
		}
		return nil
	})
}
