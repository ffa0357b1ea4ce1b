package relay_test

import (
	"slices"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTx_CommonRooms(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	var both []relay.ID
	for i := range 12 {
		members := [][]relay.ID{{p[0]}, {p[0], p[1]}, {p[1]}, {p[0], p[1], p[2]}}[i%4]
		at := room(t, r, relay.RoomDraft{By: p[0], Family: "test"}, members...)
		if len(members) > 1 {
			both = append(both, at.ID)
		}
	}
	gone := both[0]
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(gone, p[1]) })
	want := both[1:]
	slices.SortFunc(want, func(a, b relay.ID) int { return slices.Compare(a[:], b[:]) })
	for _, pair := range [][2]relay.ID{{p[0], p[1]}, {p[1], p[0]}} {
		var got []relay.ID
		relaytest.View(t, r, func(tx *relay.Tx) error {
			for room, err := range tx.CommonRooms(pair[0], pair[1]) {
				if err != nil {
					return err
				}
				got = append(got, room.ID)
			}
			return nil
		})
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for room := range tx.CommonRooms(p[0], relay.NewID()) {
			t.Errorf("with nobody: %v", room.ID)
		}
		return nil
	})
}
