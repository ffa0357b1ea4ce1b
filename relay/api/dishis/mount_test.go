package dishis

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// Below a prefix, a file's addresses are those below the prefix.
func TestMedia_Mounted(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	h := wire.Mounted(http.NotFoundHandler(), wire.Mount{Prefix: "/dishis", Handler: Family(Options{Trusting: true}).Handler(&wire.Service{Relay: r})})
	ask := func(method, path, body string) string {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(method, path, strings.NewReader(body))
		if strings.HasPrefix(body, "--b") {
			req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		}
		h.ServeHTTP(w, req)
		return w.Body.String()
	}
	between := func(s, before, after string) string {
		_, s, _ = strings.Cut(s, before)
		s, _, _ = strings.Cut(s, after)
		return s
	}
	who := between(ask("POST", "/dishis/api/users/register", `{"username":"a","deviceId":"d","publicKey":"k"}`), `"userId":"`, `"`)
	part := func(name, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	form := part("userId", who) + part("file", "bytes") +
		part("encryptedMetadata", `{"fileType":"f","size":1,"mimeType":"m","iv":"i","encryptedKey":"k"}`) + "--b--\r\n"
	id := between(ask("POST", "/dishis/api/media/upload", form), `"fileId":"`, `"`)
	path := between(ask("GET", "/dishis/api/media/"+id, ""), `"filePath":"`, `"`)
	if want := "/dishis/api/media/" + id + "/content"; id == "" || path != want {
		t.Errorf("the file is at %q, want %q", path, want)
	}
	if got := ask("GET", path, ""); got != "bytes" {
		t.Errorf("there lies %q", got)
	}
}
