package crash_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"restante/scripts/internal/process"
)

// stopTime is how long an orderly stop may take.
const stopTime = 5 * time.Second

// A house is a state directory and the relay that serves it: one process after the other.
type house struct {
	t     *testing.T
	bin   string
	state string
	args  []string

	mu    sync.Mutex // guards what follows
	proc  *process.Process
	life  int           // counts the processes
	dying bool          // the process of this life is being ended by us
	born  chan struct{} // closed when the next life has begun
}

// newHouse starts a relay on an empty state.
func newHouse(t *testing.T, args ...string) *house {
	t.Helper()
	h := &house{
		t:     t,
		bin:   program(t),
		state: filepath.Join(t.TempDir(), "state"),
		args:  append([]string{"--reserve", "0"}, args...),
		born:  make(chan struct{}),
	}
	h.start()
	t.Cleanup(func() {
		if h.proc != nil {
			h.proc.Kill()
		}
	})
	return h
}

// built keeps the program for all tests of a run.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		// Left over in the temporary directory, it harms nobody.
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// program builds the binary as an operator would.
func program(t *testing.T) string {
	t.Helper()
	if _, err := os.Stat("../../main.go"); errors.Is(err, os.ErrNotExist) {
		t.Skip("there is no program to kill: main.go is missing")
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "restante-crash-"); built.err != nil {
			return
		}
		args := []string{"build", "-o", filepath.Join(built.dir, "restante")}
		if os.Getenv("RESTANTE_RACE") == "1" {
			args = append(args, "-race")
		}
		if out, err := exec.Command("go", append(args, "../..")...).CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "restante")
}

// start begins the next life.
func (h *house) start() {
	h.t.Helper()
	p, err := process.Start(h.bin, func(addr string) []string {
		return append([]string{"--state", h.state, "--listen", addr}, h.args...)
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.proc, h.dying = p, false
	h.life++
	close(h.born)
	h.born = make(chan struct{})
}

// end marks the life as ending, so that nobody complains of lost connections.
func (h *house) end() *process.Process {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dying = true
	return h.proc
}

// kill ends the life with SIGKILL.
func (h *house) kill() {
	h.t.Helper()
	p := h.end()
	p.Kill()
	h.complaints(p)
}

// stop ends it in order.
func (h *house) stop() {
	h.t.Helper()
	p := h.end()
	if err := p.Stop(stopTime); err != nil {
		h.t.Errorf("%v\n%s", err, p.Log())
	}
	h.complaints(p)
}

// complaints looks for what a process says before it would have died by itself.
func (h *house) complaints(p *process.Process) {
	h.t.Helper()
	for _, bad := range []string{"DATA RACE", "panic:", "fatal error:"} {
		if log := p.Log(); strings.Contains(log, bad) {
			h.t.Fatalf("the relay's log has %q:\n%s", bad, log)
		}
	}
}

// check runs restante check on the state that nobody serves just now.
func (h *house) check() {
	h.t.Helper()
	if out, err := exec.Command(h.bin, "check", "--state", h.state).CombinedOutput(); err != nil {
		h.t.Fatalf("restante check: %v\n%s", err, out)
	}
}

// address returns where the relay of this life is.
func (h *house) address() (addr string, life int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.proc.Addr, h.life
}

// excuses tells whether a lost connection to a life is our own doing.
func (h *house) excuses(life int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dying || h.life > life
}

// after waits for a life later than the given one.
func (h *house) after(ctx context.Context, life int) error {
	for {
		h.mu.Lock()
		now, born := h.life, h.born
		h.mu.Unlock()
		if now > life {
			return nil
		}
		select {
		case <-born:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
