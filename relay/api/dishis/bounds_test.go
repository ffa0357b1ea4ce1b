package dishis

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// Whoever has deleted a whole room for himself does not have it read through each
// time he asks for it.
func TestHistory_LooksAreBounded(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	var me relay.ID
	var room relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		a, err := tx.Register(relay.AccountDraft{Family: family, Logins: []relay.Login{loginOf("alice")}})
		if err != nil {
			return err
		}
		me = a.ID
		s := settings{Is: isGroup, By: me}
		room, err = tx.OpenRoom(relay.RoomDraft{By: me, Family: family, Settings: s.bytes(), Members: []relay.Seat{{Account: me}}})
		return err
	})
	const step = 1000
	say := func(n int, hidden bool) {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range n {
				e, err := tx.Append(room.Box, relay.Draft{Kind: "text", From: me})
				if err == nil && hidden {
					_, err = tx.SetMark(e.ID, relay.Hidden, me, "")
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	wantShown := func(want int) {
		t.Helper()
		n := 0
		relaytest.View(t, r, func(tx *relay.Tx) error {
			acc, err := tx.Access(me, room.ID)
			if err != nil {
				return err
			}
			return history(tx, acc, me, 0, 50, func(relay.Entry) error { n++; return nil })
		})
		if n != want {
			t.Errorf("%d are shown, want %d", n, want)
		}
	}
	say(1, false)
	for n := 0; n+step < maxLooks; n += step {
		say(step, true)
	}
	wantShown(1)
	say(step, true)
	wantShown(0)
}
