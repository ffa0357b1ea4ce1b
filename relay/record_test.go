package relay_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"restante/relay"
	"restante/relay/relaytest"
)

// A note is a record of these tests.
type note struct {
	Code []byte   `cbor:"1,keyasint"`
	Tags [][]byte `cbor:"2,keyasint,omitempty"`
}

var notes = relay.NewRecords("test note",
	relay.Index[note]{Name: "code", Unique: true, Key: func(n *note) [][]byte {
		if n.Code == nil {
			return nil
		}
		return [][]byte{n.Code}
	}},
	relay.Index[note]{Name: "tag", Key: func(n *note) [][]byte { return n.Tags }},
)

// Another type of records whose name begins like the first, so that rows of one
// must not show in the other.
var notesToo = relay.NewRecords("test", relay.Index[note]{Name: "tag", Key: func(n *note) [][]byte { return n.Tags }})

// A sparse record's empty code comes back as nil.
type sparse struct {
	Code []byte `cbor:"1,keyasint,omitempty"`
}

var sparses = relay.NewRecords("test sparse", relay.Index[sparse]{Name: "code", Key: func(s *sparse) [][]byte {
	if s.Code == nil {
		return nil
	}
	return [][]byte{s.Code}
}})

type big struct {
	Bytes []byte `cbor:"1,keyasint"`
}

var bigs = relay.NewRecords[big]("test big")

func TestNewRecords_Twice(t *testing.T) {
	for name, declare := range map[string]func(){
		"one name for two types": func() { relay.NewRecords[note]("test note") },
		"no name":                func() { relay.NewRecords[note]("") },
		"a zero byte":            func() { relay.NewRecords[note]("a\x00b") },
		"one index twice": func() {
			relay.NewRecords("test twice", relay.Index[note]{Name: "x"}, relay.Index[note]{Name: "x"})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			declare()
		}()
	}
}

func TestRecords_Put_Unique(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	a, b := relay.NewID(), relay.NewID()
	relaytest.Update(t, r, func(tx *relay.Tx) error { return notes.Put(tx, a, &note{Code: []byte("x")}) })
	taken := func(tx *relay.Tx) error { return notes.Put(tx, b, &note{Code: []byte("x")}) }
	wantCode(t, "a taken value", attempt(r, taken), relay.Conflict, relay.SubjectRecord)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return notes.Put(tx, a, &note{Code: []byte("x")}) })
	relaytest.Update(t, r, func(tx *relay.Tx) error { return notes.Put(tx, a, &note{Code: []byte("y")}) })
	if err := attempt(r, taken); err != nil {
		t.Errorf("a value given up: %v", err)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if id, _, found, err := notes.Find(tx, "code", []byte("x")); id != b || !found || err != nil {
			t.Errorf("found %v %v %v", id, found, err)
		}
		if was, err := notes.Delete(tx, a); !was || err != nil {
			t.Errorf("deleted %v, %v", was, err)
		}
		was, err := notes.Delete(tx, a)
		if was {
			t.Error("deleted twice")
		}
		if _, _, found, _ := notes.Find(tx, "code", []byte("y")); found {
			t.Error("found what was deleted")
		}
		return err
	})
}

func TestRecords_Put_TooLarge(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	put := func(n note) error {
		return attempt(r, func(tx *relay.Tx) error { return notes.Put(tx, relay.NewID(), &n) })
	}
	wantCode(t, "a long value", put(note{Code: make([]byte, relay.MaxIndexValue+1)}), relay.TooLarge, relay.SubjectRecord)
	wantCode(t, "many values", put(note{Tags: make([][]byte, relay.MaxIndexed+1)}), relay.TooLarge, relay.SubjectRecord)
	if err := put(note{Code: make([]byte, relay.MaxIndexValue)}); err != nil {
		t.Errorf("the longest value, all zero bytes: %v", err)
	}
	err := attempt(r, func(tx *relay.Tx) error {
		return bigs.Put(tx, relay.NewID(), &big{make([]byte, relay.MaxRecord)})
	})
	wantCode(t, "a large record", err, relay.TooLarge, relay.SubjectRecord)
}

func TestRecords_Put_Omitted(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	id := relay.NewID()
	for _, s := range []sparse{{[]byte{}}, {[]byte("x")}} {
		relaytest.Update(t, r, func(tx *relay.Tx) error { return sparses.Put(tx, id, &s) })
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if n := sparses.Count(tx, "code", relay.Span{}); n != 1 {
			t.Errorf("%d places in the index, want 1", n)
		}
		return nil
	})
}

func TestRecords_All(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	var ids []relay.ID
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for range 4 {
			ids = append(ids, relay.NewID())
			if err := notes.Put(tx, ids[len(ids)-1], &note{}); err != nil {
				return err
			}
		}
		return notesToo.Put(tx, relay.NewID(), &note{})
	})
	slices.SortFunc(ids, func(a, b relay.ID) int { return bytes.Compare(a[:], b[:]) })
	for from, after := range map[int]relay.ID{0: {}, 2: ids[1]} {
		var got []relay.ID
		relaytest.View(t, r, func(tx *relay.Tx) error {
			for f, err := range notes.All(tx, after) {
				if err != nil {
					return err
				}
				got = append(got, f.ID)
			}
			return nil
		})
		if !slices.Equal(got, ids[from:]) {
			t.Errorf("after %v: %v, want %v", after, got, ids[from:])
		}
	}
}

func TestRecords_Scan_Unknown(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		defer func() {
			if recover() == nil {
				t.Error("no panic on an index that was not declared")
			}
		}()
		for range notes.Scan(tx, "tags", relay.Span{}) {
		}
		return nil
	})
}

