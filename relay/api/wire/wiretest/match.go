package wiretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// A pattern is the JSON of an expectation: what encoding/json would make of it,
// with the types below where it is no JSON.
type pattern any

type (
	anything struct{} // _
	whatever string   // $x outside of a string
	object   struct { // {...}
		members map[string]pattern
		open    bool // ends with ...
	}
	array struct { // [...]
		elems []pattern
		open  bool
	}
)

// matchJSON compares a document with a pattern and binds variables. The error
// says where they differ.
func (v vars) matchJSON(src string, got []byte) error {
	p, err := parsePattern(src)
	if err != nil {
		return err
	}
	doc, err := decode(got)
	if err != nil {
		return fmt.Errorf("got %s, want JSON: %v", quote(string(got)), err)
	}
	if err := v.match("", p, doc); err != nil {
		return fmt.Errorf("%w\n\tin %s", err, clip(string(got)))
	}
	return nil
}

func clip(s string) string {
	const most = 2000
	if len(s) > most {
		return s[:most] + fmt.Sprintf("... (%d bytes)", len(s))
	}
	return s
}

// decode reads one JSON document, keeping numbers as they are written.
func decode(b []byte) (doc any, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the document")
	}
	return doc, nil
}

// match compares one value; path says where it stands.
func (v vars) match(path string, p pattern, got any) error {
	switch p := p.(type) {
	case anything:
		return nil
	case whatever:
		return v.matchValue(path, string(p), got)
	case object:
		return v.matchObject(path, p, got)
	case array:
		return v.matchArray(path, p, got)
	case string:
		s, ok := got.(string)
		if !ok {
			return differ(path, render(got), quote(p))
		}
		if err := v.matchString(p, s, false); err != nil {
			return fmt.Errorf("%s: %w", where(path), err)
		}
		return nil
	}
	if render(p) != render(got) {
		return differ(path, render(got), render(p))
	}
	return nil
}

// matchValue matches a variable that stands for a whole value.
func (v vars) matchValue(path, name string, got any) error {
	x := value{text: render(got)}
	if s, ok := got.(string); ok {
		x = value{s, true}
	}
	if old, bound := v[name]; bound && old != x {
		return differ(path, render(got), fmt.Sprintf("$%s, which is %s", name, old.text))
	}
	v[name] = x
	return nil
}

func (v vars) matchObject(path string, p object, got any) error {
	m, ok := got.(map[string]any)
	if !ok {
		return differ(path, render(got), "an object")
	}
	members, err := v.named(p.members)
	if err != nil {
		return fmt.Errorf("%s: %w", where(path), err)
	}
	p.members = members
	// In the order of the keys: a story that fails fails the same way again.
	for _, k := range slices.Sorted(maps.Keys(p.members)) {
		g, ok := m[k]
		if !ok {
			return fmt.Errorf("%s: missing", where(path+"."+k))
		}
		if err := v.match(path+"."+k, p.members[k], g); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if _, ok := p.members[k]; !ok && !p.open {
			return fmt.Errorf("%s: got %s, want no such key", where(path+"."+k), render(m[k]))
		}
	}
	return nil
}

// named returns members under the keys that they have once what is bound is put
// in: some answers have ids for keys.
func (v vars) named(members map[string]pattern) (map[string]pattern, error) {
	got := make(map[string]pattern, len(members))
	for k, p := range members {
		if strings.HasPrefix(k, "$") {
			var err error
			if k, err = v.expand(k); err != nil {
				return nil, err
			}
		}
		got[k] = p
	}
	return got, nil
}

func (v vars) matchArray(path string, p array, got any) error {
	a, ok := got.([]any)
	if !ok {
		return differ(path, render(got), "an array")
	}
	if len(a) < len(p.elems) || len(a) > len(p.elems) && !p.open {
		return fmt.Errorf("%s: got %d elements, want %d", where(path), len(a), len(p.elems))
	}
	for i, e := range p.elems {
		if err := v.match(fmt.Sprintf("%s[%d]", path, i), e, a[i]); err != nil {
			return err
		}
	}
	return nil
}

func differ(path, got, want string) error {
	return fmt.Errorf("%s: got %s, want %s", where(path), got, want)
}

func where(path string) string {
	if path == "" {
		return "the body"
	}
	return strings.TrimPrefix(path, ".")
}

// render prints a decoded value as JSON.
func render(x any) string {
	b, err := json.Marshal(x)
	if err != nil {
		return fmt.Sprint(x)
	}
	return clip(string(b))
}
