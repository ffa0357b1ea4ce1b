// Package process runs a server in a process of its own, for the programs beside it that measure a relay or kill it.
//
// The caller picks no port: Start finds a free one, hands it to the server's command line, and returns once somebody
// answers there. What the server writes to stderr is kept, so that a start that fails can say why.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// startTime is how long a server may take from exec to its first accepted connection. Under the race detector and on
// a busy Raspberry Pi, opening a store takes seconds.
const startTime = 30 * time.Second

// A Process is a running server.
type Process struct {
	Addr string // host:port it listens on
	Pid  int

	cmd  *exec.Cmd
	log  tail
	done chan struct{} // closed when the process is gone
}

// Start runs bin with the arguments that args makes for the address it shall listen on, and waits until it does.
// Stdin is a pipe that closes with the caller, so that a server which watches it does not outlive us.
func Start(bin string, args func(addr string) []string) (*Process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	p := &Process{Addr: addr, cmd: exec.Command(bin, args(addr)...), done: make(chan struct{})}
	p.cmd.Stderr = &p.log
	if _, err := p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.Pid = p.cmd.Process.Pid
	go func() {
		// The error is in ProcessState too, where Stop looks for it.
		_ = p.cmd.Wait()
		close(p.done)
	}()
	if err := p.waitUp(); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start %s: %w\n%s", bin, err, p.Log())
	}
	return p, nil
}

// freeAddr finds a port nobody listens on, below the range the system takes for outgoing connections. Inside that
// range a dial to a port where nobody listens yet can be given that very port as its own, and then reaches itself.
func freeAddr() (string, error) {
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		return addr, l.Close()
	}
	return "", errors.New("no free port between 15000 and 32000")
}

// waitUp returns when the address answers, or with an error when the process ends or the time is up.
func (p *Process) waitUp() error {
	for end := time.Now().Add(startTime); time.Now().Before(end); {
		c, err := net.Dial("tcp", p.Addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %v", p.cmd.ProcessState)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return fmt.Errorf("nobody listens on %s after %v", p.Addr, startTime)
}

// Kill ends the process with SIGKILL, as a crash would, and returns when it is gone.
func (p *Process) Kill() {
	// Fails only if the process is gone already, which is what was asked for.
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Stop asks the process to end with SIGTERM. It returns an error if it has not after the given time (it is killed
// then), or if it ended with another status than 0.
func (p *Process) Stop(within time.Duration) error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
	case <-time.After(within):
		p.Kill()
		return fmt.Errorf("still running %v after SIGTERM", within)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("ended with %v", p.cmd.ProcessState)
	}
	return nil
}

// Log returns the end of what the process wrote to stderr.
func (p *Process) Log() string { return p.log.String() }

// tail keeps the last of what is written to it.
type tail struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

var _ io.Writer = (*tail)(nil)

// tailSize is enough for a race report or the traces of a panic.
const tailSize = 256 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buf.Len()+len(p) > 2*tailSize {
		t.buf.Next(t.buf.Len() - tailSize)
	}
	return t.buf.Write(p)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
