package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// A watch outlives its feed: another account's may come after it.
func TestFeed_Close(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	who := make([]relay.Account, 2)
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		for i := range who {
			if who[i], err = tx.Register(relay.AccountDraft{Family: "x"}); err != nil {
				return err
			}
		}
		return nil
	})
	w := r.Hub().Watch()
	defer w.Close()
	first := r.NewFeed(w, who[0].ID, relay.FeedOptions{})
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := r.NewFeed(w, who[1].ID, relay.FeedOptions{})
	if err := second.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring := w.C()
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for _, a := range who {
			if _, err := tx.Append(a.Box, relay.Draft{Lane: relay.Events, Kind: "e"}); err != nil {
				return err
			}
		}
		return nil
	})
	<-ring
	told := 0
	for told == 0 {
		_, err := second.Pass(t.Context(), func() bool { return false }, func(_ *relay.Tx, got relay.Told) error {
			if told++; got.Entry.ID.Box != who[1].Box {
				t.Error("told of a box of the feed before")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if moved := w.Moved(); len(moved) > 0 {
		t.Errorf("%d boxes still watched", len(moved))
	}
}

// A session that comes into a room by writing to it knows what it wrote.
func TestFeed_Own_JoinedByWriting(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	var a, b relay.Account
	var room relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if a, err = tx.Register(relay.AccountDraft{Family: "x"}); err != nil {
			return err
		}
		if b, err = tx.Register(relay.AccountDraft{Family: "x"}); err != nil {
			return err
		}
		if room, err = tx.DirectRoom(a.ID, b.ID); err != nil {
			return err
		}
		return tx.Leave(room.ID, a.ID)
	})
	w := r.Hub().Watch()
	defer w.Close()
	f := r.NewFeed(w, a.ID, relay.FeedOptions{})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ring := w.C()
	var wrote []relay.EntryID
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if _, err := tx.Join(room.ID, relay.Joining{By: a.ID, Seat: relay.Seat{Account: a.ID}}); err != nil {
			return err
		}
		_, err := tx.Send(a.ID, b.ID, relay.Draft{Kind: "message"})
		wrote = tx.Wrote()
		return err
	})
	f.Own(wrote...)
	<-ring
	told := 0
	for told < len(wrote) {
		_, err := f.Pass(t.Context(), func() bool { return false }, func(_ *relay.Tx, got relay.Told) error {
			if told++; !got.Own {
				t.Errorf("%s is not known as its own", got.Entry.Kind)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
