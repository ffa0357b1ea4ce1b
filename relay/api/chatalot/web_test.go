package chatalot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// webDir is a web client's directory, with a secret beside it.
func webDir(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	dir := filepath.Join(top, "web")
	for name, text := range map[string]string{
		"secret": "secret", "web/index.html": "<title>client</title>", "web/sw.js": "sw", "web/version.json": `{"version":"0.24.6"}`,
		"web/_app/immutable/a.js": "app", "web/favicon.png": "icon", "web/.env": "secret", "web/.git/config": "secret", "web/x.wasm": "wasm",
	} {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWebFiles(t *testing.T) {
	s := serve(t, Options{Web: webDir(t), NoLimits: true})
	const page = "<title>client</title>"
	for _, c := range []struct {
		method, path string
		status       int
		body         string
		kind, cache  string
	}{
		{"GET", "/", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/index.html", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/channels/some/where", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/_app", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/sw.js", 200, "sw", "text/javascript; charset=utf-8", "no-store"},
		{"GET", "/_app/immutable/a.js", 200, "app", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"GET", "/favicon.ico", 200, "icon", "image/png", "no-cache"},
		{"GET", "/x.wasm", 200, "wasm", "application/wasm", "no-cache"},
		{"GET", "/version.json", 200, `{"version":"0.24.6"}`, "application/json", "no-cache"},
		{"HEAD", "/sw.js", 200, "", "text/javascript; charset=utf-8", "no-store"},
		// Nothing hidden, and nothing from outside: those are pages of the client.
		{"GET", "/.env", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/.git/config", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/link.txt", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/..%2fsecret", 200, page, "text/html; charset=utf-8", "no-cache"},
		{"GET", "/%2e%2e/secret", 200, page, "text/html; charset=utf-8", "no-cache"},
		// The API is not the client's.
		{"GET", "/api/nothing", 404, "", "application/json; charset=utf-8", ""},
		{"POST", "/api/nothing", 404, "", "application/json; charset=utf-8", ""},
		{"GET", "/api/auth/login", 405, "", "application/json; charset=utf-8", ""},
		{"PUT", "/api/auth/login", 405, "", "application/json; charset=utf-8", ""},
		{"POST", "/somewhere", 404, "", "application/json; charset=utf-8", ""},
		{"GET", "/api/health", 200, "", "application/json; charset=utf-8", ""},
	} {
		resp, got := s.ask(c.method, c.path, "", "", nil)
		head := resp.Header
		if resp.StatusCode != c.status || head.Get("Content-Type") != c.kind || c.body != "" && string(got) != c.body ||
			c.cache != "" && head.Get("Cache-Control") != c.cache {
			t.Errorf("%s %s: %d %q %q %q", c.method, c.path, resp.StatusCode, head.Get("Content-Type"), head.Get("Cache-Control"), got)
		}
		if c.status == 405 && head.Get("Allow") != "POST" {
			t.Errorf("%s %s: Allow %q", c.method, c.path, head.Get("Allow"))
		}
		if strings.Contains(string(got), "secret") {
			t.Errorf("%s %s gives a secret away", c.method, c.path)
		}
		if c.status == 200 && head.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s has no policy", c.method, c.path)
		}
	}
}

func TestClientVersion(t *testing.T) {
	dir := webDir(t)
	if got := clientVersion(dir); got != "0.24.6" {
		t.Errorf("got %q", got)
	}
	for _, text := range []string{"", "{}", `{"version":7}`} {
		if err := os.WriteFile(filepath.Join(dir, "version.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := clientVersion(dir); got != "unknown" {
			t.Errorf("%q: got %q", text, got)
		}
	}
	for _, dir := range []string{"", t.TempDir()} {
		if got := clientVersion(dir); got != "unknown" {
			t.Errorf("%q: got %q", dir, got)
		}
	}
}
