package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"restante/relay"
	"restante/relay/relaytest"
)

// write appends a message to a box.
func write(t testing.TB, r *relay.Relay, b relay.BoxID, from relay.ID) (e relay.Entry) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		e, err = tx.Append(b, relay.Draft{Kind: "message", From: from, Body: []byte("first")})
		return err
	})
	return e
}

// mark sets a mark and returns whether that was new.
func mark(t testing.TB, r *relay.Relay, id relay.EntryID, kind relay.MarkKind, who relay.ID, name string) (changed bool) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		changed, err = tx.SetMark(id, kind, who, name)
		return err
	})
	return changed
}

func clearMark(t testing.TB, r *relay.Relay, id relay.EntryID, kind relay.MarkKind, who relay.ID, name string) (changed bool) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		changed, err = tx.ClearMark(id, kind, who, name)
		return err
	})
	return changed
}

// marked returns who set which marks of a kind on an entry.
func marked(t testing.TB, r *relay.Relay, id relay.EntryID, kind relay.MarkKind) (got []relay.Mark) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		got = nil
		for m, err := range tx.Marks(id, kind) {
			if err != nil {
				return err
			}
			got = append(got, m)
		}
		if n := tx.CountMarks(id, kind, 1000); n != len(got) {
			t.Errorf("counted %d marks of %d", n, len(got))
		}
		return nil
	})
	return got
}

func TestTx_SetMark(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	b := own(t, r, p[0])
	e, other := write(t, r, b, p[0]), write(t, r, b, p[0])
	if !mark(t, r, e.ID, relay.Read, p[1], "") || mark(t, r, e.ID, relay.Read, p[1], "") {
		t.Error("a mark is new once")
	}
	got := marked(t, r, e.ID, relay.Read)
	if len(got) != 1 || got[0].Who != p[1] || got[0].Entry != e.ID || got[0].At <= e.ID.Time {
		t.Errorf("marks %+v", got)
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if at, found, err := tx.Marked(e.ID, relay.Read, p[1], ""); !found || err != nil || at != got[0].At {
			t.Errorf("marked %v %v %v", at, found, err)
		}
		return nil
	})
	if len(marked(t, r, e.ID, relay.Delivered)) != 0 || len(marked(t, r, other.ID, relay.Read)) != 0 {
		t.Error("the mark shows where it was not set")
	}
	if !clearMark(t, r, e.ID, relay.Read, p[1], "") || clearMark(t, r, e.ID, relay.Read, p[1], "") {
		t.Error("a mark is cleared once")
	}
	if got := marked(t, r, e.ID, relay.Read); len(got) != 0 {
		t.Errorf("left: %+v", got)
	}
}

func TestTx_SetMark_Refused(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	e := write(t, r, own(t, r, p[0]), p[0])
	set := func(id relay.EntryID, name string) error {
		return attempt(r, func(tx *relay.Tx) error { _, err := tx.SetMark(id, relay.Reaction, p[0], name); return err })
	}
	wantCode(t, "no such entry", set(relay.EntryID{Box: e.ID.Box, Time: 1}, ""), relay.NotFound, relay.SubjectMessage)
	wantCode(t, "a long name", set(e.ID, string(make([]byte, relay.MaxMarkName+1))), relay.TooLarge, relay.SubjectMessage)
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Tombstone(e.ID); return err })
	wantCode(t, "a tombstone", set(e.ID, "x"), relay.NotFound, relay.SubjectMessage)
}

