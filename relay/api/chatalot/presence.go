package chatalot

import (
	"context"
	"sync"

	"restante/relay"
)

// Statuses, which clients set and see. Nobody sees that somebody is invisible:
// he is offline to others.
const (
	statusOnline    = "online"
	statusIdle      = "idle"
	statusDND       = "dnd"
	statusInvisible = "invisible"
	statusOffline   = "offline"
)

// Bounds of presence.
const (
	maxSockets = 8      // sockets of one user
	maxAbsent  = 10_000 // of whom it is remembered, while they are away, that they are invisible
	maxMates   = 5000   // who are looked at for a new session
)

// A presence is who is here, in memory only: it is over with the process.
type presence struct {
	all    *relay.Presence // set with the first session; guarded by mu
	mu     sync.Mutex
	users  map[relay.ID]*attendance // guarded by mu
	absent int                      // of users, how many have no session
}

// attendance is how one user is here.
type attendance struct {
	sessions int
	status   string // as he set it
	counted  bool   // among those who are here for every family
}

// enter counts a session in. It reports whether it is the first of its user, and
// refuses one too many.
func (p *presence) enter(r *relay.Relay, who relay.ID) (first, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = r.Presence()
	at := p.users[who]
	switch {
	case at == nil:
		if p.users == nil {
			p.users = map[relay.ID]*attendance{}
		}
		at = &attendance{status: statusOnline}
		p.users[who] = at
	case at.sessions == 0:
		p.absent--
	case at.sessions >= maxSockets:
		return false, false
	}
	at.sessions++
	p.countLocked(who, at)
	return at.sessions == 1, true
}

// exit counts a session out and reports whether it was its user's last, and
// whether others see that. Whoever is invisible stays so, lest he be seen for a
// moment when he comes back.
func (p *presence) exit(who relay.ID) (last, seen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.users[who]
	was := at.shown()
	at.sessions--
	p.countLocked(who, at)
	if at.sessions > 0 {
		return false, false
	}
	if at.status == statusInvisible && p.absent < maxAbsent {
		p.absent++
	} else {
		delete(p.users, who)
	}
	return true, was != statusOffline
}

// set changes the status of somebody who is here, and reports whether others
// see a difference.
func (p *presence) set(who relay.ID, status string) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.users[who]
	if at == nil || at.sessions == 0 {
		return false
	}
	was := at.shown()
	at.status = status
	p.countLocked(who, at)
	return was != at.shown()
}

// countLocked has other families see somebody as this one does: here once, or
// not.
func (p *presence) countLocked(who relay.ID, at *attendance) {
	seen := at.shown() != statusOffline
	switch {
	case seen && !at.counted:
		p.all.Enter(who)
	case !seen && at.counted:
		p.all.Exit(who)
	}
	at.counted = seen
}

// status returns what others see of somebody.
func (p *presence) status(who relay.ID) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.users[who].shown()
}

// here reports whether somebody has a session.
func (p *presence) here(who relay.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.users[who]
	return at != nil && at.sessions > 0
}

func (a *attendance) shown() string {
	if a == nil || a.sessions == 0 || a.status == statusInvisible || a.status == statusOffline {
		return statusOffline
	}
	return a.status
}

// status returns what others see of somebody: as he set it, or that he is here
// by another family's door.
func (a *api) status(r *relay.Relay, who relay.ID) string {
	if a.presence.here(who) {
		return a.presence.status(who)
	}
	if r.Presence().Present(who) {
		return statusOnline
	}
	return statusOffline
}

// signalPresence is every family's signal of who comes and goes; Data is the
// status. It is rung on the account's box and on those of its communities.
const signalPresence = "presence"

// announcePresence tells those who share a community with somebody how he is here now.
func (a *api) announcePresence(ctx context.Context, r *relay.Relay, who relay.ID, box relay.BoxID) error {
	boxes := []relay.BoxID{box}
	err := r.View(ctx, func(tx *relay.Tx) error {
		for acc, err := range roomsOf(tx, who) {
			if err != nil {
				return err
			}
			if isCommunity(acc.Room) {
				boxes = append(boxes, acc.Room.Box)
			}
		}
		return nil
	})
	status := []byte(a.status(r, who))
	for _, b := range boxes {
		r.Hub().Signal(b, relay.Signal{Kind: signalPresence, Box: b, From: who, Data: status})
	}
	return err
}

// matesHere returns those who share a community with somebody and are seen to be
// here, with their statuses.
func (a *api) matesHere(tx *relay.Tx, who relay.ID) ([][2]string, error) {
	list := [][2]string{}
	seen := map[relay.ID]bool{who: true}
	for acc, err := range roomsOf(tx, who) {
		if err != nil {
			return nil, err
		}
		if !isCommunity(acc.Room) {
			continue
		}
		for after := (relay.ID{}); len(seen) <= maxMates; {
			members, next, err := tx.Members(acc.Room.ID, after, membersAtOnce)
			if err != nil {
				return nil, err
			}
			for _, m := range members {
				if seen[m.Account] {
					continue
				}
				seen[m.Account] = true
				if s := a.presence.status(m.Account); s != statusOffline {
					list = append(list, [2]string{uuid(m.Account).String(), s})
				}
			}
			if after = next; next.IsZero() {
				break
			}
		}
	}
	return list, nil
}
