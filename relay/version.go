package relay

import "iter"

// A Version is what an entry was before it was amended.
type Version struct {
	Entry
	Until Time // when it was amended
}

// keepVersion keeps an entry as it was stored, and returns by how many bytes the
// versions grew. They lie under the entry's marks and go with them, and count as
// bytes of its box. Of more than MaxVersions the oldest goes.
func (tx *Tx) keepVersion(id EntryID, old []byte) (grew int) {
	k := entryMarks(id, markVersion)
	rg := k.all()
	rg.Limit = MaxVersions
	at, n, oldest, size := Time(tx.Now()), 0, []byte(nil), 0
	for k, v := range tx.Scan(rg) {
		if n++; n == 1 {
			oldest, size = append(oldest, k...), len(v)
		}
		at = max(at, getTime(k[len(k)-6:])+1) // twice in one transaction
	}
	grew = len(old)
	if n == MaxVersions {
		tx.Delete(oldest)
		grew -= size
	}
	tx.Put(append(key(nil), k.time(at)...), old)
	return grew
}

// versionBytes is what the versions of an entry count as.
func (tx *Tx) versionBytes(e Entry) (n int) {
	if e.Edited == 0 {
		return 0
	}
	for _, v := range tx.Scan(entryMarks(e.ID, markVersion).all()) {
		n += len(v)
	}
	return n
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
