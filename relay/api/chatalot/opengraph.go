package chatalot

import (
	"bytes"
	"html"
	"net/url"
	"strings"
	"unicode/utf8"
)

// previewOut is a LinkPreview.
type previewOut struct {
	URL         string   `json:"url"`
	Title       nullable `json:"title"`
	Description nullable `json:"description"`
	Image       nullable `json:"image"`
	SiteName    nullable `json:"site_name"`
}

// Bounds of what a preview says, in characters.
const (
	maxPreviewTitle       = 200
	maxPreviewDescription = 500
	maxPreviewImage       = 2048
	maxPreviewSite        = 100
)

// readPreview takes a preview of a page from its head: Open Graph, or else the
// title and description. asked is the address that was asked for, at where the
// page was found at last.
func readPreview(asked string, at *url.URL, page []byte) previewOut {
	said := map[string]string{}
	title := ""
	for tag, rest := range tags(page) {
		switch tag.name {
		case "meta":
			name := strings.ToLower(tag.attr["property"])
			if name == "" {
				name = strings.ToLower(tag.attr["name"])
			}
			if content := strings.TrimSpace(tag.attr["content"]); content != "" && said[name] == "" {
				said[name] = content
			}
		case "title":
			if title == "" {
				title = textOf(rest)
			}
		case "body":
			return newPreview(asked, at, said, title) // what is asked for is in the head
		}
	}
	return newPreview(asked, at, said, title)
}

func newPreview(asked string, at *url.URL, said map[string]string, title string) previewOut {
	return previewOut{
		URL:         asked,
		Title:       cut(firstText(said["og:title"], title), maxPreviewTitle),
		Description: cut(firstText(said["og:description"], said["description"]), maxPreviewDescription),
		Image:       cut(absolute(said["og:image"], at), maxPreviewImage),
		SiteName:    cut(said["og:site_name"], maxPreviewSite),
	}
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// cut shortens a text to max characters, and says so.
func cut(s string, max int) nullable {
	s = strings.ToValidUTF8(s, "")
	if utf8.RuneCountInString(s) <= max {
		return nullable(s)
	}
	return nullable(string([]rune(s)[:max])) + "..."
}

// absolute returns the address of a picture on a page, "" unless it is on the
// web.
func absolute(image string, at *url.URL) string {
	u, err := url.Parse(image)
	if image == "" || err != nil {
		return ""
	}
	if strings.HasPrefix(image, "//") {
		u.Scheme = "https"
	}
	u = at.ResolveReference(u)
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return u.String()
}

// A tag is the beginning of an element, with its attributes; names in lower
// case, values without entities.
type tag struct {
	name string
	attr map[string]string
}

// tags yields the tags of a page and what comes behind each. It is no parser of
// HTML: it finds what heads of pages say, and takes what makes no sense for
// text.
func tags(page []byte) func(yield func(tag, []byte) bool) {
	return func(yield func(tag, []byte) bool) {
		for {
			i := bytes.IndexByte(page, '<')
			if i < 0 {
				return
			}
			page = page[i+1:]
			if rest, ok := bytes.CutPrefix(page, []byte("!--")); ok {
				_, page, _ = bytes.Cut(rest, []byte("-->"))
				continue
			}
			t, rest := readTag(page)
			if t.name == "" {
				page = rest // and not again from the next "<": a page may have a million
				continue
			}
			if page = rest; !yield(t, page) {
				return
			}
			if t.name == "script" || t.name == "style" {
				page = behind(page, t.name)
			}
		}
	}
}

// behind returns what follows the end of an element that holds no other.
func behind(page []byte, name string) []byte {
	for {
		_, rest, found := bytes.Cut(page, []byte("</"))
		if !found {
			return nil
		}
		if page = rest; len(page) >= len(name) && strings.EqualFold(string(page[:len(name)]), name) {
			return page
		}
	}
}

// textOf returns the text at the start of b, up to the next tag.
func textOf(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte("<"))
	return strings.Join(strings.Fields(html.UnescapeString(string(b))), " ")
}

// readTag reads a tag behind its "<". One that ends, or is none, has no name, and
// nothing that was looked at for it is left.
func readTag(b []byte) (t tag, rest []byte) {
	n := 0
	for n < len(b) && isNameByte(b[n]) {
		n++
	}
	if n == 0 {
		return tag{}, b
	}
	t.name, b = strings.ToLower(string(b[:n])), b[n:]
	for {
		b = bytes.TrimLeft(b, " \t\r\n\f/")
		if len(b) == 0 {
			return tag{}, nil
		}
		if b[0] == '>' {
			return t, b[1:]
		}
		var name, value string
		name, value, b = readAttribute(b)
		if name == "" {
			return tag{}, b
		}
		if t.attr == nil {
			t.attr = map[string]string{}
		}
		if _, twice := t.attr[name]; !twice {
			t.attr[name] = value
		}
	}
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// readAttribute reads one attribute of a tag.
func readAttribute(b []byte) (name, value string, rest []byte) {
	n := bytes.IndexAny(b, " \t\r\n\f/>=")
	if n < 0 {
		return "", "", nil
	}
	name, b = strings.ToLower(string(b[:n])), bytes.TrimLeft(b[n:], " \t\r\n\f")
	if len(b) == 0 || b[0] != '=' {
		return name, "", b
	}
	b = bytes.TrimLeft(b[1:], " \t\r\n\f")
	switch {
	case len(b) == 0:
		return "", "", nil
	case b[0] == '"' || b[0] == '\'':
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 {
			return "", "", nil
		}
		return name, html.UnescapeString(string(b[1 : 1+end])), b[end+2:]
	}
	n = bytes.IndexAny(b, " \t\r\n\f>")
	if n < 0 {
		return "", "", nil
	}
	return name, html.UnescapeString(string(b[:n])), b[n:]
}
