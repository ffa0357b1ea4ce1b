package command_test

import (
	"fmt"
	"slices"
	"testing"
)

// families are the kinds of people there are.
var families = []struct {
	name string
	make func(client) person
}{
	{"secbot", func(c client) person { return &mailer{client: c} }},
	{"sama", func(c client) person { return &samaUser{client: c} }},
	{"dishis", func(c client) person { return &dishisUser{client: c} }},
	{"jetico", func(c client) person { return &jeticoUser{client: c} }},
	{"chatalot", func(c client) person { return &chatalotUser{client: c} }},
}

// A pair is two people who have written to each other.
type pair struct {
	name          string
	a, b          person
	hello, answer string // as they were sent
}

// Whoever writes to whom: it is told live, answered, and there after a restart,
// byte for byte.
func TestCrossing_DirectMessages(t *testing.T) {
	state := newState(t)
	r := start(t, state, "--limits", "off")
	var pairs []*pair
	for _, from := range families {
		for _, to := range families {
			p := &pair{name: from.name + " to " + to.name}
			if t.Run(p.name, func(t *testing.T) { p.meet(t, r, from.make, to.make) }) {
				pairs = append(pairs, p)
			}
		}
	}
	r.stop()
	again := start(t, state, "--limits", "off")
	for _, p := range pairs {
		t.Run(p.name+", after a restart", func(t *testing.T) {
			for _, who := range []person{p.a, p.b} {
				who.move(t, again)
				who.listen()
			}
			wantHeld(t, p.b, p.a, p.b.shows(p.hello, p.a))
			wantHeld(t, p.a, p.b, p.a.shows(p.answer, p.b))
		})
	}
}

// meet has two people register, and write to each other while both listen.
func (p *pair) meet(t *testing.T, r *running, first, second func(client) person) {
	p.a, p.b = first(client{t: t}), second(client{t: t})
	p.a.join(r)
	p.b.join(r)
	p.a.listen()
	p.b.listen()
	p.hello, p.answer = p.a.seal(fmt.Sprintf("hello, %s, é", p.name)), p.b.seal("and back")
	p.a.write(p.b, p.hello)
	p.b.hear(p.a, p.b.shows(p.hello, p.a))
	p.b.write(p.a, p.answer)
	p.a.hear(p.b, p.a.shows(p.answer, p.b))
}

func wantHeld(t *testing.T, p, with person, body string) {
	t.Helper()
	if got := p.read(with); !slices.Contains(got, body) {
		t.Errorf("held: %q, want %q among it", got, body)
	}
}
