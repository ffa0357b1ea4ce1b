// Restante keeps sealed messages until they are collected.
//
// This file is the table of contents: what runs, and in which order it starts
// and stops. The command line is in relay/command.
package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/api/secbot"
	"restante/relay/api/wire"
	"restante/relay/command"
	"restante/storage"
)

// version is set by the linker when a release is built.
var version = "development"

func main() {
	os.Exit(command.Main(context.Background(), os.Args[1:], command.Program{
		Version:  version,
		Serve:    run,
		Families: families,
	}))
}

// families returns what is served, a line each.
func families(cfg command.Config) []wire.Family {
	return []wire.Family{
		secbot.Family(cfg.SecBot()),
	}
}

// run opens, builds, mounts and serves until ctx ends; then it stops in the
// reverse order, so that nothing is lost: waiters get their answers, running
// requests finish, the relay's own work ends, the store is closed last.
func run(ctx context.Context, cfg command.Config, log zerolog.Logger) (err error) {
	store, err := storage.Open(cfg.StorePath(), cfg.StorageOptions())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	post, err := relay.New(store, cfg.RelayOptions(log))
	if err != nil {
		return err
	}
	defer post.Close()

	// The server parks waiters for the families, which it serves: one of the two
	// has to come first.
	var mounted http.Handler
	server := wire.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		mounted.ServeHTTP(w, q)
	}), cfg.ServeOptions())
	service := cfg.Service(post, server, log)
	var requests atomic.Int64
	service.Reached = func(string) { requests.Add(1) }
	for _, f := range families(cfg) {
		mounted = f.Handler(service)
	}

	running := command.Running{Store: store, Relay: post, Server: server, Service: service, Requests: requests.Load, Began: time.Now()}
	stopAdmin, err := cfg.ServeAdmin(running, log)
	if err != nil {
		return err
	}
	defer stopAdmin()
	listeners, err := cfg.OpenListeners()
	if err != nil {
		return err
	}
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- server.ServeDoor(l, wire.Door{TrustProxy: l.TrustProxy}) }()
	}
	cfg.Announce(listeners)

	select {
	case err = <-failed: // never without a reason while nobody has stopped it
	case <-ctx.Done():
		log.Info().Msg("stopping")
	}
	return errors.Join(err, server.Shutdown(context.Background()))
}
