package engineio

import (
	"bytes"
	"strings"
	"testing"

	"restante/relay/api/wire/line"
)

func TestDecodePayload(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       string // kinds, a B for a binary message; "" for none
	}{
		{"one", "4hello", "4"},
		{"several", "4a\x1e3\x1e4\x1ebAQID", "434B"},
		{"empty binary", "b", "B"},
		{"nothing", "", ""},
		{"nothing between", "4a\x1e\x1e4b", ""},
		{"nothing behind", "4a\x1e", ""},
		{"an open packet", "0{}", ""},
		{"a ping", "2", ""},
		{"an unknown type", "7", ""},
		{"not base64", "bAQI", ""},
		{"base64 with bits left over", "bAQJ=", ""},
		{"base64 in lines", "bAQ\nID", ""},
		{"not UTF-8", "4\xff", ""},
		{"as many as there may be", strings.Repeat("4\x1e", 63) + "4", strings.Repeat("4", 64)},
		{"one more", strings.Repeat("4\x1e", 64) + "4", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			packets, err := decodePayload([]byte(c.body), 64)
			got := ""
			for _, p := range packets {
				if p.binary {
					got += "B"
				} else {
					got += string(p.kind)
				}
			}
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// Whatever is read is written the same again, and nothing is read twice.
func FuzzDecodePayload(f *testing.F) {
	for _, s := range []string{"4hello\x1ebAQIDBA==", "1", "3probe", "5", "6", "b", "4\x1e4", "2", "abc"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		packets, err := decodePayload(body, 64)
		if err != nil {
			return
		}
		if len(packets) == 0 || len(packets) > 64 {
			t.Fatalf("%d packets", len(packets))
		}
		var again []byte
		for i, p := range packets {
			if i > 0 {
				again = append(again, separator)
			}
			if p.binary {
				again = appendText(again, line.Frame{Data: p.data, Binary: true})
			} else {
				again = append(append(again, p.kind), p.data...)
			}
		}
		if !bytes.Equal(again, body) {
			t.Errorf("%q is read as %q", body, again)
		}
	})
}
