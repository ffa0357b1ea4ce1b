package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// die leaves a store as a process does that is killed: the files stay as they
// are, the lock is free.
func die(t testing.TB, b *Bolt) {
	t.Helper()
	b.breakDown(errors.New("killed"))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// half makes a store that a killed process left, with some of it in the journal
// only: key "a" three times in the file and twice there.
func half(t testing.TB) (path string) {
	t.Helper()
	b := open(t, Options{NoBallast: true, Clock: fixed, Journal: testJournal})
	path = b.path
	put(t, b, "a", "1")
	put(t, b, "b", "in the file")
	put(t, b, "c", "in the file")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openAt(t, path, Options{NoBallast: true, Clock: fixed, Journal: testJournal})
	put(t, b, "a", "2")
	err := b.Update(t.Context(), func(tx Txn) error { tx.Delete([]byte("b")); tx.Stamp(nil); return nil })
	if err != nil {
		t.Fatal(err)
	}
	die(t, b)
	return path
}

var wantHalf = map[string]string{"a": "2", "c": "in the file"}

// there tells which of the journal's files exist.
func there(path string) (n int) {
	for _, name := range journalPaths(path) {
		if _, err := os.Stat(name); err == nil {
			n++
		}
	}
	return n
}

// journalHolds tells whether text lies in the journal's files.
func journalHolds(t testing.TB, path, text string) bool {
	t.Helper()
	found := false
	for _, name := range journalPaths(path) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found = found || bytes.Contains(data, []byte(text))
	}
	return found
}

// What reads a store that was left half reads all of it, and changes nothing.
func TestHalf_Read(t *testing.T) {
	path := half(t)
	before := snapshotFiles(t, path)
	all, r := content(t, path)
	if !maps.Equal(all, wantHalf) || !r.Journal || r.Schema != halfSchema || r.LastStamp != fixed().UnixMilli() {
		t.Errorf("check: %v, %+v", all, r)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := BackupFile(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	all, r = content(t, copied)
	if !maps.Equal(all, wantHalf) || r.Journal || r.Schema != wholeSchema || r.LastStamp != fixed().UnixMilli() {
		t.Errorf("backup: %v, %+v", all, r)
	}
	if after := snapshotFiles(t, path); !maps.Equal(before, after) {
		t.Error("something was changed")
	}
}

// snapshotFiles reads the store's files.
func snapshotFiles(t *testing.T, path string) map[string]string {
	all := map[string]string{}
	for _, name := range append([]string{path}, journalPaths(path)[0], journalPaths(path)[1]) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(data)
	}
	return all
}

func TestHalf_Open(t *testing.T) {
	path := half(t)
	b := openAt(t, path, Options{NoBallast: true, Clock: fixed})
	if get(t, b, "a") != "2" || get(t, b, "b") != "" || b.Stats().LastStamp != fixed().UnixMilli() {
		t.Errorf("got %q, %q, %+v", get(t, b, "a"), get(t, b, "b"), b.Stats())
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if all, r := content(t, path); !maps.Equal(all, wantHalf) || r.Journal || r.Schema != wholeSchema {
		t.Errorf("after an orderly end: %v, %+v", all, r)
	}
}

// Without a journal from now on: what is in it comes into the file, and it is
// removed.
func TestHalf_NoJournal(t *testing.T) {
	for _, orderly := range []bool{false, true} {
		path := half(t)
		if orderly {
			if err := openAt(t, path, Options{NoBallast: true}).Close(); err != nil {
				t.Fatal(err)
			}
		}
		b := openAt(t, path, Options{NoBallast: true, Journal: NoJournal})
		if n := there(path); n != 0 || get(t, b, "a") != "2" || get(t, b, "b") != "" {
			t.Errorf("got %q and %q, and %d files of the journal", get(t, b, "a"), get(t, b, "b"), n)
		}
		put(t, b, "d", "1")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if _, r := content(t, path); r.Schema != wholeSchema || r.Keys != 3 {
			t.Errorf("got %+v", r)
		}
		b = openAt(t, path, Options{NoBallast: true}) // and back
		if there(path) != 2 || get(t, b, "d") != "1" {
			t.Error("no journal, although it is on again")
		}
	}
}

func TestHalf_Compact(t *testing.T) {
	path := half(t)
	if !journalHolds(t, path, "b") {
		t.Fatal("the journal is empty: this test proves nothing")
	}
	if _, _, err := CompactFile(path); err != nil {
		t.Fatal(err)
	}
	if all, r := content(t, path); !maps.Equal(all, wantHalf) || r.Journal || r.Schema != wholeSchema {
		t.Errorf("got %v, %+v", all, r)
	}
	for _, name := range journalPaths(path) {
		if data, err := os.ReadFile(name); err != nil || !zero(data[blockSize:]) {
			t.Errorf("%s is not wiped: %v", filepath.Base(name), err)
		}
	}
	if got := get(t, openAt(t, path, Options{NoBallast: true}), "a"); got != "2" {
		t.Errorf("opened: got %q", got)
	}
}

// A store is refused whose journal is not there in whole: what was acknowledged
// is in it.
func TestHalf_Refused(t *testing.T) {
	other := half(t)
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  error
	}{
		{"missing", func(t *testing.T, path string) { mustNot(t, os.Remove(journalPaths(path)[1])) }, errJournalMissing},
		{"of another store", func(t *testing.T, path string) {
			for i, name := range journalPaths(path) {
				mustNot(t, os.Rename(name, name+".away"))
				data, err := os.ReadFile(journalPaths(other)[i])
				mustNot(t, errors.Join(err, os.WriteFile(name, data, fileMode)))
			}
		}, errJournalForeign},
		{"cut off", func(t *testing.T, path string) { mustNot(t, os.Truncate(journalPaths(path)[1], 100)) }, errJournalForeign},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := half(t)
			c.spoil(t, path)
			if _, err := Open(path, Options{NoBallast: true}); !errors.Is(err, c.want) {
				t.Errorf("open: got %v", err)
			}
			if _, err := Open(path, Options{NoBallast: true, Journal: NoJournal}); !errors.Is(err, c.want) {
				t.Errorf("open without: got %v", err)
			}
			if _, _, err := CompactFile(path); !errors.Is(err, c.want) {
				t.Errorf("compact: got %v", err)
			}
			if r, err := CheckFile(path, nil); err != nil || r.Broken != 1 || r.Problems[0] != c.want.Error() {
				t.Errorf("check: %v, %+v", err, r)
			}
			if err := BackupFile(t.Context(), path, filepath.Join(t.TempDir(), "copy")); !errors.Is(err, c.want) {
				t.Errorf("backup: %v", err)
			}
		})
	}
}

