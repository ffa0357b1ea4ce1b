package chatalot

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
)

// elsewhere is a web server of others, which counts who comes.
func elsewhere(t *testing.T) (address string, asked *atomic.Int32) {
	t.Helper()
	asked = new(atomic.Int32)
	page := func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "ChatalotBot/1.0 (link preview)" {
			t.Errorf("asked as %q", r.UserAgent())
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<title>A page</title><meta property="og:image" content="/i.png">`)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/page", page)
	mux.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("\x00\x01")) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<title>long</title>", strings.Repeat(" ", 2*maxPreviewPage), `<meta property="og:title" content="never read">`)
	})
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := r.PathValue("n")
		if n == "0" {
			page(w, r)
			return
		}
		http.Redirect(w, r, "/hop/"+string(n[0]-1), http.StatusFound)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

func TestPreview(t *testing.T) {
	at, asked := elsewhere(t)
	s := serve(t, Options{LinkPreviews: true, NoLimits: true})
	alice := s.user("alice")
	for _, c := range []struct {
		path  string
		title nullable
		image string
	}{
		{"/page", "A page", at + "/i.png"}, {"/hop/3", "A page", at + "/i.png"}, {"/file", "", ""}, {"/long", "long", ""},
	} {
		var got previewOut
		s.want(200, "POST", "/api/link-preview", alice, map[string]string{"url": at + c.path}, &got)
		if got.URL != at+c.path || got.Title != c.title || string(got.Image) != c.image {
			t.Errorf("%s: %+v", c.path, got)
		}
	}
	// Too many hops, and what answers with an error.
	for _, path := range []string{"/hop/4", "/nothing"} {
		s.want(400, "POST", "/api/link-preview", alice, map[string]string{"url": at + path}, nil)
	}
	// What was seen within the hour is not asked for again.
	n := asked.Load()
	var got previewOut
	s.want(200, "GET", "/api/link-preview?url="+url.QueryEscape(at+"/page"), alice, nil, &got)
	if got.Title != "A page" || asked.Load() != n {
		t.Errorf("%+v, asked %d times more", got, asked.Load()-n)
	}
	for _, bad := range []string{
		"", "page", "ftp://site.example/", "file:///etc/passwd", "javascript:run()", "http://", "http://user:pass@site.example/",
		"http://localhost/", "http://LOCALHOST./", "http://printer.local/", "http://db.internal/", "http://x/" + strings.Repeat("a", maxPreviewURL),
	} {
		s.want(400, "POST", "/api/link-preview", alice, map[string]string{"url": bad}, nil)
	}
	s.want(401, "POST", "/api/link-preview", "", map[string]string{"url": at + "/page"}, nil)
}

// The operator's own network is not reached, by name, number or redirect.
func TestPreview_Private(t *testing.T) {
	at, asked := elsewhere(t)
	s := serve(t, Options{LinkPreviews: true, NoLimits: true})
	s.svc.Outgoing = wire.NewOutgoing(wire.OutgoingOptions{})
	alice := s.user("alice")
	for _, page := range []string{
		at + "/page", strings.Replace(at, "127.0.0.1", "[::1]", 1), strings.Replace(at, "127.0.0.1", "[::ffff:127.0.0.1]", 1),
		"http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://0.0.0.0/", "http://[fe80::1]/", "http://[fd00::1]/", "http://100.64.0.1/",
	} {
		s.want(400, "POST", "/api/link-preview", alice, map[string]string{"url": page}, nil)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("reached %d times", n)
	}
}

func TestPreview_Off(t *testing.T) {
	at, asked := elsewhere(t)
	s := serve(t, Options{NoLimits: true})
	s.want(400, "POST", "/api/link-preview", s.user("alice"), map[string]string{"url": at + "/page"}, nil)
	if asked.Load() != 0 {
		t.Error("asked although it is off")
	}
}

func TestGifs(t *testing.T) {
	var asked atomic.Int32
	var query atomic.Value
	status := http.StatusOK
	giphy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		query.Store(r.URL.Path + "?" + r.URL.Query().Encode())
		w.WriteHeader(status)
		fmt.Fprint(w, `{"data":[{"id":"g1","title":"Cat","images":{"original":{"url":"https://media0.giphy.com/o.gif","width":"480","height":"270"},
			"fixed_width_small":{"url":"https://media0.giphy.com/s.gif","width":"100","height":"56"}}},{"id":"g2","title":"?","images":{}}],
			"pagination":{"total_count":50,"count":2,"offset":4},"meta":{"status":200}}`)
	}))
	defer giphy.Close()
	s := serve(t, Options{GiphyKey: "planted-key", GiphyURL: giphy.URL, NoLimits: true})
	alice := s.user("alice")
	var got gifPage
	s.want(200, "GET", "/api/gifs/search?q=cat&limit=2&pos=4", alice, nil, &got)
	want := gifOut{"g1", "Cat", "https://media0.giphy.com/s.gif", "https://media0.giphy.com/o.gif", 480, 270}
	if len(got.Results) != 2 || got.Results[0] != want || got.Next != "6" {
		t.Errorf("got %+v", got)
	}
	if q := query.Load(); q != "/v1/gifs/search?api_key=planted-key&limit=2&offset=4&q=cat&rating=g" {
		t.Errorf("asked for %s", q)
	}
	s.want(200, "GET", "/api/gifs/search?q=cat&limit=2&pos=4", alice, nil, &got)
	if asked.Load() != 1 {
		t.Error("asked again within five minutes")
	}
	for _, q := range []string{"", strings.Repeat("x", 257)} {
		got := gifPage{}
		s.want(200, "GET", "/api/gifs/search?q="+q, alice, nil, &got)
		if len(got.Results) != 0 || got.Next != "" || asked.Load() != 1 {
			t.Errorf("%d characters: %+v", len(q), got)
		}
	}
	s.want(200, "GET", "/api/gifs/trending?limit=999", alice, nil, &got)
	if q := query.Load(); q != "/v1/gifs/trending?api_key=planted-key&limit=50&offset=0&rating=g" {
		t.Errorf("asked for %s", q)
	}
	status = http.StatusForbidden
	resp, body := s.ask("GET", "/api/gifs/search?q=dog", alice, "", nil)
	if resp.StatusCode != 500 || strings.Contains(string(body), "planted") {
		t.Errorf("the other side failed: %d %s", resp.StatusCode, body)
	}
}

func TestRemembered(t *testing.T) {
	m := remembered[int]{max: 2}
	for i, key := range []string{"a", "b", "a", "c"} {
		m.put(key, i, relay.Time(100+i))
	}
	for key, want := range map[string]int{"b": 1, "c": 3} {
		if got, ok := m.get(key, 100); !ok || got != want {
			t.Errorf("%s: %d, %v", key, got, ok)
		}
	}
	if _, ok := m.get("a", 0); ok {
		t.Error("the oldest is still there")
	}
	if _, ok := m.get("b", 101); ok {
		t.Error("it is remembered for longer than it was to be")
	}
}
