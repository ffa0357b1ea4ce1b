package relay

import (
	"encoding/binary"
	"time"
)

// OnceFor is how long a once-key is remembered.
const OnceFor = 24 * time.Hour

// MaxOnceResult is how many bytes are remembered of what a thing came to.
const MaxOnceResult = 64

const dayMillis = Time(24 * time.Hour / time.Millisecond)

// A onceRow is the memory of something done.
type onceRow struct {
	Time   Time   `cbor:"1,keyasint"`
	Print  Digest `cbor:"2,keyasint"`
	Result []byte `cbor:"3,keyasint,omitempty"`
}

// Once remembers, with this commit, that the thing named by key (a digest of
// who, what and a client's own name for it) is done, and reports whether it was
// done within the last 24 hours. print is a digest of what was asked: the same
// key with another print is a Conflict. Failures are not remembered, for they
// are not committed.
func (tx *Tx) Once(name, print Digest) (again bool, err error) {
	_, again, err = tx.OnceWith(name, print, func() ([]byte, error) { return nil, nil })
	return again, err
}

// OnceWith is Once for a thing that comes to something (the id of a message): do
// does it, unless it is done, and what it came to is what a repetition gets.
// TooLarge (record): over MaxOnceResult.
func (tx *Tx) OnceWith(name, print Digest, do func() ([]byte, error)) (result []byte, again bool, err error) {
	now := Time(tx.Now())
	for _, day := range []Time{now / dayMillis, now/dayMillis - 1} {
		var row onceRow
		found, err := tx.get(onceKey(day, name), &row)
		if err != nil {
			return nil, false, err
		}
		if found && now-row.Time < Time(OnceFor.Milliseconds()) {
			if row.Print != print {
				return nil, false, Errorf(Conflict, SubjectMessage, "the same key was used for something else")
			}
			return row.Result, true, nil
		}
	}
	if result, err = do(); err != nil {
		return nil, false, err
	}
	if len(result) > MaxOnceResult {
		return nil, false, Errorf(TooLarge, SubjectRecord, "too much to remember")
	}
	// Stamped, so that the file keeps the time and a clock set back later does
	// not look for the key in the wrong day.
	now = Time(tx.Stamp(name[:]))
	return result, false, tx.put(onceKey(now/dayMillis, name), onceRow{now, print, result})
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
