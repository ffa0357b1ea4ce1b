package main

import (
	"fmt"
	"strconv"
)

// runBytes: what reaches the disk for one message. On an SD card this, not the processor, is the budget.
func runBytes(b *bench) error {
	if err := b.fresh(); err != nil {
		return err
	}
	senders := []int{1, 64}
	load, err := newPostLoad(b, senders[len(senders)-1])
	if err != nil {
		return err
	}
	rows := [][]string{{"senders", "device", "process", "posts"}}
	for _, n := range senders {
		var rounds []written
		for range b.cfg.rounds {
			w, err := load.written(b, n)
			if err != nil {
				return err
			}
			rounds = append(rounds, w)
		}
		rows = append(rows, bytesRow(b.report, n, rounds))
	}
	b.report.table("bytes: written per 1 KiB message", rows)
	b.report.note("The device's counter holds whatever else ran on the machine. The process's counts whole pages of files\n" +
		"that were read through the page cache before, and nothing on a file system in memory.")
	return nil
}

// written is what one cell wrote.
type written struct {
	posts           int
	device, process counter
}

func (l *postLoad) written(b *bench, senders int) (written, error) {
	device, process := deviceWrites(b.stateDir()), processWrites(b.relay.pid)
	c, err := l.run(b.cfg.client, b.relay.addr, senders, b.cfg.seconds)
	if err != nil {
		return written{}, err
	}
	if c.posts == 0 {
		return written{}, fmt.Errorf("nothing finished in %v", b.cfg.seconds)
	}
	return written{c.posts, deviceWrites(b.stateDir()).since(device), processWrites(b.relay.pid).since(process)}, nil
}

func bytesRow(r *report, senders int, rounds []written) []string {
	row := []string{strconv.Itoa(senders)}
	for _, from := range []struct {
		name string
		of   func(written) counter
	}{
		{"device", func(w written) counter { return w.device }},
		{"process", func(w written) counter { return w.process }},
	} {
		if !from.of(rounds[0]).known {
			row = append(row, "-")
			continue
		}
		each := medianOf(rounds, func(w written) float64 { return float64(from.of(w).bytes) / float64(w.posts) })
		r.set(each, "bytes.%d.%s", senders, from.name)
		row = append(row, kib(each))
	}
	return append(row, strconv.Itoa(medianOf(rounds, func(w written) int { return w.posts })))
}
