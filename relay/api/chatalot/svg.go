package chatalot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxSVG is how large a drawing may be: it is cleaned in memory.
const maxSVG = 4 << 20

// svgMemory is what that takes: the drawing, growing as it is read, and what is
// left of it, in which a character may have become six.
const svgMemory = 4 * maxSVG

// cleanSVG returns a drawing without what could run or fetch anything: scripts,
// foreign objects, handlers, links that leave the drawing, and entities that
// would be expanded. Invalid: not well-formed XML.
func cleanSVG(src []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(src))
	var out bytes.Buffer
	skipping, depth := 0, 0
	for {
		token, err := d.RawToken()
		switch {
		case errors.Is(err, io.EOF) && depth == 0:
			return out.Bytes(), nil
		case err != nil:
			return nil, badPicture()
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if skipping > 0 || svgDropped[strings.ToLower(t.Name.Local)] {
				skipping++
				continue
			}
			writeElement(&out, t)
		case xml.EndElement:
			if depth--; depth < 0 {
				return nil, badPicture()
			}
			if skipping > 0 {
				skipping--
				continue
			}
			out.WriteString("</" + qualified(t.Name) + ">")
		case xml.CharData:
			if skipping == 0 {
				_ = xml.EscapeText(&out, t) // a bytes.Buffer does not fail
			}
		}
		// Comments, instructions and directives are dropped: a directive may
		// declare entities, and no drawing needs one.
	}
}

// svgDropped are the elements that go with all they hold. A style sheet can
// fetch, and so can an image.
var svgDropped = map[string]bool{
	"script": true, "foreignobject": true, "iframe": true, "embed": true, "object": true, "handler": true, "style": true,
}

func writeElement(out *bytes.Buffer, t xml.StartElement) {
	out.WriteString("<" + qualified(t.Name))
	for _, a := range t.Attr {
		if harmless(a) {
			out.WriteString(" " + qualified(a.Name) + `="`)
			_ = xml.EscapeText(out, []byte(a.Value)) // as above
			out.WriteString(`"`)
		}
	}
	out.WriteString(">")
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// harmless reports whether an attribute may stay: no handler, no address but
// one within the drawing or of a picture in itself, nothing that fetches.
func harmless(a xml.Attr) bool {
	name := strings.ToLower(a.Name.Local)
	value := strings.ToLower(strings.Map(unspaced, a.Value))
	switch {
	case strings.HasPrefix(name, "on"):
		return false
	case name == "href" || name == "src":
		return strings.HasPrefix(value, "#") || strings.HasPrefix(value, "data:image/") && !strings.HasPrefix(value, "data:image/svg")
	case a.Name.Space == "xmlns" || name == "xmlns":
		return true
	}
	for _, bad := range []string{"javascript:", "vbscript:", "expression(", "@import"} {
		if strings.Contains(value, bad) {
			return false
		}
	}
	return !strings.Contains(strings.ReplaceAll(value, "url(#", ""), "url(")
}

// unspaced drops white space and control characters, by which words are hidden.
func unspaced(r rune) rune {
	if r <= ' ' {
		return -1
	}
	return r
}
