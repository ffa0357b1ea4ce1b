package wire

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"restante/relay"
)

// maxFields and maxFieldBytes bound what comes beside the file in a form.
const (
	maxFields     = 32
	maxFieldBytes = 64 << 10
)

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

	reader *multipart.Reader
	read   int // fields so far
}

// ReadForm begins to read a multipart body: the fields up to the first file. A
// file may have max bytes. Invalid: not multipart, or not whole. TooLarge: more
// fields, or longer ones, than a form has.
func ReadForm(r *http.Request, max int64) (*Form, error) {
	mr, err := r.MultipartReader()
	if err != nil {
		return nil, relay.Errorf(relay.Invalid, relay.SubjectNone, "not multipart/form-data")
	}
	f := &Form{Fields: map[string]string{}, reader: mr}
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
		part, err := f.reader.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, nil
		case err != nil:
			return nil, notReceived
		case part.FileName() != "":
			return part, nil
		case f.read == maxFields:
			return nil, tooLarge
		}
		f.read++
		value, err := io.ReadAll(io.LimitReader(part, maxFieldBytes+1))
		if err != nil {
			return nil, notReceived
		}
		if len(value) > maxFieldBytes {
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
