package wire

import (
	"bytes"
	"errors"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
)

// maxDepth is how deep JSON may be nested.
const maxDepth = 32

// A checker is an input that says itself whether its fields make sense.
type checker interface{ Check() error }

// A bodiless input may come without a body, and is its zero value then.
type bodiless interface{ Bodiless() }

// Optional is embedded in the input of an operation whose body may be left out.
type Optional struct{}

// Bodiless says that the body may be left out.
func (Optional) Bodiless() {}

// Sealed is a string of JSON that is passed on and never looked into: the bytes
// of its UTF-8, copied once. Null is none.
type Sealed []byte

var errNoString = errors.New("not a string")

// UnmarshalJSONFrom takes a string or null.
func (s *Sealed) UnmarshalJSONFrom(d *jsontext.Decoder) (err error) {
	v, err := d.ReadValue()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case 'n':
		*s = nil
		return nil
	case '"':
		if bytes.IndexByte(v, '\\') < 0 {
			*s = bytes.Clone(v[1 : len(v)-1])
			return nil
		}
		*s, err = jsontext.AppendUnquote(nil, v)
		return err
	}
	return errNoString
}

// decodeAs reads a body as In, and returns a pointer to it: one JSON value with
// nothing behind it, valid UTF-8, names exact and once each, at most 32 deep;
// unknown names are ignored. What is wrong is an Invalid error that names the
// field.
func decodeAs[In any](c *Call, body []byte) (any, error) {
	in := new(In)
	if _, none := any(in).(*None); none {
		return in, nil
	}
	if _, ok := any(in).(bodiless); ok && len(bytes.TrimSpace(body)) == 0 {
		return in, nil
	}
	if v := reflect.ValueOf(in).Elem(); !flatOf(v.Type()).read(body, v) {
		v.SetZero()
		if deep(body) {
			return nil, relay.Errorf(relay.Invalid, relay.SubjectNone, "JSON nested too deep")
		}
		if err := json.Unmarshal(body, in); err != nil {
			return nil, badJSON(err)
		}
	}
	if ch, ok := any(in).(checker); ok {
		if err := ch.Check(); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// badJSON says what is wrong without repeating what was sent, but for the names
// of fields that we know.
func badJSON(err error) error {
	var semantic *json.SemanticError
	if errors.As(err, &semantic) && semantic.JSONPointer != "" {
		field := strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".")
		return relay.Errorf(relay.Invalid, relay.SubjectNone, "bad field: %s", field)
	}
	if semantic != nil {
		return relay.Errorf(relay.Invalid, relay.SubjectNone, "bad JSON: not an object")
	}
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) && errors.Is(err, jsontext.ErrDuplicateName) {
		return relay.Errorf(relay.Invalid, relay.SubjectNone, "bad JSON: a name stands twice")
	}
	return relay.Errorf(relay.Invalid, relay.SubjectNone, "bad JSON")
}

// MissingField is the error of a required field that is absent, null or empty.
func MissingField(name string) error {
	return relay.Errorf(relay.Invalid, relay.SubjectNone, "missing field: %s", name)
}

// BadField is the error of a field whose value cannot be what it should.
func BadField(name string) error {
	return relay.Errorf(relay.Invalid, relay.SubjectNone, "bad field: %s", name)
}

// deep reports whether a JSON text is nested deeper than maxDepth.
func deep(b []byte) bool {
	if bytes.Count(b, []byte{'{'})+bytes.Count(b, []byte{'['}) <= maxDepth {
		return false // nearly always, and found out much faster
	}
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			if inString {
				i++
			}
		case '"':
			inString = !inString
		case '{', '[':
			if !inString {
				depth++
			}
		case '}', ']':
			if !inString {
				depth--
			}
		}
		if depth > maxDepth {
			return true
		}
	}
	return false
}

// encode renders a value as JSON, with no more escapes than JSON asks for.
func encode(v any) ([]byte, error) { return json.Marshal(v) }

// Decode reads JSON that was written by MustEncode.
func Decode(b []byte, v any) error { return json.Unmarshal(b, v) }

// MustEncode renders a value that always can be: a struct of strings, numbers
// and the like.
func MustEncode(v any) []byte {
	b, err := encode(v)
	if err != nil {
		panic(err)
	}
	return b
}
