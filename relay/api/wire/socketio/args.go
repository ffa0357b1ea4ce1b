package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Args are the arguments of an event or an acknowledgement: JSON as it came, and
// what its placeholders stand for.
type Args struct {
	JSON        []json.RawMessage
	Attachments [][]byte
}

// Bind reads arguments in order; what is missing is left as it is. A *[]byte
// takes a binary argument.
func (a Args) Bind(into ...any) error {
	for i, v := range into {
		if i >= len(a.JSON) {
			break
		}
		if data, ok := v.(*[]byte); ok {
			n, ok := placeholder(a.JSON[i])
			if !ok || n >= len(a.Attachments) {
				return fmt.Errorf("argument %d is not binary", i+1)
			}
			*data = a.Attachments[n]
			continue
		}
		if err := json.Unmarshal(a.JSON[i], v); err != nil {
			return fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return nil
}

// placeholder returns which attachment an argument stands for.
func placeholder(raw []byte) (num int, ok bool) {
	var p struct {
		Placeholder bool `json:"_placeholder"`
		Num         *int `json:"num"`
	}
	if json.Unmarshal(raw, &p) != nil || !p.Placeholder || p.Num == nil || *p.Num < 0 {
		return 0, false
	}
	return *p.Num, true
}

var errSpliced = errors.New("socketio: Args with attachments stand alone")

// A payload is arguments on their way out.
type payload struct {
	json        bytes.Buffer
	attachments [][]byte
}

// newPayload renders arguments as one array: a []byte is an attachment, Args are
// spliced in, json.RawMessage stays as it is but for its spaces, and anything
// else is what encoding/json makes of it.
func newPayload(args []any) (*payload, error) {
	p := &payload{}
	p.json.WriteByte('[')
	for _, a := range args {
		if err := p.add(a); err != nil {
			return nil, err
		}
	}
	p.json.WriteByte(']')
	return p, nil
}

func (p *payload) add(a any) error {
	if spliced, ok := a.(Args); ok {
		if len(p.attachments) > 0 && len(spliced.Attachments) > 0 {
			return errSpliced
		}
		p.attachments = append(p.attachments, spliced.Attachments...)
		for _, raw := range spliced.JSON {
			if err := p.add(raw); err != nil {
				return err
			}
		}
		return nil
	}
	if p.json.Len() > 1 {
		p.json.WriteByte(',')
	}
	switch a := a.(type) {
	case []byte:
		fmt.Fprintf(&p.json, `{"_placeholder":true,"num":%d}`, len(p.attachments))
		p.attachments = append(p.attachments, a)
		return nil
	case json.RawMessage:
		return json.Compact(&p.json, a)
	}
	enc := json.NewEncoder(&p.json)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return err
	}
	p.json.Truncate(p.json.Len() - 1) // the encoder's line end
	return nil
}

// bytes returns the array as text that may be sent.
func (p *payload) bytes() []byte {
	if b := p.json.Bytes(); utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(p.json.Bytes(), []byte("\uFFFD")) // of a RawMessage
}
