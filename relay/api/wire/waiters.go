package wire

import (
	"slices"
	"sync"

	"restante/relay"
)

// Waiters bound the requests that wait: each costs a connection and a watch.
// Beyond an account's share its oldest waiter gets its empty answer, since a
// client that lost its connection comes back before we notice.
type Waiters struct {
	each    int // waiters of one account
	watched int // boxes they watch together
	all     int

	mu sync.Mutex // guards the rest
	of map[relay.ID][]place
	n  int
}

// A Waiter has a place among them.
type Waiter interface {
	// Evict ends the wait, since a newer one takes its place. It is called without
	// locks held and at most once; the waiter leaves all the same.
	Evict()
}

type place struct {
	w     Waiter
	boxes int
}

// NewWaiters makes room for that many waiters in all; an account has 16, which
// watch 1,024 boxes together.
func NewWaiters(all int) *Waiters {
	return &Waiters{each: 16, watched: 1024, all: or(all, 10_000), of: map[relay.ID][]place{}}
}

// Join takes a place for an account's waiter on so many boxes. Busy: there is no
// room.
func (ws *Waiters) Join(who relay.ID, boxes int, w Waiter) error {
	ws.mu.Lock()
	oldest, err := ws.joinLocked(who, place{w, boxes})
	ws.mu.Unlock()
	if err != nil {
		return err
	}
	for _, o := range oldest {
		o.w.Evict()
	}
	return nil
}

// joinLocked takes the place and returns whom that pushed out.
func (ws *Waiters) joinLocked(who relay.ID, p place) (out []place, err error) {
	mine, watched := ws.of[who], p.boxes
	for _, o := range mine {
		watched += o.boxes
	}
	for len(mine) > 0 && (len(mine) >= ws.each || watched > ws.watched) {
		out, watched = append(out, mine[0]), watched-mine[0].boxes
		mine = mine[1:]
	}
	if ws.n-len(out) >= ws.all {
		return nil, &relay.Error{Code: relay.Busy, Text: "too many waiters", RetryAfter: 5 * retrySoon}
	}
	ws.n += 1 - len(out)
	ws.of[who] = slices.Concat(mine, []place{p}) // no larger than it must be
	return out, nil
}

// Leave gives the place back, if it is still held.
func (ws *Waiters) Leave(who relay.ID, w Waiter) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	mine := ws.of[who]
	for i, o := range mine {
		if o.w == w {
			ws.n--
			if mine = append(mine[:i:i], mine[i+1:]...); len(mine) == 0 {
				delete(ws.of, who)
			} else {
				ws.of[who] = mine
			}
			return
		}
	}
}

// Waiting returns how many wait.
func (ws *Waiters) Waiting() int {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.n
}
