package chatalot

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"restante/relay"
)

// strip returns a picture without what its camera and editor wrote into it:
// place, time, names. Segments are dropped and nothing is encoded again, so
// that the picture stays what it was; what comes behind the picture's end is
// dropped, too (sheet 9.9, D23). Other types pass as they are. Reading fails
// with Invalid where the file does not keep to its type.
func strip(kind string, r io.Reader) io.Reader {
	in := bufio.NewReaderSize(r, 4<<10)
	switch kind {
	case typeJPEG:
		return &pieces{next: (&jpegFile{in: in}).next}
	case typePNG:
		return &pieces{next: (&pngFile{in: in}).next}
	case typeWebP:
		return &pieces{next: (&webpFile{in: in}).next}
	}
	return in
}

// pieces is one reader of what next returns, until that is io.EOF.
type pieces struct {
	next func() (io.Reader, error)
	now  io.Reader
	err  error
}

func (p *pieces) Read(b []byte) (int, error) {
	for p.err == nil {
		if p.now == nil {
			if p.now, p.err = p.next(); p.err != nil {
				break
			}
		}
		n, err := p.now.Read(b)
		if errors.Is(err, io.EOF) {
			p.now, err = nil, nil
		}
		if err != nil {
			p.err = notWhole(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	p.err = notWhole(p.err)
	return 0, p.err
}

// notWhole says that a file ended before its time.
func notWhole(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return badPicture()
	}
	return err
}

func badPicture() error {
	return relay.Errorf(relay.Invalid, relay.SubjectBlob, "not a picture of the type it says")
}

// full reads exactly len(b) bytes.
func full(in io.Reader, b []byte) error {
	_, err := io.ReadFull(in, b)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// exactly returns a reader of n bytes that fails when there are fewer.
func exactly(in io.Reader, n int64) io.Reader { return &exact{in, n} }

type exact struct {
	in   io.Reader
	left int64
}

func (e *exact) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if int64(len(b)) > e.left {
		b = b[:e.left]
	}
	n, err := e.in.Read(b)
	e.left -= int64(n)
	if errors.Is(err, io.EOF) {
		if err = nil; e.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func skip(in io.Reader, n int64) error {
	_, err := io.Copy(io.Discard, exactly(in, n))
	return err
}

// over drops what is left of a file and ends it.
func over(in io.Reader) (io.Reader, error) {
	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// A jpegFile is markers and segments, and compressed data behind each SOS.
type jpegFile struct {
	in    *bufio.Reader
	begun bool
	done  bool
}

func (f *jpegFile) next() (io.Reader, error) {
	if f.done {
		return over(f.in)
	}
	if !f.begun {
		f.begun = true
		soi := make([]byte, 2)
		if err := full(f.in, soi); err != nil || soi[0] != 0xff || soi[1] != 0xd8 {
			return nil, errors.Join(err, badPicture())
		}
		return bytes.NewReader(soi), nil
	}
	for {
		marker, err := f.marker()
		switch {
		case err != nil:
			return nil, err
		case marker == 0xd9:
			f.done = true
			return bytes.NewReader([]byte{0xff, marker}), nil
		case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8:
			return bytes.NewReader([]byte{0xff, marker}), nil
		}
		head := []byte{0xff, marker, 0, 0}
		if err := full(f.in, head[2:]); err != nil {
			return nil, err
		}
		n := int64(binary.BigEndian.Uint16(head[2:])) - 2
		if n < 0 {
			return nil, badPicture()
		}
		keep, err := f.keeps(marker)
		if err != nil {
			return nil, err
		}
		if !keep {
			if err := skip(f.in, n); err != nil {
				return nil, err
			}
			continue
		}
		segment := io.MultiReader(bytes.NewReader(head), exactly(f.in, n))
		if marker == 0xda {
			segment = io.MultiReader(segment, &scan{in: f.in})
		}
		return segment, nil
	}
}

// marker reads the next marker, of which any number of 0xff may come first.
func (f *jpegFile) marker() (byte, error) {
	var b [1]byte
	if err := full(f.in, b[:]); err != nil {
		return 0, err
	}
	if b[0] != 0xff {
		return 0, badPicture()
	}
	for b[0] == 0xff {
		if err := full(f.in, b[:]); err != nil {
			return 0, err
		}
	}
	if b[0] == 0 {
		return 0, badPicture()
	}
	return b[0], nil
}

// keeps reports whether a segment stays: all but comments and the APPn that do
// not change how the picture looks.
func (f *jpegFile) keeps(marker byte) (bool, error) {
	if marker == 0xfe {
		return false, nil
	}
	if marker < 0xe1 || marker > 0xef {
		return true, nil
	}
	start, err := f.in.Peek(12)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return marker == 0xe2 && bytes.HasPrefix(start, []byte("ICC_PROFILE\x00")) ||
		marker == 0xee && bytes.HasPrefix(start, []byte("Adobe")), nil
}

// A scan is the compressed data behind an SOS, up to the next marker.
type scan struct {
	in   *bufio.Reader
	pass int // bytes known to be data
}

func (s *scan) Read(b []byte) (int, error) {
	if s.pass == 0 {
		if err := s.look(); err != nil {
			return 0, err
		}
	}
	n, err := s.in.Read(b[:min(len(b), s.pass)])
	s.pass -= n
	return n, err
}

// look sets pass from what is buffered, or returns io.EOF at a marker.
func (s *scan) look() error {
	start, err := s.in.Peek(2)
	switch {
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	case err != nil:
		return err
	case start[0] == 0xff && (start[1] == 0 || start[1] >= 0xd0 && start[1] <= 0xd7):
		s.pass = 2
		return nil
	case start[0] == 0xff:
		return io.EOF // also where the marker has several 0xff before it
	}
	ready, _ := s.in.Peek(s.in.Buffered()) // it is buffered, so that cannot fail
	if s.pass = bytes.IndexByte(ready, 0xff); s.pass < 0 {
		s.pass = len(ready)
	}
	return nil
}

// A pngFile is chunks behind a signature.
type pngFile struct {
	in    *bufio.Reader
	begun bool
	done  bool
}

// pngDropped are the chunks that say who, when and with what.
var pngDropped = map[string]bool{"eXIf": true, "tEXt": true, "iTXt": true, "zTXt": true, "tIME": true}

func (f *pngFile) next() (io.Reader, error) {
	if f.done {
		return over(f.in)
	}
	if !f.begun {
		f.begun = true
		return exactly(f.in, 8), nil // the signature, by which it was told to be one
	}
	for {
		head := make([]byte, 8)
		if err := full(f.in, head); err != nil {
			return nil, err
		}
		n, kind := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		if n > 1<<31-1 {
			return nil, badPicture()
		}
		if pngDropped[kind] {
			if err := skip(f.in, n+4); err != nil {
				return nil, err
			}
			continue
		}
		f.done = kind == "IEND"
		return io.MultiReader(bytes.NewReader(head), exactly(f.in, n+4)), nil
	}
}

// A webpFile is RIFF chunks. Its head says how long the file is before anybody
// knows what will be dropped, so such chunks stay, empty, under a name that
// decoders pass over.
type webpFile struct {
	in    *bufio.Reader
	begun bool
	left  int64 // of what the head announced
}

func (f *webpFile) next() (io.Reader, error) {
	if !f.begun {
		f.begun = true
		head := make([]byte, 12)
		if err := full(f.in, head); err != nil {
			return nil, err
		}
		f.left = int64(binary.LittleEndian.Uint32(head[4:])) - 4
		if riff(head) != typeWebP || f.left < 0 {
			return nil, badPicture()
		}
		return bytes.NewReader(head), nil
	}
	if f.left < 8 {
		return over(f.in)
	}
	head := make([]byte, 8)
	if err := full(f.in, head); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[4:]))
	n += n & 1
	if f.left -= 8 + n; f.left < 0 {
		return nil, badPicture()
	}
	switch string(head[:4]) {
	case "EXIF", "XMP ":
		copy(head, "JUNK")
		if err := skip(f.in, n); err != nil {
			return nil, err
		}
		return io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, n)), nil
	case "VP8X":
		return f.extended(head, n)
	}
	return io.MultiReader(bytes.NewReader(head), exactly(f.in, n)), nil
}

// extended clears the flags that promise such chunks.
func (f *webpFile) extended(head []byte, n int64) (io.Reader, error) {
	if n < 1 {
		return nil, badPicture()
	}
	var flags [1]byte
	if err := full(f.in, flags[:]); err != nil {
		return nil, err
	}
	flags[0] &^= 0x0c
	return io.MultiReader(bytes.NewReader(append(head, flags[0])), exactly(f.in, n-1)), nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
