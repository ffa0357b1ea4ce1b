package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"restante/scripts/internal/process"
)

// A bench holds the two servers under the workload that runs.
type bench struct {
	cfg    config
	report *report

	mu    sync.Mutex // guards what follows: close also comes from a signal
	floor server
	relay server
	state string // a directory of ours, or empty
}

// A server is where to send requests and whose resources to look at.
type server struct {
	addr string
	pid  int // 0: unknown
	proc *process.Process
}

// fresh starts both servers anew, the relay on an empty state directory.
func (b *bench) fresh() error {
	b.close()
	if b.cfg.url == "" {
		state, err := os.MkdirTemp(b.cfg.dir, "restante-load-")
		if err != nil {
			return err
		}
		b.setState(state)
		if inMemory(state) {
			b.report.note("\n%s is in memory, where an fsync costs nothing: choose another -dir", state)
		}
	}
	return b.restart()
}

func (b *bench) setState(dir string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = dir
}

// restart starts both servers, again if they run, keeping the relay's state. A relay reached by its address is not
// ours to restart.
func (b *bench) restart() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.floor.kill()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.floor, err = start(self, func(addr string) []string { return []string{"floor", addr} })
	if err != nil {
		return err
	}
	if b.cfg.url != "" {
		b.relay = server{addr: b.cfg.url, pid: b.cfg.pid}
		return nil
	}
	b.relay.stop()
	b.relay, err = start(b.cfg.relay, func(addr string) []string {
		return append([]string{"--listen", addr, "--state", filepath.Join(b.state, "state"), "--limits", "off"}, b.cfg.args...)
	})
	return err
}

func start(bin string, args func(string) []string) (server, error) {
	p, err := process.Start(bin, args)
	if err != nil {
		return server{}, err
	}
	return server{addr: p.Addr, pid: p.Pid, proc: p}, nil
}

// stop ends a relay of ours and says so if it did not end well; a relay of somebody else is left alone.
func (s *server) stop() {
	if s.proc == nil {
		return
	}
	if err := s.proc.Stop(10 * time.Second); err != nil {
		fmt.Fprintf(os.Stderr, "load: the relay: %v\n%s\n", err, s.proc.Log())
	}
	*s = server{}
}

// kill ends the floor, which has nothing to lose.
func (s *server) kill() {
	if s.proc != nil {
		s.proc.Kill()
	}
	*s = server{}
}

// close ends what was started and removes the state directory.
func (b *bench) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.floor.kill()
	b.relay.stop()
	if b.state != "" {
		// A directory that cannot be removed is in the system's temporary place; it is named so that it can be found.
		_ = os.RemoveAll(b.state)
		b.state = ""
	}
}

// stateDir is where the relay writes, or empty if unknown.
func (b *bench) stateDir() string {
	if b.cfg.url != "" {
		return b.cfg.state
	}
	return b.state
}

// inTurns runs a cell against the floor and then the relay, as often as there are rounds.
func (b *bench) inTurns(run func(server) (cell, error)) ([]pair, error) {
	var pairs []pair
	for range b.cfg.rounds {
		var p pair
		var err error
		if p.floor, err = run(b.floor); err != nil {
			return nil, fmt.Errorf("floor: %w", err)
		}
		if p.relay, err = run(b.relay); err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
		if p.floor.posts == 0 || p.relay.posts == 0 {
			return nil, fmt.Errorf("nothing finished in %v", b.cfg.seconds)
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}
