package relay_test

import (
	"fmt"
	"slices"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// react changes reactions, and returns what the box was told of it.
func react(t testing.TB, r *relay.Relay, id relay.EntryID, who relay.ID, c relay.Reacting) (told []string, err error) {
	t.Helper()
	var before relay.Time
	relaytest.View(t, r, func(tx *relay.Tx) error { before = relay.Time(tx.Now()); return nil })
	changed := false
	err = attempt(r, func(tx *relay.Tx) (err error) { changed, err = tx.React(id, who, c); return err })
	relaytest.View(t, r, func(tx *relay.Tx) error {
		got, err := tx.Since(relay.Events, []relay.Reading{{Box: id.Box, After: before}}, relay.Page{Entries: 9, Bytes: 1 << 20})
		if err != nil {
			return err
		}
		for _, e := range got {
			ev, err := relay.ReadEntryEvent(e)
			if err != nil || e.From != who || len(ev.Entries) != 1 || ev.Entries[0] != id.Time {
				t.Errorf("event %+v says %+v, %v", e, ev, err)
			}
			added, removed := ev.Reactions(e.Kind)
			told = append(told, fmt.Sprintf("+%s-%v", added, removed))
		}
		return nil
	})
	if changed != (len(told) > 0) {
		t.Errorf("changed is %v, told was %v", changed, told)
	}
	return told, err
}

// names returns the reactions to an entry, of whomever.
func names(t testing.TB, r *relay.Relay, id relay.EntryID) (got []string) {
	for _, m := range marked(t, r, id, relay.Reaction) {
		got = append(got, m.Name)
	}
	slices.Sort(got)
	return got
}

func TestTx_React(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	e := write(t, r, room(t, r, relay.RoomDraft{}, p...).Box, p[0])
	for _, c := range []struct {
		name string
		do   relay.Reacting
		told string // "": nothing
		held []string
	}{
		{"add", relay.Reacting{Add: "a"}, "+a-[]", []string{"a"}},
		{"again", relay.Reacting{Add: "a"}, "", []string{"a"}},
		{"another", relay.Reacting{Add: "b"}, "+b-[]", []string{"a", "b"}},
		{"replace", relay.Reacting{Add: "c", Remove: []string{"a", "x"}}, "+c-[a]", []string{"b", "c"}},
		{"in the place of all", relay.Reacting{Add: "d", Remove: []string{"b", "c"}}, "+d-[b c]", []string{"d"}},
		{"all but the one that stays", relay.Reacting{Add: "d", Remove: []string{"d"}}, "", []string{"d"}},
		{"what is not there", relay.Reacting{Remove: []string{"a"}}, "", []string{"d"}},
		{"one more", relay.Reacting{Add: "e"}, "+e-[]", []string{"d", "e"}},
		{"only take away, as what is added is there", relay.Reacting{Add: "d", Remove: []string{"e"}}, "+-[e]", []string{"d"}},
		{"and back", relay.Reacting{Add: "e"}, "+e-[]", []string{"d", "e"}},
		{"all", relay.Reacting{Remove: []string{"d", "e"}}, "+-[d e]", nil},
		{"nothing", relay.Reacting{}, "", nil},
	} {
		told, err := react(t, r, e.ID, p[0], c.do)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.told == "" && told != nil || c.told != "" && !slices.Equal(told, []string{c.told}) {
			t.Errorf("%s: told %q, want %q", c.name, told, c.told)
		}
		if got := names(t, r, e.ID); !slices.Equal(got, c.held) {
			t.Errorf("%s: holds %q, want %q", c.name, got, c.held)
		}
	}
}

// The different ones are bounded; who reacts as others did, or in the place of
// one that was his alone, does not go over.
func TestTx_React_Most(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	e := write(t, r, room(t, r, relay.RoomDraft{}, p...).Box, p[0])
	try := func(name string, who relay.ID, c relay.Reacting, full bool) {
		t.Helper()
		_, err := react(t, r, e.ID, who, c)
		if full {
			wantCode(t, name, err, relay.Conflict, relay.SubjectMessage)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	try("first", p[0], relay.Reacting{Add: "a", Most: 2}, false)
	try("second", p[0], relay.Reacting{Add: "b", Most: 2}, false)
	try("third", p[1], relay.Reacting{Add: "c", Most: 2}, true)
	try("as another did", p[1], relay.Reacting{Add: "a", Most: 2}, false)
	try("in the place of one that others have", p[1], relay.Reacting{Add: "c", Remove: []string{"a"}, Most: 2}, true)
	try("in the place of an own one", p[0], relay.Reacting{Add: "c", Remove: []string{"b"}, Most: 2}, false)
	try("without a bound", p[1], relay.Reacting{Add: "d"}, false)
	if got, want := names(t, r, e.ID), []string{"a", "a", "c", "d"}; !slices.Equal(got, want) { // a refusal left all as it was
		t.Errorf("holds %q, want %q", got, want)
	}
}

func TestTx_React_NotFound(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	e := write(t, r, room(t, r, relay.RoomDraft{}, p...).Box, p[0])
	_, err := react(t, r, relay.EntryID{Box: e.ID.Box, Time: 1}, p[0], relay.Reacting{Add: "a"})
	wantCode(t, "no such message", err, relay.NotFound, relay.SubjectMessage)
	_, err = react(t, r, e.ID, p[0], relay.Reacting{Add: string(make([]byte, relay.MaxMarkName+1))})
	wantCode(t, "a long name", err, relay.TooLarge, relay.SubjectMessage)
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Tombstone(e.ID); return err })
	_, err = react(t, r, e.ID, p[0], relay.Reacting{Add: "a"})
	wantCode(t, "an erased message", err, relay.NotFound, relay.SubjectMessage)
}
