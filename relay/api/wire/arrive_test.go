package wire

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// Arrive is asked for every request, served or not, and what it refuses is not.
func TestDialect_Arrive(t *testing.T) {
	f := Family{
		Name: "toy",
		Ops:  []Op{Row("GET /here", Anyone, Read(func(*Call, *relay.Tx, None) (string, error) { return "here", nil }), "")},
		Dialect: Dialect{
			Fail: func(_ *Call, err *relay.Error) Reply { return Reply{Status: 429, Body: err.Text} },
			Arrive: func(c *Call) error {
				c.SetHeader("X-Toy", "1")
				if c.Query("no") != "" {
					return relay.Errorf(relay.TooMany, relay.SubjectNone, "no")
				}
				return nil
			},
		},
	}
	h := f.Handler(&Service{Relay: relaytest.New(t, relay.Options{})})
	for _, c := range []struct {
		path   string
		status int
	}{{"/here", 200}, {"/nowhere", 404}, {"/here?no=1", 429}, {"/nowhere?no=1", 429}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		if w.Code != c.status || w.Header().Get("X-Toy") != "1" {
			t.Errorf("%s: got %d and %v, want %d", c.path, w.Code, w.Header(), c.status)
		}
	}
}
