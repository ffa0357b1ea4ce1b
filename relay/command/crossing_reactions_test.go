package command_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// A reactor reacts to messages. SecBot and Jetico have no place for that.
type reactor interface {
	talker
	react(message, add, remove string)                             // either may be empty
	hearReaction(message, add, remove string)                      // waits until it is told
	reactions(with person, room, message string) map[string]string // who reacted, by the reaction
}

func (p *samaUser) react(message, add, remove string) {
	p.t.Helper()
	in := map[string]any{"mid": message}
	if add != "" {
		in["add"] = add
	}
	if remove != "" {
		in["remove"] = remove
	}
	p.do("message_reactions_update", in)
}

func (p *samaUser) hearReaction(message, add, remove string) {
	p.t.Helper()
	for add != "" || remove != "" {
		f := p.until(func(f map[string]any) bool { return str(f, "message_reactions_update", "mid") == message })
		if str(f, "message_reactions_update", "add") == add {
			add = ""
		}
		if str(f, "message_reactions_update", "remove") == remove {
			remove = ""
		}
	}
}

func (p *samaUser) reactions(_ person, room, message string) map[string]string {
	p.t.Helper()
	got := map[string]string{}
	for _, m := range list(p.do("message_list", map[string]any{"cid": room}), "response", "messages") {
		if str(m, "_id") == message {
			all, _ := at(m, "reactions").(map[string]any)
			for name, who := range all {
				got[name] = str(who, 0)
			}
		}
	}
	return got
}

func (p *dishisUser) react(message, add, _ string) { // there is one, which the next replaces
	p.t.Helper()
	p.ask("POST", "/dishis/api/messages/react", p.token, 200, map[string]any{"messageId": message, "reaction": add})
}

func (p *dishisUser) hearReaction(message, add, _ string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		text := str(f, "text")
		return strings.HasPrefix(text, `42["message_reaction"`) && strings.Contains(text, message) && strings.Contains(text, `"reaction":"`+add+`"`)
	})
}

func (p *dishisUser) reactions(with person, _, message string) map[string]string {
	p.t.Helper()
	got := map[string]string{}
	for _, m := range list(p.ask("GET", "/dishis/api/messages/"+p.own+"/"+with.hex()[:24], p.token, 200, nil), "data") {
		if str(m, "messageId") == message {
			all, _ := at(m, "reactions").(map[string]any)
			for who, name := range all {
				got[name.(string)] = who
			}
		}
	}
	return got
}

func (p *chatalotUser) react(message, add, remove string) {
	p.t.Helper()
	if add != "" {
		p.say(map[string]any{"type": "add_reaction", "message_id": message, "emoji": add})
	}
	if remove != "" {
		p.say(map[string]any{"type": "remove_reaction", "message_id": message, "emoji": remove})
	}
	p.settled()
}

func (p *chatalotUser) hearReaction(message, add, remove string) {
	p.t.Helper()
	for kind, emoji := range map[string]string{"reaction_added": add, "reaction_removed": remove} {
		if emoji != "" {
			p.until(func(f map[string]any) bool {
				return str(f, "type") == kind && str(f, "message_id") == message && str(f, "emoji") == emoji
			})
		}
	}
}

func (p *chatalotUser) reactions(_ person, room, message string) map[string]string {
	p.t.Helper()
	got := map[string]string{}
	for _, m := range list(p.ask("GET", "/chatalot/api/channels/"+room+"/messages", p.token, 200, nil), "list") {
		if str(m, "id") == message {
			for _, r := range list(m, "reactions") {
				got[str(r, "emoji")] = str(r, "user_ids", 0)
			}
		}
	}
	return got
}

// A reaction made by one family shows in the other: live, also when it takes the
// place of another or is taken back, and to whoever reads afterwards.
func TestCrossing_Reactions(t *testing.T) {
	r := start(t, newState(t), "--limits", "off")
	for _, from := range families {
		for _, to := range families {
			a, _ := from.make(client{t: t}).(reactor)
			b, _ := to.make(client{t: t}).(reactor)
			if a == nil || b == nil {
				continue
			}
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				a.move(t, r)
				b.move(t, r)
				reactTo(t, r, a, b)
			})
		}
	}
}

func reactTo(t *testing.T, r *running, a, b reactor) {
	a.join(r)
	b.join(r)
	a.listen()
	b.listen()
	a.write(b, a.seal("hello"))
	b.hear(a, b.shows(a.seal("hello"), a))
	ra, mine := a.last(b)
	rb, its := b.last(a)
	want := func(when string, names ...string) {
		t.Helper()
		for _, p := range []struct {
			reactor
			with          person
			room, message string
		}{{a, b, ra, mine}, {b, a, rb, its}} {
			got := p.reactions(p.with, p.room, p.message)
			if shown := slices.Sorted(maps.Keys(got)); !slices.Equal(shown, names) {
				t.Errorf("%s: %s shows %q, want %q", when, familyOf(p.reactor), shown, names)
			}
			for name, who := range got {
				if !strings.HasPrefix(strings.ReplaceAll(strings.TrimPrefix(who, "user_"), "-", ""), b.hex()[:24]) {
					t.Errorf("%s: %s shows %s of %s", when, familyOf(p.reactor), name, who)
				}
			}
		}
	}
	want("at first")
	b.react(its, "👍", "")
	a.hearReaction(mine, "👍", "")
	want("reacted", "👍")
	b.react(its, "😃", "👍")
	a.hearReaction(mine, "😃", "👍")
	want("another", "😃")
	b.react(its, "", "😃")
	a.hearReaction(mine, "", "😃")
	want("taken back")
}
