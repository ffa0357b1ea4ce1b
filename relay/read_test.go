package relay_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// since reads messages in one view.
func since(t testing.TB, r *relay.Relay, p relay.Page, from ...relay.Reading) (es []relay.Entry) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) (err error) {
		es, err = tx.Since(relay.Messages, from, p)
		return err
	})
	return es
}

func ids(es []relay.Entry) (ids []relay.EntryID) {
	for _, e := range es {
		ids = append(ids, e.ID)
	}
	return ids
}

// group appends one message to each of the boxes in one commit, so at one time.
func group(t testing.TB, r *relay.Relay, body int, boxes ...relay.BoxID) (es []relay.Entry) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		es = nil
		for _, b := range boxes {
			e, err := tx.Append(b, relay.Draft{Body: make([]byte, body)})
			if err != nil {
				return err
			}
			es = append(es, e)
		}
		return nil
	})
	return es
}

func readings(boxes []relay.BoxID, after relay.Time) (from []relay.Reading) {
	for _, b := range boxes {
		from = append(from, relay.Reading{Box: b, After: after})
	}
	return from
}

func manyBoxes(t testing.TB, r *relay.Relay, n int) (boxes []relay.BoxID) {
	t.Helper()
	for range n {
		boxes = append(boxes, box(t, r))
	}
	return boxes
}

// A page ends between times; a time that is larger comes whole.
func TestTx_Since_Pages(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	boxes := manyBoxes(t, r, 5)
	var groups [][]relay.Entry
	for _, n := range []int{2, 5, 1, 3, 1} {
		groups = append(groups, group(t, r, 100, boxes[:n]...))
	}
	for _, c := range []struct {
		name string
		page relay.Page
		want []int // groups a page
	}{
		{"all", relay.Page{Entries: 100, Bytes: 1 << 20}, []int{5}},
		{"one", relay.Page{Entries: 1, Bytes: 1 << 20}, []int{1, 1, 1, 1, 1}},
		{"none", relay.Page{}, []int{1, 1, 1, 1, 1}},
		{"three", relay.Page{Entries: 3, Bytes: 1 << 20}, []int{1, 1, 1, 1, 1}},
		{"seven", relay.Page{Entries: 7, Bytes: 1 << 20}, []int{2, 3}},
		{"exact", relay.Page{Entries: 8, Bytes: 1 << 20}, []int{3, 2}},
		{"bytes of three", relay.Page{Entries: 100, Bytes: 400}, []int{1, 1, 1, 1, 1}},
		{"bytes of eight", relay.Page{Entries: 100, Bytes: 1000}, []int{3, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, next := relay.Time(0), 0
			for _, n := range c.want {
				got := since(t, r, c.page, readings(boxes, at)...)
				var want []relay.Entry
				for range n {
					want = append(want, groups[next]...)
					next++
				}
				if !slices.Equal(ids(got), ids(want)) {
					t.Fatalf("got %v, want %v", ids(got), ids(want))
				}
				at = got[len(got)-1].ID.Time
			}
			if got := since(t, r, c.page, readings(boxes, at)...); len(got) != 0 {
				t.Errorf("and then %d more", len(got))
			}
		})
	}
}

func TestTx_Since_TimesApart(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	boxes := manyBoxes(t, r, 2)
	a, b := fill(t, r, boxes[0], 4), fill(t, r, boxes[1], 4)
	got := since(t, r, relay.Page{Entries: 9, Bytes: 1 << 20}, relay.Reading{Box: boxes[0], After: a[2].ID.Time}, relay.Reading{Box: boxes[1], After: b[1].ID.Time})
	if want := []relay.EntryID{a[3].ID, b[2].ID, b[3].ID}; !slices.Equal(ids(got), want) {
		t.Errorf("got %v, want %v", ids(got), want)
	}
}

