package wire

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// A toy is a family served for a test: its relay, its service, its server.
type toy struct {
	*served
	r   *relay.Relay
	svc *Service
}

// toyIn is what the toy family's rows take.
type toyIn struct {
	Token string   `json:"token"`
	Text  string   `json:"text"`
	Since int64    `json:"since"`
	List  []string `json:"list"`
	Sub   *struct {
		Small int8 `json:"small"`
	} `json:"sub"`
}

func (in toyIn) caller() string { return in.Token }

func (in *toyIn) Check() error {
	if in.Text == "" {
		return MissingField("text")
	}
	return nil
}

var toyStatus = map[relay.Code]int{
	relay.Invalid: 400, relay.Unauthorized: 401, relay.Forbidden: 403, relay.NotFound: 404, relay.Conflict: 409,
	relay.TooLarge: 413, relay.TooMany: 429, relay.Full: 507, relay.Busy: 503, relay.Internal: 500,
}

var toyDialect = Dialect{
	Claim: func(_ *Call, in any) (relay.Claim, error) {
		return relay.Claim{Secret: in.(interface{ caller() string }).caller()}, nil
	},
	Fail: func(_ *Call, err *relay.Error) Reply { return Reply{Status: toyStatus[err.Code], Body: err.Text} },
}

// serveToy serves rows of the test's own. Bodies are 1,000 bytes at most, and
// whatever happens, the purse is full again at the end.
func serveToy(t *testing.T, svc *Service, o ServeOptions, d Door, ops ...Op) *toy {
	t.Helper()
	ty := &toy{r: relaytest.New(t, relay.Options{}), svc: svc}
	svc.Relay = ty.r
	if svc.Purse == nil {
		svc.Purse = NewPurse(1)
	}
	var h http.Handler
	t.Cleanup(func() { // after the server has stopped
		if n := svc.Purse.Taken(); n != 0 {
			t.Errorf("%d bytes were not given back", n)
		}
	})
	ty.served = serveTest(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }), o, d)
	svc.Server = ty.Server
	h = Family{Name: "toy", Ops: ops, Dialect: toyDialect, MaxBody: 1000}.Handler(svc)
	return ty
}

// account makes an account with a token, used already.
func (ty *toy) account(token string) relay.ID {
	ty.t.Helper()
	var a relay.Account
	relaytest.Update(ty.t, ty.r, func(tx *relay.Tx) (err error) {
		if a, err = tx.Register(relay.AccountDraft{Family: "toy", Mailbox: true}); err != nil {
			return err
		}
		return tx.Grant(token, relay.Token{Account: a.ID, Family: "toy"})
	})
	return a.ID
}

// post sends a body on a connection of its own.
func (ty *toy) post(path, body string) *http.Response {
	ty.t.Helper()
	return ty.on(ty.call(ty.tcp), path, body)
}

func (ty *toy) on(c *caller, path, body string, headers ...string) *http.Response {
	ty.t.Helper()
	c.ask(path, body, headers...)
	resp, got := c.answer()
	resp.Body = io.NopCloser(strings.NewReader(got))
	return resp
}

func (c *caller) ask(path, body string, headers ...string) {
	c.t.Helper()
	r, err := http.NewRequest("POST", "http://localhost"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	if err := r.Write(c); err != nil {
		c.t.Fatal(err)
	}
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantStatus(t *testing.T, r *http.Response, status int) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("got %d %q, want %d", r.StatusCode, text(t, r), status)
	}
}

func toyEcho(_ *Call, _ *relay.Tx, in toyIn) (string, error) { return in.Text, nil }

func TestService_BodyLimit(t *testing.T) {
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{}, Row("POST /echo", Anyone, Read(toyEcho), ""),
		Row("POST /none", Anyone, Read(func(*Call, *relay.Tx, None) (None, error) { return None{}, nil }), ""))
	body := func(n int) string { return `{"text":"` + strings.Repeat("x", n-len(`{"text":""}`)) + `"}` }
	for _, size := range []int{999, 1000, 1001, 100_000} {
		want := 200
		if size > 1000 {
			want = 413
		}
		for _, path := range []string{"/echo", "/none"} {
			wantStatus(t, ty.post(path, body(size)), want)
			c := ty.call(ty.unix)
			chunked := io.MultiReader(strings.NewReader(body(size)))
			r, err := http.NewRequest("POST", "http://localhost"+path, chunked)
			if err != nil {
				t.Fatal(err)
			}
			go r.Write(c) // may fail: it is refused in the middle
			if resp, got := c.answer(); resp.StatusCode != want {
				t.Errorf("%s, %d bytes in chunks: %d %q, want %d", path, size, resp.StatusCode, got, want)
			}
		}
	}
	c := ty.call(ty.tcp) // a body that ends too soon is nobody's
	c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"t\r\nno chunk\r\n")
	c.want(400, "body not received")
}

