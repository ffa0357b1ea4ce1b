package relay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// files returns the files below a state directory's blobs.
func files(t testing.TB, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// wantUsage fails unless an account's blobs take so much.
func wantUsage(t testing.TB, r *relay.Relay, owner relay.ID, bytes int64, blobs int) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		b, n, err := tx.UsedBy(owner)
		if b != bytes || n != blobs {
			t.Errorf("%d bytes in %d blobs are counted, want %d in %d", b, n, bytes, blobs)
		}
		return err
	})
}

// put stores a text as a blob.
func put(t testing.TB, r *relay.Relay, d relay.BlobDraft, text string) relay.Blob {
	t.Helper()
	if d.MaxSize == 0 {
		d.MaxSize = 1000
	}
	b, err := r.PutBlob(context.Background(), d, strings.NewReader(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRelay_PutBlob(t *testing.T) {
	dir := t.TempDir()
	r := relaytest.Open(t, dir, relay.Options{})
	p := people(t, r, 1)
	var seen relay.Blob
	d := relay.BlobDraft{Owner: p[0], Family: "test", Type: "image/png", MaxSize: 5, Extra: []byte("name")}
	b, err := r.PutBlob(context.Background(), d, strings.NewReader("bytes"), func(tx *relay.Tx, b relay.Blob) error {
		seen = b
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.Size != 5 || b.Hash != sha256.Sum256([]byte("bytes")) || b.Stored == 0 || seen.Hash != b.Hash {
		t.Errorf("stored as %+v, seen as %+v", b, seen)
	}
	f, row, err := r.OpenBlob(context.Background(), p[0], b.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := io.ReadAll(f); string(got) != "bytes" || err != nil || row.Type != "image/png" || string(row.Extra) != "name" {
		t.Errorf("read %q, %v, row %+v", got, err, row)
	}
	want := filepath.Join(dir, "blobs", b.ID.String()[:2], b.ID.String())
	if got := files(t, dir); len(got) != 1 || got[0] != want {
		t.Errorf("files %v, want %v", got, want)
	}
	if info, err := os.Stat(want); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Dir(want)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	wantUsage(t, r, p[0], 5, 1)
}

func TestRelay_PutBlob_Failed(t *testing.T) {
	broken := errors.New("line cut")
	refused := relay.Errorf(relay.Forbidden, relay.SubjectBlob, "blocked")
	for _, c := range []struct {
		name string
		body io.Reader
		then func(*relay.Tx, relay.Blob) error
		want error
	}{
		{"too large", strings.NewReader("123456"), nil, &relay.Error{Code: relay.TooLarge}},
		{"cut", io.MultiReader(strings.NewReader("12"), iotest.ErrReader(broken)), nil, broken},
		{"refused", strings.NewReader("12345"), func(*relay.Tx, relay.Blob) error { return refused }, refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := relaytest.Open(t, dir, relay.Options{})
			p := people(t, r, 1)
			_, err := r.PutBlob(context.Background(), relay.BlobDraft{Owner: p[0], MaxSize: 5}, c.body, c.then)
			if e := new(relay.Error); !errors.Is(err, c.want) && (!errors.As(err, &e) || e.Code != relay.AsError(c.want).Code) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			wantUsage(t, r, p[0], 0, 0)
			r.Close() // what is doomed has gone then
			if left := files(t, dir); len(left) != 0 {
				t.Errorf("files left: %v", left)
			}
		})
	}
}

func TestTx_ReserveBlob_Quota(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	d := relay.BlobDraft{Owner: p[0], MaxSize: 6, Quota: 10}
	put(t, r, d, "1234") // takes six while it is written, four after
	put(t, r, d, "1234")
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.ReserveBlob(d); return err })
	wantCode(t, "over the quota", err, relay.Full, relay.SubjectBlob)
	wantUsage(t, r, p[0], 8, 2)
	d.Owner = p[1]
	put(t, r, d, "1234")
}

// Empty files take no bytes, and an end all the same. What is the relay's own
// has none.
func TestTx_ReserveBlob_TooMany(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 1)
	reserve := func(owner relay.ID, n int) error {
		return attempt(r, func(tx *relay.Tx) error {
			for range n {
				if _, err := tx.ReserveBlob(relay.BlobDraft{Owner: owner}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	const step = 1000
	for range relay.MaxBlobs / step {
		for _, owner := range []relay.ID{p[0], {}} {
			if err := reserve(owner, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantCode(t, "one more", reserve(p[0], 1), relay.Full, relay.SubjectBlob)
	if err := reserve(relay.ID{}, 1); err != nil {
		t.Error(err)
	}
}

func TestTx_ReserveBlob_Refused(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	for _, d := range []relay.BlobDraft{{MaxSize: relay.MaxBlob + 1}, {MaxSize: -1}, {Extra: make([]byte, relay.MaxBlobExtra+1)}} {
		err := attempt(r, func(tx *relay.Tx) error { _, err := tx.ReserveBlob(d); return err })
		wantCode(t, "a draft", err, relay.TooLarge, relay.SubjectBlob)
	}
}

func TestTx_ReserveBlob_NeverFilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 1)
		var b relay.Blob
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			b, err = tx.ReserveBlob(relay.BlobDraft{Owner: p[0], MaxSize: 5})
			return err
		})
		stays := put(t, r, relay.BlobDraft{Owner: p[0]}, "here")
		_, _, err := r.OpenBlob(context.Background(), p[0], b.ID)
		wantCode(t, "not stored yet", err, relay.NotFound, relay.SubjectBlob)
		time.Sleep(relay.BlobUploads + time.Minute)
		synctest.Wait()
		wantUsage(t, r, p[0], 4, 1)
		_, err = r.FillBlob(context.Background(), b.ID, strings.NewReader("late"), nil)
		wantCode(t, "too late", err, relay.NotFound, relay.SubjectBlob)
		relaytest.View(t, r, func(tx *relay.Tx) error { _, err := tx.Blob(stays.ID); return err })
	})
}

func TestRelay_FillBlob_Twice(t *testing.T) {
	dir := t.TempDir()
	r := relaytest.Open(t, dir, relay.Options{})
	p := people(t, r, 1)
	var b relay.Blob
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		b, err = tx.ReserveBlob(relay.BlobDraft{Owner: p[0], MaxSize: 1000})
		return err
	})
	if _, err := r.FillBlob(context.Background(), b.ID, iotest.ErrReader(io.ErrUnexpectedEOF), nil); err == nil {
		t.Error("a cut upload was stored")
	}
	refused := errors.New("refused")
	refuse := func(*relay.Tx, relay.Blob) error { return refused }
	if _, err := r.FillBlob(context.Background(), b.ID, strings.NewReader("a text"), refuse); !errors.Is(err, refused) {
		t.Errorf("refused: %v", err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("files left: %v", left)
	}
	var won, lost int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := r.FillBlob(context.Background(), b.ID, iotest.OneByteReader(strings.NewReader("the same text")), nil)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if relay.Is(err, relay.Conflict) {
				lost++
			}
		})
	}
	wg.Wait()
	if won != 1 || lost != 7 {
		t.Errorf("%d stored it, %d were told it is stored", won, lost)
	}
	f, _, err := r.OpenBlob(context.Background(), p[0], b.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, _ := io.ReadAll(f); string(got) != "the same text" {
		t.Errorf("read %q", got)
	}
}

func TestTx_RemoveBlob(t *testing.T) {
	dir := t.TempDir()
	r := relaytest.Open(t, dir, relay.Options{})
	p := people(t, r, 1)
	b, stays := put(t, r, relay.BlobDraft{Owner: p[0]}, "goes"), put(t, r, relay.BlobDraft{Owner: p[0]}, "stays")
	cancelled := errors.New("not this time")
	err := attempt(r, func(tx *relay.Tx) error { return errors.Join(tx.RemoveBlob(b.ID), cancelled) })
	if !errors.Is(err, cancelled) || len(files(t, dir)) != 2 {
		t.Errorf("a removal that did not happen: %v, files %v", err, files(t, dir))
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveBlob(b.ID) })
	wantUsage(t, r, p[0], 5, 1)
	_, _, err = r.OpenBlob(context.Background(), p[0], b.ID)
	wantCode(t, "open", err, relay.NotFound, relay.SubjectBlob)
	err = attempt(r, func(tx *relay.Tx) error { return tx.RemoveBlob(b.ID) })
	wantCode(t, "remove twice", err, relay.NotFound, relay.SubjectBlob)
	r.Close()
	if got := files(t, dir); len(got) != 1 || filepath.Base(got[0]) != stays.ID.String() {
		t.Errorf("files %v", got)
	}
}

