package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// Who is kept out of a room that inherits is out without a word, and may join;
// coming back to the parent is a new membership.
func TestTx_KeepOut(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	top := room(t, r, relay.RoomDraft{By: p[0], Family: "test"}, p...)
	below := room(t, r, relay.RoomDraft{By: p[0], Family: "test", Parent: top.ID, Inherit: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, err := tx.SetRole(p[0], below.ID, p[1], relay.RoleModerator)
		return err
	})
	before, _ := happened(t, r, below.Box, 0)
	keepOut := func(who relay.ID) {
		t.Helper()
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.KeepOut(below.ID, who) })
	}
	for _, who := range []relay.ID{p[1], p[2], p[2], relay.NewID()} {
		keepOut(who)
	}
	if after, _ := happened(t, r, below.Box, 0); len(after) != len(before) {
		t.Errorf("it was told: %v", after[len(before):])
	}
	if _, err := may(t, r, p[1], below.ID); err != nil {
		t.Errorf("who has a role there: %v", err)
	}
	_, err := may(t, r, p[2], below.ID)
	wantCode(t, "who was kept out", err, relay.NotFound, relay.SubjectRoom)
	wantCount(t, r, below.ID, 2)
	join(t, r, below.ID, joining(p[2], p[2]))
	if _, err := may(t, r, p[2], below.ID); err != nil {
		t.Errorf("who joined: %v", err)
	}
	err = attempt(r, func(tx *relay.Tx) error { return tx.KeepOut(top.ID, p[2]) })
	wantCode(t, "a room with its own members", err, relay.Invalid, relay.SubjectRoom)
}

// An access that was found lets its member post, whatever the core's own rules.
func TestTx_PostAs_Silenced(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	at := room(t, r, relay.RoomDraft{By: p[0], Family: "test"}, p...)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if _, err := tx.Silence(p[0], at.ID, p[1], tx.Wall()+1_000_000); err != nil {
			return err
		}
		acc, err := tx.Access(p[1], at.ID)
		if err != nil {
			return err
		}
		e, err := tx.PostAs(acc, relay.Draft{From: p[0], Kind: "text", Body: []byte("b")})
		if err != nil || e.From != p[1] || e.ID.Box != at.Box {
			t.Errorf("got %+v, %v", e, err)
		}
		return nil
	})
}
