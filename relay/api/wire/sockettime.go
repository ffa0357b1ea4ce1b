package wire

import (
	"context"
	"time"

	"github.com/coder/websocket"
)

// pongAfter is how long a ping of the client may wait for what is queued before
// it. The library gives the pong five seconds.
const pongAfter = 2 * time.Second

// heard notes that the client is alive.
func (s *Socket) heard() { s.last.Store(time.Now().UnixNano()) }

// pinged answers a ping of the client: with a pong, once what was due before it
// has been written. So a pong tells that nothing older is still on its way.
func (s *Socket) pinged(context.Context, []byte) bool {
	s.heard()
	s.takeTurn(func() {})
	late := false
	s.mu.Lock()
	defer s.mu.Unlock()
	timer := time.AfterFunc(pongAfter, func() {
		s.mu.Lock()
		late = true
		s.room.Broadcast()
		s.mu.Unlock()
	})
	defer timer.Stop()
	for s.writing && !s.ended && !late {
		s.room.Wait()
	}
	return true
}

// tick ends a session that is silent or does not say who it is, pings when it
// is time, and sets the timer for the next of the three.
func (s *Socket) tick() {
	now := time.Now()
	if s.busy.Load() { // we are not listening, so silence means nothing
		s.heard()
	}
	silent := time.Unix(0, s.last.Load()).Add(s.o.IdleAfter)
	if !now.Before(silent) {
		s.Close(int(websocket.StatusPolicyViolation), "idle")
		return
	}
	next := silent
	if late := s.opened.Add(s.o.AuthWithin); s.o.AuthWithin > 0 && !s.known.Load() {
		if !now.Before(late) {
			s.End(s.o.Late)
			return
		}
		next = earlier(next, late)
	}
	ping := !now.Before(s.pings)
	if ping {
		s.pings = now.Add(s.o.PingEvery)
	}
	s.mu.Lock()
	if !s.ended {
		s.timer.Reset(earlier(next, s.pings).Sub(now))
	}
	s.mu.Unlock()
	if ping {
		s.ping(now)
	}
}

// ping asks the client for a sign of life. The goroutine of the timer waits for
// it, as the library wants; nothing depends on the answer here, for any frame
// is a sign of life.
func (s *Socket) ping(now time.Time) {
	if s.o.Beat != nil {
		s.o.Beat(s)
		return
	}
	ctx, cancel := context.WithDeadline(s.ctx, now.Add(s.o.PingEvery))
	defer cancel()
	_ = s.conn.Ping(ctx)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
