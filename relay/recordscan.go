package relay

import (
	"bytes"
	"iter"

	"restante/storage"
)

// A Span is what a scan goes over: all of an index, the records with exactly a
// value, with values of a prefix, or from a value to below another.
type Span struct {
	Exact    []byte // nil: not
	Prefix   []byte
	From, To []byte // nil: no bound
	Past     Place  // go on after this place, in the direction of the scan
	Reverse  bool
	Limit    int // 0: 5,000, which is the most
}

// A Place is where a record stands in an index.
type Place struct {
	Value []byte
	ID    ID
}

// A Found is a record at its place in an index.
type Found[T any] struct {
	Place
	Record *T
}

// Scan yields the records of a span in the order of an index, then of ids; a
// record with several values there comes once for each. An error ends it.
func (rs *Records[T]) Scan(tx *Tx, index string, s Span) iter.Seq2[Found[T], error] {
	return func(yield func(Found[T], error) bool) {
		prefix := rs.prefix(rs.known(index))
		for k := range tx.Scan(rs.span(index, s)) {
			f := Found[T]{Place: Place{unescape(k[len(prefix) : len(k)-len(ID{})-1]), tailID(k)}}
			var err error
			if f.Record, _, err = rs.Get(tx, f.ID); !yield(f, err) || err != nil {
				return
			}
		}
	}
}

// Count returns how many places a span has, counting to its limit.
func (rs *Records[T]) Count(tx *Tx, index string, s Span) int {
	n := 0
	for range tx.Scan(rs.span(rs.known(index), s)) {
		n++
	}
	return n
}

// All yields the records in the order of their ids, from the one after a given
// id, at most 5,000. An error ends it.
func (rs *Records[T]) All(tx *Tx, after ID) iter.Seq2[Found[T], error] {
	return func(yield func(Found[T], error) bool) {
		rg := newKey(kindRecord).word(rs.name).all()
		rg.From = rs.key(after).byte(0)
		if after.IsZero() {
			rg.From = rs.key(after)
		}
		for k, v := range tx.Scan(rg) {
			f := Found[T]{Place{ID: tailID(k)}, new(T)}
			if err := decode(v, f.Record); !yield(f, err) || err != nil {
				return
			}
		}
	}
}

func (rs *Records[T]) prefix(index string) key { return newKey(kindIndex).word(rs.name).word(index) }

// row is the key of a record at a value. The value is escaped to have no zero
// byte and ends in one, so that values order as their bytes do.
func (rs *Records[T]) row(index string, value []byte, id ID) key {
	return rs.prefix(index).bytes(escape(value)).byte(0).id(id)
}

func (rs *Records[T]) span(index string, s Span) storage.Range {
	prefix := rs.prefix(index)
	rg := append(key(nil), prefix.bytes(escape(s.Prefix))...).all()
	if s.Exact != nil {
		rg = append(key(nil), prefix.bytes(escape(s.Exact)).byte(0)...).all()
	}
	if s.From != nil {
		rg.From = latest(rg.From, append(key(nil), prefix.bytes(escape(s.From))...))
	}
	if s.To != nil {
		rg.To = earliest(rg.To, append(key(nil), prefix.bytes(escape(s.To))...))
	}
	if s.Past.Value != nil || !s.Past.ID.IsZero() {
		past := rs.row(index, s.Past.Value, s.Past.ID)
		if s.Reverse {
			rg.To = earliest(rg.To, past)
		} else {
			rg.From = latest(rg.From, past.byte(0))
		}
	}
	rg.Reverse, rg.Limit = s.Reverse, s.Limit
	return rg
}

func latest(a, b []byte) []byte {
	if bytes.Compare(a, b) < 0 {
		return b
	}
	return a
}

func earliest(a, b []byte) []byte {
	if a == nil || bytes.Compare(b, a) < 0 {
		return b
	}
	return a
}

// escape writes 0 as 1 1 and 1 as 1 2: no zero byte is left, and the order
// stays.
func escape(v []byte) []byte {
	out := make([]byte, 0, len(v)+8)
	for _, b := range v {
		if b <= 1 {
			out = append(out, 1, b+1)
		} else {
			out = append(out, b)
		}
	}
	return out
}

// unescape reads what escape wrote.
func unescape(v []byte) []byte {
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		b := v[i]
		if b == 1 && i+1 < len(v) {
			i++
			b = v[i] - 1
		}
		out = append(out, b)
	}
	return out
}
