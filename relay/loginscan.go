package relay

// A Named is an account under one of its logins.
type Named struct {
	Folded  string
	Account ID
}

// LoginsAfter returns up to limit logins of one kind in a family, in the order
// of their folded forms, that begin with prefix and come after past. It is what
// a directory is searched with: a slice of it at a time. Logins of removed
// accounts may be among them.
func (tx *Tx) LoginsAfter(family, kind, prefix, past string, limit int) []Named {
	base := newKey(kindLogin).word(family).word(kind)
	rg := append(key(nil), base.last(prefix)...).all()
	if past >= prefix && past != "" {
		rg.From = latest(rg.From, append(key(nil), base.last(past).byte(0)...))
	}
	rg.Limit = limit
	var got []Named
	for k, v := range tx.Scan(rg) {
		if len(v) == len(ID{}) {
			got = append(got, Named{string(k[len(base):]), ID(v)})
		}
	}
	return got
}
