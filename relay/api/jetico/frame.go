package jetico

import (
	"bytes"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay/api/wire"
)

// A form is how a frame says its name.
type form uint8

const (
	formKey  form = iota // {"Name":{...},"id":...}
	formType             // {"type":"Name","id":...,...}
)

const (
	maxID   = 64 // bytes of a string id
	maxName = 64 // bytes of a name that is repeated in an answer
)

// A frame is a request as it came.
type frame struct {
	form form
	name string
	id   jsontext.Value // nil: none
	body []byte
}

// parseFrame reads a frame. When it fails, what is known of the frame is in it,
// so that the answer can be in its form.
func parseFrame(data []byte) (f frame, malformed bool, err error) {
	var members map[string]jsontext.Value
	if json.Unmarshal(data, &members) != nil || members == nil {
		return f, true, errInvalidJSON
	}
	id := members["id"]
	delete(members, "id")
	if kind := members["type"].Kind(); kind == '"' {
		f.form, f.body = formType, data
		if json.Unmarshal(members["type"], &f.name) != nil {
			return f, true, errInvalidJSON
		}
	} else {
		switch len(members) {
		case 0:
			err = errMissingType
		case 1:
			f.name = slices.Collect(maps.Keys(members))[0]
			f.body = members[f.name]
			if f.body = bytes.TrimSpace(f.body); string(f.body) == "null" {
				f.body = []byte("{}")
			}
		default:
			err = errAmbiguousType
		}
	}
	malformed = err != nil
	if id != nil && id.Kind() != 'n' {
		if !goodID(id) {
			return f, malformed, firstOf(err, wire.BadField("id"))
		}
		f.id = id
	}
	return f, malformed, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// goodID reports whether an id is a string of a length that is repeated, or an
// integer.
func goodID(id jsontext.Value) bool {
	switch id.Kind() {
	case '"':
		var s string
		return json.Unmarshal(id, &s) == nil && len(s) <= maxID
	case '0':
		return len(id) <= maxID && bytes.IndexAny(id, ".eE") < 0
	}
	return false
}

// render writes a frame: what a body of that name looks like in a form.
func render(f form, name string, id jsontext.Value, body any) []byte {
	b := wire.MustEncode(body)
	var out []byte // names were read from JSON, or are ours: quoting them cannot fail
	if f == formType {
		out, _ = jsontext.AppendQuote(append(out, `{"type":`...), name)
		if id != nil {
			out = append(append(out, `,"id":`...), id...)
		}
		if len(b) > 2 {
			out = append(out, ',')
		}
		return append(out, b[1:]...)
	}
	out, _ = jsontext.AppendQuote(append(out, '{'), name)
	out = append(append(out, ':'), b...)
	if id != nil {
		out = append(append(out, `,"id":`...), id...)
	}
	return append(out, '}')
}

// shortName cuts a name that is repeated in an answer, and not within a letter.
func shortName(name string) string {
	if len(name) <= maxName {
		return name
	}
	cut := name[:maxName]
	for len(cut) > 0 && name[len(cut)]&0xc0 == 0x80 {
		cut = cut[:len(cut)-1]
	}
	return cut
}