func TestTx_MarksOf(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	e := write(t, r, own(t, r, p[0]), p[0])
	for _, name := range []string{"b", "a", "a\x00c"} {
		mark(t, r, e.ID, relay.Reaction, p[0], name)
	}
	mark(t, r, e.ID, relay.Reaction, p[1], "d")
	var names []string
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for m, err := range tx.MarksOf(e.ID, relay.Reaction, p[0]) {
			if err != nil {
				return err
			}
			names = append(names, m.Name)
		}
		return nil
	})
	if want := []string{"a", "a\x00c", "b"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestTx_SetMark_Pinned(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	b := own(t, r, p[0])
	var es []relay.Entry
	for range 4 {
		es = append(es, write(t, r, b, p[0]))
	}
	for _, i := range []int{2, 0, 3, 1} {
		mark(t, r, es[i].ID, relay.Pinned, p[0], "")
	}
	if mark(t, r, es[0].ID, relay.Pinned, p[1], "") {
		t.Error("pinned twice")
	}
	if !clearMark(t, r, es[3].ID, relay.Pinned, p[1], "") {
		t.Error("another cannot take a pin off")
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(es[2].ID) })
	var got []relay.EntryID
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for past := (relay.Mark{}); ; {
			page := tx.MarkedIn(b, relay.Pinned, past, 1)
			if len(page) == 0 {
				return nil
			}
			past = page[0]
			got = append(got, past.Entry)
		}
	})
	if want := []relay.EntryID{es[1].ID, es[0].ID}; !slices.Equal(got, want) {
		t.Errorf("pins %v, want %v", got, want)
	}
}

func TestTx_Erase_Marks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 1)
		e := write(t, r, own(t, r, p[0]), p[0])
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for i := range 2500 { // more than two steps
				if _, err := tx.SetMark(e.ID, relay.Reaction, p[0], fmt.Sprint(i)); err != nil {
					return err
				}
			}
			_, err := tx.SetMark(e.ID, relay.Pinned, p[0], "")
			return err
		})
		relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Amend(e.ID, []byte("second"), nil, true); return err })
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(e.ID) })
		synctest.Wait()
		for _, kind := range []relay.MarkKind{relay.Reaction, relay.Pinned, 'v'} {
			if n := len(marked(t, r, e.ID, kind)); n != 0 {
				t.Errorf("%d marks of kind %c are left", n, kind)
			}
		}
		relaytest.View(t, r, func(tx *relay.Tx) error {
			if pins := tx.MarkedIn(e.ID.Box, relay.Pinned, relay.Mark{}, 10); len(pins) != 0 {
				t.Errorf("pins left: %v", pins)
			}
			return nil
		})
	})
}

func TestTx_Tombstone_Marks(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	e := write(t, r, own(t, r, p[0]), p[0])
	kinds := []relay.MarkKind{relay.Delivered, relay.Read, relay.Hidden, relay.Reported, relay.Reaction, relay.Pinned}
	for _, kind := range kinds {
		mark(t, r, e.ID, kind, p[0], "")
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Tombstone(e.ID); return err })
	for i, kind := range kinds {
		if n := len(marked(t, r, e.ID, kind)); (n == 1) != (i < 4) {
			t.Errorf("%d marks of kind %c", n, kind)
		}
	}
}

func TestTx_Versions(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	e := write(t, r, own(t, r, p[0]), p[0])
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for i := range relay.MaxVersions + 2 {
			if _, err := tx.Amend(e.ID, fmt.Append(nil, i), nil, true); err != nil {
				return err
			}
		}
		_, err := tx.Amend(e.ID, []byte("last"), nil, false)
		return err
	})
	var bodies []string
	relaytest.View(t, r, func(tx *relay.Tx) error {
		until := relay.Time(0)
		for v, err := range tx.Versions(e.ID) {
			if err != nil {
				return err
			}
			if v.Until <= until || v.ID != e.ID || v.From != p[0] {
				t.Errorf("version %+v after %v", v, until)
			}
			until = v.Until
			bodies = append(bodies, string(v.Body))
		}
		return nil
	})
	// "first", 0, 1, … 100, of which the two oldest are gone.
	if len(bodies) != relay.MaxVersions || bodies[0] != "1" || bodies[len(bodies)-1] != "100" {
		t.Errorf("%d versions: %q", len(bodies), bodies)
	}
	wantHolding(t, r, e.ID.Box)
}

