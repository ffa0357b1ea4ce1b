package chatalot

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestReadPreview(t *testing.T) {
	at := &url.URL{Scheme: "https", Host: "site.example", Path: "/a/b"}
	for _, c := range []struct {
		name, page string
		want       previewOut
	}{
		{"nothing", "", previewOut{}},
		{"open graph", `<!doctype html><html><head><title>no</title>
			<META Property="og:title" content="A &amp; B"><meta content='d "q"' name=description>
			<meta property=og:description content=word /><meta property="og:image" content="/i.png?a=1&amp;b=2">
			<meta property="og:site_name" content="Site"></head>`,
			previewOut{Title: "A & B", Description: "word", Image: "https://site.example/i.png?a=1&b=2", SiteName: "Site"}},
		{"title only", "<title>\n  The\n title &lt;x&gt; </title>", previewOut{Title: "The title <x>"}},
		{"description", `<meta name="Description" content="d">`, previewOut{Description: "d"}},
		{"the first counts", `<meta property="og:title" content=""><meta property="og:title" content="1"><meta property="og:title" content="2">`,
			previewOut{Title: "1"}},
		{"no protocol", `<meta property="og:image" content="//cdn.example/i.png">`, previewOut{Image: "https://cdn.example/i.png"}},
		{"beside the page", `<meta property="og:image" content="i.png">`, previewOut{Image: "https://site.example/a/i.png"}},
		{"not on the web", `<meta property="og:image" content="javascript:run()">`, previewOut{}},
		{"data", `<meta property="og:image" content="data:image/png;base64,AA">`, previewOut{}},
		{"in a comment", `<!-- <title>no</title> --><title>yes</title>`, previewOut{Title: "yes"}},
		{"in a script", `<script>"<title>no</title>"</SCRIPT><title>yes</title>`, previewOut{Title: "yes"}},
		{"in the body", `<body><title>no</title>`, previewOut{}},
		{"cut off", `<meta property="og:title" content="A`, previewOut{}},
		{"cut off behind a name", `<meta prop`, previewOut{}},
		{"no tags", `1 < 2 << 3 <> </ <`, previewOut{}},
		{"long", "<title>" + strings.Repeat("ä", 201) + "</title>", previewOut{Title: nullable(strings.Repeat("ä", 200) + "...")}},
		{"no UTF-8", "<title>caf\xe9</title>", previewOut{Title: "caf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.URL = "asked"
			if got := readPreview("asked", at, []byte(c.page)); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

// A page of beginnings is not read from each of them to its end.
func TestReadPreview_Hostile(t *testing.T) {
	began := time.Now()
	for _, s := range []string{"<a ", "<", `<a b="`, "<a =", "<!--", "<script>", "</"} {
		readPreview("u", &url.URL{Scheme: "http", Host: "h"}, []byte(strings.Repeat(s, maxPreviewPage/len(s))))
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzReadPreview(f *testing.F) {
	f.Add([]byte(`<meta property="og:title" content="A &amp; B"><title>x</title>`))
	f.Fuzz(func(t *testing.T, page []byte) {
		p := readPreview("u", &url.URL{Scheme: "http", Host: "h"}, page)
		if len(p.Title) > 4*maxPreviewTitle+3 || p.Image != "" && !strings.HasPrefix(string(p.Image), "http") {
			t.Errorf("%+v", p)
		}
	})
}
