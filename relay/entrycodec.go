package relay

import (
	"encoding/binary"
	"sync"
	"unicode/utf8"
)

// encodeEntry gives use the value of an entry, the same bytes as encoding makes
// of it, good until use returns: it is copied into the transaction, and a long
// message need not be copied twice.
func encodeEntry(e *Entry, use func(value []byte) error) error {
	w := entryWriters.Get().(*cborWriter)
	defer entryWriters.Put(w)
	w.entry(e)
	return use(w.b)
}

var entryWriters = sync.Pool{New: func() any { return new(cborWriter) }}

// A cborWriter writes a map of small rising integers, without the fields that
// are empty.
type cborWriter struct{ b []byte }

func (w *cborWriter) entry(e *Entry) {
	if cap(w.b) > maxKeptEntry {
		w.b = nil
	}
	w.b = append(w.b[:0], cborMap<<5) // fewer than 24 fields
	w.key(1)
	w.head(cborText, uint64(len(e.Kind)))
	w.b = append(w.b, e.Kind...)
	if !e.From.IsZero() {
		w.bytes(2, e.From[:])
	}
	w.bytes(3, e.Body)
	w.bytes(4, e.Nonce)
	for i, t := range [...]Time{e.Reply, e.Thread, e.Expires, e.Edited} {
		w.time(byte(5+i), t)
	}
	w.time(9, Time(e.Place))
	w.bytes(10, e.Extra)
	w.yes(11, e.Erased)
	w.yes(12, e.Withheld)
}

// maxKeptEntry is the largest buffer that is kept between entries.
const maxKeptEntry = 64 << 10

func (w *cborWriter) key(k byte) {
	w.b[0]++
	w.b = append(w.b, k)
}

func (w *cborWriter) bytes(k byte, v []byte) {
	if len(v) > 0 {
		w.key(k)
		w.head(cborBytes, uint64(len(v)))
		w.b = append(w.b, v...)
	}
}

func (w *cborWriter) time(k byte, t Time) {
	switch {
	case t > 0:
		w.key(k)
		w.head(cborUint, uint64(t))
	case t < 0:
		w.key(k)
		w.head(cborNegative, uint64(-1-t))
	}
}

func (w *cborWriter) yes(k byte, v bool) {
	if v {
		w.key(k)
		w.head(cborSimple, cborTrue)
	}
}

// head writes the head of an item in its shortest form.
func (w *cborWriter) head(kind byte, n uint64) {
	switch {
	case n < 24:
		w.b = append(w.b, kind<<5|byte(n))
	case n <= 0xff:
		w.b = append(w.b, kind<<5|24, byte(n))
	case n <= 0xffff:
		w.b = binary.BigEndian.AppendUint16(append(w.b, kind<<5|25), uint16(n))
	case n <= 0xffff_ffff:
		w.b = binary.BigEndian.AppendUint32(append(w.b, kind<<5|26), uint32(n))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, kind<<5|27), n)
	}
}

// decodeEntry reads an entry's value. Entries are read by the thousand, so
// those in the plain form that encoding writes are read by hand, five times as
// fast; anything else is left to the library, which decides what it means.
func decodeEntry(lane Lane, id EntryID, v []byte) (Entry, error) {
	e := Entry{ID: id, Lane: lane}
	if e.read(v) {
		return e, nil
	}
	e = Entry{ID: id, Lane: lane}
	err := decode(v, &e)
	return e, err
}

// decodeHead is decodeEntry without what was sealed and the family's own fields,
// which are long to copy: for counting.
func decodeHead(lane Lane, id EntryID, v []byte) (Entry, error) {
	e := Entry{ID: id, Lane: lane}
	if e.readFrom(cborReader{rest: v, short: true}) {
		return e, nil
	}
	return decodeEntry(lane, id, v)
}

// read reads a map of small rising integers, each with a value of the field's
// own type (RFC 8949), and reports whether it was that to its end.
func (e *Entry) read(v []byte) bool { return e.readFrom(cborReader{rest: v}) }

func (e *Entry) readFrom(c cborReader) bool {
	kind, fields := c.head()
	if kind != cborMap {
		return false
	}
	last := uint64(0)
	for range fields {
		kind, k := c.head()
		if kind != cborUint || k <= last || c.bad {
			return false
		}
		last = k
		if kind, n := c.head(); !e.field(k, kind, n, &c) {
			return false
		}
	}
	return !c.bad && len(c.rest) == 0
}

// field sets one field and reports whether there is one of that key and type.
func (e *Entry) field(k uint64, kind byte, n uint64, c *cborReader) bool {
	switch {
	case kind == cborText && k == 1:
		word := c.take(n)
		c.bad = c.bad || !utf8.Valid(word)
		e.Kind = string(word)
	case kind == cborBytes && k == 2 && n == uint64(len(e.From)):
		copy(e.From[:], c.take(n))
	case kind == cborBytes && k == 3:
		e.Body = c.copy(n)
	case kind == cborBytes && k == 4:
		e.Nonce = c.copy(n)
	case kind == cborUint && k >= 5 && k <= 8 && n < 1<<63:
		*[]*Time{&e.Reply, &e.Thread, &e.Expires, &e.Edited}[k-5] = Time(n)
	case kind == cborUint && k == 9 && n < 1<<16:
		e.Place = uint16(n)
	case kind == cborBytes && k == 10:
		e.Extra = c.copy(n)
	case kind == cborSimple && (k == 11 || k == 12) && (n == cborFalse || n == cborTrue):
		*[]*bool{&e.Erased, &e.Withheld}[k-11] = n == cborTrue
	default:
		return false
	}
	return !c.bad
}

// The parts of CBOR that an entry has.
const (
	cborUint, cborNegative, cborBytes, cborText, cborMap, cborSimple = 0, 1, 2, 3, 5, 7
	cborFalse, cborTrue                                              = 20, 21
)

// A cborReader reads CBOR from the front. Once it has met something it cannot
// read, it is bad and stays so.
type cborReader struct {
	rest  []byte
	bad   bool
	short bool // long fields are passed over
}

// copy copies the next n bytes, or passes over them.
func (c *cborReader) copy(n uint64) []byte {
	b := c.take(n)
	if c.short {
		return nil
	}
	return clone(b)
}

// head reads the head of an item: its major type and its argument.
func (c *cborReader) head() (kind byte, n uint64) {
	b := c.take(1)
	if c.bad {
		return 0xff, 0
	}
	kind, n = b[0]>>5, uint64(b[0]&0x1f)
	if n < 24 {
		return kind, n
	}
	if n > 27 || kind == cborSimple {
		c.bad = true
		return 0xff, 0
	}
	var arg [8]byte
	copy(arg[8-1<<(n-24):], c.take(1<<(n-24)))
	return kind, binary.BigEndian.Uint64(arg[:])
}

// take takes the next n bytes; they are the caller's to copy.
func (c *cborReader) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}