// Old versions fill the box, and leave it with what they are versions of.
func TestTx_Versions_Held(t *testing.T) {
	for _, c := range []struct {
		name string
		gone func(tx *relay.Tx, id relay.EntryID) error
		want int // entries left
	}{
		{"erased", func(tx *relay.Tx, id relay.EntryID) error { return tx.Erase(id) }, 0},
		{"a tombstone", func(tx *relay.Tx, id relay.EntryID) error { _, err := tx.Tombstone(id); return err }, 1},
		{"a tombstone erased", func(tx *relay.Tx, id relay.EntryID) error {
			if _, err := tx.Tombstone(id); err != nil {
				return err
			}
			return tx.Erase(id)
		}, 0},
		{"withheld and erased", func(tx *relay.Tx, id relay.EntryID) error {
			if _, err := tx.Withhold(id, true); err != nil {
				return err
			}
			return tx.Erase(id)
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := relaytest.New(t, relay.Options{BoxBytes: 20_000, NoLimits: true})
			p := people(t, r, 1)
			e := write(t, r, own(t, r, p[0]), p[0])
			amend := func(n int) error {
				return attempt(r, func(tx *relay.Tx) error { _, err := tx.Amend(e.ID, make([]byte, n), nil, true); return err })
			}
			for range 9 {
				if err := amend(2000); err != nil {
					t.Fatal(err)
				}
			}
			if got := wantHolding(t, r, e.ID.Box); got.Entries != 1 || got.Bytes < 18_000 {
				t.Errorf("with nine versions the box holds %+v", got)
			}
			wantCode(t, "one version too many", amend(2000), relay.Full, relay.SubjectRoom)
			relaytest.Update(t, r, func(tx *relay.Tx) error {
				for i := range 1500 { // of other kinds, more than one step
					if _, err := tx.SetMark(e.ID, relay.Reaction, p[0], fmt.Sprint(i)); err != nil {
						return err
					}
				}
				return nil
			})
			relaytest.Update(t, r, func(tx *relay.Tx) error { return c.gone(tx, e.ID) })
			if got := wantHolding(t, r, e.ID.Box); got.Entries != c.want || got.Bytes > 200 {
				t.Errorf("%s, the box holds %+v", c.name, got)
			}
		})
	}
}

// Reactions, pins and edits are taken from what an account may write in a day;
// receipts are not, for it is others who cause them.
func TestTx_SetMark_Writes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 2)
		in := room(t, r, relay.RoomDraft{}, p...)
		e := write(t, r, in.Box, p[0])
		ways := []func(tx *relay.Tx, i int) error{
			func(tx *relay.Tx, i int) error {
				_, err := tx.SetMark(e.ID, relay.Reaction, p[0], fmt.Sprint(i))
				return err
			},
			func(tx *relay.Tx, i int) error { _, err := tx.Amend(e.ID, nil, nil, false); return err },
			func(tx *relay.Tx, i int) error {
				if _, err := tx.ClearMark(e.ID, relay.Pinned, p[0], ""); err != nil {
					return err
				}
				_, err := tx.SetMark(e.ID, relay.Pinned, p[0], "")
				return err
			},
		}
		one := func(i int) error { return attempt(r, func(tx *relay.Tx) error { return ways[i%len(ways)](tx, i) }) }
		if n := untilTooMany(t, relay.AccountWrites+1, one); n != relay.AccountWrites {
			t.Errorf("%d in a day, want %d", n, relay.AccountWrites)
		}
		wantCode(t, "a message after that", post(r, p[0], in.ID, 1), relay.TooMany, relay.SubjectNone)
		mark(t, r, e.ID, relay.Read, p[0], "")
		mark(t, r, e.ID, relay.Reaction, p[1], "somebody else's")
		relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.ClearMark(e.ID, relay.Reaction, p[0], "0"); return err })
	})
}

// What one account may edit in one box in a day is its share of that box.
func TestTx_Amend_Share(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{BoxBytes: 8 << 20})
		p := people(t, r, 1)
		e := write(t, r, own(t, r, p[0]), p[0])
		n := untilTooMany(t, 100, func(int) error {
			return attempt(r, func(tx *relay.Tx) error { _, err := tx.Amend(e.ID, make([]byte, 256<<10), nil, true); return err })
		})
		if n != 8 {
			t.Errorf("%d edits of 256 KiB, want a quarter of 8 MiB", n)
		}
	})
}
