package command

import (
	"math"
	"net/http"
	"net/url"
	"slices"

	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/api/chatalot"
	"restante/relay/api/dishis"
	"restante/relay/api/jetico"
	"restante/relay/api/sama"
	"restante/relay/api/secbot"
	"restante/relay/api/wire"
	"restante/storage"
)

// StorageOptions are what the configuration says about the store.
func (c Config) StorageOptions() storage.Options {
	return storage.Options{MaxSize: c.MaxSize, SyncFreelist: c.SyncFreelist, Journal: c.Journal}
}

// RelayOptions are what the configuration says about the relay.
func (c Config) RelayOptions(log zerolog.Logger) relay.Options {
	return relay.Options{
		BoxEntries:    c.BoxEntries,
		BoxBytes:      c.BoxBytes,
		Retention:     c.Retention,
		RoomRetention: c.RoomRetention,
		Dir:           c.State,
		NoLimits:      !c.Limits,
		NoCrossing:    !c.Crossing,
		Free:          c.freeSpace,
		Reserve:       c.reserve(),
		Fault:         func(doing string, err error) { log.Error().Err(err).Msg(doing) },
	}
}

// freeSpace returns the free bytes of the disk. Where the disk cannot be asked,
// writing to it will tell.
func (c Config) freeSpace() int64 {
	free, _, err := diskSpace(c.State)
	if err != nil {
		return math.MaxInt64
	}
	return free
}

// reserve returns how much of the disk is to be kept free.
func (c Config) reserve() int64 {
	if c.Reserve != auto {
		return c.Reserve
	}
	_, total, err := diskSpace(c.State)
	if err != nil {
		return 0
	}
	return min(total/20, 1<<30)
}

// ServeOptions are what the configuration says about connections.
func (c Config) ServeOptions() wire.ServeOptions {
	origins := c.Origins
	return wire.ServeOptions{
		Conns: max(c.MaxConnections, 0), Names: c.names(),
		Origins: func(*http.Request) []string { return origins },
	}
}

// names are the host names the relay answers to: a reverse proxy may hand on
// that of its public URL.
func (c Config) names() []string {
	if u, err := url.Parse(c.PublicURL); err == nil && u.Hostname() != "" {
		return append(slices.Clone(c.Names), u.Hostname())
	}
	return c.Names
}

// outgoing is the way to other servers; nil: there is none.
func (c Config) outgoing() *wire.Outgoing {
	switch c.Outgoing {
	case "off":
		return nil
	case "on":
		return wire.NewOutgoing(wire.OutgoingOptions{})
	}
	proxy, err := url.Parse(c.Outgoing)
	if err != nil {
		return nil // it was parsed before
	}
	return wire.NewOutgoing(wire.OutgoingOptions{Proxy: proxy})
}

// Service is what the families share while they serve.
func (c Config) Service(post *relay.Relay, server *wire.Server, log zerolog.Logger) *wire.Service {
	s := &wire.Service{
		Relay: post, Server: server, Log: log,
		Purse:   wire.NewPurse(0),
		Waiters: wire.NewWaiters(c.MaxWaiters),
		Codes:   wire.NewCodes(c.CodeCommand), Outgoing: c.outgoing(), PublicURL: c.PublicURL,
	}
	if c.Limits {
		s.Rates = wire.DefaultRates()
	}
	return s
}

// SecBot is what the configuration says about the relay's own API.
func (c Config) SecBot() secbot.Config {
	return secbot.Config{
		MaxCryptoData: int(c.MaxCryptoData),
		MaxContent:    int(c.MaxContent),
		MaxBody:       max(c.MaxBody, 0),
		PageEntries:   c.PageEntries,
		PageBytes:     int(c.PageBytes),
		LongPoll:      c.LongpollTimeout,
		Registration:  c.Registration,
	}
}

// ForSAMA is what the configuration says about SAMA, which knows no invites.
func (c Config) ForSAMA() sama.Options {
	o := c.SAMA
	if o.Dialect == "auto" {
		o.Dialect = ""
	}
	o.MaxFile, o.FileQuota = c.MaxFile, c.FileQuota
	if o.Registration = c.Registration; o.Registration == "invite" {
		o.Registration = "closed"
	}
	return o
}

// ForDishIs is what the configuration says about DishIs; trusting is what its
// listener for old clients serves.
func (c Config) ForDishIs(trusting bool) dishis.Options {
	o := c.DishIs
	o.Registration, o.MaxFile, o.Trusting = c.Registration, c.MaxFile/2, trusting
	return o
}

// ForJetico is what the configuration says about Jetico Messenger.
func (c Config) ForJetico() jetico.Options {
	o := c.Jetico
	// Where the operator passes the codes on himself, they are the invites.
	o.Closed = c.Registration == "closed" || c.Registration == "invite" && c.CodeCommand != ""
	if o.MaxFile, o.FileQuota = c.MaxFile, c.FileQuota; !c.Limits {
		o.Requests = -1
	}
	return o
}

// ForChatalot is what the configuration says about Chatalot.
func (c Config) ForChatalot(version string) chatalot.Options {
	o := c.Chatalot
	if o.Registration = c.Registration; o.Registration == "invite" {
		o.Registration = "invite_only"
	}
	o.MaxFile, o.UploadQuota, o.KeepAddresses, o.NoLimits, o.Version = c.MaxFile, c.FileQuota, c.KeepAddresses, !c.Limits, version
	return o
}
