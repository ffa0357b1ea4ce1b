package chatalot

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// An open room of another family is a channel for whoever knows its id, and is
// ruled by nobody; a room of another family with members is one for those alone.
func TestChannelAt_OtherFamilies(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice, bob := person(t, r, "alice"), person(t, r, "bob")
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		open, err := tx.OpenRoom(relay.RoomDraft{Family: "secbot", Open: true})
		if err != nil {
			return err
		}
		closed, err := tx.OpenRoom(relay.RoomDraft{By: alice.ID, Family: "sama", Members: []relay.Seat{{Account: alice.ID, Role: relay.RoleOwner}}})
		if err != nil {
			return err
		}
		for _, room := range []relay.ID{open.ID, closed.ID} {
			p, _, err := sendMessage(tx, alice.ID, posting{Channel: room, Kind: kindText, Body: []byte("hi"), Nonce: []byte{0}})
			if err != nil {
				t.Fatal(err)
			}
			page, err := p.page(tx, 0, 10, false)
			if err != nil || len(page.found) != 1 {
				t.Fatalf("%d messages, %v", len(page.found), err)
			}
			list, err := show(tx).messages(room, page.found)
			if err != nil || list[0].SenderID != uuid(alice.ID) || string(list[0].Ciphertext) != "hi" {
				t.Errorf("shown as %+v, %v", list, err)
			}
			out, err := newChannel(tx, p.Room)
			if err != nil || out.Type != roomText || out.GroupID != (uuid{}) || out.Name == "" {
				t.Errorf("a channel %+v, %v", out, err)
			}
			for _, a := range []relay.Action{relay.ToEditLeaf, relay.ToModerateLeaf, relay.ToTidyLeaf, relay.ToHookLeaf} {
				if _, err := channelFor(tx, alice.ID, room, a); !relay.Is(err, relay.Forbidden) {
					t.Errorf("action %d: %v", a, err)
				}
			}
		}
		if _, err := channelFor(tx, bob.ID, open.ID, relay.ToRead); err != nil {
			t.Errorf("who knows the id: %v", err)
		}
		if _, err := channelFor(tx, bob.ID, closed.ID, relay.ToRead); !relay.Is(err, relay.NotFound) {
			t.Errorf("who is not in it: %v", err)
		}
		if _, err := channelFor(tx, bob.ID, relay.NewID(), relay.ToRead); !relay.Is(err, relay.NotFound) {
			t.Errorf("no room: %v", err)
		}
		return nil
	})
}
