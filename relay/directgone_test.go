package relay_test

import (
	"testing"
	"testing/synctest"

	"restante/relay"
	"restante/relay/relaytest"
)

// What two people wrote to each other stays for the one who is left, and goes
// with the second.
func TestTx_RemoveAccount_Direct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		two := people(t, r, 2)
		var room relay.Room
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			room, err = tx.DirectRoom(two[0], two[1])
			return err
		})
		for i, who := range two {
			relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveAccount(who) })
			synctest.Wait()
			relaytest.View(t, r, func(tx *relay.Tx) error {
				if _, err := tx.Room(room.ID); relay.Is(err, relay.NotFound) != (i == 1) {
					t.Errorf("after removing %d: %v", i+1, err)
				}
				return nil
			})
		}
	})
}
