package relay

import "iter"

// Places yields where the records of a span stand, without reading them: for
// counting, and for passing over what comes before a page. Unlike [Records.Scan]
// it goes on past 5,000, so whoever gives no limit bounds the loop.
func (rs *Records[T]) Places(tx *Tx, index string, s Span) iter.Seq[Place] {
	prefix := rs.prefix(rs.known(index))
	return func(yield func(Place) bool) {
		rg := rs.span(index, s)
		n := 0
		for k := range tx.each(rg) {
			if n++; s.Limit > 0 && n > s.Limit {
				return
			}
			if !yield(Place{unescape(k[len(prefix) : len(k)-len(ID{})-1]), tailID(k)}) {
				return
			}
		}
	}
}
