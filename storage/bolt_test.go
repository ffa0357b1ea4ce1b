package storage

import (
	"path/filepath"
	"testing"
)

// open opens a fresh store that is closed and checked when the test ends.
func open(t testing.TB, o Options) *Bolt {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "store"), o)
}

// testJournal is small, so that its files are made quickly and turn often.
const testJournal = 256 << 10

func openAt(t testing.TB, path string, o Options) *Bolt {
	t.Helper()
	if o.Journal == 0 {
		o.Journal = testJournal
	}
	b, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// put commits one pair.
func put(t testing.TB, b *Bolt, key, value string) {
	t.Helper()
	err := b.Update(t.Context(), func(tx Txn) error { tx.Put([]byte(key), []byte(value)); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// get reads one value.
func get(t testing.TB, b *Bolt, key string) (value string) {
	t.Helper()
	err := b.View(t.Context(), func(tx Txn) error { value = string(tx.Get([]byte(key))); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestOpen_Reopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	b := openAt(t, path, Options{})
	put(t, b, "a", "1")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := get(t, openAt(t, path, Options{}), "a"); got != "1" {
		t.Errorf("after a restart: got %q", got)
	}
}
