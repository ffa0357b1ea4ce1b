package relay

import (
	"encoding/binary"
	"time"
)

// OnceFor is how long a once-key is remembered.
const OnceFor = 24 * time.Hour

const dayMillis = Time(24 * time.Hour / time.Millisecond)

// A onceRow is the memory of something done.
type onceRow struct {
	Time  Time   `cbor:"1,keyasint"`
	Print Digest `cbor:"2,keyasint"`
}

// Once remembers, with this commit, that the thing named by key (a digest of
// who, what and a client's own name for it) is done, and reports whether it was
// done within the last 24 hours. print is a digest of what was asked: the same
// key with another print is a Conflict. Failures are not remembered, for they
// are not committed.
func (tx *Tx) Once(name, print Digest) (again bool, err error) {
	now := Time(tx.Now())
	for _, day := range []Time{now / dayMillis, now/dayMillis - 1} {
		var row onceRow
		found, err := tx.get(onceKey(day, name), &row)
		if err != nil {
			return false, err
		}
		if found && now-row.Time < Time(OnceFor.Milliseconds()) {
			if row.Print != print {
				return false, Errorf(Conflict, SubjectMessage, "the same key was used for something else")
			}
			return true, nil
		}
	}
	// Stamped, so that the file keeps the time and a clock set back later does
	// not look for the key in the wrong day.
	now = Time(tx.Stamp(name[:]))
	return false, tx.put(onceKey(now/dayMillis, name), onceRow{now, print})
}

// forgetOnce removes up to max once-keys that are too old to matter and reports
// whether any are left. They lie by day, so no index is needed.
func (tx *Tx) forgetOnce(max int) (left bool) {
	rg := newKey(kindOnce).all()
	rg.To = onceKey(Time(tx.Now())/dayMillis-1, Digest{})
	return tx.deleteSome(rg, max)
}

func onceKey(day Time, name Digest) key {
	return key(binary.BigEndian.AppendUint32(newKey(kindOnce), uint32(max(day, 0)))).digest(name)
}
