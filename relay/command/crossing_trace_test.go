package command_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"path/filepath"
	"testing"

	"restante/storage"
)

// dump returns all rows of the store of a relay that was stopped.
func dump(t *testing.T, state string) map[string]string {
	t.Helper()
	store, err := storage.Open(filepath.Join(state, "restante.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	err = store.View(context.Background(), func(tx storage.Txn) error {
		for k, v := range tx.Scan(storage.Range{}) {
			rows[string(k)] = string(v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Fatal("the store is empty")
	}
	return rows
}

// A message from SecBot to SecBot leaves one entry in a mailbox, and what that
// box holds: no other row names either, and none of them both.
func TestCrossing_NoTrace(t *testing.T) {
	state := newState(t)
	r := start(t, state)
	a, b := &mailer{client: client{t: t}}, &mailer{client: client{t: t}}
	a.join(r)
	b.join(r)
	a.read(b) // an account that was never used is another thing
	b.read(a)
	r.stop()
	before := dump(t, state)

	again := start(t, state)
	a.move(t, again)
	b.move(t, again)
	a.write(b, "hello")
	b.hear(a, "hello")
	again.stop()
	after := dump(t, state)

	first, second := raw(t, a), raw(t, b)
	entries := 0
	for k, v := range after {
		old, was := before[k]
		switch {
		case was && old == v:
			continue
		case k[0] == 'e' && !was:
			entries++
			if !bytes.Contains([]byte(v), first) || bytes.Contains([]byte(k+v), second) {
				t.Errorf("the entry %x: %x", k, v)
			}
		case k[0] == 'b' && was: // what the box holds
			if bytes.Contains([]byte(v), first) {
				t.Error("the box names who wrote")
			}
		case k[0] == 'z': // the relay's clock
			if bytes.Contains([]byte(k+v), first) || bytes.Contains([]byte(k+v), second) {
				t.Errorf("row %q names somebody", k)
			}
		default:
			t.Errorf("row %x: %x", k, v)
		}
	}
	for k := range before {
		if _, stays := after[k]; !stays {
			t.Errorf("row %x is gone", k)
		}
	}
	if entries != 1 {
		t.Errorf("%d entries, want 1", entries)
	}
}

func raw(t *testing.T, p person) []byte {
	b, err := hex.DecodeString(p.hex())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
