package jetico

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"restante/relay"
)

// Whatever body a request has, it is answered, and never by an internal error.
func FuzzRequests(f *testing.F) {
	var names []string
	for _, op := range Family(Options{}).Ops {
		// Those that end the connection, or the account, would end the test.
		ends := strings.Contains(op.Name, " ") || op.Name == "RequestDeleteApplication" || op.Name == "RequestDeleteUserConfirmation"
		if !ends {
			names = append(names, op.Name)
		}
	}
	for _, x := range examples(f) {
		if i := slices.Index(names, x.Type); i >= 0 {
			f.Add(uint8(i), string(x.Request))
		}
	}
	h := build(f, Options{Requests: -1}, relay.Options{}, io.Discard)
	for _, id := range []string{exampleMe, exampleOther, exampleThird} {
		h.user(id, true)
	}
	me := h.join(exampleMe)
	me.create("2A22B9FB-3F79-4839-A3D6-B25B234E76F1", exampleKey, false, []string{exampleThird}, []string{exampleOther})
	f.Fuzz(func(t *testing.T, op uint8, body string) {
		if !json.Valid([]byte(body)) || len(body) > 1<<19 {
			return
		}
		name := names[int(op)%len(names)]
		if _, malformed, _ := parseFrame([]byte(`{"` + name + `":` + body + `}`)); malformed {
			return // of which a connection stands only so many
		}
		got, err := me.try(name, json.RawMessage(body))
		if err != nil {
			t.Fatalf("%s %s: %v", name, body, err)
		}
		if strings.Contains(string(got.body), `"internal error"`) {
			t.Errorf("%s %s: %s", name, body, got.body)
		}
		me.news = nil
	})
}
