package relay_test

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// box makes a box that belongs to an account nobody has heard of.
func box(t testing.TB, r *relay.Relay) (b relay.BoxID) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		b, err = tx.NewBox(relay.Owner{Kind: relay.OwnerAccount, ID: relay.NewID()})
		return err
	})
	return b
}

// fill appends n messages to a box, each in a commit of its own.
func fill(t testing.TB, r *relay.Relay, b relay.BoxID, n int) (es []relay.Entry) {
	t.Helper()
	for i := range n {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			e, err := tx.Append(b, relay.Draft{Kind: "message", Body: fmt.Appendf(nil, "message %d", i)})
			if err == nil {
				es = append(es, e)
			}
			return err
		})
	}
	return es
}

// each calls fn with every row of the store.
func each(t testing.TB, r *relay.Relay, fn func(k, v []byte)) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for rg := (storage.Range{From: []byte{0}}); ; {
			n := 0
			for k, v := range tx.Scan(rg) {
				fn(k, v)
				n, rg.From = n+1, append(bytes.Clone(k), 0)
			}
			if n == 0 {
				return nil
			}
		}
	})
}

// rows counts the rows whose key contains something, by kind.
func rows(t testing.TB, r *relay.Relay, what []byte) map[byte]int {
	t.Helper()
	got := map[byte]int{}
	each(t, r, func(k, _ []byte) {
		if bytes.Contains(k[1:], what) {
			got[k[0]]++
		}
	})
	return got
}

func wantRows(t testing.TB, doing string, got map[byte]int, want string) {
	t.Helper()
	for kind, n := range got {
		if !bytes.ContainsRune([]byte(want), rune(kind)) {
			t.Errorf("%s: %d rows of kind %q are left", doing, n, kind)
		}
	}
}

func TestTx_Box_NonExistent(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		_, err := tx.Box(relay.BoxID{1})
		wantCode(t, "box", err, relay.NotFound, relay.SubjectRoom)
		return nil
	})
}

// More than two steps of everything that can lie under a box goes.
func TestTx_DropBox_Steps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{NoLimits: true})
		b, other, who := box(t, r), box(t, r), relay.NewID()
		for range 3 {
			relaytest.Update(t, r, func(tx *relay.Tx) error {
				root := relay.Time(0)
				for range relay.StepKeys {
					e, err := tx.Append(b, relay.Draft{Body: []byte("x"), Thread: root})
					if err != nil {
						return err
					}
					root = max(root, e.ID.Time)
					if _, err := tx.SetMark(e.ID, relay.Pinned, who, ""); err != nil {
						return err
					}
					if _, err := tx.Append(b, relay.Draft{Lane: relay.Events, Kind: "x"}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		kept := fill(t, r, other, 3)
		before := rows(t, r, b[:])
		for _, kind := range "bevmwy" {
			if before[byte(kind)] == 0 {
				t.Errorf("nothing of kind %q to remove", kind)
			}
		}
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.DropBox(b) })
		err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Append(b, relay.Draft{}); return err })
		wantCode(t, "append to a dropped box", err, relay.NotFound, relay.SubjectRoom)
		synctest.Wait()
		wantRows(t, "drop a box", rows(t, r, b[:]), "")
		wantRows(t, "drop a box", rows(t, r, nil), "bez")
		if got := since(t, r, relay.Page{Entries: 10, Bytes: 1 << 20}, relay.Reading{Box: other}); len(got) != len(kept) {
			t.Errorf("another box has %d of %d", len(got), len(kept))
		}
	})
}

func TestTx_EraseThrough(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	es := fill(t, r, b, 10)
	var left []bool
	for range 3 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			l, err := tx.EraseThrough(b, es[6].ID.Time, 3)
			left = append(left, l)
			return err
		})
	}
	if fmt.Sprint(left) != "[true true false]" {
		t.Errorf("left after each step: %v", left)
	}
	got := since(t, r, relay.Page{Entries: 10, Bytes: 1 << 20}, relay.Reading{Box: b})
	if len(got) != 3 || got[0].ID != es[7].ID {
		t.Errorf("got %d entries from %v, want 3 from %v", len(got), got[0].ID, es[7].ID)
	}
	wantHolding(t, r, b)
}

// However many marks go with the messages, no step passes what one transaction
// can hold.
func TestTx_EraseThrough_Marks(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	es := fill(t, r, b, 50)
	for _, e := range es {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range 500 {
				if _, err := tx.SetMark(e.ID, relay.Read, relay.NewID(), ""); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for left, steps := true, 0; left; steps++ {
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			left, err = tx.EraseThrough(b, es[len(es)-1].ID.Time, relay.StepKeys)
			return err
		})
		if steps > len(es) {
			t.Fatal("no end of steps")
		}
	}
	wantRows(t, "erase all", rows(t, r, b[:]), "b")
	wantHolding(t, r, b)
}

// A horizon before 1970, on a machine without a clock, is past for nothing.
func TestTx_EraseThrough_BeforeAllTime(t *testing.T) {
	r := relaytest.New(t, relay.Options{Now: func() time.Time { return time.UnixMilli(1000) }})
	b := box(t, r)
	fill(t, r, b, 3)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		left, err := tx.EraseThrough(b, -5, 10)
		if left {
			t.Error("something was erased")
		}
		return err
	})
	if got := since(t, r, relay.Page{Entries: 10, Bytes: 1 << 20}, relay.Reading{Box: b}); len(got) != 3 {
		t.Errorf("%d of 3 are left", len(got))
	}
}
