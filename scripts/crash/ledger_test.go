package crash_test

import (
	"strings"
	"sync"
	"testing"
)

// filler makes bodies of any length up to a page of a store and a half.
var filler = strings.Repeat("sealed ", 900)

// A post is one message, and what became of it.
type post struct {
	path, box string
	body      string // like no other
	key       string // Idempotency-Key, or none
	acked     bool
}

// A ledger is what was sent, and what of it the relay has acknowledged.
type ledger struct {
	mu    sync.Mutex // guards what follows, and acked of the posts
	posts map[string]*post
	acks  int
	bells []bell
}

// A bell is rung when so many have been acknowledged.
type bell struct {
	at   int
	ring chan struct{}
}

func newLedger() *ledger { return &ledger{posts: map[string]*post{}} }

func (l *ledger) sent(p *post) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.posts[p.body] = p
}

func (l *ledger) acknowledged(p *post) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.acked = true
	l.acks++
	for len(l.bells) > 0 && l.bells[0].at <= l.acks {
		close(l.bells[0].ring)
		l.bells = l.bells[1:]
	}
}

// afterAcks returns what closes when n more posts have been acknowledged. One waits at a time.
func (l *ledger) afterAcks(n int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := bell{l.acks + n, make(chan struct{})}
	l.bells = append(l.bells, b)
	return b.ring
}

// compare holds what is stored against what was sent.
func (l *ledger) compare(t *testing.T, stored map[string][]message) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[string]int{}
	for box, all := range stored {
		last := int64(0)
		for _, m := range all {
			found[m.Body]++
			if m.Timestamp <= last {
				t.Errorf("%s: time %d comes after %d", box, m.Timestamp, last)
			}
			last = m.Timestamp
			if p := l.posts[m.Body]; p == nil || p.box != box || m.To != box {
				t.Errorf("%s holds %.40q to %s, which nobody sent there", box, m.Body, m.To)
			}
		}
	}
	unknown := 0
	for body, p := range l.posts {
		switch n := found[body]; {
		case n > 1:
			t.Errorf("%.40q (key %q, acknowledged: %v) is there %d times", body, p.key, p.acked, n)
		case p.acked && n == 0:
			t.Errorf("%.40q (key %q) was acknowledged and is lost", body, p.key)
		case p.key != "" && !p.acked:
			t.Errorf("%.40q (key %q) was never answered", body, p.key)
		case !p.acked:
			unknown++
		}
	}
	t.Logf("%d posts acknowledged, %d whose answer was lost for good", l.acks, unknown)
}
