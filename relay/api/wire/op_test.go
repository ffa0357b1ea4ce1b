package wire

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/relaytest"
)

// A panic stays in its request: the caller gets an internal error, the
// connection lives on, and the log has the row's name and nothing else.
func TestService_PanicStaysInItsRequest(t *testing.T) {
	const secret = "planted-4c1d"
	var log relaytest.Log
	boom := func(*Call, *relay.Tx, toyIn) (None, error) { panic(errors.New(secret)) }
	ty := serveToy(t, &Service{Log: zerolog.New(&log).Level(zerolog.TraceLevel)}, ServeOptions{}, Door{},
		Row("POST /read", User, Read(boom), ""), Row("POST /write", User, Write(boom), ""),
		Row("POST /wait", User, Free(func(*Call, *relay.Relay, toyIn) (*Wait, error) {
			return &Wait{Until: soon(), Arm: func(ring func()) { ring() }, Done: func() {},
				Check: func() ([]byte, bool, error) { panic(secret) }}, nil
		}), ""),
		Row("POST /fault", User, Free(func(*Call, *relay.Relay, toyIn) (*Wait, error) {
			return &Wait{Until: soon(), Arm: func(ring func()) { ring() }, Done: func() {},
				Check: func() ([]byte, bool, error) { return nil, false, io.ErrUnexpectedEOF }}, nil
		}), ""),
		Row("POST /echo", User, Write(toyEcho), ""))
	id := ty.account(secret + "-token")
	c := ty.call(ty.tcp)
	body := `{"text":"` + secret + `","token":"` + secret + `-token"}`
	for _, path := range []string{"/read", "/write", "/wait", "/fault"} {
		resp := ty.on(c, path, body)
		wantStatus(t, resp, 500)
		if got := text(t, resp); got != "internal error" && path != "/wait" {
			t.Errorf("%s: %q", path, got)
		}
		wantStatus(t, ty.on(c, "/echo", body), 200)
	}
	got := log.String()
	for _, row := range []string{`"POST /read"`, `"POST /write"`, `"POST /fault"`} {
		if !bytes.Contains([]byte(got), []byte(row)) {
			t.Errorf("the log does not name %s", row)
		}
	}
	for _, hidden := range []string{secret, hex.EncodeToString([]byte(secret)), id.String(), base64.StdEncoding.EncodeToString(id[:]), "127.0.0.1"} {
		if bytes.Contains([]byte(got), []byte(hidden)) {
			t.Errorf("the log has %q:\n%s", hidden, got)
		}
	}
}

// A blocker holds the store's one writer.
type blocker struct {
	held, release chan struct{}
	ended         chan error
}

// block runs fn in an update that ends when it is released.
func (ty *toy) block(fn func(*relay.Tx) error) *blocker {
	b := &blocker{make(chan struct{}), make(chan struct{}), make(chan error, 1)}
	go func() {
		b.ended <- ty.r.Update(context.Background(), func(tx *relay.Tx) error {
			close(b.held)
			<-b.release
			return fn(tx)
		})
	}()
	<-b.held
	return b
}

func (b *blocker) end(t *testing.T) {
	t.Helper()
	close(b.release)
	if err := <-b.ended; err != nil {
		t.Fatal(err)
	}
}

// Who was let in by the first look is looked at again in the transaction that
// acts: a token revoked between the two is worth nothing.
func TestService_CallerIsCheckedInItsTransaction(t *testing.T) {
	var ran atomic.Int64
	ty := serveToy(t, &Service{Rates: &Rates{}}, ServeOptions{}, Door{},
		Row("POST /write", User, Write(func(*Call, *relay.Tx, toyIn) (None, error) { ran.Add(1); return None{}, nil }), ""),
		Row("POST /free", User, Free(func(c *Call, _ *relay.Relay, in toyIn) (None, error) {
			return None{}, c.Update(func(*relay.Tx) error { ran.Add(1); return nil })
		}), ""))
	for _, path := range []string{"/write", "/free"} {
		ty.account("key" + path)
		b := ty.block(func(tx *relay.Tx) error { return tx.Revoke("key" + path) })
		c := ty.call(ty.tcp)
		c.ask(path, `{"text":"x","token":"key`+path+`"}`)
		waitFor(t, func() bool { return ty.svc.turns.inLine() == 1 }) // it has been let in
		b.end(t)
		c.want(401, "unauthorized")
		if n := ran.Load(); n != 0 {
			t.Errorf("%s: the handler ran", path)
		}
	}
}

