package command_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"restante/storage"
)

// ahead moves the clock of a stopped relay a year on, as that of a machine
// without a clock of its own may have been.
func ahead(t *testing.T, state string) {
	t.Helper()
	b, err := storage.Open(filepath.Join(state, "restante.db"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AdvanceClock(t.Context(), time.Now().AddDate(1, 0, 0).UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// since returns what a mailbox got after a time, and the greatest time there.
func (p *mailer) since(cursor float64) (bodies []string, last float64) {
	p.t.Helper()
	got := p.ask("POST", "/receive", "", 200, map[string]any{"object": "User", "userId": p.who, "authToken": p.token, "lastMessageTimestamp": int64(cursor)})
	for _, m := range list(got, "messages") {
		bodies = append(bodies, str(m, "encContent"))
		at, _ := at(m, "timestamp").(float64)
		last = max(last, at)
	}
	return bodies, last
}

func TestRestore_Messages(t *testing.T) {
	r := start(t, newState(t))
	alice, bob := &mailer{client: client{t: t}}, &mailer{client: client{t: t}}
	alice.join(r)
	bob.join(r)
	alice.write(bob, "in the backup")
	file := filepath.Join(t.TempDir(), "copy.db")
	must(t, "backup", file, "--state", r.state)
	r.stop()
	ahead(t, r.state)
	r = start(t, r.state)
	alice.move(t, r)
	bob.move(t, r)
	alice.write(bob, "later")
	_, cursor := bob.since(0)
	r.kill() // so that what came last is in the journal only

	if out := must(t, "restore", file, "--state", r.state); !strings.Contains(out, "restante.db.before-restore") {
		t.Errorf("restore prints\n%s", out)
	}
	must(t, "check", "--state", r.state)
	r = start(t, r.state)
	alice.move(t, r)
	bob.move(t, r)
	if got, _ := bob.since(0); !slices.Equal(got, []string{"in the backup"}) {
		t.Errorf("after the restore the mailbox has %q", got)
	}
	alice.write(bob, "after")
	if got, _ := bob.since(cursor); !slices.Equal(got, []string{"after"}) {
		t.Errorf("a reader who had read what is lost gets %q", got)
	}

	// What was replaced is all there, should it be wanted back.
	r.stop()
	back := newState(t)
	if err := os.Mkdir(back, 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(r.state, "restante.db.before-restore*"))
	if err != nil || len(left) != 3 {
		t.Fatalf("of the store before are left %v, %v", left, err)
	}
	for _, name := range left {
		if err := os.Rename(name, filepath.Join(back, strings.Replace(filepath.Base(name), "restante.db.before-restore", "old", 1))); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "restore", filepath.Join(back, "old"), "--state", r.state)
	bob.move(t, start(t, r.state))
	if got, _ := bob.since(0); !slices.Equal(got, []string{"in the backup", "later"}) {
		t.Errorf("gone back, the mailbox has %q", got)
	}
}

// A machine that had no relay gets one.
func TestRestore_Elsewhere(t *testing.T) {
	r := start(t, newState(t))
	alice := r.register()
	r.send(alice, alice, "in the backup")
	file := filepath.Join(t.TempDir(), "copy.db")
	must(t, "backup", file, "--state", r.state)
	state := newState(t)
	if out := must(t, "restore", file, "--state", state); !strings.Contains(out, "there is no key in "+state) || strings.Contains(out, "before-restore") {
		t.Errorf("restore prints\n%s", out)
	}
	if got := start(t, state).receive(alice); !strings.Contains(got, "in the backup") {
		t.Errorf("elsewhere the mailbox holds %s", got)
	}
}

func TestRestore_Sessions(t *testing.T) {
	r := start(t, newState(t))
	s, d, j, c := &samaUser{client: client{t: t}}, &dishisUser{client: client{t: t}}, &jeticoUser{client: client{t: t}}, &chatalotUser{client: client{t: t}}
	for _, p := range []person{s, d, j, c} {
		p.join(r)
	}
	j.listen()
	token, refresh := s.login(t, 200, ""), c.login()
	c.ask("POST", "/chatalot/api/keys/prekeys/one-time", c.token, 200, []any{onetime(1), onetime(2)})
	file := filepath.Join(t.TempDir(), "copy.db")
	must(t, "backup", file, "--state", r.state)
	r.stop()
	must(t, "restore", file, "--state", r.state)
	r = start(t, r.state)
	for _, p := range []person{s, d, j, c} {
		p.move(t, r)
	}

	// SAMA and Chatalot: the session is gone, the password opens another.
	s.login(t, 422, token)
	s.listen()
	for path, want := range map[string]int{"/chatalot/api/account/sessions": 401, "/chatalot/api/dms": 401} {
		c.ask("GET", path, c.token, want, nil)
	}
	c.ask("POST", "/chatalot/api/auth/refresh", "", 401, map[string]any{"refresh_token": refresh})
	c.login()
	c.listen()

	// Prekeys that may have been handed out are not, whoever sends them again.
	count := func() any { return at(c.ask("GET", "/chatalot/api/keys/prekeys/count", c.token, 200, nil), "count") }
	if got := count(); got != 0.0 {
		t.Errorf("prekeys after the restore: %v", got)
	}
	c.ask("POST", "/chatalot/api/keys/prekeys/one-time", c.token, 200, []any{onetime(1), onetime(3)})
	if got := count(); got != 1.0 {
		t.Errorf("prekeys after an old one and a new one were sent: %v, want 1", got)
	}

	// Jetico: the application is registered again, by a code.
	j.dial("/jetico/ws")
	j.say(map[string]any{"RequestAuthenticationByApplication": map[string]any{"userId": j.own, "uuid": j.app}, "id": "1"})
	if f := j.until(func(f map[string]any) bool { return at(f, "id") == "1" }); str(f, "ResponseStatusMessage", "status") != "error" {
		t.Errorf("an application from before the restore is told %v", f)
	}
	j.register(r)
	j.listen()

	// DishIs: the token is all there is.
	if got := d.room(); got != "" {
		t.Errorf("rooms of somebody without any: %v", got)
	}
}

// onetime is a one-time prekey as a client sends it.
func onetime(n int) map[string]any {
	key := make([]byte, 32)
	key[0] = byte(n)
	return map[string]any{"key_id": n, "public_key": ints(key)}
}

// login opens a session by HTTP, by the password or by a token.
func (p *samaUser) login(t *testing.T, status int, token string) string {
	t.Helper()
	in := map[string]any{"device_id": "d"}
	if token == "" {
		in["login"], in["password"] = p.name, "secret"
	}
	return str(p.ask("POST", "/sama/login", token, status, in), "access_token")
}

// login opens another session and returns its refresh token.
func (p *chatalotUser) login() (refresh string) {
	p.t.Helper()
	got := p.ask("POST", "/chatalot/api/auth/login", "", 200, map[string]any{"username": p.name, "password": "SecureP@ss1"})
	p.token = str(got, "access_token")
	return str(got, "refresh_token")
}

func TestRestore_Refused(t *testing.T) {
	r := start(t, newState(t))
	alice := r.register()
	r.send(alice, alice, strings.Repeat("of several pages ", 10_000))
	dir := t.TempDir()
	file := filepath.Join(dir, "copy.db")
	must(t, "backup", file, "--state", r.state)
	r.send(alice, alice, "later")

	refused := func(file, want string) {
		t.Helper()
		before := files(t, r.state)
		stdout, stderr, status := call(t, "restore", file, "--state", r.state)
		if status != 1 || !strings.Contains(stderr, want) || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("restore %s: status %d\n%s%s; want %q", filepath.Base(file), status, stdout, stderr, want)
		}
		if after := files(t, r.state); !maps.Equal(before, after) {
			t.Errorf("restore %s changed something: %v", filepath.Base(file), slices.Collect(maps.Keys(after)))
		}
	}
	refused(file, "a relay is running in "+r.state)
	// Even if somebody has taken the file away from below it, lock and all.
	store := filepath.Join(r.state, "restante.db")
	for _, move := range [][2]string{{store, store + ".away"}, {store + ".away", store}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
		refused(file, "a relay is running in "+r.state)
	}
	r.stop()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	made := func(name string, data []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := slices.Clone(whole)
	for i := 2 * os.Getpagesize(); i < len(damaged); i++ {
		damaged[i] ^= 0x55
	}
	newer := made("newer", whole)
	setSchema(t, newer, 99)
	refused(filepath.Join(dir, "none"), "no such file")
	refused(dir, "nothing was changed")
	refused(made("empty", nil), "nothing was changed")
	refused(made("text", []byte(strings.Repeat("not a store ", 10_000))), "nothing was changed")
	refused(made("cut", whole[:len(whole)/2]), "nothing was changed")
	refused(made("damaged", damaged), "damaged")
	refused(newer, "newer version")
	refused(store, "that is the store itself")
	if err := os.WriteFile(store+".before-restore", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(file, "from an earlier restore")
	if got := start(t, r.state).receive(alice); !strings.Contains(got, "later") {
		t.Errorf("after all that the mailbox holds %s", got)
	}
}

// files reads all that is in a directory.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		all[path] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// setSchema makes a store one of another version.
func setSchema(t *testing.T, path string, version byte) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), []byte{0, 0, 0, version})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// What a restore that was cut off has left is in nobody's way.
func TestRestore_CutOff(t *testing.T) {
	r := start(t, newState(t))
	alice := r.register()
	r.send(alice, alice, "in the backup")
	file := filepath.Join(t.TempDir(), "copy.db")
	must(t, "backup", file, "--state", r.state)
	r.send(alice, alice, "later")
	r.kill()
	store := filepath.Join(r.state, "restante.db")
	if err := os.WriteFile(store+".new", []byte("half a copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(store, store+".before-restore"); err != nil {
		t.Skip(err)
	}
	r = start(t, r.state)
	if got := r.receive(alice); !strings.Contains(got, "later") {
		t.Errorf("the relay starts over it with %s", got)
	}
	r.kill()
	must(t, "restore", file, "--state", r.state)
	if got := start(t, r.state).receive(alice); strings.Contains(got, "later") {
		t.Errorf("after the restore the mailbox holds %s", got)
	}
}
