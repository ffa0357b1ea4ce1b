package command

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/rs/zerolog"

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
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Once the first signal is taken, the next one finds its default action.
	context.AfterFunc(ctx, stop)
	paceCollector(ctx)
	return e.inUse(e.Program.Serve(ctx, e.Config, e.newLog(e.Err)))
}

// checkTogether refuses settings that contradict each other.
func (c Config) checkTogether() error {
	for _, address := range c.TrustProxy {
		if !slices.Contains(c.Listen, address) {
			return usagef("--trust-proxy: %q is none of the --listen addresses", address)
		}
	}
	if c.MaxBody != auto && c.MaxBody < c.MaxContent {
		return usagef("--max-body: %d is less than --max-content %d", c.MaxBody, c.MaxContent)
	}
	return nil
}

// Announce tells on stderr where the relay answers, and how to try it.
func (c Config) Announce(all []Listener) {
	for _, l := range all {
		fmt.Fprintf(os.Stderr, "restante: serving on %s; try: %s\n", l.Addr(), l.tryLine())
	}
}
