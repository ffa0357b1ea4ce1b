package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	mailboxes = 1000
	postSize  = 1024 // bytes of encContent
)

// runPosts: durable posts into many mailboxes, by ever more senders. An answer of the relay follows its fsync.
func runPosts(b *bench) error {
	if err := b.fresh(); err != nil {
		return err
	}
	load, err := newPostLoad(b, slices.Max(b.cfg.senders))
	if err != nil {
		return err
	}
	rows := [][]string{{"senders", "of floor", "p99 to floor's", "relay/s", "floor/s", "relay p50", "p99", "floor p50", "p99"}}
	for _, n := range b.cfg.senders {
		rounds, err := b.inTurns(func(s server) (cell, error) { return load.run(b.cfg.client, s.addr, n, b.cfg.seconds) })
		if err != nil {
			return err
		}
		rows = append(rows, postRow(b.report, n, rounds))
	}
	b.report.table("posts: 1 KiB into 1,000 mailboxes", rows)
	return nil
}

func postRow(r *report, senders int, rounds []pair) []string {
	ratio, p99 := medianOf(rounds, perSecondRatio), medianOf(rounds, p99Ratio)
	relay := medianOf(rounds, func(p pair) float64 { return p.relay.perSecond })
	base := medianOf(rounds, func(p pair) float64 { return p.floor.perSecond })
	r.set(ratio, "posts.%d.ratio", senders)
	r.set(p99, "posts.%d.p99_ratio", senders)
	r.set(relay, "posts.%d.per_second", senders)
	r.set(base, "posts.%d.floor_per_second", senders)
	row := []string{strconv.Itoa(senders), times(ratio), times(p99), whole(relay), whole(base)}
	for _, of := range []func(pair) time.Duration{
		func(p pair) time.Duration { return p.relay.p50 },
		func(p pair) time.Duration { return p.relay.p99 },
		func(p pair) time.Duration { return p.floor.p50 },
		func(p pair) time.Duration { return p.floor.p99 },
	} {
		row = append(row, millis(medianOf(rounds, of)))
	}
	r.set(inMillis(medianOf(rounds, func(p pair) time.Duration { return p.relay.p99 })), "posts.%d.p99_ms", senders)
	return row
}

// A postLoad is a set of senders, each with an account of its own, and the mailboxes they write to.
type postLoad struct {
	senders []sender
	boxes   []account
}

// A sender has its request written out; only the recipient, at a fixed place, differs from post to post.
type sender struct {
	req []byte
	to  int
}

func newPostLoad(b *bench, senders int) (*postLoad, error) {
	boxes, err := register(b.relay.addr, mailboxes)
	if err != nil {
		return nil, err
	}
	from, err := register(b.relay.addr, senders)
	if err != nil {
		return nil, err
	}
	l := &postLoad{boxes: boxes}
	for _, a := range from {
		req := post("/postmsg", a, boxes[0].ID, sealed(postSize))
		l.senders = append(l.senders, sender{req, bytes.LastIndex(req, []byte(boxes[0].ID))})
	}
	return l, nil
}

// sealed looks like what clients send: random bytes in base64.
func sealed(size int) string {
	raw := make([]byte, size)
	_, _ = rand.Read(raw) // never fails: crypto/rand ends the program instead
	return base64.StdEncoding.EncodeToString(raw)[:size]
}

// run lets the first n senders post for a while, each waiting for its answer before its next post.
func (l *postLoad) run(kind, addr string, n int, length time.Duration) (cell, error) {
	var (
		took    = make([][]time.Duration, n)
		errs    = make([]error, n)
		ready   sync.WaitGroup
		wg      sync.WaitGroup
		started time.Time
		begin   = make(chan struct{})
	)
	ready.Add(n)
	for i := range n {
		wg.Go(func() {
			c, err := l.open(kind, addr, i)
			ready.Done()
			if err != nil {
				errs[i] = err
				return
			}
			defer c.close()
			<-begin
			took[i], errs[i] = l.post(c, i, started.Add(length))
		})
	}
	ready.Wait()
	started = time.Now()
	close(begin)
	wg.Wait()
	return newCell(slices.Concat(took...), time.Since(started)), errors.Join(errs...)
}

// open connects a sender. Its first post is not counted: it pays for the connection.
func (l *postLoad) open(kind, addr string, i int) (client, error) {
	c, err := open(kind, addr)
	if err != nil {
		return nil, err
	}
	if _, err := c.do(l.senders[i].req); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// post is one sender's loop: an answer's time is the next request's start.
func (l *postLoad) post(c client, i int, end time.Time) ([]time.Duration, error) {
	s := l.senders[i]
	took := make([]time.Duration, 0, 1<<14)
	for t := time.Now(); t.Before(end); {
		copy(s.req[s.to:], l.boxes[mathrand.IntN(len(l.boxes))].ID)
		if _, err := c.do(s.req); err != nil {
			return nil, err
		}
		now := time.Now()
		took = append(took, now.Sub(t))
		t = now
	}
	return took, nil
}
