package storage

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// What a crash left of a first start is thrown away, whatever it is.
func TestOpen_LeftOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(newFile(path), []byte("half a file"), fileMode); err != nil {
		t.Fatal(err)
	}
	b := openAt(t, path, Options{})
	put(t, b, "a", "1")
	if _, err := os.Stat(newFile(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the left-over is still there: %v", err)
	}
	for _, name := range []string{path, path + ".ballast"} {
		if info, err := os.Stat(name); err != nil || info.Mode() != fileMode {
			t.Errorf("mode of %s: %v, %v", filepath.Base(name), info.Mode(), err)
		}
	}
}

// A crash between the two names of a new file leaves both; it is one file.
func TestOpen_LeftOverLink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	b := openAt(t, path, Options{NoBallast: true})
	put(t, b, "a", "1")
	if err := errors.Join(b.Close(), os.Link(path, newFile(path))); err != nil {
		t.Fatal(err)
	}
	if got := get(t, openAt(t, path, Options{NoBallast: true}), "a"); got != "1" {
		t.Errorf("got %q", got)
	}
}

// A file that came into being meanwhile is not replaced.
func TestBuild_NeverReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(path, []byte("precious"), fileMode); err != nil {
		t.Fatal(err)
	}
	err := build(path, func(*bolt.DB) error { return nil })
	if !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "precious" {
		t.Errorf("the file holds %q", data)
	}
}

func TestOpen_Locked(t *testing.T) {
	b := open(t, Options{NoBallast: true})
	if _, err := Open(b.path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("open: got %v", err)
	}
	if _, _, err := CompactFile(b.path); !errors.Is(err, ErrLocked) {
		t.Errorf("compact: got %v", err)
	}
	if _, err := CheckFile(b.path, nil); !errors.Is(err, ErrLocked) {
		t.Errorf("check: got %v", err)
	}
	put(t, b, "a", "1")
}

// Whoever waited for the lock of a file that a compaction has replaced must
// not write to it.
func TestStillThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	write(t, path, "old")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !stillThere(path, f) {
		t.Error("not there")
	}
	write(t, newFile(path), "new")
	if err := os.Rename(newFile(path), path); err != nil {
		t.Fatal(err)
	}
	if stillThere(path, f) {
		t.Error("still there, though replaced")
	}
}

func TestOpen_Refuses(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"newer", func(t *testing.T, path string) { setSchema(t, path, halfSchema+1) }, "schema version is 3, this program knows up to 2"},
		{"no schema", func(t *testing.T, path string) {
			db, err := bolt.Open(path, fileMode, nil)
			if err = errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
		}, "not one of this program"},
		{"empty", func(t *testing.T, path string) { write(t, path, "") }, "remove it"},
		{"something else", func(t *testing.T, path string) { write(t, path, strings.Repeat("text ", 10_000)) }, "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			_, err := Open(path, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if newer := c.name == "newer"; errors.Is(err, ErrNewer) != newer {
				t.Errorf("ErrNewer: %v", err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	if err := os.WriteFile(path, []byte(text), fileMode); err != nil {
		t.Fatal(err)
	}
}

// setSchema makes a store with another schema version.
func setSchema(t *testing.T, path string, version uint32) {
	t.Helper()
	if err := openAt(t, path, Options{NoBallast: true}).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bolt.Open(path, fileMode, &bolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(metaBucket).Put(schemaKey, binary.BigEndian.AppendUint32(nil, version))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestOpen_Options(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if _, err := Open(path, Options{MaxSize: minMaxSize - 1}); err == nil {
		t.Error("a tiny MaxSize was taken")
	}
	// The freelist may be switched on and off again.
	for _, on := range []bool{false, true, true, false} {
		b := openAt(t, path, Options{NoBallast: true, SyncFreelist: on})
		put(t, b, "a", get(t, b, "a")+"x")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(t, openAt(t, path, Options{}), "a"); got != "xxxx" {
		t.Errorf("got %q", got)
	}
}
