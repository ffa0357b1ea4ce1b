package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const wakeWaiters = 100

// runWake: from just before a post to the answer of whoever waits for it, with many waiting for something else.
func runWake(b *bench) error {
	if err := b.fresh(); err != nil {
		return err
	}
	owners, err := register(b.relay.addr, wakeWaiters)
	if err != nil {
		return err
	}
	ids, err := groups(b.relay.addr, owners, wakeWaiters)
	if err != nil {
		return err
	}
	cursors := make([]int64, wakeWaiters) // only the relay moves them: the floor's pages are empty
	rounds, err := b.inTurns(func(s server) (cell, error) {
		return wakeCell(s.addr, owners, ids, cursors, b.cfg.seconds)
	})
	if err != nil {
		return err
	}
	reportWake(b.report, rounds)
	return nil
}

func reportWake(r *report, rounds []pair) {
	p50, p99 := medianOf(rounds, p50Ratio), medianOf(rounds, p99Ratio)
	r.set(p50, "wake.p50_ratio")
	r.set(p99, "wake.p99_ratio")
	row := func(name string, of func(pair) cell) []string {
		return []string{
			name,
			millis(medianOf(rounds, func(p pair) time.Duration { return of(p).p50 })),
			millis(medianOf(rounds, func(p pair) time.Duration { return of(p).p99 })),
		}
	}
	r.table(fmt.Sprintf("wake: post to waiter, %d waiting", wakeWaiters), [][]string{
		{"", "p50", "p99"},
		row("relay", func(p pair) cell { return p.relay }),
		row("floor", func(p pair) cell { return p.floor }),
		{"ratio", times(p50), times(p99)},
	})
}

// A waiter waits on a group of its own.
type waiter struct {
	c      *conn
	owner  account
	group  string
	cursor *int64
}

// rest sends the long-poll without reading its answer.
func (w waiter) rest() error {
	return w.c.send(longPoll(w.owner, w.group, *w.cursor))
}

func wakeCell(addr string, owners []account, ids []string, cursors []int64, length time.Duration) (cell, error) {
	poster, err := dial(addr)
	if err != nil {
		return cell{}, err
	}
	defer poster.close()
	waiters := make([]waiter, len(ids))
	for i := range waiters {
		c, err := dial(addr)
		if err != nil {
			return cell{}, err
		}
		defer c.close()
		waiters[i] = waiter{c, owners[i], ids[i], &cursors[i]}
		if err := waiters[i].rest(); err != nil {
			return cell{}, err
		}
	}
	return wakeLoop(poster, waiters, length)
}

// wakeLoop posts to one waiter at a time. A single goroutine does both ends, so that no switch between two of the
// client's own is measured.
func wakeLoop(poster *conn, waiters []waiter, length time.Duration) (cell, error) {
	var took []time.Duration
	content := sealed(postSize)
	started, last := time.Now(), -1
	for time.Since(started) < length {
		i := rand.IntN(len(waiters))
		if i == last { // it has only just begun to wait
			continue
		}
		last = i
		d, err := waiters[i].wake(poster, content)
		if err != nil {
			return cell{}, err
		}
		took = append(took, d)
	}
	return newCell(took, time.Since(started)), nil
}

// wake posts, takes the time until the waiter has its answer, and lets it wait again from its new cursor.
func (w waiter) wake(poster *conn, content string) (time.Duration, error) {
	req := post("/postgroup", w.owner, w.group, content)
	started := time.Now()
	if err := poster.send(req); err != nil {
		return 0, err
	}
	woken, err := w.c.reply()
	took := time.Since(started)
	if err != nil {
		return 0, fmt.Errorf("waiter: %w", err)
	}
	if string(woken) != w.group {
		return 0, fmt.Errorf("the waiter on %s was answered %q", w.group, woken)
	}
	if _, err := poster.reply(); err != nil {
		return 0, err
	}
	var got page
	if err := ask(poster, pollGroup(w.owner, w.group, *w.cursor), &got); err != nil {
		return 0, err
	}
	*w.cursor = got.last(*w.cursor)
	return took, w.rest()
}
