package wiretest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// parsePattern reads the JSON of an expectation, with _, $x and ... in it.
func parsePattern(src string) (pattern, error) {
	r := &patternReader{src: src}
	p, err := r.value()
	if err == nil && r.peek() != 0 {
		err = r.wrong("the end")
	}
	if err != nil {
		return nil, fmt.Errorf("expectation: %w", err)
	}
	return p, nil
}

type patternReader struct {
	src string
	at  int
}

// peek skips white space and returns the next byte, or 0 at the end.
func (r *patternReader) peek() byte {
	for r.at < len(r.src) && strings.IndexByte(" \t\n\r", r.src[r.at]) >= 0 {
		r.at++
	}
	if r.at == len(r.src) {
		return 0
	}
	return r.src[r.at]
}

// take skips s if it comes next.
func (r *patternReader) take(s string) bool {
	r.peek()
	if !strings.HasPrefix(r.src[r.at:], s) {
		return false
	}
	r.at += len(s)
	return true
}

func (r *patternReader) wrong(want string) error {
	return fmt.Errorf("want %s at %s", want, quote(r.src[r.at:]))
}

func (r *patternReader) value() (pattern, error) {
	switch r.peek() {
	case '{':
		return r.object()
	case '[':
		return r.array()
	case '"':
		return r.string()
	case '_':
		r.at++
		return anything{}, nil
	case '$':
		m := variable.FindString(r.src[r.at:])
		if m == "" || m == "$$" {
			return nil, r.wrong("a variable")
		}
		r.at += len(m)
		return whatever(m[1:]), nil
	}
	return r.scalar()
}

// scalar reads a number, true, false or null.
func (r *patternReader) scalar() (pattern, error) {
	n := strings.IndexAny(r.src[r.at:], ",]} \t\n\r")
	if n < 0 {
		n = len(r.src) - r.at
	}
	x, err := decode([]byte(r.src[r.at : r.at+n]))
	if err != nil {
		return nil, r.wrong("a value")
	}
	r.at += n
	return x, nil
}

func (r *patternReader) string() (pattern, error) {
	d := json.NewDecoder(strings.NewReader(r.src[r.at:]))
	var s string
	if err := d.Decode(&s); err != nil {
		return nil, r.wrong("a string")
	}
	r.at += int(d.InputOffset())
	return s, nil
}

func (r *patternReader) object() (pattern, error) {
	o := object{members: map[string]pattern{}}
	r.take("{")
	for first := true; !r.take("}"); first = false {
		if !first && !r.take(",") {
			return nil, r.wrong("a comma or }")
		}
		if r.take("...") {
			o.open = true
			continue
		}
		if r.peek() != '"' {
			return nil, r.wrong("a key")
		}
		k, err := r.string()
		if err != nil {
			return nil, err
		}
		if !r.take(":") {
			return nil, r.wrong("a colon")
		}
		if o.members[k.(string)], err = r.value(); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (r *patternReader) array() (pattern, error) {
	a := array{}
	r.take("[")
	for first := true; !r.take("]"); first = false {
		if !first && !r.take(",") {
			return nil, r.wrong("a comma or ]")
		}
		if r.take("...") {
			a.open = true
			continue
		}
		e, err := r.value()
		if err != nil {
			return nil, err
		}
		a.elems = append(a.elems, e)
	}
	return a, nil
}
