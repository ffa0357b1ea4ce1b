package relay

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math/big"
	"time"
)

// Limits of one-time codes: a code stands five wrong tries, and no more than so
// many are made in a day, for one subject and for all of the relay.
const (
	codeTries    = 5
	codesADay    = 5
	codesADayAll = 60
)

// A CodeKey says what a one-time code is for: one purpose (a registration, a
// lost password), one subject (the digest of a phone number or an address). Each
// has one code at a time.
type CodeKey struct {
	Family  string
	Purpose string
	Subject Digest
	// Whose is the digest of whom the codes of several subjects go to, where
	// there are several: they count together. It is no part of the name.
	Whose Digest
}

func (k CodeKey) id() ID {
	d := DigestOf([]byte("code"), []byte(k.Family), []byte(k.Purpose), k.Subject[:])
	return ID(d[:16])
}

// A codeRow is a code that was given out, or the memory of how many were.
type codeRow struct {
	Sum     Digest `cbor:"1,keyasint,omitzero"` // of key, salt and code; zero: no code is open
	Salt    []byte `cbor:"2,keyasint,omitempty"`
	Tries   int    `cbor:"3,keyasint,omitempty"` // wrong ones so far
	Expires Time   `cbor:"4,keyasint,omitempty"`
	Today   int    `cbor:"5,keyasint,omitempty"` // made on the day On
	On      Time   `cbor:"6,keyasint,omitempty"`
}

var codes = NewRecords[codeRow]("code").NotRestored(nil)

const verbDropCode = "drop code"

// allCodes is the subject under which the codes of the whole relay are counted.
var allCodes = CodeKey{Purpose: "all"}

// NewCode makes a code of so many digits (6 at least) that is good for a time,
// in place of the one before. It is returned here and never again; a digest is
// kept. TooMany: five were made for this subject today, or for whose it is, or
// sixty in all.
func (r *Relay) NewCode(ctx context.Context, k CodeKey, digits int, good time.Duration) (code string, err error) {
	code, err = randomDigits(max(digits, 6))
	if err != nil {
		return "", err
	}
	err = r.Update(ctx, func(tx *Tx) error {
		if err := tx.countCode(allCodes, codesADayAll); err != nil {
			return err
		}
		if err := tx.countCode(k, codesADay); err != nil {
			return err
		}
		if k.Whose != (Digest{}) {
			if err := tx.countCode(CodeKey{Family: k.Family, Purpose: "whose", Subject: k.Whose}, codesADay); err != nil {
				return err
			}
		}
		row, _, err := codes.Get(tx, k.id())
		if err != nil {
			return err
		}
		row.Salt = []byte(rand.Text())
		row.Sum, row.Tries, row.Expires = codeSum(k, row.Salt, code), 0, r.Now().Add(good)
		return codes.Put(tx, k.id(), row)
	})
	return code, err
}

// countCode counts one more code of today.
func (tx *Tx) countCode(k CodeKey, max int) error {
	row, found, err := codes.Get(tx, k.id())
	if err != nil {
		return err
	}
	if !found {
		row = &codeRow{}
	}
	today := dayOf(tx.r.Now())
	if row.On != today {
		row.On, row.Today = today, 0
		id := k.id()
		if _, err := tx.SetTimer(today+2*dayMillis, verbDropCode, id[:]); err != nil {
			return err
		}
	}
	if row.Today++; row.Today > max && !tx.r.opts.NoLimits {
		return Later((today + dayMillis - tx.r.Now()).duration(), "too many codes today")
	}
	return codes.Put(tx, k.id(), row)
}

// TryCode uses a code: when it is right it is spent, in the commit of then. A
// wrong one counts, and the fifth ends the code. Forbidden (token): wrong, used,
// ended or expired; which of them is not said. An error of then leaves the code
// as it was.
func (r *Relay) TryCode(ctx context.Context, k CodeKey, code string, then func(*Tx) error) error {
	var right bool
	err := r.Update(ctx, func(tx *Tx) error {
		right = false
		row, found, err := codes.Get(tx, k.id())
		if err != nil || !found || row.Sum == (Digest{}) {
			return err
		}
		sum := codeSum(k, row.Salt, code)
		right = row.Expires > r.Now() && subtle.ConstantTimeCompare(sum[:], row.Sum[:]) == 1
		if row.Tries++; right || row.Tries >= codeTries {
			row.Sum = Digest{}
		}
		if right {
			row.Tries = 0
		}
		if err := codes.Put(tx, k.id(), row); err != nil {
			return err
		}
		if right && then != nil {
			return then(tx)
		}
		return nil
	})
	if err == nil && !right {
		return Errorf(Forbidden, SubjectToken, "wrong code")
	}
	return err
}

// DropCode withdraws a code that was not used, because it could not be sent or
// is not wanted any more.
func (r *Relay) DropCode(ctx context.Context, k CodeKey) error {
	return r.Update(ctx, func(tx *Tx) error {
		row, found, err := codes.Get(tx, k.id())
		if err != nil || !found {
			return err
		}
		row.Sum = Digest{}
		return codes.Put(tx, k.id(), row)
	})
}

// dropCode forgets a subject whose day is over.
func dropCode(tx *Tx, arg []byte) error {
	row, found, err := codes.Get(tx, ID(arg))
	if err != nil || !found {
		return err
	}
	if row.On+2*dayMillis > tx.r.Now() {
		return nil // it came again since, and has a timer of its own
	}
	_, err = codes.Delete(tx, ID(arg))
	return err
}

func codeSum(k CodeKey, salt []byte, code string) Digest {
	return DigestOf([]byte(k.Family), []byte(k.Purpose), k.Subject[:], salt, []byte(code))
}

func randomDigits(n int) (string, error) {
	top := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	v, err := rand.Int(rand.Reader, top)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", n, v), nil
}
