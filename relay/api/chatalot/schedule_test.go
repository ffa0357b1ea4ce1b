package chatalot

import (
	"time"

	"restante/relay"
	"restante/relay/api/wire/wiretest"
)

// timeDeeds are what stories may do beside asking, to name times:
//
//	! $soon = after 5m                  that time on the relay's clock
func timeDeeds(s *wiretest.Settings) {
	s.Do("after", func(r *relay.Relay, words ...string) (string, error) {
		d, err := time.ParseDuration(words[0])
		return moment(r.Now().Add(d)).String(), err
	})
}
