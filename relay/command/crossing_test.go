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

// Somebody is let into a room of another family: he finds it among his own, in
// his own form, reads what is written there and writes.
func TestCrossing_Rooms(t *testing.T) {
	r := start(t, newState(t), "--limits", "off")
	for _, home := range families {
		for _, guest := range families {
			t.Run(guest.name+" in a room of "+home.name, func(t *testing.T) {
				a, b := home.make(client{t: t}), guest.make(client{t: t})
				a.join(r)
				b.join(r)
				a.listen()
				b.listen()
				there := a.gather(b)
				here := there // an open group is found by whoever knows its id
				switch {
				case home.name != "secbot":
					here = b.room()
				case guest.name == "jetico":
					here = uuidOf(there)
				}
				hello, answer := a.seal("welcome"), b.seal("thanks")
				a.post(there, hello)
				if home.name != "secbot" || guest.name == "secbot" {
					b.catch(here, b.shows(hello, a))
				}
				b.post(here, answer)
				a.catch(there, a.shows(answer, b))
				for _, v := range []struct {
					who  person
					room string
					want []string
				}{
					{a, there, []string{a.shows(hello, a), a.shows(answer, b)}},
					{b, here, []string{b.shows(hello, a), b.shows(answer, b)}},
				} {
					if got := v.who.posted(v.room); !slices.Equal(sealed(got, v.want), v.want) {
						t.Errorf("the room holds %q, want %q", got, v.want)
					}
				}
			})
		}
	}
}

// sealed leaves out what nobody wrote: each family words its notices itself.
func sealed(got, want []string) []string {
	return slices.DeleteFunc(slices.Clone(got), func(body string) bool { return !slices.Contains(want, body) })
}
