package wire

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"restante/relay"
)

const planted = "planted-77aa"

func TestDecode(t *testing.T) {
	deepArray := func(n int) string { return `{"text":"x","y":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for _, test := range []struct{ name, body, err string }{
		{"whole", `{"text":"x","since":9007199254740991,"list":["a"],"sub":{"small":-128}}`, ""},
		{"space around", " \r\n\t{\"text\":\"x\"}\n ", ""},
		{"unknown names", `{"text":"x","what":{"ever":[1,{}]},"":null}`, ""},
		{"null for optional", `{"text":"x","since":null,"list":null,"sub":null}`, ""},
		{"escapes", `{"te\u0078t":"\ud83d\ude00\u0000"}`, ""},
		{"empty", ``, "bad JSON"},
		{"space", `  `, "bad JSON"},
		{"no JSON", planted, "bad JSON"},
		{"cut off", `{"text":"` + planted, "bad JSON"},
		{"trailing value", `{"text":"x"}{}`, "bad JSON"},
		{"trailing word", `{"text":"x"} ` + planted, "bad JSON"},
		{"comma", `{"text":"x",}`, "bad JSON"},
		{"comment", `{"text":"x"/*` + planted + `*/}`, "bad JSON"},
		{"single quotes", `{'text':'x'}`, "bad JSON"},
		{"byte order mark", "\ufeff" + `{"text":"x"}`, "bad JSON"},
		{"invalid UTF-8", `{"text":"` + planted + "\xff" + `"}`, "bad JSON"},
		{"invalid UTF-8 in a name", `{"text":"x","` + planted + "\xc3" + `":1}`, "bad JSON"},
		{"half a surrogate", `{"text":"\ud83d"}`, "bad JSON"},
		{"control character", "{\"text\":\"a\nb\"}", "bad JSON"},
		{"a name twice", `{"text":"x","text":"` + planted + `"}`, "bad JSON: a name stands twice"},
		{"a name twice, spelled otherwise", `{"text":"x","te\u0078t":"y"}`, "bad JSON: a name stands twice"},
		{"an unknown name twice", `{"text":"x","` + planted + `":1,"` + planted + `":2}`, "bad JSON: a name stands twice"},
		{"a name twice below", `{"text":"x","y":[{"a":1,"a":2}]}`, "bad JSON: a name stands twice"},
		{"names are exact", `{"Text":"x","TEXT":"y"}`, "missing field: text"},
		{"missing", `{}`, "missing field: text"},
		{"null", `{"text":null}`, "missing field: text"},
		{"null instead of an object", `null`, "missing field: text"},
		{"array instead of an object", `["` + planted + `"]`, "bad JSON: not an object"},
		{"string instead of an object", `"` + planted + `"`, "bad JSON: not an object"},
		{"number for a string", `{"text":7}`, "bad field: text"},
		{"object for a string", `{"text":{"` + planted + `":1}}`, "bad field: text"},
		{"string for a number", `{"text":"x","since":"` + planted + `"}`, "bad field: since"},
		{"fraction", `{"text":"x","since":1.5}`, "bad field: since"},
		{"whole fraction", `{"text":"x","since":1.0}`, "bad field: since"},
		{"exponent", `{"text":"x","since":1e3}`, "bad field: since"},
		{"overflow", `{"text":"x","since":9223372036854775808}`, "bad field: since"},
		{"far overflow", `{"text":"x","since":1e999}`, "bad field: since"},
		{"small overflow", `{"text":"x","sub":{"small":128}}`, "bad field: sub.small"},
		{"leading zero", `{"text":"x","since":01}`, "bad JSON"},
		{"boolean", `{"text":"x","since":true}`, "bad field: since"},
		{"in a list", `{"text":"x","list":["a",{"` + planted + `":1}]}`, "bad field: list.1"},
		{"list for one", `{"text":"x","sub":[]}`, "bad field: sub"},
		{"deep enough", deepArray(31), ""},
		{"too deep", deepArray(32), "JSON nested too deep"},
		{"far too deep", deepArray(100_000), "JSON nested too deep"},
		{"brackets in a string are not deep", `{"text":"` + strings.Repeat(`[{\"`, 1000) + `"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := decodeAs[toyIn](nil, []byte(test.body))
			got := ""
			if err != nil {
				if !relay.Is(err, relay.Invalid) {
					t.Fatal(err)
				}
				got = relay.AsError(err).Text
			}
			if got != test.err {
				t.Errorf("got %q, want %q", got, test.err)
			}
		})
	}
}

func TestDecode_NoneIgnoresTheBody(t *testing.T) {
	for _, body := range []string{"", planted, "{", "\xff"} {
		if in, err := decodeAs[None](nil, []byte(body)); err != nil || *in.(*None) != (None{}) {
			t.Errorf("%q: %v, %v", body, in, err)
		}
	}
}

// Whatever decodes is what encoding/json reads too, and an error repeats nothing
// of the body.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"text":"x","since":1,"list":["a"],"sub":{"small":1}}`, `{"text":"\ud83d"}`, `[[[[]]]]`, `{"a":1,"a":2}`, `{"list":[1]}`, "\"\\\"", `{"since":1e3}`} {
		f.Add([]byte(body))
	}
	known := map[string]bool{}
	for _, s := range []string{"text", "since", "list", "sub", "sub.small", "token"} {
		known["bad field: "+s] = true
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := decodeAs[toyIn](nil, body)
		if err == nil {
			var want map[string]any
			if err := json.Unmarshal(body, &want); err != nil {
				t.Fatalf("took what is no JSON: %v", err)
			}
			if got := in.(*toyIn).Text; got == "" || !utf8.ValidString(got) || want["text"] != got {
				t.Fatalf("read %q, want %q", got, want["text"])
			}
			return
		}
		got := relay.AsError(err)
		index, inList := strings.CutPrefix(got.Text, "bad field: list.")
		switch {
		case got.Code != relay.Invalid:
			t.Fatal(err)
		case inList && strings.Trim(index, "0123456789") == "", known[got.Text]:
		case !strings.HasPrefix(got.Text, "bad JSON") && got.Text != "missing field: text" && got.Text != "JSON nested too deep":
			t.Fatalf("%q", got.Text)
		}
	})
}