func TestRelay_PutBlob_Expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := relaytest.Open(t, dir, relay.Options{})
		p := people(t, r, 1)
		b := put(t, r, relay.BlobDraft{Owner: p[0], Expires: r.Now().Add(time.Hour)}, "short")
		time.Sleep(59 * time.Minute)
		relaytest.View(t, r, func(tx *relay.Tx) error { _, err := tx.Blob(b.ID); return err })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantUsage(t, r, p[0], 0, 0)
		if left := files(t, dir); len(left) != 0 {
			t.Errorf("files left: %v", left)
		}
	})
}

func TestTx_ChangeBlob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 2)
		b := put(t, r, relay.BlobDraft{Owner: p[0], Expires: r.Now().Add(time.Hour)}, "longer")
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := tx.ChangeBlob(b.ID, relay.Rule{Kind: relay.OpenToAnyone}, 0, []byte("extra"))
			return err
		})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		f, row, err := r.OpenBlob(context.Background(), p[1], b.ID)
		if err != nil || string(row.Extra) != "extra" {
			t.Fatalf("%+v, %v", row, err)
		}
		f.Close()
	})
}

func TestRelay_OpenBlob_Rules(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	var foreign relay.ID
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		a, err := tx.Register(relay.AccountDraft{Family: "other"})
		foreign = a.ID
		return err
	})
	got := room(t, r, relay.RoomDraft{}, p[0], p[1])
	owner, member, stranger, nobody := p[0], p[1], p[2], relay.ID{}
	for _, c := range []struct {
		name string
		rule relay.Rule
		may  []relay.ID
		not  []relay.ID
	}{
		{"owner", relay.Rule{}, []relay.ID{owner}, []relay.ID{member, stranger, foreign, nobody}},
		{"members", relay.Rule{Kind: relay.OpenToMembers, Room: got.ID}, []relay.ID{owner, member}, []relay.ID{stranger, foreign, nobody}},
		{"accounts", relay.Rule{Kind: relay.OpenToAccounts}, []relay.ID{owner, stranger}, []relay.ID{foreign, nobody}},
		{"anyone", relay.Rule{Kind: relay.OpenToAnyone}, []relay.ID{owner, stranger, foreign, nobody}, nil},
	} {
		b := put(t, r, relay.BlobDraft{Owner: owner, Family: "test", Rule: c.rule}, c.name)
		for i, who := range append(c.may, c.not...) {
			f, _, err := r.OpenBlob(context.Background(), who, b.ID)
			if err == nil {
				f.Close()
			}
			if i < len(c.may) != (err == nil) || err != nil && !relay.Is(err, relay.NotFound) {
				t.Errorf("%s, caller %d: %v", c.name, i, err)
			}
		}
		f, _, err := r.OpenSignedBlob(context.Background(), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	// Who leaves the room loses its files, though he brought them.
	b := put(t, r, relay.BlobDraft{Owner: member, Rule: relay.Rule{Kind: relay.OpenToMembers, Room: got.ID}}, "x")
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(got.ID, member) })
	_, _, err := r.OpenBlob(context.Background(), member, b.ID)
	wantCode(t, "who left", err, relay.NotFound, relay.SubjectBlob)
}

