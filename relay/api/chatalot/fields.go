package chatalot

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
	"github.com/go-json-experiment/json"

	"restante/relay"
	"restante/relay/api/wire"
)

// Bytes are an array of integers on the wire. In requests a base64 string will
// do as well; null is no bytes.
type Bytes []byte

// MarshalJSON writes an array of integers.
func (b Bytes) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 2+4*len(b))
	out = append(out, '[')
	for i, v := range b {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendUint(out, uint64(v), 10)
	}
	return append(out, ']'), nil
}

// UnmarshalJSON reads an array of integers from 0 to 255, or base64.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	*b = nil
	if len(data) > 0 && data[0] == '"' {
		var s string
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		raw, err := base64.StdEncoding.DecodeString(s)
		*b = raw
		return err
	}
	var list []uint8Number
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if list != nil {
		*b = make(Bytes, len(list))
	}
	for i, v := range list {
		(*b)[i] = byte(v)
	}
	return nil
}

// A uint8Number keeps the decoder from taking a list of them for base64.
type uint8Number uint16

// UnmarshalJSON reads a number from 0 to 255.
func (n *uint8Number) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseUint(string(data), 10, 8)
	*n = uint8Number(v)
	return err
}

// A moment is a time on the wire: RFC 3339 in UTC with microseconds, any offset
// on input. Zero is null.
type moment relay.Time

const momentForm = "2006-01-02T15:04:05.000000Z"

// MarshalJSON writes the time, null for zero.
func (m moment) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + m.String() + `"`), nil
}

func (m moment) String() string { return relay.Time(m).Time().Format(momentForm) }

// UnmarshalJSON reads RFC 3339; null is zero.
func (m *moment) UnmarshalJSON(b []byte) error {
	*m = 0
	if string(b) == "null" {
		return nil
	}
	t, err := parseMoment(strings.Trim(string(b), `"`))
	*m = moment(t)
	return err
}

// parseMoment reads RFC 3339 with any offset.
func parseMoment(s string) (relay.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, bad("not an RFC 3339 time")
	}
	return relay.At(t), nil
}

// A nullable is a text whose empty value is null on the wire.
type nullable string

// MarshalJSON writes the text, null for the empty one.
func (n nullable) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(n))
}

// Maybe is a field of a partial update: absent, null or a value.
type Maybe[T any] struct {
	Given bool // it was there, if only as null
	Null  bool
	Value T
}

// UnmarshalJSON notes that the field was there.
func (m *Maybe[T]) UnmarshalJSON(b []byte) error {
	*m = Maybe[T]{Given: true, Null: string(b) == "null"}
	if m.Null {
		return nil
	}
	return json.Unmarshal(b, &m.Value)
}

// Has reports whether there is a value.
func (m Maybe[T]) Has() bool { return m.Given && !m.Null }

// patch sets a nullable text: null and the empty text clear it, absent leaves it
// as it is. The text is trimmed and may have max characters.
func patch(to *string, m Maybe[string], name string, max int) error {
	if !m.Given {
		return nil
	}
	v := strings.TrimSpace(m.Value)
	if utf8.RuneCountInString(v) > max {
		return bad("%s must be at most %d characters", name, max)
	}
	*to = v
	return nil
}

// rename sets a text that cannot be empty; null leaves it as it is.
func rename(to *string, m Maybe[string], name string, max int) error {
	if !m.Has() {
		return nil
	}
	v, err := sized(m.Value, name, 1, max)
	if err == nil {
		*to = v
	}
	return err
}

// sized trims a text, which must have from min to max characters then.
func sized(s, name string, min, max int) (string, error) {
	s = strings.TrimSpace(s)
	if n := utf8.RuneCountInString(s); n < min || n > max {
		if min == 0 {
			return "", bad("%s must be at most %d characters", name, max)
		}
		return "", bad("%s must be %d to %d characters", name, min, max)
	}
	return s, nil
}

// patchURL is patch for the address of a picture: ours, or on the web.
func patchURL(to *string, m Maybe[string], name string) error {
	v := strings.TrimSpace(m.Value)
	if err := checkURL(v, name); err != nil {
		return err
	}
	return patch(to, m, name, 2048)
}

func checkURL(v, name string) error {
	if v != "" && !strings.HasPrefix(v, "http://") && !strings.HasPrefix(v, "https://") && !strings.HasPrefix(v, "/api/") {
		return bad("%s must be a URL", name)
	}
	return nil
}

// oneOf checks a word of a fixed list.
func oneOf(v, name string, list ...string) error {
	if !slices.Contains(list, v) {
		return bad("%s must be one of %s", name, strings.Join(list, ", "))
	}
	return nil
}

// queryInt reads a number from the query: def when it is absent, otherwise the
// nearest one between min and max.
func queryInt(c *wire.Call, name string, def, min_, max_ int) (int, error) {
	s := c.Query(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, bad("%s must be a number", name)
	}
	return min(max(n, min_), max_), nil
}

// queryFlag reads a query parameter that is true or false.
func queryFlag(c *wire.Call, name string) bool {
	v, _ := strconv.ParseBool(c.Query(name)) // anything else is false
	return v
}

// pack and unpack are the form in which this family keeps what is its own: CBOR
// with small integer keys.
func pack(v any) []byte {
	b, err := packing.Marshal(v)
	if err != nil {
		panic(err) // a struct of plain fields always encodes
	}
	return b
}

func unpack(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	return cbor.Unmarshal(b, v)
}

var packing = func() cbor.EncMode {
	m, err := cbor.EncOptions{OmitEmpty: cbor.OmitEmptyGoValue}.EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()
