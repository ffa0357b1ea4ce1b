package wire

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"restante/relay"
)

// maxFields and maxFieldBytes bound what comes beside the file in a form, all
// together.
const (
	maxFields     = 32
	maxFieldBytes = 64 << 10
)

// maxHead is how much may be read for the head of one part, which is kept in
// memory: the library takes 10 MiB.
const maxHead = 16 << 10

// Parts are the parts of a multipart body, read as they come.
type Parts struct {
	reader *multipart.Reader
	body   *fence
	last   *multipart.Part
}

// ReadParts begins to read a multipart body. Invalid: it is none.
func ReadParts(r *http.Request) (*Parts, error) {
	p := &Parts{body: &fence{ReadCloser: r.Body}}
	r = r.WithContext(r.Context())
	r.Body = p.body
	var err error
	if p.reader, err = r.MultipartReader(); err != nil {
		return nil, relay.Errorf(relay.Invalid, relay.SubjectNone, "not multipart/form-data")
	}
	return p, nil
}

// Next passes over what is left of one part and returns the next; nil at the
// end. Invalid: the body is not whole. TooLarge: the part's head.
func (p *Parts) Next() (*multipart.Part, error) {
	if p.last != nil {
		if _, err := io.Copy(io.Discard, p.last); err != nil {
			return nil, notReceived
		}
	}
	p.body.left, p.body.up = maxHead, true
	part, err := p.reader.NextPart()
	p.body.up = false
	switch p.last = part; {
	case err == nil:
		return part, nil
	case p.body.left <= 0:
		return nil, tooLarge
	case errors.Is(err, io.EOF):
		return nil, nil
	}
	return nil, notReceived
}

// A fence is a body of which only so much is read while it is up.
type fence struct {
	io.ReadCloser
	up   bool
	left int
}

func (f *fence) Read(b []byte) (int, error) {
	if !f.up {
		return f.ReadCloser.Read(b)
	}
	if f.left <= 0 {
		return 0, tooLarge
	}
	n, err := f.ReadCloser.Read(b[:min(len(b), f.left)])
	f.left -= n
	return n, err
}

// A Form is a multipart upload, read as it comes: the fields that stand before
// the file, then the file as a stream. Nothing of the file is kept in memory or
// written aside by it.
type Form struct {
	Fields map[string]string
	// File is the first part that has a file name; nil when there is none. It is
	// read before anything behind it, and fails with TooLarge past its limit.
	File     io.Reader
	FileName string
	FileType string
	Field    string // the part's name

	parts *Parts
	read  int   // fields so far
	bytes int64 // in them
}

// ReadForm begins to read a multipart body: the fields up to the first file. A
// file may have max bytes. Invalid: not multipart, or not whole. TooLarge: more
// fields, or longer ones, than a form has.
func ReadForm(r *http.Request, max int64) (*Form, error) {
	parts, err := ReadParts(r)
	if err != nil {
		return nil, err
	}
	f := &Form{Fields: map[string]string{}, parts: parts}
	part, err := f.fields()
	if err != nil || part == nil {
		return f, err
	}
	f.File, f.FileName = &limited{r: part, left: max}, part.FileName()
	f.FileType, f.Field = part.Header.Get("Content-Type"), part.FormName()
	return f, nil
}

// Rest reads the fields that stand behind the file, whose bytes are over.
func (f *Form) Rest() error {
	if f.File == nil {
		return nil
	}
	_, err := f.fields()
	return err
}

// fields reads fields up to the next file, or the end.
func (f *Form) fields() (*multipart.Part, error) {
	for {
		part, err := f.parts.Next()
		switch {
		case err != nil || part == nil:
			return nil, err
		case part.FileName() != "":
			return part, nil
		case f.read == maxFields:
			return nil, tooLarge
		}
		f.read++
		value, err := io.ReadAll(io.LimitReader(part, maxFieldBytes-f.bytes+1))
		if err != nil {
			return nil, notReceived
		}
		if f.bytes += int64(len(value)); f.bytes > maxFieldBytes {
			return nil, tooLarge
		}
		f.Fields[part.FormName()] = string(value)
	}
}

// Limit returns a reader of r that fails with TooLarge past max bytes, for
// bodies that are streamed.
func Limit(r io.Reader, max int64) io.Reader { return &limited{r: r, left: max} }

type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left < 0 {
		return 0, tooLarge
	}
	if int64(len(b)) > l.left+1 {
		b = b[:l.left+1]
	}
	n, err := l.r.Read(b)
	if l.left -= int64(n); l.left < 0 {
		return 0, tooLarge
	}
	if err != nil && err != io.EOF {
		err = notReceived
	}
	return n, err
}