func TestRelay_PutBlob_NoDirectory(t *testing.T) {
	store, err := storage.Open(filepath.Join(t.TempDir(), "db"), storage.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := relay.New(store, relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = r.PutBlob(context.Background(), relay.BlobDraft{MaxSize: 1}, bytes.NewReader(nil), nil)
	wantCode(t, "no directory", err, relay.Full, relay.SubjectBlob)
}

func TestRelay_Blobs_SweptAtStart(t *testing.T) {
	dir := t.TempDir()
	var b relay.Blob
	reopen(t, dir, func(t *testing.T, r *relay.Relay) { b = put(t, r, relay.BlobDraft{Owner: people(t, r, 1)[0]}, "kept") })
	orphan, fresh := relay.NewID().String(), relay.NewID().String()
	old := time.Now().Add(-2 * time.Hour)
	for name, at := range map[string]time.Time{
		"00/" + orphan: old, "00/" + fresh: time.Now(), "new/cut": old, "00/notes": old,
		b.ID.String()[:2] + "/" + b.ID.String(): old,
	} {
		path := filepath.Join(dir, "blobs", name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600), os.Chtimes(path, at, at))
		if err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		relaytest.Open(t, dir, relay.Options{Now: func() time.Time { return old.Add(2 * time.Hour) }})
		synctest.Wait()
		got := map[string]bool{}
		for _, path := range files(t, dir) {
			got[filepath.Base(path)] = true
		}
		if len(got) != 3 || !got[b.ID.String()] || !got[fresh] || !got["notes"] {
			t.Errorf("left are %v", got)
		}
	})
}

