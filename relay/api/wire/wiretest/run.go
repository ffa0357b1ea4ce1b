package wiretest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// Run plays every transcript (*.txt) in dir against fam, each on a relay of its
// own, and fails for every row of the family's table that none of them reaches.
func Run(t *testing.T, fam wire.Family, dir string) {
	t.Helper()
	RunWith(t, func(*Settings) wire.Family { return fam }, dir)
}

// RunWith is Run for a family that a story's settings may configure.
func RunWith(t *testing.T, family func(*Settings) wire.Family, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts in %s: %v", dir, err)
	}
	reached := &reached{rows: map[string]bool{}}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			reached.played()
			st, err := load(file)
			if err != nil {
				t.Fatal(err)
			}
			w, err := open(t, family, st.settings, reached.row)
			if err != nil {
				t.Fatal(err)
			}
			if err := play(w, st); err != nil {
				t.Fatal(err)
			}
		})
	}
	if t.Failed() || reached.files != len(files) {
		return // -run chose some of them, or there is worse to report
	}
	for _, row := range reached.missing(family(&Settings{})) {
		t.Errorf("no transcript in %s reaches %s", dir, row)
	}
}

func load(file string) (*story, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parse(file, string(src))
}

// reached counts the rows that stories reach.
type reached struct {
	mu    sync.Mutex
	rows  map[string]bool // guarded by mu
	files int             // guarded by mu
}

func (r *reached) row(op string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[op] = true
}

func (r *reached) played() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files++
}

// missing returns the rows of a family that were not reached.
func (r *reached) missing(fam wire.Family) (rows []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, op := range fam.Ops {
		if !r.rows[op.Name] {
			rows = append(rows, op.Name)
		}
	}
	return rows
}

// open starts a relay and a server for one story, and stops them when the test
// ends.
func open(t testing.TB, family func(*Settings) wire.Family, list []setting, row func(string)) (world, error) {
	set := newSettings(list)
	c := &relaytest.Clock{}
	r := relaytest.New(t, set.relay(c))
	var mounted http.Handler // the server parks for the family, which it serves
	origins := set.origins()
	srv := wire.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { mounted.ServeHTTP(w, q) }), wire.ServeOptions{Origins: func(*http.Request) []string { return origins }})
	fam := family(set)
	fam.MaxBody = int64(set.Int("max-body", int(fam.MaxBody)))
	svc := &wire.Service{
		Relay: r, Server: srv, Reached: row, Rates: set.rates(), Waiters: wire.NewWaiters(set.Int("waiters", 0)),
		Codes: wire.NewCodes(""), Outgoing: wire.NewOutgoing(wire.OutgoingOptions{Private: true}),
	}
	mounted = fam.Handler(svc)
	if err := set.unknown(); err != nil {
		return world{}, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return world{}, err
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	t.Cleanup(func() {
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	rung, err := bell(r)
	return world{
		url:      "http://" + ln.Addr().String(),
		watching: r.Hub().Watching,
		rung:     rung,
		advance:  func(d time.Duration) error { c.Advance(d); return r.RunDue(context.Background()) },
		invite:   func() (string, error) { return invite(r) },
		code:     func(purpose string) (string, error) { return code(svc.Codes, c.Now(), purpose) },
		do: func(name string, words []string) (string, error) {
			if set.do[name] == nil {
				return "", fmt.Errorf("no such directive: %q", name)
			}
			return set.do[name](r, words...)
		},
		patience: patience,
	}, err
}

// patience is how long an answer may take before it counts as missing.
const patience = 10 * time.Second

// bell returns a function that returns when the bell has rung for everything
// committed before it was called: it commits an entry of its own and waits for
// that, since the bell rings in the order of commits.
func bell(r *relay.Relay) (rung func() error, err error) {
	var box relay.BoxID
	err = r.Update(context.Background(), func(tx *relay.Tx) (err error) {
		box, err = tx.NewBox(relay.Owner{Kind: relay.OwnerAccount, ID: relay.NewID()})
		return err
	})
	watch := r.Hub().Watch(box)
	return func() error {
		err := r.Update(context.Background(), func(tx *relay.Tx) error {
			_, err := tx.Append(box, relay.Draft{Lane: relay.Events, Kind: "bell"})
			return err
		})
		if err == nil {
			<-watch.C()
			watch.Moved()
		}
		return err
	}, err
}

// code returns the latest code for a purpose that waits to be shown.
func code(codes *wire.Codes, now time.Time, purpose string) (got string, err error) {
	err = fmt.Errorf("no code for %q waits", purpose)
	for _, c := range codes.Pending(now) {
		if c.Key.Purpose == purpose {
			got, err = c.Code, nil
		}
	}
	return got, err
}

func invite(r *relay.Relay) (code string, err error) {
	err = r.Update(context.Background(), func(tx *relay.Tx) (err error) {
		code, err = tx.NewInvite(1, time.Hour)
		return err
	})
	return code, err
}

// unknown fails for the settings that nobody has asked for.
func (s *Settings) unknown() error {
	if s.err != nil {
		return s.err
	}
	for _, x := range s.list {
		if !slices.Contains(s.used, x.key) {
			return fmt.Errorf("%s: no such setting: %s", x.line, x.key)
		}
	}
	return nil
}
