package command_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// newState names a state directory that does not exist yet.
func newState(t *testing.T) string { return filepath.Join(t.TempDir(), "state") }

func TestServe_StopsInOrder(t *testing.T) {
	r := start(t, newState(t))
	alice, bob := r.register(), r.register()
	r.send(alice, bob, "before the end")
	answered := make(chan string, 1)
	go func() {
		_, body := r.post("/longpoll", map[string]any{
			"object": "PollGroups", "userId": alice.ID, "authToken": alice.Token, "groupIds": []string{alice.ID},
		})
		answered <- body
	}()
	waitFor(t, "a waiter", func() bool { return r.stats()["waiters"] == 1 })

	if took := r.stop(); took > 5*time.Second {
		t.Errorf("stopping took %v, want less than 5 s", took)
	}
	select {
	case body := <-answered:
		if body != "" {
			t.Errorf("the waiter got %q, want its empty answer", body)
		}
	case <-time.After(5 * time.Second):
		t.Error("the waiter got no answer")
	}
	if out := must(t, "check", "--state", r.state); !strings.Contains(out, "sound") {
		t.Errorf("check says %s", out)
	}
	if got := start(t, r.state).receive(bob); !strings.Contains(got, "before the end") {
		t.Errorf("after a restart the mailbox holds %s", got)
	}
}

// A request whose body does not come is cut off, and the end is orderly.
func TestServe_StopsOverASlowRequest(t *testing.T) {
	r := start(t, newState(t))
	r.postSlowly()
	if took := r.stop(); took > 5*time.Second {
		t.Errorf("stopping took %v, want less than 5 s", took)
	}
}

func TestServe_SecondSignalEndsAtOnce(t *testing.T) {
	r := start(t, newState(t))
	r.postSlowly() // keeps the first signal waiting
	for range 2 {
		if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "sign that it stops", func() bool { return strings.Contains(r.logged(), "stopping") })
	}
	select {
	case <-r.done:
		if r.cmd.ProcessState.Success() {
			t.Error("it ended of its own accord, so this test shows nothing")
		}
	case <-time.After(30 * time.Second): // by itself it would have ended long before
		t.Error("still running after the second signal")
	}
}

// postSlowly begins a request whose body never comes.
func (r *running) postSlowly() {
	r.t.Helper()
	body := &slowBody{hold: make(chan struct{})}
	r.t.Cleanup(func() { close(body.hold) })
	go func() {
		if answer, err := http.Post(r.url+"/register2", "application/json", body); err == nil {
			answer.Body.Close()
		}
	}()
	waitFor(r.t, "request", func() bool { return r.stats()["requests_total"] == 1 })
}

// A slowBody gives nothing until it is let go.
type slowBody struct{ hold chan struct{} }

func (b *slowBody) Read([]byte) (int, error) {
	<-b.hold
	return 0, os.ErrClosed
}

func TestServe_OneRelayToADirectory(t *testing.T) {
	r := start(t, newState(t))
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"check"}, {"compact"}} {
		_, stderr, status := call(t, append(args, "--state", r.state)...)
		if status != 1 || !strings.Contains(stderr, "a relay is running in "+r.state) {
			t.Errorf("restante %s beside a running relay: status %d, %s", args[0], status, stderr)
		}
	}
	r.register() // and it works on
}

func TestServe_AfterAKill(t *testing.T) {
	state := newState(t)
	socket := filepath.Join(t.TempDir(), "http.sock")
	r := start(t, state, "--listen", "unix:"+socket)
	alice := r.register()
	r.send(alice, alice, "kept")
	r.kill()
	r = start(t, state, "--listen", "unix:"+socket)
	if got := r.receive(alice); !strings.Contains(got, "kept") {
		t.Errorf("after a kill the mailbox holds %s", got)
	}
}

func TestServe_UnixSocket(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("this test needs curl")
	}
	socket := filepath.Join(t.TempDir(), "http.sock")
	start(t, newState(t), "--listen", "unix:"+socket, "--unix-mode", "0660")
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v, %v; want 0660", info, err)
	}
	out, err := exec.Command(curl, "-sS", "-X", "POST", "--unix-socket", socket, "http://localhost/register").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "authToken") {
		t.Errorf("curl: %v\n%s", err, out)
	}
}

func TestServe_Environment(t *testing.T) {
	r := newRunning(t, newState(t))
	r.cmd.Env = append(r.cmd.Env, "RESTANTE_REGISTRATION=closed")
	r.start()
	if status, _ := r.post("/register", nil); status != http.StatusForbidden {
		t.Errorf("register with RESTANTE_REGISTRATION=closed: %d, want 403", status)
	}
}

func TestServe_Private(t *testing.T) {
	r := start(t, newState(t))
	r.register()
	err := filepath.WalkDir(r.state, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be looked into by others: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// Nothing of the admin socket is on the main listener.
	for _, path := range []string{"/metrics", "/stats", "/debug/pprof/", "/backup", "/invite"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			q, err := http.NewRequest(method, r.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s on the main listener: %d, want 404", method, path, answer.StatusCode)
			}
		}
	}
}

// waitFor waits until ok, for at most ten seconds.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s after ten seconds", what)
		}
	}
}