func (t *Turns) inLine() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// Eight writes of one account wait at a time; the ninth is refused, and nobody
// else is.
func TestService_NinthWriteIsRefused(t *testing.T) {
	ty := serveToy(t, &Service{Rates: &Rates{}}, ServeOptions{}, Door{}, Row("POST /echo", User, Write(toyEcho), ""),
		Row("POST /read", User, Read(toyEcho), ""))
	ty.account("alice")
	ty.account("bob")
	b := ty.block(func(*relay.Tx) error { return nil })
	var waiting []*caller
	for range 8 {
		c := ty.call(ty.tcp)
		c.ask("/echo", `{"text":"x","token":"alice"}`)
		waiting = append(waiting, c)
	}
	waitFor(t, func() bool { return ty.svc.turns.inLine() == 8 })
	resp := ty.post("/echo", `{"text":"x","token":"alice"}`)
	wantStatus(t, resp, 429)
	wantRetryAfter(t, resp)
	wantStatus(t, ty.post("/read", `{"text":"x","token":"alice"}`), 200)
	c := ty.call(ty.tcp)
	c.ask("/echo", `{"text":"y","token":"bob"}`)
	waitFor(t, func() bool { return ty.svc.turns.inLine() == 9 })
	b.end(t)
	c.want(200, "y")
	for _, c := range waiting {
		c.want(200, "x")
	}
	wantStatus(t, ty.post("/echo", `{"text":"x","token":"alice"}`), 200)
}

func wantRetryAfter(t *testing.T, r *http.Response) {
	t.Helper()
	var n int
	s := r.Header.Get("Retry-After")
	if _, err := fmt.Sscanf(s, "%d", &n); err != nil || n < 1 || s != fmt.Sprint(n) {
		t.Errorf("Retry-After: %q", s)
	}
}

// A post that is stored is answered as stored, and a wait is waited, even where
// the account's first use cannot be noted; the next call notes it.
func TestService_FirstUseChangesNoAnswer(t *testing.T) {
	held := make(chan *Call, 1)
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{},
		Row("POST /remove", User, Write(func(c *Call, tx *relay.Tx, in toyIn) (string, error) {
			return in.Text, tx.RemoveAccount(c.Who.Account) // FirstUse will not find it
		}), ""),
		Row("POST /wait", User, Free(func(c *Call, r *relay.Relay, in toyIn) (*Wait, error) {
			err := r.Update(c.Context(), func(tx *relay.Tx) error { return tx.RemoveAccount(c.Who.Account) })
			return &Wait{Until: soon(), Arm: func(ring func()) { ring() }, Done: func() { held <- c },
				Check: func() ([]byte, bool, error) { return []byte("rung"), true, nil }}, err
		}), ""))
	for _, test := range []struct{ path, want string }{{"/remove", "x"}, {"/wait", "rung"}} {
		relaytest.Update(t, ty.r, func(tx *relay.Tx) error {
			a, err := tx.Register(relay.AccountDraft{Family: "toy", Mailbox: true, Expires: true})
			if err != nil {
				return err
			}
			return tx.Grant("key"+test.path, relay.Token{Account: a.ID, Family: "toy"})
		})
		resp := ty.post(test.path, `{"text":"x","token":"key`+test.path+`"}`)
		wantStatus(t, resp, 200)
		if got := text(t, resp); got != test.want {
			t.Errorf("%s: %q", test.path, got)
		}
	}
	<-held
}
