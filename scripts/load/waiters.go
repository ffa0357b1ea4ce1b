package main

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// perAccount is how many waiters the relay allows one account.
const perAccount = 16

// runWaiters: what a client that waits costs the server while nothing happens.
func runWaiters(b *bench) error {
	if err := raiseFiles(b.cfg.waiters + 200); err != nil {
		return err
	}
	if err := b.fresh(); err != nil {
		return err
	}
	if b.relay.pid == 0 {
		b.report.note("\nwaiters: left out, -pid is not given")
		return nil
	}
	owners, err := register(b.relay.addr, (b.cfg.waiters+perAccount-1)/perAccount)
	if err != nil {
		return err
	}
	ids, err := groups(b.relay.addr, owners, b.cfg.waiters)
	if err != nil {
		return err
	}
	// What preparing left on the heap would be filled again by the waiters, unseen.
	if err := b.restart(); err != nil {
		return err
	}
	floor, err := holdWaiters(b.floor, owners, ids)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	relay, err := holdWaiters(b.relay, owners, ids)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	reportWaiters(b, floor, relay)
	return nil
}

// A holding is a server's memory before and with all waiters, and how long one of them took to wake.
type holding struct {
	before, after memory
	wake          time.Duration
}

func reportWaiters(b *bench, floor, relay holding) {
	n := float64(b.cfg.waiters)
	each := func(h holding) float64 { return float64(h.after.rss-h.before.rss) / n }
	anon := func(h holding) float64 { return float64(h.after.anon-h.before.anon) / n }
	b.report.set(each(relay)/1024, "waiters.kib_each")
	b.report.set(anon(relay)/1024, "waiters.anon_kib_each")
	b.report.set(each(floor)/1024, "waiters.floor_kib_each")
	b.report.set(float64(relay.before.rss)/(1<<20), "waiters.idle_mib")
	row := func(name string, h holding) []string {
		return []string{
			name, kib(each(h)), kib(anon(h)),
			kib(float64(h.before.rss)), kib(float64(h.after.rss)), millis(h.wake),
		}
	}
	b.report.table("waiters: "+strconv.Itoa(b.cfg.waiters)+" in /longpoll, the server's memory", [][]string{
		{"", "RSS each", "RssAnon each", "RSS before", "RSS after", "one woken in"},
		row("relay", relay),
		row("floor", floor),
	})
}

// holdWaiters lets everybody wait, looks at the server, and wakes one to see that it was no sham.
func holdWaiters(s server, owners []account, ids []string) (holding, error) {
	var h holding
	var err error
	if h.before, err = settled(s.pid); err != nil {
		return h, err
	}
	waiting := make([]*conn, len(ids))
	defer func() {
		for _, c := range waiting {
			if c != nil {
				c.reset()
			}
		}
	}()
	err = each(s.addr, len(ids), func(_ *conn, i int) error {
		c, err := dial(s.addr)
		if err != nil {
			return err
		}
		waiting[i] = c
		return c.send(longPoll(owners[i%len(owners)], ids[i], 0))
	})
	if err != nil {
		return h, err
	}
	if h.after, err = settled(s.pid); err != nil {
		return h, err
	}
	if err := allWait(waiting); err != nil {
		return h, err
	}
	h.wake, err = wakeOne(s.addr, waiting[len(ids)/2], owners[len(ids)/2%len(owners)], ids[len(ids)/2])
	return h, err
}

// calm is how long nothing is asked of a server before its memory is read: idle is what is measured, and what the moments
// before have left behind a server may give back by itself.
const calm = 6 * time.Second

// settled reads a server's memory once it has stopped moving. Nothing is asked of the server: no collection, no trim.
func settled(pid int) (memory, error) {
	time.Sleep(calm)
	last, err := readMemory(pid)
	for range 15 {
		if err != nil {
			return last, err
		}
		time.Sleep(time.Second)
		var now memory
		now, err = readMemory(pid)
		moved := math.Abs(float64(now.rss-last.rss)) / float64(last.rss)
		last = now
		if moved < 0.005 {
			break
		}
	}
	return last, err
}

// allWait tells whether anybody was answered or cut off although nothing happened.
func allWait(waiting []*conn) error {
	answered, why := 0, error(nil)
	for _, c := range waiting {
		if !c.readable() {
			continue
		}
		answered++
		if body, err := c.reply(); err != nil {
			why = err
		} else {
			why = fmt.Errorf("200 %q", body)
		}
	}
	if answered > 0 {
		return fmt.Errorf("%d of %d waiters do not wait; the last of them: %w", answered, len(waiting), why)
	}
	return nil
}

func wakeOne(addr string, c *conn, owner account, group string) (time.Duration, error) {
	poster, err := dial(addr)
	if err != nil {
		return 0, err
	}
	defer poster.close()
	started := time.Now()
	if err := poster.send(post("/postgroup", owner, group, sealed(postSize))); err != nil {
		return 0, err
	}
	woken, err := c.reply()
	took := time.Since(started)
	if err == nil && string(woken) != group {
		err = fmt.Errorf("the waiter on %s was answered %q", group, woken)
	}
	if err != nil {
		return 0, err
	}
	_, err = poster.reply()
	return took, err
}

// raiseFiles lets this process, and the servers it starts, hold that many connections.
func raiseFiles(want int) error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if uint64(l.Max) < uint64(want) {
		return fmt.Errorf("%d open files are allowed (ulimit -Hn), %d are needed; try fewer -waiters", l.Max, want)
	}
	l.Cur = l.Max
	return unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
}
