package command_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of the whole program run the binary, as an operator does: what
// main.go puts together is tested nowhere else.

// binary returns the path of the program, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	// Looked at so that a cached result of these tests does not outlive a change
	// of it: the packages they import are known to go test, main is not.
	if _, err := os.Stat("../../main.go"); err != nil {
		return "", err
	}
	args := []string{"build", "-o", filepath.Join(scratch, "restante")}
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "restante")...).CombinedOutput()
	if err != nil {
		return string(out), err
	}
	return filepath.Join(scratch, "restante"), nil
})

// scratch is gone when the tests are done.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "restante-command-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		scratch = dir
		return m.Run()
	}())
}

// program returns a command of the program on a state directory.
func program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("%v\n%s", err, path)
	}
	cmd := exec.Command(path, args...)
	// The disk of a machine for tests may be nearly full; what is kept here is small.
	// Built with the race detector, a program would wait a second before it ends.
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "RESTANTE_RESERVE=0", "GORACE=atexit_sleep_ms=0"}
	return cmd
}

// call runs a command to its end and returns what it printed and its status.
func call(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := program(t, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is call for a command that must succeed.
func must(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, status := call(t, args...)
	if status != 0 {
		t.Fatalf("restante %s: status %d\n%s%s", strings.Join(args, " "), status, stdout, stderr)
	}
	return stdout
}

// A running is a relay in a process of its own.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	state string
	url   string
	done  chan struct{}

	mu  sync.Mutex
	log bytes.Buffer // what it wrote to stderr
}

// newRunning prepares a relay on a state directory and a free port.
func newRunning(t *testing.T, state string, args ...string) *running {
	t.Helper()
	r := &running{t: t, state: state, done: make(chan struct{})}
	r.cmd = program(t, append([]string{"--state", state, "--listen", "127.0.0.1:0"}, args...)...)
	r.cmd.Stderr = r
	return r
}

// start runs a relay until the test ends.
func start(t *testing.T, state string, args ...string) *running {
	t.Helper()
	r := newRunning(t, state, args...)
	r.start()
	return r
}

func (r *running) start() {
	r.t.Helper()
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait() // how it ended is in ProcessState
		close(r.done)
	}()
	r.t.Cleanup(r.kill)
	r.waitUp()
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *running) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

var served = regexp.MustCompile(`curl -X POST (http://127\.0\.0\.1:\d+)/register`)

// waitUp waits for the line that tells where the relay answers.
func (r *running) waitUp() {
	r.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := served.FindStringSubmatch(r.logged()); m != nil {
			r.url = m[1]
			return
		}
		select {
		case <-r.done:
			r.t.Fatalf("the relay ended: %v\n%s", r.cmd.ProcessState, r.logged())
		default:
		}
	}
	r.t.Fatalf("the relay did not start\n%s", r.logged())
}

func (r *running) kill() {
	_ = r.cmd.Process.Kill() // it may have ended already
	<-r.done
}

// stop asks the relay to end and returns how long that took.
func (r *running) stop() time.Duration {
	r.t.Helper()
	began := time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	select {
	case <-r.done:
	case <-time.After(20 * time.Second):
		r.t.Fatalf("still running 20 s after SIGTERM\n%s", r.logged())
	}
	if !r.cmd.ProcessState.Success() {
		r.t.Fatalf("ended with %v\n%s", r.cmd.ProcessState, r.logged())
	}
	return time.Since(began)
}

// post sends a request and returns its status and body.
func (r *running) post(path string, body any) (int, string) {
	r.t.Helper()
	var in bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&in).Encode(body); err != nil {
			r.t.Fatal(err)
		}
	}
	answer, err := http.Post(r.url+path, "application/json", &in)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	out, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(out)
}

// A user is an account made for a test.
type user struct {
	ID    string `json:"userId"`
	Token string `json:"authToken"`
}

func (r *running) register() (u user) {
	r.t.Helper()
	status, body := r.post("/register", nil)
	if status != http.StatusOK {
		r.t.Fatalf("register: %d %s", status, body)
	}
	if err := json.Unmarshal([]byte(body), &u); err != nil {
		r.t.Fatal(err)
	}
	return u
}

// send posts a message and wants it taken.
func (r *running) send(from, to user, content string) {
	r.t.Helper()
	status, body := r.post("/postmsg", map[string]any{
		"object": "SendMessage", "fromUserId": from.ID, "authToken": from.Token, "toId": to.ID, "encContent": content,
	})
	if status != http.StatusOK {
		r.t.Fatalf("postmsg: %d %s", status, body)
	}
}

// receive returns a mailbox as it comes over the wire.
func (r *running) receive(u user) string {
	r.t.Helper()
	status, body := r.post("/receive", map[string]any{"object": "User", "userId": u.ID, "name": "", "authToken": u.Token})
	if status != http.StatusOK {
		r.t.Fatalf("receive: %d %s", status, body)
	}
	return body
}
