package wiretest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// vars are the values that a story has bound.
type vars map[string]value

// A value is a string's content, or the JSON of anything else.
type value struct {
	text     string
	isString bool
}

var (
	variable = regexp.MustCompile(`\$(\$|[a-zA-Z][a-zA-Z0-9]*)`)
	repeated = regexp.MustCompile(`\$\(((?s:.*?))\*(\d+)\)`)
)

// expand replaces $x, $(s*n) and $$ in a request.
func (v vars) expand(s string) (string, error) {
	s = repeated.ReplaceAllStringFunc(s, func(m string) string {
		p := repeated.FindStringSubmatch(m)
		n, _ := strconv.Atoi(p[2])
		return strings.Repeat(p[1], n)
	})
	var err error
	s = variable.ReplaceAllStringFunc(s, func(m string) string {
		if m == "$$" {
			return "$"
		}
		x, ok := v[m[1:]]
		if !ok {
			err = fmt.Errorf("%s is not bound yet", m)
		}
		return x.escaped()
	})
	return s, err
}

// escaped returns the text as it may stand in a JSON string, which changes
// nothing about ids, tokens and numbers.
func (x value) escaped() string {
	if !x.isString || !strings.ContainsAny(x.text, "\"\\\n\r\t") {
		return x.text
	}
	b, _ := json.Marshal(x.text) // a string always has a JSON form
	return string(b[1 : len(b)-1])
}

// number returns the number that word is, or that the variable holds.
func (v vars) number(word string) (n int64, err error) {
	s, err := v.expand(word)
	if err == nil {
		n, err = strconv.ParseInt(s, 10, 64)
	}
	return n, err
}

// matchString compares got with a pattern in which $x stands for a variable and,
// where dots is set, "..." for anything. Unbound variables are bound.
func (v vars) matchString(pattern, got string, dots bool) error {
	expr, names := v.compile(pattern, dots)
	m := expr.FindStringSubmatch(got)
	if m == nil {
		return fmt.Errorf("got %s, want %s%s", quote(got), quote(pattern), v.explain(pattern))
	}
	for i, name := range names {
		if old, ok := v[name]; ok && old.text != m[i+1] {
			return fmt.Errorf("$%s is both %s and %s", name, quote(old.text), quote(m[i+1]))
		}
		v[name] = value{m[i+1], true}
	}
	return nil
}

// compile makes a regular expression of a pattern, with a group for every
// variable it binds.
func (v vars) compile(pattern string, dots bool) (*regexp.Regexp, []string) {
	var b strings.Builder
	var names []string
	literal := func(s string) {
		s = regexp.QuoteMeta(s)
		if dots {
			s = strings.ReplaceAll(s, `\.\.\.`, `(?s:.*)`)
		}
		b.WriteString(s)
	}
	b.WriteString(`\A`)
	last := 0
	for _, m := range variable.FindAllStringIndex(pattern, -1) {
		literal(pattern[last:m[0]])
		last = m[1]
		switch name := pattern[m[0]+1 : m[1]]; {
		case name == "$":
			b.WriteString(`\$`)
		case v.has(name):
			b.WriteString(regexp.QuoteMeta(v[name].text))
		default:
			names = append(names, name)
			b.WriteString(`((?s:.+?))`)
		}
	}
	literal(pattern[last:])
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String()), names
}

func (v vars) has(name string) bool {
	_, ok := v[name]
	return ok
}

// explain names the values of the variables in a pattern.
func (v vars) explain(pattern string) string {
	var list []string
	for _, m := range variable.FindAllStringSubmatch(pattern, -1) {
		if x, ok := v[m[1]]; ok {
			list = append(list, fmt.Sprintf("$%s is %s", m[1], quote(x.text)))
		}
	}
	if list == nil {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// quote prints a string at a length that a failure can be read at.
func quote(s string) string {
	const most = 500
	if len(s) > most {
		return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
	}
	return fmt.Sprintf("%q", s)
}
