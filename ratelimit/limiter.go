package ratelimit

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

// maxDebt is how many bursts a key can owe through Spend: whoever was carried over the edge comes back some day.
const maxDebt = 10

// A Rate lets Burst pass at once, and one more every Per after that. The zero Rate is no limit.
type Rate struct {
	Per   time.Duration
	Burst int
}

// PerSecond is n a second, burst at once.
func PerSecond(n, burst int) Rate { return every(time.Second, n, burst) }

// PerHour is n an hour, burst at once.
func PerHour(n, burst int) Rate { return every(time.Hour, n, burst) }

// PerDay is n a day, burst at once.
func PerDay(n, burst int) Rate { return every(24*time.Hour, n, burst) }

// every is n per d. No more than none a day is written as a burst that takes centuries to come back.
func every(d time.Duration, n, burst int) Rate {
	if n <= 0 {
		return Rate{Per: math.MaxInt64, Burst: burst}
	}
	return Rate{Per: max(d/time.Duration(n), 1), Burst: burst}
}

// A Limiter holds every key to one Rate, remembering at most a fixed number of them. A nil Limiter allows everything.
// Its methods may be called from many goroutines.
type Limiter struct {
	rate  Rate
	table *table[*rate.Limiter]
}

// New makes a Limiter that remembers size keys, at about 200 bytes each, taken as they come. It is nil, no limit, for
// the zero Rate.
func New(r Rate, size int) *Limiter {
	if r.Per <= 0 {
		return nil
	}
	fresh := func() *rate.Limiter { return rate.NewLimiter(rate.Every(r.Per), r.Burst) }
	clear := func(b *rate.Limiter, now time.Time) bool { return b.TokensAt(now) >= float64(r.Burst) }
	return &Limiter{rate: r, table: newTable(size, fresh, clear)}
}

// Allow takes one token for the key. If there is none it takes nothing and says when there will be one.
func (l *Limiter) Allow(key []byte) (ok bool, retryAfter time.Duration) {
	return l.AllowN(key, 1)
}

// AllowN takes n tokens for the key, or none. More than the burst never passes.
func (l *Limiter) AllowN(key []byte, n int) (ok bool, retryAfter time.Duration) {
	if l == nil {
		return true, 0
	}
	return l.look(key, n, true)
}

// Peek reports whether AllowN would pass now, and takes nothing. With Spend it prices what is known only afterwards:
// whether a name was missing, how large an answer became.
func (l *Limiter) Peek(key []byte, n int) (ok bool, retryAfter time.Duration) {
	if l == nil {
		return true, 0
	}
	return l.look(key, n, false)
}

// Spend takes n tokens whether or not they are there. The key then owes them, at most ten bursts, and is refused until
// they have come back.
func (l *Limiter) Spend(key []byte, n int) {
	if l == nil || l.rate.Burst <= 0 {
		return
	}
	now, d := time.Now(), l.table.digest(key)
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	b := l.table.findLocked(d, now)
	floor := -float64(l.rate.Burst) * maxDebt
	for n > 0 && b.TokensAt(now) > floor {
		part := min(n, l.rate.Burst) // ReserveN refuses more than a burst at a time
		b.ReserveN(now, part)
		n -= part
	}
}

func (l *Limiter) look(key []byte, n int, take bool) (bool, time.Duration) {
	now, d := time.Now(), l.table.digest(key)
	l.table.mu.Lock()
	defer l.table.mu.Unlock()
	b := l.table.findLocked(d, now)
	missing := float64(n) - b.TokensAt(now)
	if n > l.rate.Burst || missing > 0 {
		return false, l.wait(missing)
	}
	if take {
		b.AllowN(now, n)
	}
	return true, 0
}

// wait is how long so many tokens take to come, never 0 and never overflowing.
func (l *Limiter) wait(tokens float64) time.Duration {
	w := math.Ceil(tokens * float64(l.rate.Per))
	if w >= math.MaxInt64 {
		return math.MaxInt64
	}
	return max(time.Duration(w), 1)
}
