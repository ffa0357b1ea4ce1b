package command_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// With the doors between the families shut nobody reaches or sees anybody of
// another, nor can tell him from somebody who does not exist; also where they had
// met before.
func TestCrossing_Off(t *testing.T) {
	state := newState(t)
	r := start(t, state, "--limits", "off")
	var met []person
	for _, f := range families {
		p := f.make(client{t: t})
		p.join(r)
		p.listen()
		met = append(met, p)
	}
	rooms := map[string]string{} // by the family that they are at home in
	for i, p := range met {
		for j, q := range met {
			if i != j {
				p.write(q, p.seal("before"))
				q.hear(p, q.shows(p.seal("before"), p))
			}
		}
		if _, no := p.(*chatalotUser); !no {
			rooms[familyOf(p)] = p.gather(met[(i+1)%len(met)])
			p.post(rooms[familyOf(p)], p.seal("before"))
		}
	}
	r.stop()
	again := start(t, state, "--limits", "off", "--crossing", "off")
	nobody := &mailer{client: client{t: t, who: "0123456789abcdef0123456789abcdef"}}
	for i, f := range families {
		old, fresh := met[i], f.make(client{t: t})
		old.move(t, again)
		fresh.join(again)
		old.listen()
		fresh.listen()
		for j, q := range met {
			if i == j {
				continue
			}
			t.Run(f.name+" and "+families[j].name, func(t *testing.T) {
				old.self().t, fresh.self().t = t, t
				if why := attempt(old, func() { old.write(q, old.seal("after")) }); why == "" {
					t.Error("who had met before is written to")
				}
				var got []string
				attempt(old, func() { got = old.read(q) })
				if _, mails := old.(*mailer); !mails && len(got) > 0 { // what was delivered is delivered
					t.Errorf("what was written before is shown: %q", got)
				}
				for doing, do := range map[string]func(q person){
					"write": func(q person) { fresh.write(q, fresh.seal("after")) },
					"read":  func(q person) { fresh.read(q) },
					"block": func(q person) {
						if _, no := fresh.(*mailer); !no {
							fresh.block(q)
						}
					},
				} {
					got, want := attempt(fresh, func() { do(q) }), attempt(fresh, func() { do(nobody) })
					if doing == "write" && want == "" || plain(string(got), q.hex()) != plain(string(want), nobody.hex()) {
						t.Errorf("%s: %q, and to nobody %q", doing, got, want)
					}
				}
				room, unknown := rooms[families[j].name], "fedcba9876543210fedcba9876543210"
				switch {
				case room == "":
					return
				case len(room) == 24:
					unknown = unknown[:24]
				case len(room) == 36:
					unknown = uuidOf(unknown)
				case strings.HasPrefix(room, "group_"):
					unknown = "group_" + unknown
				}
				for _, p := range []person{old, fresh} {
					for doing, do := range map[string]func(room string){
						"read": func(room string) { p.posted(room) },
						"post": func(room string) { p.post(room, p.seal("after")) },
					} {
						got, want := attempt(p, func() { do(room) }), attempt(p, func() { do(unknown) })
						if want == "" || plain(string(got), room) != plain(string(want), unknown) {
							t.Errorf("%s a room: %q, and one that is not %q", doing, got, want)
						}
					}
				}
			})
		}
	}
}

var counted = regexp.MustCompile(`id:m?\d+`)

// plain is an answer without what it was asked about.
func plain(answer, id string) string {
	id = strings.TrimPrefix(strings.ReplaceAll(id, "-", ""), "group_")
	for _, form := range []string{id, fmt.Sprintf("%.24s", id)} {
		answer = strings.ReplaceAll(strings.ReplaceAll(answer, "-", ""), form, "…")
	}
	return counted.ReplaceAllString(answer, "id:…")
}
