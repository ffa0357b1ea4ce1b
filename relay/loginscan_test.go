package relay_test

import (
	"slices"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTx_LoginsAfter(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for _, name := range []string{"bob", "anna", "annabel", "carl"} {
			_, err := tx.Register(relay.AccountDraft{Family: "x", Logins: []relay.Login{{Kind: "login", Folded: name}, {Kind: "email", Folded: name + "@"}}})
			if err != nil {
				return err
			}
		}
		_, err := tx.Register(relay.AccountDraft{Family: "y", Logins: []relay.Login{{Kind: "login", Folded: "anne"}}})
		return err
	})
	for _, c := range []struct {
		prefix, past string
		limit        int
		want         []string
	}{
		{"", "", 0, []string{"anna", "annabel", "bob", "carl"}},
		{"", "", 2, []string{"anna", "annabel"}},
		{"", "annabel", 9, []string{"bob", "carl"}},
		{"ann", "", 9, []string{"anna", "annabel"}},
		{"ann", "anna", 9, []string{"annabel"}},
		{"ann", "a", 9, []string{"anna", "annabel"}},
		{"b", "bob", 9, nil},
	} {
		relaytest.View(t, r, func(tx *relay.Tx) error {
			var got []string
			for _, n := range tx.LoginsAfter("x", "login", c.prefix, c.past, c.limit) {
				got = append(got, n.Folded)
				a, err := tx.FindLogin("x", relay.Login{Kind: "login", Folded: n.Folded})
				if err != nil || a.ID != n.Account {
					t.Errorf("%s is %v, %v", n.Folded, n.Account, err)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q after %q: got %v, want %v", c.prefix, c.past, got, c.want)
			}
			return nil
		})
	}
}

// Somebody with history who writes to a mailbox keeps the message in the direct
// room, and that is the one he is told of.
func TestTx_Send_ReturnsRoomEntry(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		from, err := tx.Register(relay.AccountDraft{Family: "x"})
		if err != nil {
			return err
		}
		to, err := tx.Register(relay.AccountDraft{Family: "y", Mailbox: true})
		if err != nil {
			return err
		}
		e, err := tx.Send(from.ID, to.ID, relay.Draft{Kind: "message", Body: []byte("b")})
		if err != nil {
			return err
		}
		room, err := tx.FindDirect(from.ID, to.ID)
		if err != nil || e.ID.Box != room.Box {
			t.Errorf("got an entry of box %v, want %v, %v", e.ID.Box, room.Box, err)
		}
		if n, err := tx.Holding(to.Box); err != nil || n.Entries != 1 {
			t.Errorf("the mailbox holds %v, %v", n, err)
		}
		return nil
	})
}
