package relay

import "iter"

// A Version is what an entry was before it was amended.
type Version struct {
	Entry
	Until Time // when it was amended
}

// keepVersion keeps an entry as it was stored. Versions lie under the entry's
// marks and go with them. Of more than MaxVersions the oldest goes.
func (tx *Tx) keepVersion(id EntryID, old []byte) {
	k := entryMarks(id, markVersion)
	rg := k.all()
	rg.Limit = MaxVersions
	at, n, oldest := Time(tx.Now()), 0, []byte(nil)
	for k := range tx.Scan(rg) {
		if n++; n == 1 {
			oldest = append(oldest, k...)
		}
		at = max(at, getTime(k[len(k)-6:])+1) // twice in one transaction
	}
	if n == MaxVersions {
		tx.Delete(oldest)
	}
	tx.Put(append(key(nil), k.time(at)...), old)
}

// Versions yields what a message was before each amendment that kept it, oldest
// first, at most MaxVersions. An error ends it.
func (tx *Tx) Versions(id EntryID) iter.Seq2[Version, error] {
	return func(yield func(Version, error) bool) {
		for k, v := range tx.Scan(entryMarks(id, markVersion).all()) {
			e, err := decodeEntry(Messages, id, v)
			if !yield(Version{e, getTime(k[len(k)-6:])}, err) || err != nil {
				return
			}
		}
	}
}
