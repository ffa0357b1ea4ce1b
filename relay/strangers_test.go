package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// Fifty people one shares no room with are brought into rooms a day, whichever
// way; whom one has met is free, and so is coming oneself.
func TestTx_Strangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 60)
		host, p := p[0], p[1:]
		open := func(members ...relay.ID) (got relay.Room, err error) {
			d := relay.RoomDraft{By: host, Family: "test", Members: []relay.Seat{{Account: host}}}
			for _, id := range members {
				d.Members = append(d.Members, relay.Seat{Account: id})
			}
			return got, attempt(r, func(tx *relay.Tx) (err error) {
				got, err = tx.OpenRoom(d)
				return err
			})
		}
		join := func(room relay.ID, j relay.Joining) error {
			return attempt(r, func(tx *relay.Tx) error {
				_, err := tx.Join(room, j)
				return err
			})
		}
		tooMany := func(doing string, err error) {
			t.Helper()
			wantCode(t, doing, err, relay.TooMany, relay.SubjectNone)
			if got := relay.AsError(err); got == nil || got.RetryAfter <= 0 {
				t.Errorf("%s: %+v says not when to come again", doing, got)
			}
		}
		_, err := open(p[:51]...)
		tooMany("a room with 51", err)
		first, err := open(p[:40]...)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range p[40:45] {
			if err := join(first.ID, relay.Joining{By: host, Seat: relay.Seat{Account: id}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range p[45:50] {
			if err := send(r, host, id, 1); err != nil {
				t.Fatal(err)
			}
		}
		tooMany("a 51st in a room", join(first.ID, relay.Joining{By: host, Seat: relay.Seat{Account: p[50]}}))
		tooMany("a 51st written to", send(r, host, p[50], 1))
		_, err = open(p[50])
		tooMany("a room with a 51st", err)
		if _, err := open(p[:50]...); err != nil {
			t.Errorf("a room of people known: %v", err)
		}
		if err := join(first.ID, relay.Joining{By: host, Seat: relay.Seat{Account: p[49]}}); err != nil {
			t.Errorf("somebody written to before: %v", err)
		}
		if err := join(first.ID, relay.Joining{By: host, Came: true, Seat: relay.Seat{Account: p[51]}}); err != nil {
			t.Errorf("somebody who came on an invitation: %v", err)
		}
		if err := join(first.ID, relay.Joining{By: p[52], Seat: relay.Seat{Account: p[52]}}); err != nil {
			t.Errorf("somebody who joins himself: %v", err)
		}
		time.Sleep(24 * time.Hour / 50)
		if err := send(r, host, p[50], 1); err != nil {
			t.Errorf("later: %v", err)
		}
	})
}

// A message from a mailbox to a mailbox makes nobody known, and is not counted.
func TestTx_Strangers_Mailboxes(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	from := mailbox(t, r)
	for range 55 {
		if err := send(r, from.ID, mailbox(t, r).ID, 1); err != nil {
			t.Fatal(err)
		}
	}
}