func TestRelay_SignBlobURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		u := relay.BlobURL{Method: "PUT", ID: relay.NewID(), Expires: r.Now() + 1, Size: 5, Type: "image/png"}
		sig, err := r.SignBlobURL(u)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.VerifyBlobURL(u, sig[:]); err != nil {
			t.Errorf("its own: %v", err)
		}
		for name, change := range map[string]func(*relay.BlobURL){
			"method": func(u *relay.BlobURL) { u.Method = "GET" },
			"id":     func(u *relay.BlobURL) { u.ID[0] ^= 1 },
			"time":   func(u *relay.BlobURL) { u.Expires++ },
			"size":   func(u *relay.BlobURL) { u.Size++ },
			"type":   func(u *relay.BlobURL) { u.Type = "text/html" },
		} {
			other := u
			change(&other)
			wantCode(t, name, r.VerifyBlobURL(other, sig[:]), relay.Forbidden, relay.SubjectBlob)
		}
		time.Sleep(time.Millisecond)
		wantCode(t, "expired", r.VerifyBlobURL(u, sig[:]), relay.Forbidden, relay.SubjectBlob)
	})
}

// What goes wrong with a blob's file is told without the file's name, which is
// the blob's id.
func TestRelay_OpenBlob_ErrorNamesNothing(t *testing.T) {
	dir := t.TempDir()
	r := relaytest.Open(t, dir, relay.Options{})
	owner := relay.NewID()
	b := put(t, r, relay.BlobDraft{Owner: owner}, "sealed")
	name := b.ID.String()
	where := filepath.Join(dir, "blobs", name[:2])
	if err := os.RemoveAll(where); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(where, nil, 0o600); err != nil { // a file where a directory should be
		t.Fatal(err)
	}
	_, _, err := r.OpenBlob(context.Background(), owner, b.ID)
	if err == nil || strings.Contains(err.Error(), name) || strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names neither the blob nor the directory", err)
	}
	if err := os.Remove(where); err != nil { // the sweep of other tests' relays finds a directory again
		t.Fatal(err)
	}
}
