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

	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/api/chatalot"
	"restante/relay/api/dishis"
	"restante/relay/api/jetico"
	"restante/relay/api/sama"
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

// families returns what is served, a line each; the first is at the root.
func families(cfg command.Config) []wire.Family {
	return []wire.Family{
		secbot.Family(cfg.SecBot()),
		sama.Family(cfg.ForSAMA()),
		dishis.Family(cfg.ForDishIs(false)),
		jetico.Family(cfg.ForJetico()),
		chatalot.Family(cfg.ForChatalot(version)),
	}
}

// mount puts the families together: the first at the root, the others below
// their names. Each is served alone, too, on listeners of its own, and one of
// them in a way that is for such a listener only.
func mount(cfg command.Config, served []wire.Family, service *wire.Service) (all http.Handler, alone map[string]http.Handler) {
	alone = map[string]http.Handler{}
	var below []wire.Mount
	for i, f := range served {
		h := f.Handler(service)
		alone[f.Name] = h
		if i > 0 {
			below = append(below, wire.Mount{Prefix: "/" + f.Name, Handler: h})
		}
	}
	alone["dishis-trusting"] = dishis.Family(cfg.ForDishIs(true)).Handler(service)
	return wire.Mounted(alone[served[0].Name], below...), alone
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

	server := wire.NewServer(http.NotFoundHandler(), cfg.ServeOptions())
	service := cfg.Service(post, server, log)
	served := families(cfg)
	running := command.NewRunning(store, post, server, service, served)
	all, alone := mount(cfg, served, service)

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
		h := all
		if l.Family != "" {
			h = alone[l.Family]
		}
		go func() { failed <- server.ServeDoor(l, wire.Door{Handler: h, TrustProxy: l.TrustProxy}) }()
	}
	cfg.Announce(listeners)

	select {
	case err = <-failed: // never without a reason while nobody has stopped it
	case <-ctx.Done():
		log.Info().Msg("stopping")
	}
	if server.Shutdown(context.Background()) != nil {
		log.Warn().Msg("some requests took too long and were cut off")
	}
	return err
}
