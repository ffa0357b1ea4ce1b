package wiretest

import (
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
)

// A family's own directive gets its words filled in, and binds what it returns.
func TestDeed(t *testing.T) {
	family := func(s *Settings) wire.Family {
		s.Do("join", func(_ *relay.Relay, words ...string) (string, error) { return strings.Join(words, "-"), nil })
		return fake(s)
	}
	for src, want := range map[string]string{
		"! $a = join x y\n! $b = join $a z\na> POST /echo {\"b\":\"$b\"}\na< 200 {\"b\":\"x-y-z\"}\n": "",
		"! $a = part x y\n":  "no such directive",
		"! $a = join $b c\n": "not bound",
	} {
		st, err := parse("story.txt", src)
		if err == nil {
			var w world
			if w, err = open(t, family, st.settings, func(string) {}); err == nil {
				err = play(w, st)
			}
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot %v, want %q", src, err, want)
		}
	}
}
