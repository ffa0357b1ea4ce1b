package wiretest

import (
	"fmt"
	"strconv"
	"time"

	"restante/ratelimit"
	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// Settings are what a story's `!` lines ask for. Besides those a family reads,
// every story may set
//
//	max-body                       bytes of a request
//	waiters                        long-polls in all
//	retention, room-retention      how long entries are kept
//	unused-after                   when an account or group that is not used goes
//	box-entries, box-bytes         quota of a box
//	limits=on                      the relay's rates and shares
//	requests, posts, misses        that many an hour for one account
//	newcomers                      that many registrations an hour
//	origin                         a web origin that may use the family
type Settings struct {
	list []setting
	used []string
	err  error // of the first value that makes no sense
	do   map[string]Deed
}

// A Deed is a directive of a family's own, for what no client can do: its words
// come with their variables filled in, and what it returns is the value of the
// variable before it.
type Deed func(r *relay.Relay, words ...string) (string, error)

// Do has the stories' lines "! $x = name word ..." do something.
func (s *Settings) Do(name string, d Deed) {
	if s.do == nil {
		s.do = map[string]Deed{}
	}
	s.do[name] = d
}

func newSettings(list []setting) *Settings { return &Settings{list: list} }

// String returns the value of a setting, or def.
func (s *Settings) String(key, def string) string {
	s.used = append(s.used, key)
	for _, x := range s.list {
		if x.key == key {
			return x.value
		}
	}
	return def
}

// Int returns a setting that is a number.
func (s *Settings) Int(key string, def int) int {
	n, err := strconv.Atoi(s.String(key, strconv.Itoa(def)))
	s.fail(key, err)
	return n
}

// Duration returns a setting that is a length of time.
func (s *Settings) Duration(key string, def time.Duration) time.Duration {
	d, err := time.ParseDuration(s.String(key, def.String()))
	s.fail(key, err)
	return d
}

func (s *Settings) fail(key string, err error) {
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("setting %s: %w", key, err)
	}
}

// origins are the web origins that may use the family.
func (s *Settings) origins() []string {
	if o := s.String("origin", ""); o != "" {
		return []string{o}
	}
	return nil
}

func (s *Settings) relay(c *relaytest.Clock) relay.Options {
	return relay.Options{
		Now:           c.Now,
		BoxEntries:    s.Int("box-entries", 0),
		BoxBytes:      int64(s.Int("box-bytes", 0)),
		Retention:     s.Duration("retention", 0),
		RoomRetention: s.Duration("room-retention", 0),
		UnusedAfter:   s.Duration("unused-after", 0),
		NoLimits:      s.String("limits", "off") != "on",
	}
}

// rates returns the rates that the story sets, and no others.
func (s *Settings) rates() *wire.Rates {
	hourly := func(key string) *ratelimit.Limiter {
		n := s.Int(key, -1)
		if n < 0 {
			return nil
		}
		return ratelimit.New(ratelimit.PerHour(n, n), 1000)
	}
	return &wire.Rates{
		Requests:  hourly("requests"),
		Posts:     hourly("posts"),
		Misses:    hourly("misses"),
		Newcomers: hourly("newcomers"),
	}
}
