package storage

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A restoring is a store, with some of it in its journal only, and a backup
// from before that was written.
type restoring struct{ path, kept, backup string }

// later is far ahead of the wall clock, as that of a machine may have been.
func later() time.Time { return fixed().Add(10 * 365 * 24 * time.Hour) }

func newRestoring(t *testing.T) restoring {
	t.Helper()
	x := restoring{path: filepath.Join(t.TempDir(), "store"), backup: filepath.Join(t.TempDir(), "backup")}
	x.kept = x.path + ".before"
	o := Options{NoBallast: true, Clock: fixed, Journal: testJournal}
	b := openAt(t, x.path, o)
	put(t, b, "kept", "1")
	if err := b.Backup(t.Context(), x.backup); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	o.Clock = later
	b = openAt(t, x.path, o)
	err := b.Update(t.Context(), func(tx Txn) error { tx.Put([]byte("lost"), []byte("1")); tx.Stamp(nil); return nil })
	if err != nil {
		t.Fatal(err)
	}
	die(t, b)
	return x
}

func (x restoring) run(ctx context.Context) (Restored, error) {
	return RestoreFile(ctx, x.backup, x.path, x.kept, func(b *Bolt) error {
		return b.Update(ctx, func(tx Txn) error { tx.Put([]byte("prepared"), nil); return nil })
	})
}

var wantRestored = map[string]string{"kept": "1", "prepared": ""}

// wantRestored fails unless the store is the backup, by itself, and its clock
// beyond after.
func (x restoring) wantRestored(t *testing.T, after time.Time) {
	t.Helper()
	all, r := content(t, x.path)
	if !maps.Equal(all, wantRestored) || r.Journal || r.Schema != wholeSchema || r.LastStamp < after.UnixMilli() {
		t.Errorf("restored: %v, %+v", all, r)
	}
	if _, err := os.Stat(newFile(x.path)); err == nil {
		t.Error("the file it was made in is still there")
	}
	b := openAt(t, x.path, Options{NoBallast: true, Clock: fixed, Journal: testJournal})
	var next int64
	if err := b.Update(t.Context(), func(tx Txn) error { next = tx.Stamp(nil); return nil }); err != nil || next <= after.UnixMilli() {
		t.Errorf("the next stamp is %d, %v; want more than %d", next, err, after.UnixMilli())
	}
	if got := get(t, b, "lost") + get(t, b, "kept"); got != "1" {
		t.Errorf("opened again it has %q", got)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRestoreFile(t *testing.T) {
	x := newRestoring(t)
	write(t, newFile(x.path), "left over")
	r, err := x.run(t.Context())
	if err != nil || !r.Replaced || r.Unread != nil {
		t.Fatalf("restore: %+v, %v", r, err)
	}
	if journalHolds(t, x.path, "lost") {
		t.Error("the old journal was not wiped")
	}
	x.wantRestored(t, later())
	// What was replaced is whole, with what was in its journal.
	all, _ := content(t, x.kept)
	if want := (map[string]string{"kept": "1", "lost": "1"}); !maps.Equal(all, want) {
		t.Errorf("kept of the store before: %v", all)
	}
	if all, _ := content(t, x.backup); len(all) != 1 {
		t.Errorf("the backup holds %v now", all)
	}
	// And may come back, from another name.
	back := filepath.Join(t.TempDir(), "back")
	for _, end := range journalPaths("") {
		if err := os.Rename(x.kept+end, back+end); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(x.kept, back); err != nil {
		t.Fatal(err)
	}
	if _, err := RestoreFile(t.Context(), back, x.path, x.kept, nil); err != nil {
		t.Fatal(err)
	}
	if got := get(t, openAt(t, x.path, Options{NoBallast: true}), "lost"); got != "1" {
		t.Errorf("gone back it has %q", got)
	}
}

func TestRestoreFile_NothingThere(t *testing.T) {
	x := newRestoring(t)
	x.path = filepath.Join(t.TempDir(), "store")
	if r, err := x.run(t.Context()); err != nil || r.Replaced {
		t.Fatalf("restore: %+v, %v", r, err)
	}
	x.wantRestored(t, time.Now().Add(-time.Minute))
	if _, err := os.Stat(x.kept); err == nil {
		t.Error("something was kept of nothing")
	}
}

func TestRestoreFile_Damaged(t *testing.T) {
	x := newRestoring(t)
	write(t, x.path, "not a store any more")
	for _, name := range journalPaths(x.path) {
		if err := os.Chtimes(name, later(), later()); err != nil {
			t.Fatal(err)
		}
	}
	r, err := x.run(t.Context())
	if err != nil || !r.Replaced || r.Unread == nil {
		t.Fatalf("restore: %+v, %v", r, err)
	}
	x.wantRestored(t, later())
	if data, err := os.ReadFile(x.kept); err != nil || string(data) != "not a store any more" || there(x.kept) != 2 {
		t.Errorf("kept of the damaged store: %q, %v, %d files of its journal", data, err, there(x.kept))
	}
}

func TestRestoreFile_Refused(t *testing.T) {
	x := newRestoring(t)
	before := snapshotFiles(t, x.path)
	for _, c := range []struct {
		name string
		run  func() error
		want error // nil: any
	}{
		{"the name is taken", func() error {
			write(t, x.kept, "an earlier one")
			_, err := x.run(t.Context())
			return errors.Join(err, os.Remove(x.kept))
		}, os.ErrExist},
		{"the store itself", func() error { y := x; y.backup = x.path; _, err := y.run(t.Context()); return err }, nil},
		{"no backup", func() error { y := x; y.backup += "?"; _, err := y.run(t.Context()); return err }, os.ErrNotExist},
		{"cancelled", func() error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := x.run(ctx)
			return err
		}, context.Canceled},
		{"prepare fails", func() error {
			_, err := RestoreFile(t.Context(), x.backup, x.path, x.kept, func(*Bolt) error { return os.ErrInvalid })
			return err
		}, os.ErrInvalid},
	} {
		if err := c.run(); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if !maps.Equal(before, snapshotFiles(t, x.path)) {
			t.Errorf("%s: the store was changed", c.name)
		}
		if left, _ := filepath.Glob(x.path + "*"); len(left) != 3 {
			t.Errorf("%s: left behind: %v", c.name, left)
		}
	}
	for _, path := range []string{x.path, x.backup} {
		b := openAt(t, path, Options{NoBallast: true, Clock: fixed, Journal: testJournal})
		if _, err := x.run(t.Context()); !errors.Is(err, ErrLocked) {
			t.Errorf("%s is open: got %v", filepath.Base(path), err)
		}
		die(t, b)
	}
}

// Wherever a restore is cut off, what is there is a store, and the next restore
// goes on.
func TestRestoreFile_CutOff(t *testing.T) {
	t.Run("named twice", func(t *testing.T) {
		x := newRestoring(t)
		if err := os.Link(x.path, x.kept); err != nil {
			t.Skip(err)
		}
		if r, err := x.run(t.Context()); err != nil || !r.Replaced {
			t.Fatalf("restore: %+v, %v", r, err)
		}
		x.wantRestored(t, later())
	})
	t.Run("the journal not wiped", func(t *testing.T) {
		x := newRestoring(t)
		before := snapshotFiles(t, x.path)
		if _, err := x.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range journalPaths(x.path) {
			write(t, name, before[name])
		}
		x.wantRestored(t, later())
		if all, _ := content(t, x.kept); all["lost"] != "1" {
			t.Errorf("of the store before is left %v", all)
		}
	})
}