// place is where the model has a record in an index.
type place struct {
	value string
	id    relay.ID
}

// within is what a span means, said plainly.
func within(s relay.Span, p place) bool {
	v := []byte(p.value)
	past := cmp.Or(bytes.Compare(v, s.Past.Value), bytes.Compare(p.id[:], s.Past.ID[:]))
	if s.Reverse {
		past = -past
	}
	return (s.Exact == nil || bytes.Equal(v, s.Exact)) && bytes.HasPrefix(v, s.Prefix) &&
		(s.From == nil || bytes.Compare(v, s.From) >= 0) && (s.To == nil || bytes.Compare(v, s.To) < 0) &&
		(s.Past.ID.IsZero() || past > 0)
}

// TestRecords_Model holds records and their indexes against a plain map.
func TestRecords_Model(t *testing.T) {
	value := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 'a', 0xff}), 0, 3)
	r := relaytest.New(t, relay.Options{})
	rapid.Check(t, func(rt *rapid.T) {
		ids := make([]relay.ID, 5)
		for i := range ids {
			ids[i] = relay.NewID()
		}
		defer forget(t, r, ids)
		model := map[relay.ID]note{}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "id")
			n := note{Tags: rapid.SliceOfN(value, 0, 3).Draw(rt, "tags")}
			if rapid.Bool().Draw(rt, "coded") {
				n.Code = append([]byte{}, value.Draw(rt, "code")...)
			}
			deletes := rapid.IntRange(0, 4).Draw(rt, "delete") == 0
			taken := false
			for other, m := range model {
				taken = taken || !deletes && other != id && n.Code != nil && m.Code != nil && bytes.Equal(m.Code, n.Code)
			}
			err := r.Update(context.Background(), func(tx *relay.Tx) error {
				if deletes {
					was, err := notes.Delete(tx, id)
					if _, want := model[id]; was != want {
						rt.Fatalf("deleted %v, want %v", was, want)
					}
					return err
				}
				if err := notesToo.Put(tx, id, &n); err != nil {
					return err
				}
				return notes.Put(tx, id, &n)
			})
			switch {
			case taken != relay.Is(err, relay.Conflict), err != nil && !taken:
				rt.Fatalf("taken %v, got %v", taken, err)
			case taken:
			case deletes:
				delete(model, id)
			default:
				model[id] = n
			}
		}
		checkSpan(rt, r, model, "tag", span(rt, value, model, ids))
		checkSpan(rt, r, model, "code", span(rt, value, model, ids))
		checkSpan(rt, r, model, "tag", relay.Span{})
	})
}

// forget deletes the records that a run of the model made.
func forget(t *testing.T, r *relay.Relay, ids []relay.ID) {
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for _, id := range ids {
			_, err := notes.Delete(tx, id)
			_, errToo := notesToo.Delete(tx, id)
			if err := cmp.Or(err, errToo); err != nil {
				return err
			}
		}
		return nil
	})
}

// span draws a span.
func span(t *rapid.T, value *rapid.Generator[[]byte], model map[relay.ID]note, ids []relay.ID) (s relay.Span) {
	some := func(name string) []byte {
		if rapid.IntRange(0, 2).Draw(t, "no "+name) > 0 {
			return nil
		}
		return append([]byte{}, value.Draw(t, name)...)
	}
	s = relay.Span{Exact: some("exact"), Prefix: some("prefix"), From: some("from"), To: some("to")}
	s.Reverse, s.Limit = rapid.Bool().Draw(t, "reverse"), rapid.IntRange(0, 3).Draw(t, "limit")
	if v := some("past"); v != nil {
		s.Past = relay.Place{Value: v, ID: rapid.SampledFrom(ids).Draw(t, "past id")}
		if tags := model[s.Past.ID].Tags; len(tags) > 0 {
			s.Past.Value = rapid.SampledFrom(tags).Draw(t, "past tag") // a place that there is
		}
	}
	if s.Exact != nil {
		s.Prefix = nil // said twice, the exact value counts
	}
	return s
}

func checkSpan(t *rapid.T, r *relay.Relay, model map[relay.ID]note, index string, s relay.Span) {
	var want []place
	for id, n := range model {
		values := n.Tags
		if index == "code" {
			values = nil
			if n.Code != nil {
				values = [][]byte{n.Code}
			}
		}
		for _, v := range values {
			if p := (place{string(v), id}); within(s, p) && !slices.Contains(want, p) {
				want = append(want, p)
			}
		}
	}
	slices.SortFunc(want, func(a, b place) int {
		c := cmp.Or(cmp.Compare(a.value, b.value), bytes.Compare(a.id[:], b.id[:]))
		if s.Reverse {
			return -c
		}
		return c
	})
	if s.Limit > 0 {
		want = want[:min(s.Limit, len(want))]
	}
	var got []place
	err := r.View(context.Background(), func(tx *relay.Tx) error {
		for f, err := range notes.Scan(tx, index, s) {
			if err != nil {
				return err
			}
			got = append(got, place{string(f.Value), f.ID})
			if m := model[f.ID]; !bytes.Equal(f.Record.Code, m.Code) || len(f.Record.Tags) != len(m.Tags) {
				t.Errorf("%v is %+v, want %+v", f.ID, f.Record, m)
			}
		}
		if n := notes.Count(tx, index, s); n != len(got) {
			t.Errorf("counted %d of %d", n, len(got))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s %+v: got %v, want %v", index, s, got, want)
	}
}
