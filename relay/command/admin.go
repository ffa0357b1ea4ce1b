package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"restante/relay"
)

// ServeAdmin opens the admin socket in the state directory, for the user who
// runs the relay and for root, and serves it until stop is called.
func (c Config) ServeAdmin(r *Running, log zerolog.Logger) (stop func(), err error) {
	if err := c.removeCopies(); err != nil {
		return nil, fmt.Errorf("old copies: %w", err)
	}
	l, err := listenUnix(c.adminPath(), 0o600)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	// What this server has to say about connections names addresses.
	s := &http.Server{Handler: r.admin(c.State), ErrorLog: stdlog.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(ownersOnly{l}); !errors.Is(err, http.ErrServerClosed) {
			log.Error().Err(err).Msg("the admin socket failed")
		}
	}()
	return func() {
		// Whoever is being answered (a backup, a profile) is cut off: stopping is
		// more urgent, and the other end sees that the answer is not whole.
		_ = s.Close()
		<-done
	}, nil
}

// admin is what the admin socket serves. No other listener has any of it.
func (r *Running) admin(dir string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", r.serveMetrics)
	mux.HandleFunc("GET /stats", r.serveStats)
	mux.HandleFunc("POST /invite", r.serveInvite)
	mux.HandleFunc("GET /codes", r.serveCodes)
	mux.HandleFunc("POST /account", r.serveAccount)
	mux.HandleFunc("POST /backup", func(w http.ResponseWriter, q *http.Request) { r.serveBackup(w, q, dir) })
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

func (r *Running) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_ = writeMetrics(w, r.Metrics()) // the other end has gone
}

func (r *Running) serveStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(r.Metrics()) // the other end has gone
}

func (r *Running) serveInvite(w http.ResponseWriter, q *http.Request) {
	uses, err := strconv.Atoi(q.FormValue("uses"))
	if err != nil {
		http.Error(w, "uses is not a number", http.StatusBadRequest)
		return
	}
	expires, err := time.ParseDuration(q.FormValue("expires"))
	if err != nil {
		http.Error(w, "expires is not a duration", http.StatusBadRequest)
		return
	}
	code, err := r.invite(q.Context(), uses, expires)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprintln(w, code) // the other end has gone
}

// serveBackup sends a compacted copy of the store. The copy is made beside the
// store, so that it needs no rights elsewhere; its length goes ahead, so that
// the other end knows when it has all.
func (r *Running) serveBackup(w http.ResponseWriter, q *http.Request, dir string) {
	f, err := r.copyStore(q.Context(), dir)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	_, _ = io.Copy(w, f) // what is missing, the other end sees from the length
}

// copyPrefix begins the names of the directories in which copies are made.
const copyPrefix = "copy-"

// removeCopies removes what a process left that was killed while it copied.
func (c Config) removeCopies() error {
	left, err := os.ReadDir(c.State)
	for _, d := range left {
		if strings.HasPrefix(d.Name(), copyPrefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(c.State, d.Name())))
		}
	}
	return err
}

// copyStore returns a copy of the store as an open file that has no name any
// more, so that it is gone when it is closed, or the process is.
func (r *Running) copyStore(ctx context.Context, dir string) (*os.File, error) {
	scratch, err := os.MkdirTemp(dir, copyPrefix)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(scratch)
	path := filepath.Join(scratch, "restante.db")
	if err := r.store.Backup(ctx, path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// ownersOnly accepts connections of our own user and of root, where the system
// tells whose they are; elsewhere the mode of the socket file has to do.
type ownersOnly struct{ net.Listener }

func (l ownersOnly) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil || ownPeer(conn) {
			return conn, err
		}
		_ = conn.Close() // a stranger; nothing was said yet
	}
}

// invite makes a code for so many registrations.
func (r *Running) invite(ctx context.Context, uses int, expires time.Duration) (code string, err error) {
	err = r.relay.Update(ctx, func(tx *relay.Tx) (err error) {
		code, err = tx.NewInvite(uses, expires)
		return err
	})
	return code, err
}
