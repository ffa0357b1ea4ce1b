package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// scatter posts n messages of each sender into each room, in turns.
func scatter(t *testing.T, r *relay.Relay, n int, rooms []relay.Room, senders ...relay.ID) {
	t.Helper()
	for _, room := range rooms {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range n {
				for _, who := range senders {
					if _, err := tx.Append(room.Box, relay.Draft{Kind: "message", From: who, Body: []byte("b")}); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
}

// left counts the messages of a sender in a room.
func left(t *testing.T, r *relay.Relay, room relay.Room, who relay.ID) (n int) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		es, err := tx.Since(relay.Messages, []relay.Reading{{Box: room.Box}}, relay.Page{Entries: 1 << 20, Bytes: 1 << 30})
		for _, e := range es {
			if e.From == who {
				n++
			}
		}
		return err
	})
	return n
}

// erase runs a job to its end and returns how much it erased in how many steps.
func erase(t *testing.T, r *relay.Relay, e relay.Erasing, may func(*relay.Tx, relay.Box) (bool, error)) (erased, steps int) {
	t.Helper()
	for more := true; more; steps++ {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			gone, left, err := tx.EraseSome(&e, 100, may)
			if len(gone) > 100 {
				t.Errorf("%d in one step", len(gone))
			}
			erased, more = erased+len(gone), left
			return err
		})
		if steps > 1000 {
			t.Fatal("it does not end")
		}
	}
	return erased, steps
}

func TestTx_EraseSome(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	two := people(t, r, 2)
	rooms := []relay.Room{room(t, r, relay.RoomDraft{}, two...), room(t, r, relay.RoomDraft{}, two...), room(t, r, relay.RoomDraft{}, two...)}
	const n = 1300 // more than one step looks at
	scatter(t, r, n, rooms[:2], two[0], two[1])
	scatter(t, r, 10, rooms[2:], two[0], two[1])

	but := func(_ *relay.Tx, b relay.Box) (bool, error) { return b.Owner.ID != rooms[2].ID, nil }
	erased, steps := erase(t, r, relay.Erasing{From: two[0]}, but)
	if erased != 2*n || steps < 2*n/100 {
		t.Errorf("erased %d in %d steps, want %d", erased, steps, 2*n)
	}
	for i, want := range []int{0, 0, 10} {
		if got := left(t, r, rooms[i], two[0]); got != want {
			t.Errorf("room %d: %d left, want %d", i, got, want)
		}
	}
	if got := left(t, r, rooms[0], two[1]); got != n {
		t.Errorf("%d of somebody else left, want %d", got, n)
	}
	if erased, _ := erase(t, r, relay.Erasing{Only: rooms[0].Box}, nil); erased != n {
		t.Errorf("erased %d of a room, want %d", erased, n)
	}
	if got := left(t, r, rooms[1], two[1]); got != n {
		t.Errorf("%d left in another room, want %d", got, n)
	}
	if erased, _ := erase(t, r, relay.Erasing{Only: relay.BoxID{1}}, nil); erased != 0 {
		t.Errorf("erased %d of no box", erased)
	}
}

// What nobody can read is erased with the rest.
func TestTx_EraseSome_Withheld(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	two := people(t, r, 2)
	in := room(t, r, relay.RoomDraft{}, two...)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		e, err := tx.Append(in.Box, relay.Draft{Kind: "message", From: two[0]})
		if err == nil {
			_, err = tx.Withhold(e.ID, true)
		}
		return err
	})
	if erased, _ := erase(t, r, relay.Erasing{From: two[0]}, nil); erased != 1 {
		t.Errorf("erased %d, want 1", erased)
	}
}

func TestTx_EraseIf(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	two := people(t, r, 2)
	in := room(t, r, relay.RoomDraft{}, two...)
	e := fill(t, r, in.Box, 1)[0]
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if _, err := tx.Withhold(e.ID, true); err != nil {
			return err
		}
		for _, want := range []bool{true, false} {
			if found, err := tx.EraseIf(e.ID); err != nil || found != want {
				t.Errorf("got %v, %v, want %v", found, err, want)
			}
		}
		return nil
	})
}
