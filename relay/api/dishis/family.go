package dishis

import (
	"cmp"
	"sync"

	"restante/ratelimit"
	"restante/relay"
	"restante/relay/api/wire"
)

// family is the name under which accounts of this API are kept.
const family = "dishis"

// Options are what an operator decides about this API. Zero values mean the
// defaults in brackets.
type Options struct {
	// Registration is who may register: "open", "invite" or "closed" ("open").
	Registration string
	// Trusting believes callers who bring no token. It is for clients that know
	// none, on a listener of its own that only they reach; the family is served
	// with a token beside it (false).
	Trusting bool
	// LegacyEvents sends what is pushed under the names of an older client as
	// well (false).
	LegacyEvents bool

	MaxBody     int64 // bytes of a JSON body (1 MiB)
	MaxContent  int   // bytes of a content (256 KiB)
	MaxFile     int64 // bytes of a media file (50 MiB)
	MaxThumb    int64 // bytes of its thumbnail (1 MiB)
	MaxMembers  int   // of a group (1,024)
	MaxChannels int   // of a community (500)
}

func (o Options) withDefaults() Options {
	o.Registration = cmp.Or(o.Registration, "open")
	o.MaxBody = cmp.Or(o.MaxBody, 1<<20)
	o.MaxContent = cmp.Or(o.MaxContent, 256<<10)
	o.MaxFile = cmp.Or(o.MaxFile, 50<<20)
	o.MaxThumb = cmp.Or(o.MaxThumb, 1<<20)
	o.MaxMembers = cmp.Or(o.MaxMembers, 1024)
	o.MaxChannels = cmp.Or(o.MaxChannels, 500)
	return o
}

// Family returns the API as an operator configured it.
func Family(o Options) wire.Family {
	a := &api{
		o:      o.withDefaults(),
		typing: ratelimit.New(ratelimit.PerSecond(typingPerSecond, typingPerSecond), typersKept),
		emits:  ratelimit.New(ratelimit.PerSecond(eventsPerSecond, 2*eventsPerSecond), typersKept),
	}
	return wire.Family{
		Name:    family,
		About:   "DishIs: REST and Socket.IO, direct messages to communities",
		Ops:     a.ops(),
		Dialect: a.dialect(),
		MaxBody: a.o.MaxBody,
		CORS: &wire.CORS{
			Methods:     []string{"GET", "POST", "OPTIONS"},
			Headers:     []string{"authorization", "content-type", "x-device-id", "x-rapidapi-key", "x-rapidapi-host"},
			Credentials: true,
		},
		FindAccount: func(tx *relay.Tx, name string) (relay.Account, error) { return tx.FindLogin(family, loginOf(name)) },
	}
}

// An api is the handlers with their configuration.
type api struct {
	o      Options
	typing *ratelimit.Limiter // of one account: typing is cheap to send and wakes people
	emits  *ratelimit.Limiter // of one account: what its sockets send

	once    sync.Once // makes io
	io      *wire.IOSockets
	present attendance
}

func init() {
	relay.DeclareNames(family, relay.Names{
		Account: func(a relay.Account) string { p, _ := profileOf(a); return p.Username },
		Room:    nameOf,
	})
	relay.DeclareTombstone(family, func(tx *relay.Tx, e relay.Entry) ([]byte, error) {
		x, _, err := extraOf(tx, e)
		return extra{Given: x.Given}.bytes(), err
	})
}

// limited reports whether the operator has rates of requests limited.
func limited(s *wire.Service) bool { return s.Rates != nil && s.Rates.Requests != nil }

const (
	typingPerSecond = 5
	typersKept      = 1 << 14
)
