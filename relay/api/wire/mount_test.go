package wire

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"restante/relay"
)

// serveMounted serves a toy family at the root and one at /chat.
func serveMounted(t *testing.T, svc *Service, o ServeOptions, ops ...Op) *served {
	serveToy(t, svc, o, Door{})
	root := Family{Name: "root", Dialect: toyDialect, MaxBody: 10}.Handler(svc)
	fam := Family{Name: "toy", Ops: ops, Dialect: toyDialect, MaxBody: 1000, CORS: &CORS{
		Methods: []string{"GET", "POST"}, Headers: []string{"Content-Type"}, Credentials: true,
	}}
	return serveTest(t, Mounted(root, Mount{"/chat", fam.Handler(svc)}), o, Door{})
}

// get asks with headers and returns the answer with its body read.
func get(t *testing.T, method, url string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestMounted(t *testing.T) {
	svc := &Service{}
	s := serveMounted(t, svc, ServeOptions{},
		Row("GET /", Anyone, Read(func(c *Call, _ *relay.Tx, _ None) (string, error) { return "top " + c.Base(), nil }), ""),
		Row("GET /things/:id", Anyone, Read(func(c *Call, _ *relay.Tx, _ None) (string, error) {
			c.SetCookie(http.Cookie{Name: "k", Value: c.Cookie("k") + "!", Path: "/login"})
			return c.Param("id"), nil
		}), ""))
	url := "http://" + s.tcp.String()
	for path, want := range map[string]string{
		"/chat":               "200 top " + url + "/chat",
		"/chat/":              "200 top " + url + "/chat",
		"/chat/things/7":      "200 7",
		"/chat/things/a%2Fb":  "200 a/b",
		"/chat/nothing":       "404 not found\n",
		"/chatter":            "404 not found\n",
		"/things/7":           "404 not found\n",
		"/%63hat/things/a%2f": "404 not found\n", // a prefix in disguise
	} {
		resp, body := get(t, "GET", url+path, nil)
		if got := fmt.Sprint(resp.StatusCode, " ", body); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	resp, _ := get(t, "GET", url+"/chat/things/7", nil, "Cookie", "k=v")
	if got := resp.Header.Get("Set-Cookie"); got != "k=v!; Path=/chat/login" {
		t.Errorf("cookie %q", got)
	}
	svc.PublicURL = "https://relay.example/"
	if _, body := get(t, "GET", url+"/chat", nil); body != "top https://relay.example/chat" {
		t.Errorf("with a public URL: %q", body)
	}
}

func TestCORS(t *testing.T) {
	s := serveMounted(t, &Service{}, ServeOptions{Origins: func(*http.Request) []string { return []string{"https://app.example"} }},
		Row("POST /x", Anyone, Read(func(c *Call, _ *relay.Tx, in toyIn) (string, error) { return in.Text, nil }), ""))
	url := "http://" + s.tcp.String() + "/chat/x"
	resp, _ := get(t, "OPTIONS", url, nil, "Origin", "https://app.example", "Access-Control-Request-Method", "POST")
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Origin") != "https://app.example" ||
		resp.Header.Get("Access-Control-Allow-Methods") != "GET, POST" || resp.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("preflight: %d %v", resp.StatusCode, resp.Header)
	}
	resp, _ = get(t, "POST", url, nil, "Origin", "https://app.example")
	if resp.StatusCode != 400 || resp.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || resp.Header.Get("Vary") != "Origin" {
		t.Errorf("an error that the page cannot read: %d %v", resp.StatusCode, resp.Header)
	}
	resp, _ = get(t, "OPTIONS", url, nil, "Origin", "https://evil.example")
	if resp.StatusCode != 403 || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a stranger's preflight: %d %v", resp.StatusCode, resp.Header)
	}
}
