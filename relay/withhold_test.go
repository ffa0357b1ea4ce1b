package relay_test

import (
	"reflect"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// A withheld message is in no list and no count, cannot be changed, and comes
// back as it was.
func TestTx_Withhold(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b, who := box(t, r), relay.NewID()
	root := write(t, r, b, who)
	var reply relay.Entry
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		reply, err = tx.Append(b, relay.Draft{Body: []byte("r"), From: who, Thread: root.ID.Time})
		return err
	})
	withhold := func(on bool) (changed bool) {
		t.Helper()
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			changed, err = tx.Withhold(reply.ID, on)
			return err
		})
		return changed
	}
	seen := func() (n int) {
		t.Helper()
		relaytest.View(t, r, func(tx *relay.Tx) error {
			since, err := tx.Since(relay.Messages, []relay.Reading{{Box: b}}, relay.Page{Entries: 9, Bytes: 1 << 20})
			if err != nil {
				return err
			}
			before, err := tx.Before(relay.Messages, b, 0, 0, 9)
			if err != nil {
				return err
			}
			unread, err := tx.Unread(relay.NewID(), b, 0, 9)
			if err != nil {
				return err
			}
			replies, err := tx.Replies(root.ID, 0, 9)
			if err != nil {
				return err
			}
			backwards, err := tx.RepliesBefore(root.ID, 0, 9)
			if err != nil {
				return err
			}
			count, last, err := tx.CountReplies(root.ID, 9)
			if (last == reply.ID.Time) != (count == 1) {
				t.Errorf("%d replies, the last at %d", count, last)
			}
			n = len(replies)
			if len(since) != 1+n || len(before) != 1+n || unread != 1+n || len(backwards) != n || count != n {
				t.Errorf("since %d, before %d, unread %d, replies %d, backwards %d, counted %d",
					len(since), len(before), unread, n, len(backwards), count)
			}
			return err
		})
		return n
	}
	if seen() != 1 || !withhold(true) || withhold(true) {
		t.Error("withheld once, it is news once")
	}
	if seen() != 0 {
		t.Error("it is still read")
	}
	_, err := entry(t, r, reply.ID)
	wantCode(t, "reading it", err, relay.NotFound, relay.SubjectMessage)
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Amend(reply.ID, []byte("x"), nil, true); return err })
	wantCode(t, "changing it", err, relay.NotFound, relay.SubjectMessage)
	if !withhold(false) || withhold(false) || seen() != 1 {
		t.Error("it did not come back")
	}
	if got, err := entry(t, r, reply.ID); err != nil || !reflect.DeepEqual(got, reply) {
		t.Errorf("got %+v, %v, want %+v", got, err, reply)
	}
	withhold(true)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(reply.ID) })
	wantHolding(t, r, b)
	err = attempt(r, func(tx *relay.Tx) error { _, err := tx.Withhold(reply.ID, false); return err })
	wantCode(t, "one that is gone", err, relay.NotFound, relay.SubjectMessage)
}

func TestTx_RepliesBefore_Pages(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b, who := box(t, r), relay.NewID()
	root := write(t, r, b, who)
	var times []relay.Time
	for range 5 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			e, err := tx.Append(b, relay.Draft{From: who, Thread: root.ID.Time})
			times = append(times, e.ID.Time)
			return err
		})
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for _, test := range []struct {
			before relay.Time
			n      int
			want   []relay.Time
		}{
			{0, 2, []relay.Time{times[4], times[3]}},
			{times[3], 2, []relay.Time{times[2], times[1]}},
			{times[0], 2, nil},
			{times[1], 9, []relay.Time{times[0]}},
		} {
			es, err := tx.RepliesBefore(root.ID, test.before, test.n)
			var got []relay.Time
			for _, e := range es {
				got = append(got, e.ID.Time)
			}
			if err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("before %d: %v, %v, want %v", test.before, got, err, test.want)
			}
		}
		if n, last, err := tx.CountReplies(root.ID, 3); n != 3 || last != times[4] || err != nil {
			t.Errorf("counted %d to 3, the last at %d, %v", n, last, err)
		}
		return nil
	})
}
