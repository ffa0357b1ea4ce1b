package relay_test

import (
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestTx_NameID(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	room, other := relay.NewID(), relay.NewID()
	a := relay.Alias{Family: "one", Given: "6f-c2"}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if err := tx.NameID(a, room); err != nil {
			return err
		}
		if err := tx.NameID(a, room); err != nil {
			t.Errorf("the same name for the same thing: %v", err)
		}
		if err := tx.NameID(a, other); !relay.Is(err, relay.Conflict) {
			t.Errorf("a name that is taken: got %v, want a Conflict", err)
		}
		if err := tx.NameID(relay.Alias{Given: strings.Repeat("x", relay.MaxGiven+1)}, other); !relay.Is(err, relay.TooLarge) {
			t.Errorf("a long name: got %v, want TooLarge", err)
		}
		return tx.NameID(relay.Alias{Family: "two", Given: a.Given}, other)
	})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if got, ok := tx.IDNamed(a); !ok || got != room {
			t.Errorf("got %v %v, want the room", got, ok)
		}
		if got, ok := tx.IDNamed(relay.Alias{Family: "two", Given: a.Given}); !ok || got != other {
			t.Errorf("another family's: got %v %v, want the other", got, ok)
		}
		if _, ok := tx.IDNamed(relay.Alias{Scope: room, Family: "one", Given: a.Given}); ok {
			t.Error("a name holds in another scope")
		}
		if _, ok := tx.EntryNamed(a); ok {
			t.Error("the name of a room names an entry")
		}
		return nil
	})
}

func TestTx_NameEntry(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	want := relay.EntryID{Box: relay.BoxID{1, 2, 3}, Time: 1_800_000_000_000}
	a := relay.Alias{Scope: relay.NewID(), Family: "one", Given: "m1"}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.NameEntry(a, want) })
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if got, ok := tx.EntryNamed(a); !ok || got != want {
			t.Errorf("got %v %v, want %v", got, ok, want)
		}
		if _, ok := tx.IDNamed(a); ok {
			t.Error("the name of an entry names a room")
		}
		tx.Unname(a)
		if _, ok := tx.EntryNamed(a); ok {
			t.Error("a name stays after Unname")
		}
		return nil
	})
}
