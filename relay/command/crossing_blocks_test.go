package command_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A refusal is how something failed that might have.
type refusal string

// An attempting test goes on when what it attempts fails.
type attempting struct{ testing.TB }

func (a attempting) Fatal(args ...any)                 { panic(refusal(fmt.Sprint(args...))) }
func (a attempting) Fatalf(format string, args ...any) { panic(refusal(fmt.Sprintf(format, args...))) }

// attempt has a person do something, and returns how it failed, "" if it did not.
func attempt(p person, do func()) (why refusal) {
	c := p.self()
	t := c.t
	c.t = attempting{t}
	defer func() {
		c.t = t
		if got := recover(); got != nil {
			r, ok := got.(refusal)
			if !ok {
				panic(got)
			}
			why = r
		}
	}()
	do()
	return ""
}

// Whoever has blocked somebody gets nothing from him, whatever either uses, and
// whether they had written to each other or not.
func TestCrossing_Blocks(t *testing.T) {
	r := start(t, newState(t), "--limits", "off")
	for _, from := range families {
		for _, to := range families {
			if to.name == "secbot" {
				continue // where nobody blocks anybody
			}
			for _, met := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s, met: %v", from.name, to.name, met), func(t *testing.T) {
					wantBlocked(t, r, from.make(client{t: t}), to.make(client{t: t}), met)
				})
			}
		}
	}
}

func wantBlocked(t *testing.T, r *running, a, b person, met bool) {
	a.join(r)
	b.join(r)
	a.listen()
	b.listen()
	var want []string
	if met {
		hello := a.seal("hello")
		a.write(b, hello)
		b.hear(a, b.shows(hello, a))
		want = append(want, b.shows(hello, a))
	}
	b.block(a)
	why := attempt(a, func() { a.write(b, a.seal("let me in")) })
	if why == "" {
		t.Error("it was taken")
	}
	if _, mails := a.(*mailer); mails && !strings.Contains(string(why), ": 404 ") {
		t.Errorf("SecBot heard %q, want a 404", why)
	}
	var got []string
	if attempt(b, func() { got = b.read(a) }) == "" {
		if got = sealed(got, []string{b.shows(a.seal("let me in"), a), b.shows(a.seal("hello"), a)}); !slices.Equal(got, want) {
			t.Errorf("held: %q, want %q", got, want)
		}
	}
}
