package wire

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
)

// Most requests are one flat object of plain strings and whole numbers. Those
// are read here, in one pass and at a third of the library's price; anything
// else (an escape, a letter that is not ASCII, a name that is unknown or comes
// twice, a mistake) is left to the library, which decides what it means.

// A flat is the fields of a type that are read so.
type flat struct{ fields []flatField }

type flatField struct {
	name  string
	index []int // see reflect.Value.FieldByIndex
	kind  flatKind
}

type flatKind uint8

const (
	flatString flatKind = iota
	flatPointer
	flatSealed
	flatInt
)

var flatKinds = map[reflect.Type]flatKind{
	reflect.TypeFor[string]():  flatString,
	reflect.TypeFor[*string](): flatPointer,
	reflect.TypeFor[Sealed]():  flatSealed,
	reflect.TypeFor[int64]():   flatInt,
}

var flats sync.Map // of *flat by reflect.Type

// flatOf returns the fields of a type; none for one that reads itself, or is no
// struct.
func flatOf(t reflect.Type) *flat {
	if f, ok := flats.Load(t); ok {
		return f.(*flat)
	}
	f, names := new(flat), map[string]int{}
	f.add(t, nil, names)
	for _, n := range names {
		if n > 1 || len(f.fields) > 64 {
			f.fields = nil // which of them counts, the library knows
		}
	}
	flats.Store(t, f)
	return f
}

// add adds the fields of a struct that lies at an index in another, and counts
// all their names.
func (f *flat) add(t reflect.Type, above []int, names map[string]int) {
	if t.Kind() != reflect.Struct || readsItself(t) {
		return
	}
	for i := range t.NumField() {
		field := t.Field(i)
		tag, tagged := field.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		index := append(slices.Clip(above), i)
		kind, known := flatKinds[field.Type]
		if field.Anonymous && !tagged {
			f.add(field.Type, index, names)
			continue
		}
		names[cmp.Or(name, field.Name)]++
		if known && field.IsExported() && name != "" && name != "-" && (options == "" || options == "omitzero") {
			f.fields = append(f.fields, flatField{name, index, kind})
		}
	}
}

func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[json.UnmarshalerFrom]())
}

// read fills v from body, and reports whether it could. If not, v may hold a
// part of it.
func (f *flat) read(body []byte, v reflect.Value) bool {
	b, ok := after(body, '{')
	if !ok || len(f.fields) == 0 {
		return false
	}
	if b, ok := after(b, '}'); ok {
		return len(space(b)) == 0
	}
	for seen := uint64(0); ; {
		var name []byte
		if name, b, ok = plainString(b); !ok {
			return false
		}
		i := slices.IndexFunc(f.fields, func(field flatField) bool { return field.name == string(name) })
		if i < 0 || seen&(1<<i) != 0 {
			return false
		}
		seen |= 1 << i
		if b, ok = after(b, ':'); !ok {
			return false
		}
		if b, ok = f.fields[i].read(b, v); !ok {
			return false
		}
		if b, ok = after(b, ','); ok {
			continue
		}
		b, ok = after(b, '}')
		return ok && len(space(b)) == 0
	}
}

// read reads a field's value from the front of b.
func (f flatField) read(b []byte, v reflect.Value) (rest []byte, ok bool) {
	field := v.FieldByIndex(f.index)
	if f.kind == flatInt {
		n, rest, ok := plainNumber(b)
		field.SetInt(n)
		return rest, ok
	}
	value, rest, ok := plainString(b)
	switch {
	case !ok:
	case f.kind == flatString:
		field.SetString(string(value))
	case f.kind == flatPointer:
		s := string(value)
		field.Set(reflect.ValueOf(&s))
	case f.kind == flatSealed:
		field.SetBytes(bytes.Clone(value))
	}
	return rest, ok
}

// space passes over white space.
func space(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\r' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// after passes over white space and one character, if that comes next.
func after(b []byte, c byte) ([]byte, bool) {
	if rest := space(b); len(rest) > 0 && rest[0] == c {
		return rest[1:], true
	}
	return b, false
}

// plainString reads a string of printable ASCII without escapes.
func plainString(b []byte) (s, rest []byte, ok bool) {
	b, ok = after(b, '"')
	end := bytes.IndexByte(b, '"')
	if !ok || end < 0 {
		return nil, nil, false
	}
	s = b[:end]
	for _, c := range s {
		if c < ' ' || c >= 0x7f || c == '\\' {
			return nil, nil, false
		}
	}
	return s, b[end+1:], true
}

// plainNumber reads a whole number of at most 15 digits.
func plainNumber(b []byte) (n int64, rest []byte, ok bool) {
	b = space(b)
	digits := 0
	for digits < len(b) && b[digits] >= '0' && b[digits] <= '9' {
		n = n*10 + int64(b[digits]-'0')
		if digits++; digits > 15 {
			return 0, nil, false
		}
	}
	if digits == 0 || digits > 1 && b[0] == '0' {
		return 0, nil, false
	}
	rest = space(b[digits:])
	return n, rest, len(rest) > 0 && (rest[0] == ',' || rest[0] == '}')
}
