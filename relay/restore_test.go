package relay_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// A ticket is a record of these tests that is good once; a cheque is void after
// a restore.
type ticket struct {
	Used bool `cbor:"1,keyasint,omitempty"`
}

var (
	tickets = relay.NewRecords[ticket]("test ticket").NotRestored(func(_ *relay.Tx, k *ticket) bool { k.Used = true; return true })
	cheques = relay.NewRecords[ticket]("test cheque").NotRestored(nil)
	coins   = relay.NewRecords[ticket]("test coin")
)

func init() { relay.DeclareSessions("test sessions") }

// restorable is a relay over a store that the test may treat as restored.
func restorable(t *testing.T, o relay.Options) (r *relay.Relay, restored func()) {
	var store storage.Engine
	r = relaytest.Over(t, t.TempDir(), o, func(e storage.Engine) storage.Engine { store = e; return e })
	return r, func() {
		t.Helper()
		if err := relay.AfterRestore(t.Context(), store); err != nil {
			t.Fatal(err)
		}
	}
}

// used makes an account that is used from n devices, with two tokens each.
func used(t *testing.T, r *relay.Relay, family string, n int) relay.ID {
	t.Helper()
	var id relay.ID
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		a, err := tx.Register(relay.AccountDraft{Family: family})
		for i := range n {
			for _, purpose := range []string{"", "refresh"} {
				if err == nil {
					err = tx.Grant(fmt.Sprint(a.ID, i, purpose), relay.Token{Account: a.ID, Family: family, Device: fmt.Sprint(i), Purpose: purpose})
				}
			}
		}
		id = a.ID
		return err
	})
	return id
}

func TestAfterRestore_Sessions(t *testing.T) {
	r, restored := restorable(t, relay.Options{})
	// More devices than one step takes, and more accounts.
	many := used(t, r, "test sessions", 450)
	first, last := many, many
	for i := range 450 {
		id := used(t, r, "test sessions", i%3)
		if i%3 > 0 {
			last = id
		}
	}
	kept := used(t, r, "test tokens", 3)
	restored()
	for _, id := range []relay.ID{first, last, kept} {
		relaytest.View(t, r, func(tx *relay.Tx) error {
			want := 0
			if id == kept {
				want = 3
			}
			devices, err := tx.Devices(id, 1000)
			if len(devices) != want {
				t.Errorf("%d devices are left, want %d", len(devices), want)
			}
			for _, purpose := range []string{"", "refresh"} {
				if _, found, _ := tx.TokenOf(fmt.Sprint(id, 0, purpose)); found != (want > 0) {
					t.Errorf("token %q of a family that keeps %d: found %v", purpose, want, found)
				}
			}
			return err
		})
	}
	n := 0
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for range tx.Scan(storage.Prefix([]byte{'t'})) {
			n++
		}
		return nil
	})
	if n != 6 {
		t.Errorf("%d tokens are left in all, want 6", n)
	}
}

func TestAfterRestore_Records(t *testing.T) {
	r, restored := restorable(t, relay.Options{})
	const n = 450
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for i := range n {
			var id relay.ID
			binary.BigEndian.PutUint32(id[:], uint32(i))
			for _, rs := range []*relay.Records[ticket]{tickets, cheques, coins} {
				if err := rs.Put(tx, id, &ticket{}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	restored()
	count := func(rs *relay.Records[ticket]) (all, used int) {
		relaytest.View(t, r, func(tx *relay.Tx) error {
			for f, err := range rs.All(tx, relay.ID{}) {
				if err != nil {
					return err
				}
				if all++; f.Record.Used {
					used++
				}
			}
			return nil
		})
		return all, used
	}
	for name, c := range map[string]struct {
		rs        *relay.Records[ticket]
		all, used int
	}{"tickets": {tickets, n, n}, "cheques": {cheques, 0, 0}, "coins": {coins, n, 0}} {
		if all, used := count(c.rs); all != c.all || used != c.used {
			t.Errorf("%s: %d left, %d of them used; want %d, %d", name, all, used, c.all, c.used)
		}
	}
}

func TestAfterRestore_Codes(t *testing.T) {
	r, restored := restorable(t, relay.Options{})
	k := relay.CodeKey{Family: "test", Purpose: "restored"}
	code, err := r.NewCode(t.Context(), k, 6, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	restored()
	wantCode(t, "a code of before", r.TryCode(context.Background(), k, code, nil), relay.Forbidden, relay.SubjectToken)
}

// What nobody had used when the backup was made is not removed at the first
// start, for somebody may have used it since.
func TestAfterRestore_Unused(t *testing.T) {
	clock := &relaytest.Clock{}
	clock.Advance(-29 * 24 * time.Hour)
	r, restored := restorable(t, relay.Options{Now: clock.Now})
	var account, room relay.ID
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		a, err := tx.Register(relay.AccountDraft{Family: "test tokens", Expires: true})
		if err != nil {
			return err
		}
		o, err := tx.OpenRoom(relay.RoomDraft{Family: "test", Open: true})
		account, room = a.ID, o.ID
		return err
	})
	restored()
	clock.Advance((29 + 2) * 24 * time.Hour)
	if err := r.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	there := func() (n int) {
		relaytest.View(t, r, func(tx *relay.Tx) error {
			if _, err := tx.Account(account); err == nil {
				n++
			}
			if _, err := tx.OpenRoomByID(room); err == nil {
				n++
			}
			return nil
		})
		return n
	}
	if n := there(); n != 2 {
		t.Errorf("two days after a restore %d of 2 are there", n)
	}
	clock.Advance(29 * 24 * time.Hour)
	if err := r.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := there(); n != 0 {
		t.Errorf("a month after a restore %d are there still", n)
	}
}
