package storage

import (
	"context"
	"sync"
)

// Together runs updates as one batch, in order: they are put into the queue
// while an update in front of them holds the writer.
func (b *Bolt) Together(fns ...func(Txn) error) []error {
	running, release := make(chan struct{}), make(chan struct{})
	run := sync.OnceFunc(func() { close(running) }) // a full disk has it run twice
	go func() {
		_ = b.Update(context.Background(), func(Txn) error { run(); <-release; return nil })
	}()
	<-running
	requests := make([]*request, len(fns))
	for i, fn := range fns {
		requests[i] = &request{fn: fn, done: make(chan struct{}, 1)}
		b.queue <- requests[i]
		poke(b.work)
	}
	close(release)
	errs := make([]error, len(fns))
	for i, r := range requests {
		<-r.done
		errs[i] = r.err
	}
	return errs
}