// No time that a client may come with wraps around.
func TestTx_Since_Beyond(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	fill(t, r, b, 3)
	for after, want := range map[relay.Time]int{
		-1: 3, -1 << 48: 3, -1 << 63: 3, 1<<48 - 2: 0, 1<<48 - 1: 0, 1 << 48: 0, 1<<63 - 1: 0,
	} {
		if got := since(t, r, relay.Page{Entries: 9, Bytes: 1 << 20}, relay.Reading{Box: b, After: after}); len(got) != want {
			t.Errorf("after %d: got %d, want %d", after, len(got), want)
		}
		relaytest.View(t, r, func(tx *relay.Tx) error {
			got, err := tx.Before(relay.Messages, b, after, 0, 9)
			if after > 0 && len(got) != 3-want || after < 0 && len(got) != 0 {
				t.Errorf("before %d: got %d", after, len(got))
			}
			return err
		})
	}
}

func TestTx_Since_Merge256(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	boxes := manyBoxes(t, r, 256)
	var want []relay.EntryID
	for i := range 20 {
		want = append(want, ids(group(t, r, 1, boxes[i*10:i*10+50]...))...)
		want = append(want, ids(fill(t, r, boxes[i], 1))...)
	}
	got := since(t, r, relay.Page{Entries: 1 << 20, Bytes: 1 << 30}, readings(boxes, 0)...)
	if !slices.Equal(ids(got), want) {
		t.Errorf("got %d, want %d in another order", len(got), len(want))
	}
}

// Expired entries are passed over, however many lie before the next that is
// not, even more than one scan of the store yields.
func TestTx_Since_Expired(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	r := relaytest.New(t, relay.Options{Now: func() time.Time { return now }})
	boxes := manyBoxes(t, r, 2)
	for range 6 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range 1000 {
				e, err := tx.Append(boxes[0], relay.Draft{})
				if err != nil {
					return err
				}
				// Expired without its timer, as if that had not run yet.
				id := e.ID.Bytes()
				tx.Put(slices.Concat([]byte{'e'}, boxes[0][:], id[:6]), []byte{0xa2, 0x01, 0x60, 0x07, 0x01})
			}
			return nil
		})
	}
	want := group(t, r, 1, boxes...)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if i := tx.HasSince(relay.Messages, readings(boxes, want[0].ID.Time-1)); i != 0 {
			t.Errorf("HasSince: %d", i)
		}
		if i := tx.HasSince(relay.Messages, []relay.Reading{{Box: boxes[0]}}); i != 0 {
			t.Errorf("HasSince: %d", i)
		}
		got, err := tx.Since(relay.Messages, readings(boxes, 0), relay.Page{Entries: 5, Bytes: 1 << 20})
		if !slices.Equal(ids(got), ids(want)) {
			t.Errorf("got %v, want %v", ids(got), ids(want))
		}
		return err
	})
	fill(t, r, boxes[0], 1)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		got, err := tx.Before(relay.Messages, boxes[0], 0, 0, 3)
		if len(got) != 2 {
			t.Errorf("before: got %d, want 2", len(got))
		}
		return err
	})
}

func TestTx_Since_Expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		b := box(t, r)
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for _, in := range []time.Duration{time.Hour, time.Minute, time.Hour} {
				if _, err := tx.Append(b, relay.Draft{Expires: r.Now().Add(in)}); err != nil {
					return err
				}
			}
			return nil
		})
		for i, want := range []int{3, 2, 0} {
			if got := since(t, r, relay.Page{Entries: 9, Bytes: 1 << 20}, relay.Reading{Box: b}); len(got) != want {
				t.Errorf("look %d: got %d, want %d", i, len(got), want)
			}
			relaytest.View(t, r, func(tx *relay.Tx) error {
				if has := tx.HasSince(relay.Messages, readings([]relay.BoxID{b}, 0)) == 0; has != (want > 0) {
					t.Errorf("look %d: HasSince says %v", i, has)
				}
				return nil
			})
			time.Sleep(time.Minute + time.Duration(i)*time.Hour)
		}
	})
}

