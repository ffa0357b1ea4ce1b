package relay_test

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTx_MoveCursor(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	b := own(t, r, p[0])
	for _, step := range []struct {
		to    relay.Time
		moved bool
		at    relay.Time
	}{{10, true, 10}, {10, false, 10}, {5, false, 10}, {11, true, 11}} {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			moved, err := tx.MoveCursor(p[0], b, step.to)
			if at := tx.Cursor(p[0], b); moved != step.moved || at != step.at {
				t.Errorf("to %d: moved %v, at %d", step.to, moved, at)
			}
			return err
		})
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if at := tx.Cursor(p[1], b); at != 0 {
			t.Errorf("another's cursor is at %d", at)
		}
		return nil
	})
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.MoveCursor(p[0], b, 1<<48); return err })
	wantCode(t, "beyond time", err, relay.Invalid, relay.SubjectMessage)
}

// unread returns how many messages of a box an account has not read.
func unread(t interface{ Fatal(...any) }, r *relay.Relay, who relay.ID, b relay.BoxID, from relay.Time, max int) (n int) {
	err := r.View(context.Background(), func(tx *relay.Tx) (err error) {
		n, err = tx.Unread(who, b, from, max)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTx_Unread_Joined(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	got := room(t, r, relay.RoomDraft{}, p[0])
	write(t, r, got.Box, p[0])
	join(t, r, got.ID, joining(p[1], p[1]))
	if n := unread(t, r, p[1], got.Box, 0, 999); n != 0 {
		t.Errorf("%d unread on joining", n)
	}
	write(t, r, got.Box, p[0])
	if n := unread(t, r, p[1], got.Box, 0, 999); n != 1 {
		t.Errorf("%d unread, want 1", n)
	}
}

func TestTx_Unread_Max(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	b := own(t, r, p[0])
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for range relay.MaxUnread + 10 {
			if _, err := tx.Append(b, relay.Draft{From: p[1]}); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct{ max, want int }{{0, 0}, {3, 3}, {5000, relay.MaxUnread}} {
		if n := unread(t, r, p[0], b, 0, c.max); n != c.want {
			t.Errorf("counted to %d: %d, want %d", c.max, n, c.want)
		}
	}
}

func TestTx_Unread_Expired(t *testing.T) {
	now := time.Now()
	r := relaytest.New(t, relay.Options{Now: func() time.Time { return now }})
	p := people(t, r, 1)
	b := own(t, r, p[0])
	for _, in := range []time.Duration{-time.Second, time.Hour} {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := tx.Append(b, relay.Draft{Expires: relay.At(now.Add(in))})
			return err
		})
	}
	if n := unread(t, r, p[0], b, 0, 999); n != 1 {
		t.Errorf("%d unread, want 1", n)
	}
}

// TestTx_Unread_Model holds the count against a plain list of what happened.
func TestTx_Unread_Model(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	rapid.Check(t, func(t *rapid.T) {
		type message struct {
			id           relay.EntryID
			mine, hidden bool
		}
		var held []message
		var cursor relay.Time
		var b relay.BoxID
		update := func(fn func(tx *relay.Tx) error) {
			if err := r.Update(context.Background(), fn); err != nil {
				t.Fatal(err)
			}
		}
		update(func(tx *relay.Tx) (err error) {
			b, err = tx.NewBox(relay.Owner{Kind: relay.OwnerRelay})
			return err
		})
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			do := rapid.SampledFrom([]string{"post", "post", "event", "read", "hide", "readOne", "erase", "bury"}).Draw(t, "do")
			i := 0
			if len(held) > 0 {
				i = rapid.IntRange(0, len(held)-1).Draw(t, "which")
			} else if do != "event" {
				do = "post"
			}
			who := rapid.SampledFrom(p).Draw(t, "who")
			update(func(tx *relay.Tx) error {
				switch do {
				case "post":
					_, err := tx.Append(b, relay.Draft{From: who})
					return err
				case "event":
					_, err := tx.Append(b, relay.Draft{Lane: relay.Events, From: who})
					return err
				case "read":
					_, err := tx.MoveCursor(p[0], b, held[i].id.Time)
					return err
				case "hide":
					_, err := tx.SetMark(held[i].id, relay.Hidden, who, "")
					return err
				case "readOne":
					_, err := tx.SetMark(held[i].id, relay.Read, who, "")
					return err
				case "erase":
					return tx.Erase(held[i].id)
				}
				_, err := tx.Tombstone(held[i].id)
				return err
			})
			switch do {
			case "post":
				var last relay.EntryID
				update(func(tx *relay.Tx) error {
					es, err := tx.Before(relay.Messages, b, 0, 0, 1)
					last = es[0].ID
					return err
				})
				held = append(held, message{id: last, mine: who == p[0]})
			case "read":
				cursor = max(cursor, held[i].id.Time)
			case "hide", "readOne":
				held[i].hidden = held[i].hidden || who == p[0]
			case "erase", "bury":
				held = append(held[:i], held[i+1:]...)
			}
			from := relay.Time(0)
			if len(held) > 0 && rapid.Bool().Draw(t, "joined") {
				from = rapid.SampledFrom(held).Draw(t, "from").id.Time
			}
			want := 0
			for _, m := range held {
				if !m.mine && !m.hidden && m.id.Time > cursor && m.id.Time >= from {
					want++
				}
			}
			if n := unread(t, r, p[0], b, from, 999); n != want {
				t.Fatalf("%d unread, want %d", n, want)
			}
		}
	})
}
