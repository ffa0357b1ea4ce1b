package chatalot

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"

	"restante/relay"
	"restante/relay/relaytest"
)

// What is read of a request comes out as it went in, and nothing else is taken.
func FuzzFields(f *testing.F) {
	for _, s := range []string{
		`{"b":[0,255],"t":"2026-01-02T03:04:05.5+01:00","u":"0123abcd-0000-7000-8000-00000000000f","m":null}`,
		`{"b":"AAz/"}`, `{"b":[256]}`, `{"m":"x"}`, `{"t":""}`, `{"u":"0123abcd-0000-7000-8000-00000000000"}`,
	} {
		f.Add([]byte(s))
	}
	type form struct {
		B Bytes         `json:"b"`
		T moment        `json:"t"`
		U uuid          `json:"u"`
		M Maybe[string] `json:"m"`
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var in form
		if json.Unmarshal(data, &in) != nil {
			return
		}
		if in.M.Null && in.M.Has() || in.M.Has() && !in.M.Given {
			t.Errorf("%+v", in.M)
		}
		if in.T < 0 || relay.Time(in.T).Time().Year() > 9999 {
			return // before 1970 and after 9999 are nobody's times here
		}
		out, err := json.Marshal(map[string]any{"b": in.B, "t": in.T, "u": in.U})
		if err != nil {
			t.Fatal(err)
		}
		var again form
		if err := json.Unmarshal(out, &again); err != nil || !bytes.Equal(again.B, in.B) || again.T != in.T || again.U != in.U {
			t.Errorf("%s came back as %+v, %v", out, again, err)
		}
	})
}

// No text but what was signed here is an access token.
func FuzzReadAccess(f *testing.F) {
	r := relaytest.New(f, relay.Options{})
	a := newAPI(Options{})
	good, err := a.newAccess(r, relay.NewID(), profile{Username: "alice"}, newV4().String())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := a.readAccess(r, token); (err == nil) != (token == good) {
			t.Errorf("%q: %v", token, err)
		}
	})
}

// An id in a path names at most one message, and is that message's id.
func FuzzMessageID(f *testing.F) {
	f.Add("00000000-0000-7000-8000-000000000001")
	f.Add("ffffffff-ffff-7000-8000-ffffffffffff")
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := parseID(s)
		if !ok {
			return
		}
		if e := entryID(id); !e.IsZero() && messageID(e).id() != id {
			t.Errorf("%s names %v, which is %s", s, e, messageID(e))
		}
	})
}
