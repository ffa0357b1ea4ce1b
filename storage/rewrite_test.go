package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const secret = "planted and deleted again"

// planted makes a store of n pairs among which a secret was deleted, with the
// clock advanced. All lies in its pages.
func planted(t *testing.T, n int) *Bolt {
	b := open(t, Options{NoBallast: true, Clock: fixed, Journal: NoJournal})
	plant(t, b, n)
	if !holds(t, b.path, secret) {
		t.Fatal("the deleted value is gone already: this test proves nothing")
	}
	return b
}

func plant(t *testing.T, b *Bolt, n int) {
	t.Helper()
	put(t, b, "secret", strings.Repeat(secret, 10))
	for i := 0; i < n; i += 1000 {
		err := b.Update(t.Context(), func(tx Txn) error {
			for j := i; j < min(n, i+1000); j++ {
				tx.Put(fmt.Appendf(nil, "%06d", j), bytes.Repeat(fmt.Appendf(nil, "%d,", j), j%200))
			}
			tx.Stamp(nil)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := b.Update(t.Context(), func(tx Txn) error { tx.Delete([]byte("secret")); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, path, text string) bool {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(data, []byte(text))
}

// content is what CheckFile finds in a file that must be in order.
func content(t *testing.T, path string) (map[string]string, Report) {
	t.Helper()
	all := map[string]string{}
	r, err := CheckFile(path, func(k, v []byte) error { all[string(k)] = string(v); return nil })
	if err != nil || r.Broken > 0 {
		t.Fatalf("check: %v, %q", err, r.Problems)
	}
	return all, r
}

func TestCompactFile(t *testing.T) {
	b := planted(t, 20_000)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	old, oldReport := content(t, b.path)
	write(t, newFile(b.path), "left over")
	before, after, err := CompactFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	now, report := content(t, b.path)
	if !maps.Equal(old, now) || len(now) != 20_000 {
		t.Errorf("%d pairs before, %d after", len(old), len(now))
	}
	if report.LastStamp != oldReport.LastStamp || report.LastStamp == 0 || report.Schema != wholeSchema {
		t.Errorf("last stamp %d, before %d; schema %d", report.LastStamp, oldReport.LastStamp, report.Schema)
	}
	if after >= before || report.FileSize != after || oldReport.FileSize != before {
		t.Errorf("size: %d before, %d after, %d reported", before, after, report.FileSize)
	}
	if holds(t, b.path, secret) {
		t.Error("the deleted value survived")
	}
	if info, err := os.Stat(b.path); err != nil || info.Mode() != fileMode {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	put(t, openAt(t, b.path, Options{NoBallast: true}), "more", "1")
}

func TestCompactFile_Missing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if _, _, err := CompactFile(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it made a file")
	}
}

func TestBackup(t *testing.T) {
	b := planted(t, 20_000)
	path := filepath.Join(t.TempDir(), "backup")
	if err := b.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	put(t, b, "later", "1")
	all, report := content(t, path)
	if len(all) != 20_000 || report.LastStamp != b.Stats().LastStamp {
		t.Errorf("%d pairs, last stamp %d", len(all), report.LastStamp)
	}
	if holds(t, path, secret) {
		t.Error("a deleted value is in the backup")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != fileMode {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	for _, taken := range []string{path, b.path} {
		if err := b.Backup(t.Context(), taken); !errors.Is(err, os.ErrExist) {
			t.Errorf("over a file that exists: got %v", err)
		}
	}
	if got := get(t, b, "later"); got != "1" {
		t.Errorf("the store itself: got %q", got)
	}
}

func TestBackup_Cancelled(t *testing.T) {
	b := planted(t, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := b.Backup(ctx, filepath.Join(dir, "backup")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Backup(t.Context(), filepath.Join(dir, "backup")); !errors.Is(err, ErrClosed) {
		t.Errorf("of a closed store: got %v", err)
	}
}

// Damage is a problem in the report, or an error, and not the end of the
// program; and no key is named.
func TestCheckFile_Damaged(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(data []byte) []byte
	}{
		{"a page of nonsense", func(data []byte) []byte {
			place := bytes.Index(data, []byte("199,199,")) &^ 4095
			copy(data[place:], bytes.Repeat([]byte{0xee}, 4096))
			return data
		}},
		{"a key out of order", func(data []byte) []byte {
			return bytes.ReplaceAll(data, []byte("000199199,"), []byte("zzzzzz199,"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := planted(t, 5000)
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(b.path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, b.path, string(c.damage(data)))
			r, err := CheckFile(b.path, nil)
			if err == nil && r.Broken == 0 {
				t.Error("nothing found")
			}
			for _, p := range r.Problems {
				if strings.Contains(p, "7a7a7a") || strings.Contains(p, "303030") {
					t.Errorf("a key is named: %s", p)
				}
			}
		})
	}
}

func TestCheckFile_Each(t *testing.T) {
	b := planted(t, 300)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := CheckFile(b.path, func(k, v []byte) error { return errors.New("an entry cannot be decoded") })
	if err != nil || r.Broken != 300 || len(r.Problems) != maxProblems || r.Keys != 300 {
		t.Errorf("got %d problems, %d listed, %d keys, %v", r.Broken, len(r.Problems), r.Keys, err)
	}
}
