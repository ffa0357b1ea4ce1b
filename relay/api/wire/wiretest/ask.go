package wiretest

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// A pending is a request whose answer no line has heard yet.
type pending struct {
	at   string
	done chan struct{} // closed when the rest is set

	resp *http.Response
	body []byte
	err  error
}

func (q *pending) answered() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// ask sends a request. If other lines come before its answer, it has to be
// waiting when ask returns.
func (p *player) ask(c *client, s step, later []step) error {
	if c.pending != nil {
		return fmt.Errorf("%s has not heard the answer to %s yet", c.name, c.pending.at)
	}
	q := &pending{at: s.at, done: make(chan struct{})}
	req, err := p.request(s)
	if err != nil {
		return err
	}
	c.pending = q
	go func() {
		defer close(q.done)
		if q.resp, q.err = c.http.Do(req); q.err == nil {
			defer q.resp.Body.Close()
			q.body, q.err = io.ReadAll(q.resp.Body)
		}
	}()
	if len(later) == 0 || later[0].client == s.client && later[0].kind == answer {
		return nil
	}
	if err := p.settle(s.method + " " + s.path); err != nil {
		return err
	}
	if q.answered() {
		return fmt.Errorf("%s %s did not wait: %s", s.method, s.path, q.describe())
	}
	return nil
}

// request makes the request of a line.
func (p *player) request(s step) (*http.Request, error) {
	path, err := p.vars.expand(s.path)
	if err != nil {
		return nil, err
	}
	text, err := p.vars.expand(s.body.text)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(p.ctx, s.method, p.url+path, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	if s.body.form != none {
		req.Header.Set("Content-Type", "application/json")
	}
	headers, err := p.headers(s)
	for name, values := range headers {
		req.Header[name] = values
	}
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	return req, err
}

func (p *player) headers(s step) (http.Header, error) {
	list := http.Header{}
	for _, h := range s.headers {
		v, err := p.vars.expand(h.value)
		if err != nil {
			return nil, err
		}
		list.Add(h.name, v)
	}
	return list, nil
}

// hear compares the answer that came, or comes, with the line.
func (p *player) hear(c *client, s step) error {
	q := c.pending
	if q == nil {
		return fmt.Errorf("%s has asked nothing", c.name)
	}
	select {
	case <-q.done:
	case <-time.After(p.patience):
		return fmt.Errorf("no answer to %s within %v", q.at, p.patience)
	}
	c.pending = nil
	if q.err != nil {
		return q.err
	}
	if err := p.matches(s, q); err != nil {
		return fmt.Errorf("%w\n\tthe answer to %s was %s", err, q.at, q.describe())
	}
	return nil
}

// matches compares status, headers and body.
func (p *player) matches(s step, q *pending) error {
	if q.resp.StatusCode != s.status {
		return fmt.Errorf("got status %d, want %d", q.resp.StatusCode, s.status)
	}
	typed := false
	for _, h := range s.headers {
		typed = typed || strings.EqualFold(h.name, "Content-Type")
		if err := p.matchHeader(h, q.resp.Header); err != nil {
			return err
		}
	}
	if !typed {
		if err := contentType(s.body.form, q.resp.Header.Get("Content-Type")); err != nil {
			return err
		}
	}
	return p.matchBody(s.body, q.body)
}

func (p *player) matchHeader(h header, got http.Header) error {
	values := got.Values(h.name)
	switch {
	case h.value == "none" && len(values) == 0:
		return nil
	case len(values) == 0:
		return fmt.Errorf("header %s is missing", h.name)
	case h.value == "_":
		return nil
	}
	if err := p.vars.matchString(h.value, strings.Join(values, ", "), true); err != nil {
		return fmt.Errorf("header %s: %w", h.name, err)
	}
	return nil
}

// contentType checks the type that a form of body goes without saying.
func contentType(f form, got string) error {
	want, ok := map[form]string{plain: "application/json", text: "text/plain"}[f]
	if !ok {
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(got); kind != want {
		return fmt.Errorf("header Content-Type: got %q, want %s", got, want)
	}
	return nil
}

func (p *player) matchBody(want body, got []byte) error {
	switch want.form {
	case anybody:
		return nil
	case empty:
		if len(got) > 0 {
			return fmt.Errorf("got %s, want no body", quote(string(got)))
		}
		return nil
	case plain:
		return p.vars.matchJSON(want.text, got)
	}
	return p.vars.matchString(want.text, string(got), true)
}

// describe prints an answer.
func (q *pending) describe() string {
	if q.err != nil {
		return q.err.Error()
	}
	return fmt.Sprintf("%d %s", q.resp.StatusCode, clip(string(q.body)))
}
