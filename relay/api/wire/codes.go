package wire

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"

	"restante/relay"
)

// A Code is a one-time code on its way to somebody: by the operator's program,
// or by the operator, who reads it with `restante codes`.
type Code struct {
	Key     relay.CodeKey // whose it is and what for; there is one at a time
	To      string        // a phone number or e-mail address, as its owner wrote it; never stored
	Code    string
	Expires time.Time
	Text    string // what to send, where its family's clients read it by themselves; several lines; "" for anything
}

// codesKept is how many codes wait to be shown.
const codesKept = 256

// Codes delivers one-time codes. Without a program they wait in memory until
// they expire.
type Codes struct {
	command string
	mu      sync.Mutex
	pending []Code // guarded by mu; the oldest first
	sending chan struct{}
}

// NewCodes delivers by a program: it gets family, purpose, address and code on
// its standard input, a line each, then the text to send, if there is one, and
// nothing else (no shell, no arguments, an empty environment). It has 20 seconds. "" keeps them to be shown.
func NewCodes(command string) *Codes {
	return &Codes{command: command, sending: make(chan struct{}, 4)}
}

// Send delivers a code. Busy: the operator's program failed, or too many run;
// the code is to be withdrawn then.
func (cs *Codes) Send(ctx context.Context, c Code) error {
	if cs.command == "" {
		cs.keep(c)
		return nil
	}
	busy := &relay.Error{Code: relay.Busy, Text: "the code could not be sent", RetryAfter: time.Minute}
	select {
	case cs.sending <- struct{}{}:
	default:
		return busy
	}
	defer func() { <-cs.sending }()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, cs.command)
	cmd.Env = []string{}
	cmd.Dir = "/"
	cmd.Stdin = bytes.NewReader(fmt.Appendf(nil, "%s\n%s\n%s\n%s\n%s", c.Key.Family, c.Key.Purpose, headerLine.Replace(c.To), c.Code, c.Text))
	if cmd.Run() != nil {
		return busy
	}
	return nil
}

func (cs *Codes) keep(c Code) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.dropLocked(c.Key)
	cs.pending = append(cs.pending, c)
	if len(cs.pending) > codesKept {
		cs.pending = cs.pending[1:]
	}
}

// drop forgets a code that nobody needs to be told any more.
func (cs *Codes) drop(k relay.CodeKey) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.dropLocked(k)
}

func (cs *Codes) dropLocked(k relay.CodeKey) {
	cs.pending = slices.DeleteFunc(cs.pending, func(c Code) bool { return c.Key == k })
}

// TryCode is the relay's (see [relay.Relay.TryCode]), and has a code that was
// spent by it, or ended, no longer shown.
func (s *Service) TryCode(ctx context.Context, k relay.CodeKey, code string, then func(*relay.Tx) error) error {
	err := s.Relay.TryCode(ctx, k, code, then)
	over := err == nil
	if relay.Is(err, relay.Forbidden) {
		// Should looking fail, it is shown until it expires.
		_ = s.Relay.View(ctx, func(tx *relay.Tx) error {
			state, err := tx.CodeState(k)
			over = err == nil && state == relay.CodeSpent
			return err
		})
	}
	if over {
		s.Codes.drop(k)
	}
	return err
}

// Pending returns the codes that wait to be shown and have not expired at a
// time, the oldest first.
func (cs *Codes) Pending(now time.Time) []Code {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.pending = slices.DeleteFunc(cs.pending, func(c Code) bool { return !c.Expires.After(now) })
	return slices.Clone(cs.pending)
}