func TestTx_Mailbox_Retention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{Retention: 90 * time.Minute, RoomRetention: 3 * time.Hour})
		b, who := box(t, r), people(t, r, 1)[0]
		var open relay.Room
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			open, err = tx.OpenFor(who, "test")
			return err
		})
		closed := room(t, r, relay.RoomDraft{}, who)
		group(t, r, 1, b, open.Box, closed.Box)
		time.Sleep(time.Hour) // from here on the sweeps do not come in between
		group(t, r, 1, b, open.Box, closed.Box)
		time.Sleep(40 * time.Minute)
		var at []relay.Reading
		relaytest.View(t, r, func(tx *relay.Tx) error {
			at = append(at, tx.Mailbox(b, 0), tx.Mailbox(b, r.Now()))
			for _, id := range []relay.ID{open.ID, closed.ID} {
				acc, err := tx.Access(who, id)
				if err != nil {
					return err
				}
				at = append(at, tx.Reading(acc, 0))
			}
			return nil
		})
		for i, want := range []int{1, 0, 1, 2} {
			if got := since(t, r, relay.Page{Entries: 9, Bytes: 1 << 20}, at[i]); len(got) != want {
				t.Errorf("reading %d: got %d, want %d", i, len(got), want)
			}
		}
	})
}

func TestTx_Before(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	es := fill(t, r, b, 6)
	for _, c := range []struct {
		name              string
		before, notBefore relay.Time
		n                 int
		want              []int
	}{
		{"from the end", 0, 0, 3, []int{5, 4, 3}},
		{"page", es[3].ID.Time, 0, 2, []int{2, 1}},
		{"last page", es[1].ID.Time, 0, 9, []int{0}},
		{"nothing", es[0].ID.Time, 0, 9, nil},
		{"not before", 0, es[4].ID.Time, 9, []int{5, 4}},
		{"both", es[4].ID.Time, es[3].ID.Time, 9, []int{3}},
		{"none", 0, 0, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []relay.EntryID
			for _, i := range c.want {
				want = append(want, es[i].ID)
			}
			relaytest.View(t, r, func(tx *relay.Tx) error {
				got, err := tx.Before(relay.Messages, b, c.before, c.notBefore, c.n)
				if !slices.Equal(ids(got), want) {
					t.Errorf("got %v, want %v", ids(got), want)
				}
				return err
			})
		})
	}
}

func TestTx_Replies(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	roots := fill(t, r, b, 2)
	var replies []relay.Entry
	for i := range 6 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			e, err := tx.Append(b, relay.Draft{Thread: roots[i%2].ID.Time})
			if i%2 == 0 {
				replies = append(replies, e)
			}
			return err
		})
	}
	want := func(name string, after relay.Time, n int, want ...relay.EntryID) {
		t.Helper()
		relaytest.View(t, r, func(tx *relay.Tx) error {
			got, err := tx.Replies(roots[0].ID, after, n)
			if !slices.Equal(ids(got), want) {
				t.Errorf("%s: got %v, want %v", name, ids(got), want)
			}
			return err
		})
	}
	want("all", 0, 9, ids(replies)...)
	want("two", 0, 2, ids(replies[:2])...)
	want("after", replies[0].ID.Time, 9, ids(replies[1:])...)
	want("beyond", 1<<63-1, 9)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(replies[1].ID) })
	want("erased", 0, 2, replies[0].ID, replies[2].ID)
}

func TestTx_HasSince_Order(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	boxes := manyBoxes(t, r, 4)
	e := fill(t, r, boxes[2], 1)[0]
	fill(t, r, boxes[1], 1)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for _, c := range []struct {
			order []int
			after relay.Time
			want  int
		}{
			{[]int{0, 1, 2, 3}, 0, 1}, {[]int{3, 2, 1, 0}, 0, 1}, {[]int{2, 1}, 0, 0}, {[]int{2, 0, 1}, e.ID.Time, 2},
			{[]int{2, 3}, e.ID.Time, -1}, {nil, 0, -1},
		} {
			var from []relay.Reading
			for _, i := range c.order {
				from = append(from, relay.Reading{Box: boxes[i], After: c.after})
			}
			if got := tx.HasSince(relay.Messages, from); got != c.want {
				t.Errorf("%s: got %d, want %d", fmt.Sprint(c), got, c.want)
			}
		}
		return nil
	})
}
