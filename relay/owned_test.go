package relay_test

import (
	"context"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// A keepsake is a record of these tests that goes with an account or a room.
type keepsake struct {
	Owner []byte `cbor:"1,keyasint"`
	Rank  byte   `cbor:"2,keyasint,omitempty"`
	Mark  relay.ID
}

var keepsakes = relay.NewRecords("test keepsake",
	relay.Index[keepsake]{Name: "owner", Key: func(k *keepsake) [][]byte { return [][]byte{append(k.Owner, k.Rank)} }},
).GoesWith("owner", func(tx *relay.Tx, k *keepsake) error {
	tx.Unname(relay.Alias{Family: "test", Given: k.Mark.String()})
	return nil
})

// keep gives owners n records each, with an alias beside each.
func keep(t *testing.T, r *relay.Relay, n int, owners ...relay.ID) (marks []relay.ID) {
	t.Helper()
	for _, o := range owners {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for i := range n {
				k := &keepsake{Owner: o[:], Rank: byte(i), Mark: relay.NewID()}
				marks = append(marks, k.Mark)
				if err := tx.NameID(relay.Alias{Family: "test", Given: k.Mark.String()}, o); err != nil {
					return err
				}
				if err := keepsakes.Put(tx, relay.NewID(), k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return marks
}

func countKept(t *testing.T, r *relay.Relay, owner relay.ID) (n int) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		n = keepsakes.Count(tx, "owner", relay.Span{Prefix: owner[:]})
		return nil
	})
	return n
}

// allGone waits until the steps of the background have removed everything.
func allGone(t *testing.T, r *relay.Relay, owner relay.ID) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); countKept(t, r, owner) > 0; {
		if time.Now().After(end) {
			t.Fatal("records of somebody gone are left")
		}
	}
}

func TestRecords_GoesWith(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	var a, b relay.Account
	var room relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if a, err = tx.Register(relay.AccountDraft{Family: "test"}); err != nil {
			return err
		}
		if b, err = tx.Register(relay.AccountDraft{Family: "test"}); err != nil {
			return err
		}
		room, err = tx.OpenRoom(relay.RoomDraft{By: a.ID, Family: "test", Members: []relay.Seat{{Account: a.ID}}})
		return err
	})
	const n = 230 // more than two steps
	marks := keep(t, r, n, a.ID, room.ID)
	others := keep(t, r, 5, b.ID)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveAccount(a.ID) })
	allGone(t, r, a.ID)
	if got := countKept(t, r, room.ID); got != n {
		t.Fatalf("the room has %d records, want %d", got, n)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.CloseRoom(b.ID, room.ID, nil) })
	allGone(t, r, room.ID)
	if got := countKept(t, r, b.ID); got != 5 {
		t.Fatalf("somebody else has %d records, want 5", got)
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for i, m := range append(marks, others...) {
			_, found := tx.IDNamed(relay.Alias{Family: "test", Given: m.String()})
			if want := i >= len(marks); found != want {
				t.Fatalf("what record %d named: found %v, want %v", i, found, want)
			}
		}
		return nil
	})
}

func TestRecords_DropOwned(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	owner, other := relay.NewID(), relay.NewID()
	keep(t, r, 7, owner, other)
	for _, want := range []bool{true, true, false} {
		err := r.Update(context.Background(), func(tx *relay.Tx) error {
			left, err := keepsakes.DropOwned(tx, "owner", owner, 3, nil)
			if left != want {
				t.Errorf("left %v, want %v", left, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := countKept(t, r, owner); got != 0 {
		t.Errorf("%d records are left", got)
	}
	if got := countKept(t, r, other); got != 7 {
		t.Errorf("the other has %d, want 7", got)
	}
}