func mustNot(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// If the older of two epochs ends too early the newer must not be laid over it.
func TestReplay_OlderCutShort(t *testing.T) {
	b := open(t, Options{NoBallast: true, Clock: fixed})
	put(t, b, "a", "1")
	put(t, b, "a", "2")
	b.commit = nil // nothing is carried over
	stop(b)
	b.freeze()
	b.journal.epoch, b.journal.tail = 2, blockSize
	mustNot(t, b.journal.append([]*entry{{key: []byte("b"), value: []byte("3")}}, 0))
	die(t, b)
	if all, _ := content(t, b.path); !maps.Equal(all, map[string]string{"a": "2", "b": "3"}) {
		t.Fatalf("in order: got %v", all)
	}
	f, err := os.OpenFile(journalPaths(b.path)[1], os.O_WRONLY, 0)
	mustNot(t, err)
	_, err = f.WriteAt([]byte("x"), 2*blockSize+10) // in the second record
	mustNot(t, errors.Join(err, f.Close()))
	if _, err := Open(b.path, Options{NoBallast: true}); !errors.Is(err, errJournalDamaged) {
		t.Errorf("got %v", err)
	}
}

// stop ends the writer, so that a test may do its work.
func stop(b *Bolt) {
	close(b.closing)
	<-b.stopped
	b.closing, b.stopped = make(chan struct{}), make(chan struct{})
	close(b.stopped)
}

// A backup that is put in the place of the store has nothing to do with the
// journal that lies there.
func TestRestore_BesideAJournal(t *testing.T) {
	for _, orderly := range []bool{false, true} {
		b := open(t, Options{NoBallast: true})
		put(t, b, "a", "backed up")
		copied := filepath.Join(t.TempDir(), "copy")
		mustNot(t, b.Backup(t.Context(), copied))
		put(t, b, "a", "later")
		put(t, b, "b", "later")
		if orderly {
			mustNot(t, b.Close())
		} else {
			die(t, b)
		}
		mustNot(t, os.Rename(copied, b.path))
		r := openAt(t, b.path, Options{NoBallast: true})
		if get(t, r, "a") != "backed up" || get(t, r, "b") != "" {
			t.Errorf("orderly %v: got %q and %q", orderly, get(t, r, "a"), get(t, r, "b"))
		}
		mustNot(t, r.Close())
		if journalHolds(t, b.path, "later") {
			t.Errorf("orderly %v: the old journal is not wiped", orderly)
		}
	}
}

// A store of the version before opens, and is one again after an orderly end.
func TestOpen_VersionBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	old := openAt(t, path, Options{NoBallast: true, Journal: NoJournal})
	put(t, old, "a", "1")
	mustNot(t, old.Close())
	if _, r := content(t, path); r.Schema != wholeSchema || there(path) != 0 {
		t.Fatalf("it is none of the version before: %+v", r)
	}
	b := openAt(t, path, Options{NoBallast: true})
	put(t, b, "b", "2")
	if get(t, b, "a") != "1" || there(path) != 2 {
		t.Errorf("got %q, %d files", get(t, b, "a"), there(path))
	}
	mustNot(t, b.Close())
	if all, r := content(t, path); r.Schema != wholeSchema || len(all) != 2 {
		t.Errorf("after an orderly end: %v, %+v", all, r)
	}
}

