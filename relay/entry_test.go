package relay_test

import (
	"bytes"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// entry looks a message up.
func entry(t testing.TB, r *relay.Relay, id relay.EntryID) (e relay.Entry, err error) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		e, err = tx.Entry(relay.Messages, id)
		return nil
	})
	return e, err
}

func TestTx_Append(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	d := relay.Draft{
		Kind: "message", From: relay.NewID(), Body: []byte{0, 1, 2}, Nonce: []byte{3}, Reply: 4, Thread: 5,
		Expires: r.Now().Add(time.Hour), Extra: []byte{6},
	}
	var es [2]relay.Entry
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		for i := range es {
			if es[i], err = tx.Append(b, d); err != nil {
				return err
			}
		}
		return nil
	})
	for i, want := range es {
		got, err := entry(t, r, want.ID)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		if got.Place != uint16(i) || string(got.Body) != string(d.Body) || got.From != d.From || got.Thread != d.Thread {
			t.Errorf("entry %d is %+v", i, got)
		}
	}
	if es[0].ID.Time >= es[1].ID.Time {
		t.Errorf("times %d, %d", es[0].ID.Time, es[1].ID.Time)
	}
}

func TestTx_Entry_Lanes(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	var e relay.Entry
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		e, err = tx.Append(b, relay.Draft{Lane: relay.Events, Kind: "edited"})
		return err
	})
	_, err := entry(t, r, e.ID)
	wantCode(t, "an event among the messages", err, relay.NotFound, relay.SubjectMessage)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		got, err := tx.Entry(relay.Events, e.ID)
		if got.Kind != "edited" {
			t.Errorf("got %+v", got)
		}
		return err
	})
}

// An entry that expires is not read from then on, and does not stay.
func TestTx_Append_Expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		b := box(t, r)
		var e relay.Entry
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			e, err = tx.Append(b, relay.Draft{Expires: r.Now().Add(time.Minute)})
			return err
		})
		time.Sleep(time.Minute - time.Millisecond)
		if _, err := entry(t, r, e.ID); err != nil {
			t.Errorf("before its time: %v", err)
		}
		time.Sleep(time.Millisecond)
		_, err := entry(t, r, e.ID)
		wantCode(t, "an expired one", err, relay.NotFound, relay.SubjectMessage)
		synctest.Wait()
		if got := wantHolding(t, r, b); got.Entries != 0 {
			t.Errorf("the box still holds %+v", got)
		}
	})
}

func TestTx_Append_Expires_BoxDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{}) // a fault would fail the test
		b := box(t, r)
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			if _, err := tx.Append(b, relay.Draft{Expires: r.Now()}); err != nil {
				return err
			}
			return tx.DropBox(b)
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		wantRows(t, "drop a box", rows(t, r, nil), "z")
	})
}

func TestTx_Amend(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	e := write(t, r, b, relay.NewID())
	for _, body := range []string{"second", "third, and longer"} {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := tx.Amend(e.ID, []byte(body), []byte("n"), body == "second")
			return err
		})
		got, err := entry(t, r, e.ID)
		if err != nil || string(got.Body) != body || string(got.Nonce) != "n" || got.Edited <= e.ID.Time || got.From != e.From {
			t.Errorf("got %+v, %v", got, err)
		}
		wantHolding(t, r, b)
	}
	var versions []string
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for v, err := range tx.Versions(e.ID) {
			if err != nil {
				return err
			}
			versions = append(versions, string(v.Body))
		}
		return nil
	})
	if len(versions) != 1 || versions[0] != "first" {
		t.Errorf("versions %q", versions)
	}
}

func TestTx_Amend_Refused(t *testing.T) {
	r := relaytest.New(t, relay.Options{BoxBytes: 1000, NoLimits: true})
	b := box(t, r)
	e, gone := write(t, r, b, relay.NewID()), write(t, r, b, relay.NewID())
	amend := func(id relay.EntryID, n int) error {
		return attempt(r, func(tx *relay.Tx) error { _, err := tx.Amend(id, make([]byte, n), nil, true); return err })
	}
	wantCode(t, "grow beyond the quota", amend(e.ID, 1000), relay.Full, relay.SubjectRoom)
	wantCode(t, "amend nothing", amend(relay.EntryID{Box: b, Time: 1}, 1), relay.NotFound, relay.SubjectMessage)
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Tombstone(gone.ID); return err })
	wantCode(t, "amend a tombstone", amend(gone.ID, 1), relay.NotFound, relay.SubjectMessage)
	if got, err := entry(t, r, e.ID); err != nil || string(got.Body) != "first" {
		t.Errorf("refused, it is %+v, %v", got, err)
	}
	wantHolding(t, r, b)
}

func TestTx_Tombstone(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	b := box(t, r)
	from := relay.NewID()
	var e relay.Entry
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		e, err = tx.Append(b, relay.Draft{Kind: "text", From: from, Body: []byte("said"), Nonce: []byte("n"), Extra: []byte("x"), Reply: 3})
		return err
	})
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Tombstone(e.ID); return err })
	got, err := entry(t, r, e.ID)
	if err != nil || !got.Erased || got.Body != nil || got.Nonce != nil || got.Extra != nil || got.From != from || got.Reply != 3 || got.Edited == 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	wantHolding(t, r, b)
}

// What was erased is in no row any more, in whatever way it was.
func TestTx_Erase_NothingLeft(t *testing.T) {
	planted := []byte("planted body 7f3a")
	erasures := map[string]func(*relay.Tx, relay.EntryID) error{
		"erase":        func(tx *relay.Tx, id relay.EntryID) error { return tx.Erase(id) },
		"tombstone":    func(tx *relay.Tx, id relay.EntryID) error { _, err := tx.Tombstone(id); return err },
		"eraseThrough": func(tx *relay.Tx, id relay.EntryID) error { _, err := tx.EraseThrough(id.Box, id.Time, 10); return err },
		"dropBox":      func(tx *relay.Tx, id relay.EntryID) error { return tx.DropBox(id.Box) },
	}
	for name, erase := range erasures {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := relaytest.New(t, relay.Options{})
				b, who := box(t, r), relay.NewID()
				var e relay.Entry
				relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
					if e, err = tx.Append(b, relay.Draft{Body: planted, Nonce: planted, Extra: planted, Thread: 1}); err != nil {
						return err
					}
					if _, err = tx.Amend(e.ID, planted, planted, true); err != nil {
						return err
					}
					_, err = tx.SetMark(e.ID, relay.Reaction, who, string(planted))
					return err
				})
				if leaks(t, r, planted) == 0 {
					t.Fatal("it was never there")
				}
				relaytest.Update(t, r, func(tx *relay.Tx) error { return erase(tx, e.ID) })
				synctest.Wait()
				if n := leaks(t, r, planted); n > 0 {
					t.Errorf("%d rows still have it", n)
				}
				if name == "erase" {
					relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(e.ID) }) // no error
					wantRows(t, "erase", rows(t, r, b[:]), "b")
					wantHolding(t, r, b)
				}
			})
		})
	}
}

// leaks counts the rows that contain something.
func leaks(t testing.TB, r *relay.Relay, what []byte) (n int) {
	t.Helper()
	each(t, r, func(k, v []byte) {
		if bytes.Contains(k, what) || bytes.Contains(v, what) {
			n++
		}
	})
	return n
}
