// Package relaytest opens relays for tests: on a real file in a temporary
// directory, closed when the test ends and then checked, its pages and every
// row of it.
package relaytest

import (
	"context"
	"path/filepath"
	"testing"

	"restante/relay"
	"restante/storage"
)

// journalSize is small, so that the files are made quickly and turn in tests.
const journalSize = 256 << 10

// New returns a relay on a fresh store. The options' Dir and Fault are set
// where they are empty: faults in background work fail the test.
func New(t testing.TB, o relay.Options) *relay.Relay {
	t.Helper()
	return Open(t, t.TempDir(), o)
}

// Open is New on the state directory dir, which may hold a store already. The
// relay and its store are closed when the test ends.
func Open(t testing.TB, dir string, o relay.Options) *relay.Relay {
	t.Helper()
	return Over(t, dir, o, func(e storage.Engine) storage.Engine { return e })
}

// Over is Open with something of the test's between the relay and its store.
func Over(t testing.TB, dir string, o relay.Options, between func(storage.Engine) storage.Engine) *relay.Relay {
	t.Helper()
	path := filepath.Join(dir, "restante.db")
	store, err := storage.Open(path, storage.Options{Clock: o.Now, NoSync: true, Journal: journalSize})
	if err != nil {
		t.Fatal(err)
	}
	if o.Dir == "" {
		o.Dir = dir
	}
	if o.Fault == nil {
		o.Fault = func(doing string, err error) { t.Errorf("%s: %v", doing, err) }
	}
	r, err := relay.New(between(store), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		check(t, path)
	})
	return r
}

// check reads the whole store.
func check(t testing.TB, path string) {
	t.Helper()
	report, err := storage.CheckFile(path, relay.CheckRow)
	if err != nil {
		t.Error(err)
	}
	for _, p := range report.Problems {
		t.Errorf("the store is damaged: %s", p)
	}
}

// Update runs fn in an update and fails the test if it fails.
func Update(t testing.TB, r *relay.Relay, fn func(*relay.Tx) error) {
	t.Helper()
	if err := r.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// View runs fn in a view and fails the test if it fails.
func View(t testing.TB, r *relay.Relay, fn func(*relay.Tx) error) {
	t.Helper()
	if err := r.View(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// Account returns an account.
func Account(t testing.TB, r *relay.Relay, id relay.ID) (a relay.Account) {
	t.Helper()
	View(t, r, func(tx *relay.Tx) (err error) {
		a, err = tx.Account(id)
		return err
	})
	return a
}

// Now returns the time of the last commit.
func Now(t testing.TB, r *relay.Relay) (now relay.Time) {
	t.Helper()
	View(t, r, func(tx *relay.Tx) error {
		now = relay.Time(tx.Now())
		return nil
	})
	return now
}
