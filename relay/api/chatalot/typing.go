package chatalot

import (
	"sync"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Times of typing.
const (
	typingEvery = 3 * time.Second  // others are told at most so often
	typingFor   = 10 * time.Second // without another word of it, it is over
	maxTyping   = 10_000           // who is remembered to type, over all channels
)

// signalTyping is every family's signal that somebody writes. Data is a JSON
// object, or empty; its status is "stop" when he does no more.
const signalTyping = "typing"

type typingSignal struct {
	Status string `json:"status"`
}

var typingStopped = wire.MustEncode(typingSignal{"stop"})

// typing is who writes where, in memory only.
type typing struct {
	mu sync.Mutex
	by map[typist]*typed // guarded by mu
}

type typist struct{ room, who relay.ID }

type typed struct {
	box  relay.BoxID
	told time.Time
	end  *time.Timer
}

// begin notes that somebody types, and reports whether others are to be told.
// over is called when he has not been heard of for a while.
func (ty *typing) begin(at typist, box relay.BoxID, over func()) (tell bool) {
	ty.mu.Lock()
	defer ty.mu.Unlock()
	t, now := ty.by[at], time.Now()
	if t == nil {
		if len(ty.by) >= maxTyping {
			return false
		}
		if ty.by == nil {
			ty.by = map[typist]*typed{}
		}
		ty.by[at] = &typed{box: box, told: now, end: time.AfterFunc(typingFor, over)}
		return true
	}
	t.end.Reset(typingFor)
	if now.Sub(t.told) < typingEvery {
		return false
	}
	t.told = now
	return true
}

// stop forgets that somebody types, and reports whether he did.
func (ty *typing) stop(at typist) (box relay.BoxID, typed bool) {
	ty.mu.Lock()
	defer ty.mu.Unlock()
	t := ty.by[at]
	if t == nil {
		return box, false
	}
	t.end.Stop()
	delete(ty.by, at)
	return t.box, true
}

// ofUser returns the rooms in which somebody types.
func (ty *typing) ofUser(who relay.ID) (rooms []relay.ID) {
	ty.mu.Lock()
	defer ty.mu.Unlock()
	for at := range ty.by {
		if at.who == who {
			rooms = append(rooms, at.room)
		}
	}
	return rooms
}

type typingIn struct {
	ChannelID uuid `json:"channel_id"`
}

// startTyping tells a channel that the caller writes. One that is not his is
// passed over.
func (a *api) startTyping(c *wire.Call, r *relay.Relay, in typingIn) (wire.None, error) {
	var acc relay.Access
	err := r.View(c.Context(), func(tx *relay.Tx) (err error) {
		acc, err = inChannel(tx, c.Who.Account, in.ChannelID.id())
		return err
	})
	if err != nil {
		return wire.None{}, silently(err)
	}
	at := typist{acc.Room.ID, c.Who.Account}
	if a.typing.begin(at, acc.Room.Box, func() { a.stopsTyping(r, at) }) {
		r.Hub().Signal(acc.Room.Box, relay.Signal{Kind: signalTyping, Box: acc.Room.Box, From: at.who})
	}
	return wire.None{}, nil
}

// stopTyping tells it that he does no more.
func (a *api) stopTyping(c *wire.Call, r *relay.Relay, in typingIn) (wire.None, error) {
	a.stopsTyping(r, typist{in.ChannelID.id(), c.Who.Account})
	return wire.None{}, nil
}

func (a *api) stopsTyping(r *relay.Relay, at typist) {
	if box, typed := a.typing.stop(at); typed {
		r.Hub().Signal(box, relay.Signal{Kind: signalTyping, Box: box, From: at.who, Data: typingStopped})
	}
}
