package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
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
		low := medianOf(rounds, func(p pair) time.Duration { return of(p).p50 })
		high := medianOf(rounds, func(p pair) time.Duration { return of(p).p99 })
		r.set(inMillis(low), "wake.%s_p50_ms", name)
		r.set(inMillis(high), "wake.%s_p99_ms", name)
		return []string{name, millis(low), millis(high)}
	}
	r.table(fmt.Sprintf("wake: post to waiter, %d waiting", wakeWaiters), [][]string{
		{"", "p50", "p99"},
		row("relay", func(p pair) cell { return p.relay }),
		row("floor", func(p pair) cell { return p.floor }),
		{"ratio", times(p50), times(p99)},
	})
}

// wakePatience bounds how long a woken waiter may take: beyond it, it was not woken at all.
const wakePatience = 10 * time.Second

// A waiter waits on a group of its own, reads what came, and waits again.
type waiter struct {
	c      *conn
	owner  account
	group  string
	cursor *int64
	posted chan time.Time // when a post to it was begun; closed at the end
	took   []time.Duration
}

// wakeCell lets one poster write to one waiter after the other. The waiters are goroutines, strangers to each other as
// in life: while one reads what came and begins to wait again, the next post is on its way.
func wakeCell(addr string, owners []account, ids []string, cursors []int64, length time.Duration) (cell, error) {
	var waiters []*waiter
	defer func() {
		for _, w := range waiters {
			w.c.close()
		}
	}()
	for i := range ids {
		c, err := dial(addr)
		if err != nil {
			return cell{}, err
		}
		w := &waiter{c: c, owner: owners[i], group: ids[i], cursor: &cursors[i], posted: make(chan time.Time, 1)}
		waiters = append(waiters, w)
		if err := w.rest(); err != nil {
			return cell{}, err
		}
	}
	return postToWaiters(addr, waiters, length)
}

// postToWaiters runs the waiters and the poster, and gathers what the waiters measured.
func postToWaiters(addr string, waiters []*waiter, length time.Duration) (cell, error) {
	var (
		wg   sync.WaitGroup
		idle = make(chan *waiter, len(waiters))
		errs = make([]error, len(waiters)+1)
		took []time.Duration
	)
	for i, w := range waiters {
		idle <- w
		wg.Go(func() { errs[i] = w.run(idle) })
	}
	started := time.Now()
	errs[len(waiters)] = postAtRandom(addr, idle, length)
	elapsed := time.Since(started)
	for _, w := range waiters {
		close(w.posted)
	}
	wg.Wait()
	for _, w := range waiters {
		took = append(took, w.took...)
	}
	return newCell(took, elapsed), errors.Join(errs...)
}

// postAtRandom posts to any of those who wait and have nothing coming, one after the other.
func postAtRandom(addr string, idle <-chan *waiter, length time.Duration) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	content := sealed(postSize)
	var free []*waiter
	for end := time.Now().Add(length); time.Now().Before(end); {
		if free, err = gather(free, idle); err != nil {
			return err
		}
		i := rand.IntN(len(free))
		w := free[i]
		free[i] = free[len(free)-1]
		free = free[:len(free)-1]
		req := post("/postgroup", w.owner, w.group, content)
		w.posted <- time.Now()
		if _, err := c.do(req); err != nil {
			return err
		}
	}
	return nil
}

// gather adds those who have become idle, and waits for one if nobody is.
func gather(free []*waiter, idle <-chan *waiter) ([]*waiter, error) {
	for len(idle) > 0 {
		free = append(free, <-idle)
	}
	if len(free) > 0 {
		return free, nil
	}
	select {
	case w := <-idle:
		return append(free, w), nil
	case <-time.After(wakePatience):
		return nil, errors.New("no waiter has come back")
	}
}

// run is a waiter's loop. It ends when there will be no more posts.
func (w *waiter) run(idle chan<- *waiter) error {
	for started := range w.posted {
		if err := w.c.nc.SetReadDeadline(time.Now().Add(wakePatience)); err != nil {
			return err
		}
		woken, err := w.c.reply()
		w.took = append(w.took, time.Since(started))
		if err != nil {
			return fmt.Errorf("waiter: %w", err)
		}
		if string(woken) != w.group {
			return fmt.Errorf("the waiter on %s was answered %q", w.group, woken)
		}
		if err := w.catchUp(); err != nil {
			return err
		}
		idle <- w
	}
	return nil
}

// catchUp reads what came and waits for more.
func (w *waiter) catchUp() error {
	var got page
	if err := ask(w.c, pollGroup(w.owner, w.group, *w.cursor), &got); err != nil {
		return err
	}
	*w.cursor = got.last(*w.cursor)
	return w.rest()
}

// rest sends the long-poll without reading its answer.
func (w *waiter) rest() error {
	return w.c.send(longPoll(w.owner, w.group, *w.cursor))
}
