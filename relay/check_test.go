package relay_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

var checkedNotes = relay.NewRecords("checked note", relay.Index[string]{
	Name: "text", Key: func(s *string) [][]byte { return [][]byte{[]byte(*s), {0}} },
})

// everything makes rows of all kinds but one: aliases are the business of rooms
// and entries whose ids a client chose.
func everything(t testing.TB, r *relay.Relay) {
	t.Helper()
	a := register(t, r, relay.AccountDraft{Family: "test", Expires: true, Logins: []relay.Login{{Kind: "name", Folded: "anna"}}})
	bob := mailbox(t, r)
	grant(t, r, "secret", relay.Token{Account: a.ID, Family: "test", Device: "phone"})
	put(t, r, relay.BlobDraft{Owner: a.ID}, "bytes")
	top := room(t, r, relay.RoomDraft{}, a.ID)
	room(t, r, relay.RoomDraft{Parent: top.ID, Inherit: true})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		tx.SetCredential(a.ID, "password", []byte("hash"))
		if err := tx.Block(a.ID, relay.NewID()); err != nil {
			return err
		}
		if err := tx.HoldBlocks(a.ID, false); err != nil {
			return err
		}
		if _, err := tx.OpenFor(a.ID, "test"); err != nil {
			return err
		}
		if _, err := tx.Once(relay.Digest{1}, relay.Digest{2}); err != nil {
			return err
		}
		e, err := tx.Send(a.ID, bob.ID, relay.Draft{Kind: "text", Body: []byte("b"), Thread: 1, Expires: r.Now().Add(time.Hour)})
		if err != nil {
			return err
		}
		for _, kind := range []relay.MarkKind{relay.Pinned, relay.Reaction, relay.Read} {
			if _, err := tx.SetMark(e.ID, kind, a.ID, "name"); err != nil {
				return err
			}
		}
		if _, err := tx.Amend(e.ID, []byte("c"), nil, true); err != nil {
			return err
		}
		if _, err := tx.MoveCursor(a.ID, e.ID.Box, e.ID.Time); err != nil {
			return err
		}
		text := "note"
		return checkedNotes.Put(tx, relay.NewID(), &text)
	})
}

// A relay's own rows are sound; the same rows with a byte too many or too few,
// or another value, are not.
func TestCheckRow(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	everything(t, r)
	kinds := map[byte]bool{}
	each(t, r, func(k, v []byte) {
		kinds[k[0]] = true
		if err := relay.CheckRow(k, v); err != nil {
			t.Error(err)
		}
		for name, bad := range damaged(k, v) {
			if err := relay.CheckRow(bad[0], bad[1]); err == nil {
				t.Errorf("kind %q with %s is taken for sound", k[0], name)
			} else if len(v) > 3 && strings.Contains(err.Error(), fmt.Sprintf("%x", v)) {
				t.Errorf("the error gives the row away: %v", err)
			}
		}
	})
	for _, kind := range "alLcdtkronjhpbevmwyuqsifxz" {
		if !kinds[byte(kind)] {
			t.Errorf("no row of kind %q was made", kind)
		}
	}
	for _, bad := range [][]byte{nil, {}, {'?'}, {0}, []byte("?abc")} {
		if relay.CheckRow(bad, nil) == nil {
			t.Errorf("key %q is taken for sound", bad)
		}
	}
}

// damaged returns rows that cannot be, made from one that is.
func damaged(k, v []byte) map[string][2][]byte {
	bad := map[string][2][]byte{"a key of its kind alone": {k[:1], v}}
	if !bytes.ContainsRune([]byte("lLcsigz"), rune(k[0])) && (k[0] != 'm' || k[13] == 'v') {
		bad["a longer key"] = [2][]byte{append(bytes.Clone(k), 0), v}
		bad["a shorter key"] = [2][]byte{k[:len(k)-1], v}
	}
	if bytes.ContainsRune([]byte("lLjhpwyui"), rune(k[0])) {
		bad["a longer value"] = [2][]byte{k, append(bytes.Clone(v), 0)}
	}
	if !bytes.ContainsRune([]byte("cz"), rune(k[0])) {
		bad["a value that is none"] = [2][]byte{k, []byte{0xff}}
	}
	if bytes.ContainsRune([]byte("adtkronbevmqsfx"), rune(k[0])) && len(v) > 1 {
		bad["half of its value"] = [2][]byte{k, v[:len(v)/2]}
	}
	return bad
}
