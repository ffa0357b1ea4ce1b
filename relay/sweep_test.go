package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// Mailboxes and open rooms are emptied by retention, rooms with members are
// not, and events go everywhere after fourteen days.
func TestRelay_Sweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{Retention: 2 * time.Hour, NoLimits: true})
		bob, p := mailbox(t, r), people(t, r, 2)
		in := room(t, r, relay.RoomDraft{}, p...)
		var open relay.Room
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			open, err = tx.OpenFor(bob.ID, "test")
			return err
		})
		boxes := []relay.BoxID{bob.Box, open.Box, in.Box}
		if err := post(r, bob.ID, open.ID, 1); err != nil {
			t.Fatal(err)
		}
		for range 3 { // more than one step holds
			relaytest.Update(t, r, func(tx *relay.Tx) error {
				for range 400 {
					for _, b := range boxes {
						if _, err := tx.Append(b, relay.Draft{}); err != nil {
							return err
						}
						if _, err := tx.Append(b, relay.Draft{Lane: relay.Events}); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		want := func(when string, mailbox, open, in, events int) {
			t.Helper()
			synctest.Wait()
			for i, n := range []int{mailbox, open, in} {
				if got := holds(t, r, boxes[i]); got != n {
					t.Errorf("%s: box %d holds %d, want %d", when, i, got, n)
				}
				if got := rows(t, r, boxes[i][:])['v']; events == 0 && got != 0 || got < events {
					t.Errorf("%s: box %d holds %d events, want %d", when, i, got, events)
				}
			}
		}
		want("at once", 1200, 1201, 1200, 1200)
		time.Sleep(time.Hour + time.Minute)
		want("within retention", 1200, 1201, 1200, 1200)
		time.Sleep(2 * time.Hour)
		want("after it", 0, 0, 1200, 1200)
		relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Append(bob.Box, relay.Draft{}); return err })
		time.Sleep(30 * time.Minute)
		want("a new one", 1, 0, 1200, 1200)
		time.Sleep(relay.EventsFor - 5*time.Hour)
		want("before fourteen days", 0, 0, 1200, 1200)
		time.Sleep(3 * time.Hour)
		want("after fourteen days", 0, 0, 1200, 0)
	})
}

func TestRelay_Sweep_RoomRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{RoomRetention: 2 * time.Hour})
		bob, p := mailbox(t, r), people(t, r, 2)
		in := room(t, r, relay.RoomDraft{}, p...)
		group(t, r, 1, bob.Box, in.Box)
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		if m, n := holds(t, r, bob.Box), holds(t, r, in.Box); m != 1 || n != 0 {
			t.Errorf("mailbox %d, room %d, want 1 and 0", m, n)
		}
	})
}

// One sweep takes as many steps as there is to do.
func TestRelay_Sweep_Steps(t *testing.T) {
	clock := clockAt(1_700_000_000_000)
	r := relaytest.New(t, relay.Options{Now: clock.now, Retention: time.Hour})
	for _, lane := range []relay.Lane{relay.Messages, relay.Events} {
		b := mailbox(t, r).Box
		for range 3 {
			relaytest.Update(t, r, func(tx *relay.Tx) error {
				for range relay.StepKeys {
					if _, err := tx.Append(b, relay.Draft{Lane: lane}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		clock.ms.Add((relay.EventsFor + time.Hour).Milliseconds())
		if err := r.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantRows(t, "a sweep", rows(t, r, b[:]), "b")
	}
}

// On a machine that believes it is 1970, every horizon lies before all time.
func TestRelay_Sweep_1970(t *testing.T) {
	clock := clockAt(0)
	r := relaytest.New(t, relay.Options{Now: clock.now, Retention: time.Hour})
	bob := mailbox(t, r)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for _, lane := range []relay.Lane{relay.Messages, relay.Events} {
			if _, err := tx.Append(bob.Box, relay.Draft{Lane: lane}); err != nil {
				return err
			}
		}
		return nil
	})
	clock.ms.Store((2 * time.Hour).Milliseconds()) // messages are due, events far from it
	if err := r.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, r, bob.Box[:]); got['e'] != 0 || got['v'] != 1 {
		t.Errorf("rows %v", got)
	}
}
