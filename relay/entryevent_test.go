package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// tellBox makes an empty box.
func tellBox(t *testing.T, r *relay.Relay) (box relay.BoxID) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		box, err = tx.NewBox(relay.Owner{Kind: relay.OwnerRoom, ID: relay.NewID()})
		return err
	})
	return box
}

func TestTx_TellEntries(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	box, by := tellBox(t, r), relay.NewID()
	want := relay.EntryEvent{Entries: []relay.Time{3, 1 << 41}, Name: "+1", Note: []byte("n")}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, err := tx.TellEntries(box, relay.EventRead, by, want)
		return err
	})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		got, err := tx.Since(relay.Events, []relay.Reading{{Box: box}}, relay.Page{Entries: 9, Bytes: 1 << 20})
		if err != nil || len(got) != 1 || got[0].Kind != relay.EventRead || got[0].From != by {
			t.Fatalf("got %v, %v", got, err)
		}
		ev, err := relay.ReadEntryEvent(got[0])
		if err != nil || len(ev.Entries) != 2 || ev.Entries[1] != want.Entries[1] || ev.Name != "+1" || string(ev.Note) != "n" {
			t.Errorf("got %v, %v", ev, err)
		}
		return nil
	})
	for name, ev := range map[string]relay.EntryEvent{
		"too many": {Entries: make([]relay.Time, relay.MaxTold+1)},
		"name":     {Name: string(make([]byte, relay.MaxMarkName+1))},
		"note":     {Note: make([]byte, relay.MaxRest+1)},
		"was":      {Was: make([]string, relay.MaxTold+1)},
	} {
		err := r.Update(t.Context(), func(tx *relay.Tx) error {
			_, err := tx.TellEntries(box, relay.EventRead, by, ev)
			return err
		})
		if !relay.Is(err, relay.TooLarge) {
			t.Errorf("%s: %v, want TooLarge", name, err)
		}
	}
}

func TestTx_Notify(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	box, by, who := tellBox(t, r), relay.NewID(), relay.NewID()
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		e, err := tx.Notify(box, by, relay.Notice{What: relay.NoticeAdded, Account: who})
		if err != nil || e.Kind != relay.KindNotice || e.From != by || e.Lane != relay.Messages {
			t.Errorf("got %v, %v", e, err)
		}
		n, err := relay.ReadNotice(e)
		if n.What != relay.NoticeAdded || n.Account != who {
			t.Errorf("got %v", n)
		}
		return err
	})
	err := r.Update(t.Context(), func(tx *relay.Tx) error {
		_, err := tx.Notify(box, by, relay.Notice{Note: make([]byte, relay.MaxRest+1)})
		return err
	})
	if !relay.Is(err, relay.TooLarge) {
		t.Errorf("%v, want TooLarge", err)
	}
}
