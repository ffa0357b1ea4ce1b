package relay

import (
	"context"
	"time"
)

// sweepEvery is how often the whole store is looked through for what has had
// its time. Readers pass over it from the moment on, so this is only about
// room.
const sweepEvery = time.Hour

// horizon returns the time up to which entries kept for keep have expired.
func (r *Relay) horizon(keep time.Duration) Time {
	if keep <= 0 {
		return 0
	}
	return r.Now().Add(-keep)
}

// runSweeps sweeps at start and then every hour until ctx ends.
func (r *Relay) runSweeps(ctx context.Context) {
	clock := time.NewTicker(sweepEvery)
	defer clock.Stop()
	for {
		if err := r.Sweep(ctx); err != nil && ctx.Err() == nil {
			r.opts.Fault("sweep", err)
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return
		}
	}
}

// Sweep removes the entries of mailboxes and rooms that are past their
// retention, old events and old once-keys, a bounded step at a time.
func (r *Relay) Sweep(ctx context.Context) error {
	if err := r.steps(ctx, func(tx *Tx) (bool, error) { return tx.forgetOnce(StepKeys), nil }); err != nil {
		return err
	}
	for at := (BoxID{}); ; {
		var due []Box
		var next BoxID
		err := r.View(ctx, func(tx *Tx) (err error) {
			due, next, err = tx.dueBoxes(at, 1000)
			return err
		})
		if err != nil {
			return err
		}
		for _, box := range due {
			if err := r.steps(ctx, func(tx *Tx) (bool, error) { return tx.expire(box, StepKeys) }); err != nil {
				return err
			}
		}
		if next.IsZero() {
			return nil
		}
		at = next
	}
}

// steps runs a step in transactions of its own until nothing is left to do.
func (r *Relay) steps(ctx context.Context, step func(*Tx) (left bool, err error)) error {
	for left := true; left; {
		err := r.Update(ctx, func(tx *Tx) (err error) {
			left, err = step(tx)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dueBoxes looks through up to max boxes after at and returns those that hold
// something past its time, and where to go on; zero at the end.
func (tx *Tx) dueBoxes(at BoxID, max int) (due []Box, next BoxID, err error) {
	boxes, err := tx.boxesAfter(at, max)
	if err != nil {
		return nil, next, err
	}
	for _, box := range boxes {
		old := tx.oldest(Messages, box.ID) <= tx.keptFrom(box)
		stale := tx.oldest(Events, box.ID) <= tx.r.Now().Add(-EventsFor)
		if old || stale {
			due = append(due, box)
		}
	}
	if len(boxes) == max {
		next = boxes[max-1].ID
	}
	return due, next, nil
}

// oldest returns the time of the first entry of a lane; maxTime when there is
// none.
func (tx *Tx) oldest(lane Lane, b BoxID) Time {
	rg := between(byte(lane), b, 0, maxTime)
	rg.Limit = 1
	for k := range tx.Scan(rg) {
		return entryTime(k)
	}
	return maxTime
}

// keptFrom returns the time up to which a box's messages have expired.
func (tx *Tx) keptFrom(box Box) Time {
	switch box.Owner.Kind {
	case OwnerAccount, OwnerOpenRoom:
		return tx.r.horizon(tx.r.opts.Retention)
	case OwnerRoom:
		return tx.r.horizon(tx.r.opts.RoomRetention)
	}
	return 0
}

// expire does one step of removing what a box has held too long.
func (tx *Tx) expire(box Box, max int) (left bool, err error) {
	if _, err := tx.Box(box.ID); Is(err, NotFound) {
		return false, nil // dropped meanwhile
	} else if err != nil {
		return false, err
	}
	eventsLeft := tx.deleteSome(between(kindEvent, box.ID, 0, tx.r.Now().Add(-EventsFor)), max)
	left, err = tx.EraseThrough(box.ID, tx.keptFrom(box), max)
	return left || eventsLeft, err
}
