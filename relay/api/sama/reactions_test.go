package sama

import (
	"slices"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// Who came into a room of another family that shows newcomers nothing older is
// not told what becomes of older messages, in whatever way; of newer ones he is,
// of each reaction that was taken back, too.
func TestCrossing_SeesFrom(t *testing.T) {
	h := build(t, Options{})
	alice := h.enter("alice")
	viewer, author := h.account(alice).ID, relay.NewID()
	var box relay.BoxID
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		other, err := tx.Register(relay.AccountDraft{Family: "test"})
		if err != nil {
			return err
		}
		author = other.ID
		room, err := tx.OpenRoom(relay.RoomDraft{By: author, Family: "test", Members: []relay.Seat{{Account: author, Role: relay.RoleOwner}}})
		box = room.Box
		return err
	})
	say := func(body string) (e relay.Entry) {
		relaytest.Update(t, h.r, func(tx *relay.Tx) (err error) {
			e, err = tx.Append(box, relay.Draft{Kind: kindMessage, From: author, Body: []byte(body)})
			return err
		})
		return e
	}
	react := func(e relay.Entry, r relay.Reacting) {
		relaytest.Update(t, h.r, func(tx *relay.Tx) error { _, err := tx.React(e.ID, author, r); return err })
	}
	edit := func(e relay.Entry, body string) {
		relaytest.Update(t, h.r, func(tx *relay.Tx) error {
			if _, err := tx.Amend(e.ID, []byte(body), nil, false); err != nil {
				return err
			}
			_, err := tx.TellEntries(box, relay.EventEdited, author, relay.EntryEvent{Entries: []relay.Time{e.ID.Time}})
			return err
		})
	}
	older := say("older")
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		b, err := tx.Box(box)
		if err == nil {
			_, err = tx.Join(b.Owner.ID, relay.Joining{By: author, FromNow: true, Seat: relay.Seat{Account: viewer}})
		}
		return err
	})
	alice.event("system_message")
	newer := say("newer")
	edit(older, "older, and not his to see")
	react(older, relay.Reacting{Add: "o"})
	edit(newer, "newest")
	react(newer, relay.Reacting{Add: "a"})
	react(newer, relay.Reacting{Add: "b"})
	react(newer, relay.Reacting{Add: "c", Remove: []string{"a", "b"}})
	react(newer, relay.Reacting{Add: "d"})
	react(newer, relay.Reacting{Remove: []string{"c", "d"}})

	if got := alice.event("message_edit"); got["id"] != shownEntry(newer.ID) || got["body"] != "newest" {
		t.Errorf("told of the edit %v", got)
	}
	var told []string
	for range 7 {
		got := alice.event("message_reactions_update")
		add, _ := got["add"].(string)
		remove, _ := got["remove"].(string)
		if told = append(told, "+"+add+"-"+remove); got["mid"] != shownEntry(newer.ID) || got["from"] != shown(author) {
			t.Errorf("told of %v", got)
		}
	}
	if want := []string{"+a-", "+b-", "+c-a", "+-b", "+d-", "+-c", "+-d"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}
