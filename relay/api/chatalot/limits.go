package chatalot

import (
	"time"

	"golang.org/x/time/rate"

	"restante/ratelimit"
	"restante/relay"
)

// Limits are the rates of this API that are nobody else's, counted in memory.
// Nil ones limit nothing.
type limits struct {
	uploads   *ratelimit.Limiter // of one user
	reactions *ratelimit.Limiter // of one user
	voice     *ratelimit.Limiter // of one user: joining and leaving calls
	fetches   *ratelimit.Limiter // of one user: pages and pictures of others
	unlimited bool
}

// limitsKept is how many users each table remembers.
const limitsKept = 1 << 13

func newLimits(off bool) limits {
	if off {
		return limits{unlimited: true}
	}
	return limits{
		uploads:   ratelimit.New(ratelimit.Rate{Burst: 10, Per: 6 * time.Second}, limitsKept),
		reactions: ratelimit.New(ratelimit.PerSecond(5, 1), limitsKept),
		voice:     ratelimit.New(ratelimit.Rate{Burst: 1, Per: 2 * time.Second}, limitsKept),
		fetches:   ratelimit.New(ratelimit.PerSecond(2, 20), limitsKept),
	}
}

// often takes one of a user's tokens. TooMany: there is none.
func often(l *ratelimit.Limiter, who relay.ID, text string) error {
	if ok, wait := l.Allow(who[:]); !ok {
		return relay.Later(wait, text)
	}
	return nil
}

// A frameLimit is what one connection may send: what others are to read, and
// what keeps a call or the connection going. Setting up a call is a burst of
// small frames, and clients do not notice when one is dropped.
type frameLimit struct{ content, signals *rate.Limiter }

func (l limits) ofConnection() frameLimit {
	if l.unlimited {
		return frameLimit{rate.NewLimiter(rate.Inf, 0), rate.NewLimiter(rate.Inf, 0)}
	}
	return frameLimit{rate.NewLimiter(5, 10), rate.NewLimiter(30, 60)}
}

// content are the frames that others are to read.
var content = map[string]bool{
	"send_message": true, "edit_message": true, "delete_message": true, "add_reaction": true, "remove_reaction": true,
	"typing": true, "stop_typing": true, "update_presence": true,
}

// allow takes a token for a frame at a time.
func (f frameLimit) allow(frame string, now time.Time) bool {
	if content[frame] {
		return f.content.AllowN(now, 1)
	}
	return f.signals.AllowN(now, 1)
}
