package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/rs/zerolog"

	"restante/relay/api/sama"
	"restante/relay/api/wire"
)

// A Program is what the command line starts; main.go fills it in.
type Program struct {
	Version string
	// Serve runs the relay until ctx ends, then stops it in order.
	Serve func(ctx context.Context, c Config, log zerolog.Logger) error
	// Families are the message APIs that Serve serves, in the order in which
	// they are listed.
	Families func(c Config) []wire.Family
}

// serve runs the relay until it is told to stop.
func serve(ctx context.Context, e *Env) error {
	if err := e.checkTogether(); err != nil {
		return err
	}
	if err := harden(); err != nil {
		return fmt.Errorf("cannot switch off core files: %w", err)
	}
	if err := e.makeState(); err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	paceCollector(ctx)
	return e.inUse(e.Program.Serve(ctx, e.Config, e.newLog(e.Err)))
}

// untilSignal returns a context that the first signal to stop ends. By then the
// next one finds its default action, so nobody sees the end and is not heard.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-caught:
		case <-ctx.Done():
		}
		signal.Stop(caught)
		cancel()
	}()
	return ctx, cancel
}

// checkTogether refuses settings that contradict each other.
func (c Config) checkTogether() error {
	for _, address := range c.TrustProxy {
		if !slices.ContainsFunc(c.places(), func(p place) bool { return p.address == address }) {
			return usagef("--trust-proxy: %q is none of the --listen addresses", address)
		}
	}
	if onion := func(name string) bool { return strings.HasSuffix(name, ".onion") }; c.Outgoing == "on" && slices.ContainsFunc(c.names(), onion) {
		return usagef("--outgoing: a hidden service asks other servers through a proxy only, such as socks5://127.0.0.1:9050")
	}
	if err := sama.CheckVAPID(c.SAMA.VAPIDKey, c.SAMA.VAPIDSubject); err != nil {
		return usagef("--sama-vapid-key: %v", err)
	}
	if c.MaxBody != auto && c.MaxBody < c.MaxContent {
		return usagef("--max-body: %d is less than --max-content %d", c.MaxBody, c.MaxContent)
	}
	return nil
}

// Announce tells on stderr where the relay answers, and how to try it.
func (c Config) Announce(all []Listener) {
	for _, l := range all {
		if l.Family != "" {
			fmt.Fprintf(os.Stderr, "restante: serving %s on %s\n", l.Family, l.Addr())
			continue
		}
		fmt.Fprintf(os.Stderr, "restante: serving on %s; try: %s\n", l.Addr(), l.tryLine())
	}
}
