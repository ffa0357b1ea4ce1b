package relaytest

import (
	"bytes"
	"sync"
	"time"
)

// A Clock is a wall clock that a test moves. The zero Clock shows the time.
type Clock struct {
	mu  sync.Mutex
	off time.Duration // guarded by mu
}

// Now is for relay.Options and storage.Options.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

// Advance moves the clock; back, too.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// A Log is a log in memory, to be searched for what should not be in it.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// String returns what was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
