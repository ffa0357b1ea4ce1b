package storage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// fixed is a clock that stands.
func fixed() time.Time { return time.UnixMilli(1_800_000_000_000) }

// fill puts values until the store is full, and returns how many it took.
func fill(t *testing.T, b *Bolt, size, most int) int {
	t.Helper()
	value := make([]byte, size)
	for i := range most {
		rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)}).Read(value)
		err := b.Update(t.Context(), func(tx Txn) error {
			tx.Put(fmt.Appendf(nil, "%06d", i), value)
			return nil
		})
		if errors.Is(err, ErrFull) {
			return i
		}
		if err != nil {
			t.Fatalf("put %d: %v", i, err)
		}
	}
	t.Fatalf("not full after %d values", most)
	return 0
}

// drain deletes the first n keys with a prefix, 20 a time.
func drain(t *testing.T, b *Bolt, prefix string, n int) {
	t.Helper()
	for i := 0; i < n; i += 20 {
		err := b.Update(t.Context(), func(tx Txn) error {
			for k := range tx.Scan(Range{From: []byte(prefix), Limit: 20}) {
				tx.Delete(k)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("deleting behind %d: %v", i, err)
		}
	}
}

func TestMaxSize(t *testing.T) {
	b := open(t, Options{MaxSize: minMaxSize, NoSync: true, NoBallast: true})
	n := fill(t, b, 8<<10, 4000)
	if min := 15 << 20 / (8 << 10); n < min {
		t.Errorf("full after %d values, expected at least %d", n, min)
	}
	// One that grows fails alone; the others of its batch go on.
	errs := b.Together(
		func(tx Txn) error { tx.Put([]byte("x"), make([]byte, 64<<10)); return nil },
		func(tx Txn) error {
			for i := range 10 {
				tx.Put(fmt.Appendf(nil, "%06d", i), make([]byte, 8000))
			}
			return nil
		},
		func(tx Txn) error {
			for i := range 10 {
				tx.Delete(fmt.Appendf(nil, "%06d", i))
			}
			tx.Put([]byte("y"), make([]byte, 79_000))
			return nil
		})
	if !errors.Is(errs[0], ErrFull) || errs[1] != nil || errs[2] != nil {
		t.Errorf("in one batch: got %v", errs)
	}
	drain(t, b, "", n)
	put(t, b, "x", "1")
	if again := fill(t, b, 8<<10, 4000); again < n*9/10 {
		t.Errorf("full again after %d values, the first time after %d", again, n)
	}
	if s := b.Stats(); s.FileSize > minMaxSize {
		t.Errorf("the file has %d bytes", s.FileSize)
	}
}

// On a disk that is full, growth fails, reading and deleting go on, and growth
// comes back with the space.
func TestDiskFull(t *testing.T) {
	dir := smallDisk(t)
	clock := fixed()
	b := openAt(t, filepath.Join(dir, "store"), Options{Clock: func() time.Time { return clock }, Journal: NoJournal})
	other := filepath.Join(dir, "other")
	write(t, other, string(make([]byte, 6<<20)))
	n := fill(t, b, 64<<10, 1000)
	if n < 10 || !b.Stats().Full {
		t.Errorf("full after %d values; %+v", n, b.Stats())
	}
	if err := ballastThere(b); err == nil {
		t.Error("the ballast is still aboard")
	}
	if got := len(get(t, b, "000000")); got != 64<<10 {
		t.Errorf("reading: %d bytes", got)
	}
	drain(t, b, "", n-40)
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	grow := func(tx Txn) error { tx.Put([]byte("x"), []byte("1")); return nil }
	if err := b.Update(t.Context(), grow); !errors.Is(err, ErrFull) {
		t.Errorf("within a minute: got %v", err)
	}
	clock = clock.Add(pressureTime)
	if err := b.Update(t.Context(), grow); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	if err := ballastThere(b); err != nil || b.Stats().Full {
		t.Errorf("the ballast is not back: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := CheckFile(b.path, nil); err != nil || r.Broken > 0 {
		t.Errorf("check: %v, %q", err, r.Problems)
	}
}

// With a journal growth is refused before the disk is full, because of what the
// pages have still to take; deletions go on.
func TestDiskFull_Journal(t *testing.T) {
	dir := smallDisk(t)
	b := openAt(t, filepath.Join(dir, "store"), Options{Journal: 1 << 20})
	n := fill(t, b, 16<<10, 2000)
	if n < 200 || !b.Stats().Full {
		t.Errorf("full after %d values; %+v", n, b.Stats())
	}
	if err := ballastThere(b); err != nil {
		t.Errorf("the ballast went overboard: %v", err)
	}
	if got := len(get(t, b, "000000")); got != 16<<10 {
		t.Errorf("reading: %d bytes", got)
	}
	drain(t, b, "", n)
	for n := range 5 {
		put(t, b, fmt.Sprint("again", n), string(make([]byte, 64<<10)))
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if all, _ := content(t, b.path); len(all) != 5 {
		t.Errorf("%d pairs at the end", len(all))
	}
}

// Somebody else takes the last byte of the disk while the journal holds what the
// pages do not: nothing of it is lost, deletions are taken, and make the room.
func TestDiskFull_Suddenly(t *testing.T) {
	dir := smallDisk(t)
	o := Options{Journal: 2 << 20}
	b := openAt(t, filepath.Join(dir, "store"), o)
	value := make([]byte, 16<<10)
	for i := range 300 {
		rand.NewChaCha8([32]byte{byte(i), byte(i >> 8)}).Read(value)
		put(t, b, fmt.Sprintf("%06d", i), string(value))
	}
	hog := filepath.Join(dir, "other")
	took := takeAll(t, hog)
	b.journal.check.hurry.Store(true)
	deleted := 0
	for i := 0; i < 250; i += 10 {
		err := b.Update(t.Context(), func(tx Txn) error {
			for j := i; j < i+10; j++ {
				tx.Delete(fmt.Appendf(nil, "%06d", j))
			}
			return nil
		})
		if err != nil {
			t.Fatalf("deletion %d: %v", i, err)
		}
		deleted += 10
	}
	took += takeAll(t, hog+"2") // the ballast's room, too, if it has gone
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openAt(t, b.path, o)
	if got := len(get(t, b, "000299")); got != 16<<10 || get(t, b, "000000") != "" {
		t.Errorf("on the full disk: %d bytes", got)
	}
	if err := b.Update(t.Context(), func(tx Txn) error { tx.Delete([]byte("000250")); return nil }); err != nil {
		t.Errorf("another deletion: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if all, _ := content(t, b.path); len(all) != 300-deleted-1 || took < 1<<20 {
		t.Errorf("%d pairs at the end, and %d bytes were taken away", len(all), took)
	}
}

// takeAll fills the disk with a file.
func takeAll(t *testing.T, path string) (n int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		return 0
	}
	for err == nil {
		var m int
		m, err = f.Write(make([]byte, 64<<10))
		n += m
	}
	if !isFull(err) {
		t.Fatal(err)
	}
	_ = f.Close() // its end may be missing
	return n
}

func ballastThere(b *Bolt) error {
	_, err := os.Stat(b.path + ".ballast")
	return err
}

// A disk without room for the ballast counts as full from the start.
func TestDiskFull_AtOpen(t *testing.T) {
	dir := smallDisk(t)
	write(t, filepath.Join(dir, "other"), string(make([]byte, 15<<20)))
	b := openAt(t, filepath.Join(dir, "store"), Options{Clock: fixed})
	err := b.Update(t.Context(), func(tx Txn) error { tx.Put([]byte("x"), nil); return nil })
	if !errors.Is(err, ErrFull) || !b.Stats().Full {
		t.Errorf("got %v", err)
	}
}

// smallDisk is a directory on an ext4 file system of 20 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	write(t, image, "")
	if err := os.Truncate(image, 20<<20); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][]string{
		{"mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", image},
		{"mount", "-o", "loop", image, dir},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Skipf("needs root, loop devices and mkfs.ext4 to make a small disk: %v: %v: %s", c, err, out)
		}
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}
