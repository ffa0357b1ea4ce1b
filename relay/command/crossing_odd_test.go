package command_test

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"restante/relay"
	"restante/storage"
)

// extras are what entries of families have beside their bodies, and what none
// has.
func extras(t *testing.T) map[string][]byte {
	pack := func(v any) []byte {
		b, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	id := make([]byte, 16)
	return map[string][]byte{
		"nothing":         nil,
		"secbot":          []byte(`{"protocol":"x","algorithm":"y","groupId":"z"}`),
		"sama":            []byte(`{"sama":{"x":{"a":1},"a":[{"file_id":"f"}],"f":"0123456789abcdef01234567"}}`),
		"dishis":          []byte(`{"m":"file_0123456789abcdef0123456789abcdef","r":true,"g":"0123456789abcdef0123456789abcdef"}`),
		"jetico":          pack(map[int]any{1: "11111111-1111-4111-8111-111111111111", 2: "22222222-2222-4222-8222-222222222222", 3: true, 4: "nick"}),
		"chatalot":        pack(map[int]any{1: id, 2: "hook", 3: "picture"}),
		"other numbers":   pack(map[int]any{1: 7, 2: []int{1}, 3: "yes", 10: id}),
		"a notice":        pack(map[int]any{1: "added", 2: id}),
		"text":            []byte("not ours"),
		"a number":        {0x07},
		"a cut-off map":   {0xa3, 0x01},
		"a broken object": []byte(`{"sama":`),
	}
}

// Whatever lies in a box by somebody of another family, each family shows what
// it can of it and fails at nothing.
func TestCrossing_OddEntries(t *testing.T) {
	state := newState(t)
	r := start(t, state, "--limits", "off")
	type couple struct{ from, to person }
	var couples []couple
	for _, from := range families {
		for _, to := range families {
			if from.name == to.name {
				continue
			}
			a, b := from.make(client{t: t}), to.make(client{t: t})
			a.join(r)
			b.join(r)
			a.listen()
			b.listen()
			a.write(b, a.seal("hello"))
			b.hear(a, b.shows(a.seal("hello"), a))
			couples = append(couples, couple{a, b})
		}
	}
	r.stop()
	put(t, state, func(tx *relay.Tx) error {
		for i, c := range couples {
			if err := addOdd(t, tx, i, relay.ID(raw(t, c.from)), relay.ID(raw(t, c.to))); err != nil {
				return err
			}
		}
		return nil
	})
	again := start(t, state, "--limits", "off")
	for i, c := range couples {
		t.Run(familyOf(c.from)+" to "+familyOf(c.to), func(t *testing.T) {
			c.from.move(t, again)
			c.to.move(t, again)
			for _, who := range []person{c.from, c.to} {
				who.listen()
			}
			got := c.to.read(c.from)
			for j, name := range slices.Sorted(maps.Keys(extras(t))) {
				if body := odd(c.to, oddKind(i, j)+" with "+name); !slices.Contains(got, body) {
					t.Errorf("%q is missing", body)
				}
			}
			if body := odd(c.to, "//4="); !slices.Contains(got, body) && !slices.Contains(got, "\xff\xfe") {
				t.Errorf("bytes are missing among %q", got)
			}
			if slices.ContainsFunc(got, func(s string) bool { return s == "erased" || s == odd(c.to, "erased") }) {
				t.Error("what was erased is shown")
			}
			overview(c.to)
			overview(c.from)
			c.from.write(c.to, c.from.seal("and after all that"))
			c.to.hear(c.from, c.to.shows(c.from.seal("and after all that"), c.from))
		})
	}
}

// oddKinds are kinds of messages that somebody knows, or nobody.
var oddKinds = []string{"message", "text", "file", "voice_note", "Not A Kind!"}

// oddKind has every extra come with every kind, not all to everybody: that were
// more than a page.
func oddKind(couple, extra int) string { return oddKinds[(couple+extra)%len(oddKinds)] }

// odd is how somebody shows a body that came with a nonce of bytes.
func odd(to person, body string) string {
	if _, wrapped := to.(*dishisUser); wrapped {
		return fmt.Sprintf(`{"message":%q,"key":"","iv":"/w=="}`, body)
	}
	return body
}

// put changes the store of a relay that was stopped.
func put(t *testing.T, state string, fn func(*relay.Tx) error) {
	t.Helper()
	store, err := storage.Open(filepath.Join(state, "restante.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := relay.New(store, relay.Options{Dir: state, NoLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Update(context.Background(), fn); err != nil {
		t.Error(err)
	}
	r.Close()
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

func addOdd(t *testing.T, tx *relay.Tx, couple int, from, to relay.ID) error {
	room, err := tx.FindDirect(from, to)
	if err != nil {
		return err
	}
	b := room.Box
	if a, err := tx.Account(to); err != nil {
		return err
	} else if a.Mailbox {
		b = a.Box
	}
	all := extras(t)
	for j, name := range slices.Sorted(maps.Keys(all)) {
		kind := oddKind(couple, j)
		d := relay.Draft{Kind: kind, From: from, Body: []byte(kind + " with " + name), Nonce: []byte{0xff}, Extra: all[name]}
		if _, err := tx.Append(b, d); err != nil {
			return err
		}
	}
	if _, err := tx.Append(b, relay.Draft{Kind: "text", From: from, Body: []byte{0xff, 0xfe}, Nonce: []byte{0xff}}); err != nil {
		return err
	}
	if b != room.Box {
		return nil // a mailbox holds neither notices nor tombstones
	}
	for _, what := range []string{relay.NoticeAdded, relay.NoticeRekeyed, "something new"} {
		for _, about := range []relay.ID{{}, to, relay.NewID()} {
			if _, err := tx.Notify(b, from, relay.Notice{What: what, Account: about, Note: []byte("not ours")}); err != nil {
				return err
			}
		}
	}
	e, err := tx.Append(b, relay.Draft{Kind: "message", From: from, Body: []byte("erased"), Nonce: []byte{0xff}})
	if err == nil {
		_, err = tx.TombstoneWith(e.ID, []byte("not ours"))
	}
	for _, kind := range []string{relay.EventEdited, relay.EventErased, relay.EventRead, relay.EventDelivered, relay.EventReacted, relay.EventPinned, "something new"} {
		if err == nil {
			_, err = tx.TellEntries(b, kind, from, relay.EntryEvent{Entries: []relay.Time{e.ID.Time, 1}, Name: "+1", Note: []byte("not ours")})
		}
	}
	return err
}

// overview asks for all that sums up what there is.
func overview(p person) {
	p.self().t.Helper()
	switch p := p.(type) {
	case *samaUser:
		p.do("conversation_list", map[string]any{})
		p.do("op_log_list", map[string]any{"created_at": map[string]any{"gt": 0}})
	case *dishisUser:
		p.ask("GET", "/dishis/api/analytics/user/"+p.own, p.token, 200, nil)
		p.ask("GET", "/dishis/api/analytics/active-chats/"+p.own, p.token, 200, nil)
	case *jeticoUser:
		p.do("RequestGetConversationsFull", map[string]any{})
	case *chatalotUser:
		p.ask("GET", "/chatalot/api/channels/unread", p.token, 200, nil)
		p.ask("GET", "/chatalot/api/dms", p.token, 200, nil)
		p.ask("GET", "/chatalot/api/messages/search?q=hello", p.token, 200, nil)
	}
}