func TestOpen_JournalSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	for i, c := range []struct{ size, want int64 }{
		{1, minJournal}, {100_000, 98_304}, {minJournal, minJournal},
	} {
		b := openAt(t, path, Options{NoBallast: true, Journal: c.size})
		put(t, b, fmt.Sprint(i), "1")
		if got := b.Stats().Journal.Size; got != 2*c.want {
			t.Errorf("%d: got %d, want twice %d", c.size, got, c.want)
		}
		mustNot(t, b.Close())
	}
	b := openAt(t, path, Options{NoBallast: true, Journal: 1 << 20})
	die(t, b) // while it is in use the size stays
	b = openAt(t, path, Options{NoBallast: true, Journal: 2 << 20})
	if got := b.Stats().Journal.Size; got != 2<<20 {
		t.Errorf("after a crash: got %d", got)
	}
	if got, _ := content(t, func() string { mustNot(t, b.Close()); return path }()); len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

// On a disk without room for a journal there is none.
func TestOpen_NoRoomForJournal(t *testing.T) {
	h := newHouse(t, 1)
	h.disk.fault = func(_ int, what string) error {
		if strings.HasPrefix(what, "write") {
			return syscall.ENOSPC
		}
		return nil
	}
	b, err := h.open()
	mustNot(t, err)
	put(t, b, "a", "1")
	if s := b.Stats().Journal; s != (JournalStats{}) || len(h.disk.names) != 0 {
		t.Errorf("got %+v, files %v", s, h.disk.names)
	}
	mustNot(t, b.Close())
	if _, r := content(t, h.path); r.Schema != wholeSchema {
		t.Errorf("got %+v", r)
	}
}

// What was erased is not in the journal any more when it has been calm for a
// while, nor what it held at all; and until something is written nothing is.
func TestCalm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{NoBallast: true, Journal: 1 << 20})
		put(t, b, "secret", strings.Repeat(secret, 20))
		if !journalHolds(t, b.path, secret) {
			t.Fatal("the journal never had it: this test proves nothing")
		}
		mustNot(t, b.Update(t.Context(), func(tx Txn) error { tx.Delete([]byte("secret")); return nil }))
		time.Sleep(longestEpoch / 2)
		if !journalHolds(t, b.path, secret) {
			t.Error("a little is carried over before its time")
		}
		time.Sleep(longestEpoch/2 + 2*calmTime)
		if journalHolds(t, b.path, secret) {
			t.Error("the journal still has it")
		}
		for i := range 200 { // more than calmCost, less than a file
			put(t, b, fmt.Sprint(i), strings.Repeat(secret, 80))
		}
		time.Sleep(3 * calmTime)
		if s := b.Stats().Journal; s.Bytes != 0 || s.Memory != 0 || s.Checkpoints < 2 || journalHolds(t, b.path, secret) {
			t.Errorf("much is not carried over when it is calm: %+v", s)
		}
		before := b.Stats().Journal
		time.Sleep(24 * time.Hour)
		if after := b.Stats().Journal; after != before {
			t.Errorf("something happens to an idle store: %+v, then %+v", before, after)
		}
	})
}

// What was written lately is not carried over because it was calm before that.
func TestCalm_NotYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{NoBallast: true, Journal: 1 << 20})
		for i := range 200 { // more than calmCost, less than a file
			put(t, b, fmt.Sprint(i), strings.Repeat(secret, 80))
		}
		for range 10 {
			time.Sleep(calmTime - time.Second)
			put(t, b, "key", "value")
		}
		if n := b.Stats().Journal.Checkpoints; n != 0 {
			t.Errorf("%d checkpoints while it was written to", n)
		}
		time.Sleep(2 * calmTime)
		if n := b.Stats().Journal.Checkpoints; n == 0 {
			t.Error("no checkpoint when it was calm")
		}
	})
}

