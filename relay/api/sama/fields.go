package sama

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
)

// A field is a string that may be missing or something else: each operation has
// its own words for that.
type field struct {
	set bool // there, and not null
	bad bool // there, and no string
	v   string
}

// UnmarshalJSON never fails: what is wrong with a field is said by its check.
func (f *field) UnmarshalJSON(b []byte) error {
	v := jsontext.Value(b)
	*f = field{set: v.Kind() != 'n'}
	if f.set {
		s, err := jsontext.AppendUnquote(nil, b)
		f.v, f.bad = string(s), v.Kind() != '"' || err != nil
	}
	return nil
}

// within reports whether the field is a string of min to max characters.
func (f field) within(min, max int) bool {
	n := utf8.RuneCountInString(f.v)
	return f.set && !f.bad && n >= min && n <= max
}

// optional is within, or not there.
func (f field) optional(min, max int) bool { return !f.set || f.within(min, max) }

// A device is a device's name: a string, or a number that is taken as one.
type device struct{ field }

// UnmarshalJSON never fails.
func (d *device) UnmarshalJSON(b []byte) error {
	v := jsontext.Value(b)
	if v.Kind() == '0' {
		d.field = field{set: true, v: string(b)}
		return nil
	}
	return d.field.UnmarshalJSON(b)
}

// A moment is a point in time as clients write it: milliseconds or ISO 8601.
type moment struct {
	set  bool
	time relay.Time
}

// UnmarshalJSON fails with Invalid for what is no time.
func (m *moment) UnmarshalJSON(b []byte) error {
	v := jsontext.Value(b)
	switch v.Kind() {
	case 'n':
		return nil
	case '0':
		var f float64
		if err := decodeJSON(b, &f); err != nil || f < 0 || f > 1<<47 {
			return errShape
		}
		*m = moment{true, relay.Time(f)}
		return nil
	case '"':
		var s string
		if err := decodeJSON(b, &s); err != nil {
			return errShape
		}
		if s == "" {
			return nil
		}
		t, err := time.Parse(time.RFC3339, s)
		if err != nil || t.Year() < 1970 || t.Year() > 5000 {
			return errShape
		}
		*m = moment{true, relay.At(t)}
		return nil
	}
	return errShape
}

// A span is what lists are asked for by time.
type span struct {
	After  moment `json:"gt"`
	Before moment `json:"lt"`
}

// holds reports whether a time is within the span; its ends are not.
func (s span) holds(t relay.Time) bool {
	return (!s.After.set || t > s.After.time) && (!s.Before.set || t < s.Before.time)
}

// page is how many of something are answered: def unless asked for, at most 100.
func page(asked *int, def int) (int, error) {
	if asked == nil {
		return def, nil
	}
	if *asked < 1 {
		return 0, errShape
	}
	return min(*asked, 100), nil
}

// folded is the one form of a login, an e-mail address or a phone number.
func folded(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