func TestService_EmptyPurse(t *testing.T) {
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{}, Row("POST /echo", Anyone, Read(toyEcho), ""))
	purse := ty.svc.Purse
	for _, left := range []int64{0, 10, 999} { // the last pays for the body and not for the answer
		all := purse.Size() - left
		if !purse.Take(all) {
			t.Fatal("the purse is not full")
		}
		c := ty.call(ty.tcp)
		resp := ty.on(c, "/echo", `{"text":"`+strings.Repeat("x", 800)+`"}`)
		wantStatus(t, resp, 503)
		if resp.Header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
		}
		purse.Give(all)
		wantStatus(t, ty.post("/echo", `{"text":"x"}`), 200)
	}
	// A body of unknown length is paid for as if it were the largest.
	if !purse.Take(purse.Size() - 999) {
		t.Fatal("the purse is not full")
	}
	c := ty.call(ty.tcp)
	c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	c.want(503, "busy")
	purse.Give(purse.Size() - 999)
}

// Every way out of a request gives back what it took; serveToy looks at the end,
// and here after each.
func TestService_PurseIsGivenBack(t *testing.T) {
	fails := func(err error) func(*Call, *relay.Tx, toyIn) (None, error) {
		return func(*Call, *relay.Tx, toyIn) (None, error) { return None{}, err }
	}
	panics := func(*Call, *relay.Tx, toyIn) (None, error) { panic("planted") }
	held := make(chan struct{}, 1)
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{},
		Row("POST /echo", User, Write(toyEcho), ""),
		Row("POST /fails", User, Write(fails(relay.Errorf(relay.Conflict, "", "no"))), ""),
		Row("POST /breaks", User, Read(fails(io.ErrUnexpectedEOF)), ""),
		Row("POST /readpanics", User, Read(panics), ""),
		Row("POST /writepanics", User, Write(panics), ""),
		Row("POST /freepanics", User, Free(func(*Call, *relay.Relay, toyIn) (None, error) { panic("planted") }), ""),
		Row("POST /unrenderable", User, Read(func(*Call, *relay.Tx, toyIn) (any, error) { return func() {}, nil }), ""),
		Row("POST /badpanic", User, Read(func(*Call, *relay.Tx, toyIn) (any, error) { return panicky{}, nil }), ""),
		Row("POST /waits", User, Free(func(c *Call, _ *relay.Relay, _ toyIn) (*Wait, error) {
			return &Wait{Until: time.Now().Add(time.Minute), Arm: func(func()) { held <- struct{}{} }, Done: func() {}}, nil
		}), ""))
	ty.account("key")
	for _, test := range []struct {
		path, body string
		status     int
	}{
		{"/echo", `{"text":"x","token":"key"}`, 200},
		{"/echo", `{"text":"x","token":"other"}`, 401},
		{"/echo", `{"text":`, 400},
		{"/echo", `{"token":"key"}`, 400},
		{"/echo", strings.Repeat("x", 2000), 413},
		{"/nowhere", `{"text":"x"}`, 404},
		{"/fails", `{"text":"x","token":"key"}`, 409},
		{"/breaks", `{"text":"x","token":"key"}`, 500},
		{"/readpanics", `{"text":"x","token":"key"}`, 500},
		{"/writepanics", `{"text":"x","token":"key"}`, 500},
		{"/freepanics", `{"text":"x","token":"key"}`, 500},
		{"/unrenderable", `{"text":"x","token":"key"}`, 500},
		{"/badpanic", `{"text":"x","token":"key"}`, 500},
	} {
		t.Run(test.path, func(t *testing.T) {
			wantStatus(t, ty.post(test.path, test.body), test.status)
			waitFor(t, func() bool { return ty.svc.Purse.Taken() == 0 }) // the answer may overtake it
		})
	}
	c := ty.call(ty.tcp)
	c.ask("/waits", `{"text":"x","token":"key"}`)
	<-held
	waitFor(t, func() bool { return ty.svc.Purse.Taken() == 0 })
	ty.Shutdown(context.Background())
	c.want(200, "")
}

// panicky panics while it is rendered.
type panicky struct{}

func (panicky) MarshalJSON() ([]byte, error) { panic("planted") }