// Where it never becomes calm, what was erased is gone after two epochs, from
// the part of a file, too, that a busier time has written.
func TestCalm_Never(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, Options{NoBallast: true, Journal: 1 << 20})
		for i := range 400 { // fills both files
			put(t, b, fmt.Sprint(i), strings.Repeat(secret, 80))
		}
		mustNot(t, b.Update(t.Context(), func(tx Txn) error {
			for i := range 400 {
				tx.Delete(fmt.Append(nil, i))
			}
			return nil
		}))
		if !journalHolds(t, b.path, secret) {
			t.Fatal("the journal never had it: this test proves nothing")
		}
		for range (2*longestEpoch + time.Minute) / (calmTime - time.Second) {
			put(t, b, "key", "value")
			time.Sleep(calmTime - time.Second)
		}
		if journalHolds(t, b.path, secret) {
			t.Error("the journal still has it")
		}
	})
}

// A backup holds what only the journal has, and nothing that was deleted.
func TestBackup_Journal(t *testing.T) {
	b := open(t, Options{NoBallast: true, Journal: 1 << 20})
	plant(t, b, 3000)
	path := filepath.Join(t.TempDir(), "copy")
	mustNot(t, b.Backup(t.Context(), path))
	all, r := content(t, path)
	if len(all) != 3000 || r.LastStamp != b.Stats().LastStamp || r.Journal || holds(t, path, secret) {
		t.Errorf("%d pairs, %+v", len(all), r)
	}
	if there(path) != 0 {
		t.Error("it has a journal")
	}
}

// A view sees all keys at one instant, while batches come and what is before it
// is carried into the pages: each update writes one number under many keys.
func TestView_OneInstant(t *testing.T) {
	b := open(t, Options{NoBallast: true, NoSync: true, Journal: minJournal, slice: 3})
	const boxes, readers = 20, 3
	rounds := 3000
	if testing.Short() || raceDetector {
		rounds = 500
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for last := 0; ; {
				err := b.View(context.Background(), func(tx Txn) error { return oneInstant(tx, boxes, &last) })
				if err != nil {
					t.Error(err)
					return
				}
				select {
				case <-stop:
					return
				default:
					runtime.Gosched() // with one core the writer would wait for its turn among them
				}
			}
		})
	}
	for i := 1; i <= rounds; i++ {
		mustNot(t, b.Update(t.Context(), func(tx Txn) error {
			for box := range boxes {
				tx.Put(fmt.Appendf(nil, "box/%d", box), fmt.Append(nil, i))
				tx.Put(fmt.Appendf(nil, "log/%d/%08d", box, i), nil)
				tx.Delete(fmt.Appendf(nil, "log/%d/%08d", box, i-3))
			}
			tx.Stamp(nil)
			return nil
		}))
	}
	close(stop)
	wg.Wait()
	if s := b.Stats().Journal; s.Checkpoints < 10 {
		t.Errorf("hardly anything was carried over, this proves nothing: %+v", s)
	}
}

// oneInstant looks at the boxes forwards and backwards.
func oneInstant(tx Txn, boxes int, last *int) error {
	n, now := -1, tx.Now()
	for box := range boxes {
		i := 0
		_, _ = fmt.Sscan(string(tx.Get(fmt.Appendf(nil, "box/%d", box))), &i)
		if n >= 0 && i != n {
			return fmt.Errorf("one box is at %d, another at %d", n, i)
		}
		n = i
		prefix := Prefix(fmt.Appendf(nil, "log/%d/", box))
		for _, prefix.Reverse = range []bool{false, true} {
			count := 0
			for k := range tx.Scan(prefix) {
				count++
				at := 0
				_, _ = fmt.Sscan(strings.TrimLeft(string(k[bytes.LastIndexByte(k, '/')+1:]), "0"), &at)
				if at > n || at <= n-3 {
					return fmt.Errorf("at %d a log has %d", n, at)
				}
			}
			if count != min(n, 3) {
				return fmt.Errorf("at %d a log has %d entries", n, count)
			}
		}
	}
	if n < *last {
		return fmt.Errorf("a view after one of %d is of %d", *last, n)
	}
	*last = n
	if tx.Now() != now {
		return errors.New("the clock moved within a view")
	}
	return nil
}

// Two processes never have the journal at once: the store's lock is theirs.
func TestOpen_LockedJournal(t *testing.T) {
	b := open(t, Options{NoBallast: true})
	put(t, b, "a", "1")
	before := snapshotFiles(t, b.path)
	if err := BackupFile(t.Context(), b.path, filepath.Join(t.TempDir(), "copy")); !errors.Is(err, ErrLocked) {
		t.Errorf("backup: got %v", err)
	}
	if _, err := Open(b.path, Options{NoBallast: true, Journal: NoJournal}); !errors.Is(err, ErrLocked) {
		t.Errorf("open: got %v", err)
	}
	if !maps.Equal(before, snapshotFiles(t, b.path)) {
		t.Error("something was changed")
	}
	if err := BackupFile(t.Context(), filepath.Join(t.TempDir(), "none"), "copy"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("backup of nothing: got %v", err)
	}
}
