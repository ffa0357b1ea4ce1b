package wire

import (
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
	of map[relay.ID][]*Waiter
	n  int
}

// A Waiter is one place among them.
type Waiter struct {
	boxes int
	evict func()
}

// NewWaiters makes room for that many waiters in all; an account has 16, which
// watch 1,024 boxes together.
func NewWaiters(all int) *Waiters {
	return &Waiters{each: 16, watched: 1024, all: or(all, 10_000), of: map[relay.ID][]*Waiter{}}
}

// Join takes a place for an account's waiter on so many boxes. evict is called,
// without locks held and at most once, when a newer one takes its place; the
// waiter leaves all the same. Busy: there is no room.
func (ws *Waiters) Join(who relay.ID, boxes int, evict func()) (leave func(), err error) {
	w := &Waiter{boxes: boxes, evict: evict}
	ws.mu.Lock()
	oldest, err := ws.joinLocked(who, w)
	ws.mu.Unlock()
	if err != nil {
		return nil, err
	}
	for _, o := range oldest {
		o.evict()
	}
	return func() { ws.leave(who, w) }, nil
}

// joinLocked takes the place and returns whom that pushed out.
func (ws *Waiters) joinLocked(who relay.ID, w *Waiter) (out []*Waiter, err error) {
	mine, watched := ws.of[who], w.boxes
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
	ws.of[who] = append(mine[:len(mine):len(mine)], w)
	return out, nil
}

// leave gives the place back, if it is still held.
func (ws *Waiters) leave(who relay.ID, w *Waiter) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	mine := ws.of[who]
	for i, o := range mine {
		if o == w {
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
