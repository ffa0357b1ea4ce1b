package chatalot

import (
	"testing"

	"github.com/go-json-experiment/json"

	"restante/relay"
)

func TestFields(t *testing.T) {
	type in struct {
		B Bytes         `json:"b"`
		T moment        `json:"t"`
		U uuid          `json:"u"`
		M Maybe[string] `json:"m"`
	}
	var v in
	err := json.Unmarshal([]byte(`{"b":[0,12,255],"t":"2026-01-02T03:04:05.5+01:00","u":"0123ABCD-0000-7000-8000-00000000000f","m":null}`), &v)
	if err != nil {
		t.Fatal(err)
	}
	if string(v.B) != "\x00\x0c\xff" || !v.M.Given || !v.M.Null || v.M.Has() {
		t.Errorf("got %+v", v)
	}
	if got := v.T.String(); got != "2026-01-02T02:04:05.500000Z" {
		t.Errorf("got %s", got)
	}
	if got := v.U.String(); got != "0123abcd-0000-7000-8000-00000000000f" {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{`{"b":[256]}`, `{"b":[-1]}`, `{"b":[1.5]}`, `{"b":["1"]}`, `{"b":{}}`, `{"t":"today"}`, `{"t":5}`, `{"u":"5"}`, `{"u":7}`, `{"m":7}`} {
		if err := json.Unmarshal([]byte(bad), &in{}); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	v = in{}
	if err := json.Unmarshal([]byte(`{"b":"AAz/","m":"x"}`), &v); err != nil || string(v.B) != "\x00\x0c\xff" || v.M.Value != "x" {
		t.Errorf("got %+v, %v", v, err)
	}
	out, err := json.Marshal(struct {
		B, E Bytes
		T, Z moment
		U, N uuid
		S, O nullable
	}{B: Bytes{0, 255}, T: moment(1), U: uuid{15: 1}, S: "s"})
	want := `{"B":[0,255],"E":[],"T":"1970-01-01T00:00:00.001000Z","Z":null,"U":"00000000-0000-0000-0000-000000000001","N":null,"S":"s","O":null}`
	if err != nil || string(out) != want {
		t.Errorf("got %s, %v, want %s", out, err, want)
	}
}

func TestMessageID(t *testing.T) {
	id := relay.EntryID{Box: relay.BoxID{1, 2, 3, 4, 5, 6}, Time: 1<<41 + 7}
	if got := entryID(messageID(id).id()); got != id {
		t.Errorf("got %v, want %v", got, id)
	}
	if got := entryID(relay.NewID()); !got.IsZero() {
		t.Errorf("a random id names %v", got)
	}
	if a, b := messageID(id).String(), messageID(relay.EntryID{Time: id.Time + 1}).String(); a >= b {
		t.Errorf("%s is not before %s", a, b)
	}
}

func TestRandomFrom(t *testing.T) {
	for range 100 {
		if a, b := newCode(12), newCode(12); len(a) != 12 || a == b {
			t.Fatalf("%s, %s", a, b)
		}
	}
}
