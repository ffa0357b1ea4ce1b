package dishis

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay/api/wire"
)

// The literal of a content is JSON that means the content, for whatever text.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", `{"message":"a/b"}`, "\u2028<>&\x00\x7f\\", "é👍\"\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var got string
		if err := json.Unmarshal([]byte(literal(s)), &got); err != nil || got != s {
			t.Errorf("literal(%q) = %s means %q, %v", s, literal(s), got, err)
		}
	})
}

// No content makes its check fall over, and one that a group takes has what a
// channel asks for.
func FuzzContent(f *testing.F) {
	for _, s := range []string{sealed, `{"message":"m","iv":"i","keys":["a"]}`, `{"message":"m","iv":"i","encryptedKeys":{"a":"b"}}`, `[]`, `{"key":1}`, "null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var m members
		if wire.Decode([]byte(s), &m) != nil {
			return
		}
		if m.direct() && !m.group() || m.group() && !m.channel() {
			t.Errorf("%q: direct %v, group %v, channel %v", s, m.direct(), m.group(), m.channel())
		}
	})
}

// A time that is read is one that can be written, and read again.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{"0", "1744617600000", "2025-04-12T11:56:12.043Z", "2025-04-12T11:56:12+02:00", "-1", "x", "9e9", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, ok := parseTime(s); ok {
			if again, ok := parseTime(wire.ISO(at)); !ok || again != at {
				t.Errorf("%q is %d, written %s, read %d", s, at, wire.ISO(at), again)
			}
		}
		for _, v := range []string{s, `"` + s + `"`} {
			if !strings.ContainsAny(s, "\"\\") && jsontext.Value(v).IsValid() {
				if due, err := parseDue(jsontext.Value(v)); err == nil && due <= 0 {
					t.Errorf("%s is due at %d", v, due)
				}
			}
		}
	})
}
