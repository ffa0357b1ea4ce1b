package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

const (
	pageEntries = 10
	smallGroup  = 100
	pageContent = 256 // bytes a message
	fillers     = 256 // accounts that fill a group: none may own too much of it
)

// runPage: ten entries after a cursor must cost the same however much lies before it.
func runPage(b *bench) error {
	if err := b.fresh(); err != nil {
		return err
	}
	accounts, err := register(b.relay.addr, fillers)
	if err != nil {
		return err
	}
	small, err := newPageLoad(b.relay.addr, accounts, smallGroup)
	if err != nil {
		return err
	}
	large, err := newPageLoad(b.relay.addr, accounts, b.cfg.large)
	if err != nil {
		return err
	}
	if err := teach(b.floor.addr, large.answer); err != nil {
		return err
	}
	var rounds []pageRound
	for range b.cfg.rounds {
		var r pageRound
		if r.floor, err = large.run(b.cfg.client, b.floor.addr, b.cfg.seconds); err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		if r.small, err = small.run(b.cfg.client, b.relay.addr, b.cfg.seconds); err != nil {
			return err
		}
		if r.large, err = large.run(b.cfg.client, b.relay.addr, b.cfg.seconds); err != nil {
			return err
		}
		rounds = append(rounds, r)
	}
	reportPage(b, rounds)
	return nil
}

// A pageRound is the same question asked of the floor and of both groups.
type pageRound struct{ floor, small, large cell }

func reportPage(b *bench, rounds []pageRound) {
	over := func(x, y func(pageRound) cell) float64 {
		return medianOf(rounds, func(r pageRound) float64 { return float64(x(r).p50) / float64(y(r).p50) })
	}
	floor := func(r pageRound) cell { return r.floor }
	small := func(r pageRound) cell { return r.small }
	large := func(r pageRound) cell { return r.large }
	b.report.set(over(large, small), "page.growth")
	b.report.set(over(large, floor), "page.ratio")
	row := func(name string, of func(pageRound) cell) []string {
		return []string{
			name,
			millis(medianOf(rounds, func(r pageRound) time.Duration { return of(r).p50 })),
			millis(medianOf(rounds, func(r pageRound) time.Duration { return of(r).p99 })),
			times(over(of, floor)),
		}
	}
	b.report.table("page: ten entries after a cursor, one reader", [][]string{
		{"", "p50", "p99", "p50 to floor's"},
		row("relay, of "+strconv.Itoa(smallGroup), small),
		row("relay, of "+strconv.Itoa(b.cfg.large), large),
		row("floor, same bytes", floor),
		{"growth", times(over(large, small)), "", ""},
	})
}

// A pageLoad is a question for exactly ten entries, and the right answer.
type pageLoad struct {
	req    []byte
	answer []byte
}

// newPageLoad fills a group and finds the time after which ten entries follow.
func newPageLoad(addr string, accounts []account, n int) (*pageLoad, error) {
	ids, err := groups(addr, accounts[:1], 1)
	if err != nil {
		return nil, err
	}
	if err := fill(addr, accounts, ids[0], n); err != nil {
		return nil, fmt.Errorf("fill a group with %d: %w", n, err)
	}
	c, err := dial(addr)
	if err != nil {
		return nil, err
	}
	defer c.close()
	all, err := readTimes(c, accounts[0], ids[0])
	if err != nil {
		return nil, err
	}
	if len(all) != n {
		return nil, fmt.Errorf("a group filled with %d holds %d", n, len(all))
	}
	l := &pageLoad{req: pollGroup(accounts[0], ids[0], all[n-pageEntries-1])}
	body, err := c.do(l.req)
	l.answer = slices.Clone(body)
	return l, err
}

// fill posts from all accounts at once.
func fill(addr string, accounts []account, group string, n int) error {
	content := sealed(pageContent)
	return each(addr, n, func(c *conn, i int) error {
		_, err := c.do(post("/postgroup", accounts[i%len(accounts)], group, content))
		return err
	})
}

// readTimes reads a group from its start, page by page.
func readTimes(c *conn, a account, group string) ([]int64, error) {
	var all []int64
	for cursor := int64(0); ; {
		var p page
		if err := ask(c, pollGroup(a, group, cursor), &p); err != nil {
			return nil, err
		}
		if len(p.Messages) == 0 {
			return all, nil
		}
		for _, m := range p.Messages {
			all = append(all, m.Timestamp)
		}
		if p.last(cursor) <= cursor {
			return nil, fmt.Errorf("a page after %d ends at %d", cursor, p.last(cursor))
		}
		cursor = p.last(cursor)
	}
}

// teach gives the floor the answer it shall send.
func teach(addr string, answer []byte) error {
	c, err := dial(addr)
	if err != nil {
		return err
	}
	defer c.close()
	_, err = c.do(request("/page", answer))
	return err
}

// run asks again and again.
func (l *pageLoad) run(kind, addr string, length time.Duration) (cell, error) {
	c, err := open(kind, addr)
	if err != nil {
		return cell{}, err
	}
	defer c.close()
	var took []time.Duration
	started := time.Now()
	for t := started; t.Sub(started) < length; {
		body, err := c.do(l.req)
		if err != nil {
			return cell{}, err
		}
		if len(body) != len(l.answer) {
			return cell{}, fmt.Errorf("an answer of %d bytes instead of %d", len(body), len(l.answer))
		}
		now := time.Now()
		took = append(took, now.Sub(t))
		t = now
	}
	return newCell(took, time.Since(started)), nil
}
