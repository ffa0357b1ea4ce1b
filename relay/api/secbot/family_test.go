package secbot

import (
	"testing"

	"restante/relay/api/wire"
	"restante/relay/api/wire/wiretest"
)

// configured returns the family as a story's settings ask for it.
func configured(s *wiretest.Settings) wire.Family {
	return Family(Config{
		MaxCryptoData: s.Int("max-crypto-data", 0),
		MaxContent:    s.Int("max-content", 0),
		PageEntries:   s.Int("page-entries", 0),
		PageBytes:     s.Int("page-bytes", 0),
		LongPoll:      s.Duration("longpoll", 0),
		Registration:  s.String("registration", ""),
	})
}

func TestTranscripts(t *testing.T) {
	wiretest.RunWith(t, configured, "../../../testdata/secbot")
}
