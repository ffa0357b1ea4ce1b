package wire

import (
	"net/http"
	"time"

	"restante/ratelimit"
	"restante/relay"
)

// retrySoon is what a caller is told to wait when it is a matter of moments.
const retrySoon = time.Second

// Rates are the limits that hold over all families. They are counted in memory
// and forgotten at restart. A nil Rates, or a nil field, limits nothing.
type Rates struct {
	Requests  *ratelimit.Limiter // of one account
	Posts     *ratelimit.Limiter // of one account: rows that write, uploads included
	Misses    *ratelimit.Limiter // of one account: naming what is not there
	Addresses *ratelimit.Limiter // of one address, where an address means something
	Newcomers *ratelimit.Limiter // registrations of strangers, all together
}

// ratesKept is how many keys each table remembers.
const ratesKept = 1 << 14

// DefaultRates are those of "Keeping strangers out": requests 20/s with bursts
// of 200 and posts 10/s with bursts of 100 for one account, 60 misses an hour,
// 50 requests/s with bursts of 500 for one address, 60 registrations an hour
// with a burst of 100.
func DefaultRates() *Rates {
	return &Rates{
		Requests:  ratelimit.New(ratelimit.PerSecond(20, 200), ratesKept),
		Posts:     ratelimit.New(ratelimit.PerSecond(10, 100), ratesKept),
		Misses:    ratelimit.New(ratelimit.PerHour(60, 60), ratesKept),
		Addresses: ratelimit.New(ratelimit.PerSecond(50, 500), ratesKept),
		Newcomers: ratelimit.New(ratelimit.PerHour(60, 100), 1),
	}
}

// arrive counts a request by its address, before anything is read. Behind Tor
// everybody comes from one address, which therefore means nothing.
func (rs *Rates) arrive(c *Call) error {
	if rs.Addresses == nil {
		return nil
	}
	addr, means := addressOf(c.request, c.conn)
	if !means {
		return nil
	}
	b := addr.As16()
	network := b[:8] // one customer has a whole /64
	if addr.Unmap().Is4() {
		network = b[:]
	}
	return allowed(rs.Addresses.Allow(network))
}

// admit counts a request by its account.
func (rs *Rates) admit(c *Call, op *Op) error {
	who := c.Who.Account[:]
	if err := allowed(rs.Requests.Allow(who)); err != nil {
		return err
	}
	if op.h.kind == writes || op.h.kind == raws && c.request.Method != http.MethodGet && c.request.Method != http.MethodHead {
		if err := allowed(rs.Posts.Allow(who)); err != nil {
			return err
		}
	}
	if op.quiet {
		return nil
	}
	return allowed(rs.Misses.Peek(who, 1))
}

// newcomer counts the registration of a stranger.
func (rs *Rates) newcomer() error { return allowed(rs.Newcomers.Allow(nil)) }

func allowed(ok bool, wait time.Duration) error {
	if ok {
		return nil
	}
	return relay.Later(wait, "too many requests")
}

// missed counts an answer that says something is not there, so that guessing
// ids costs.
func (s *Service) missed(c *Call, err error) error {
	if relay.Is(err, relay.NotFound) && !c.Who.Account.IsZero() {
		s.limits.Misses.Spend(c.Who.Account[:], 1)
	}
	return err
}
