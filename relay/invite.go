package relay

import (
	"crypto/rand"
	"encoding/base32"
	"time"
)

// An inviteRow is a right to register, found by its code's digest.
type inviteRow struct {
	Uses    int  `cbor:"1,keyasint"`
	Expires Time `cbor:"2,keyasint,omitempty"`
}

var invites = NewRecords[inviteRow]("invite")

const verbDropInvite = "drop invite"

// NewInvite makes a code with which so many accounts may be registered within
// a time (0: whenever). The code is returned here and never again; its digest
// is kept. Invalid: no uses, or more than 10,000.
func (tx *Tx) NewInvite(uses int, expires time.Duration) (code string, err error) {
	if uses < 1 || uses > 10_000 || expires < 0 {
		return "", Errorf(Invalid, SubjectInvite, "an invite is for 1 to 10,000 registrations")
	}
	var b [20]byte
	rand.Read(b[:])
	code = base32.StdEncoding.EncodeToString(b[:])
	row, id := inviteRow{Uses: uses}, inviteID(code)
	if expires > 0 {
		row.Expires = tx.r.Now().Add(expires)
		if _, err := tx.SetTimer(row.Expires, verbDropInvite, id[:]); err != nil {
			return "", err
		}
	}
	return code, invites.Put(tx, id, &row)
}

// CheckInvite fails with Forbidden (invite) when a code is unknown, used up or
// expired; which of them is not said.
func (tx *Tx) CheckInvite(code string) error {
	_, err := tx.invite(code)
	return err
}

// SpendInvite uses a code once; errors as for CheckInvite.
func (tx *Tx) SpendInvite(code string) error {
	row, err := tx.invite(code)
	if err != nil {
		return err
	}
	if row.Uses--; row.Uses == 0 {
		_, err := invites.Delete(tx, inviteID(code))
		return err
	}
	return invites.Put(tx, inviteID(code), row)
}

func (tx *Tx) invite(code string) (*inviteRow, error) {
	row, found, err := invites.Get(tx, inviteID(code))
	if err == nil && (!found || row.Expires != 0 && row.Expires <= tx.r.Now()) {
		err = Errorf(Forbidden, SubjectInvite, "invite not valid")
	}
	return row, err
}

func dropInvite(tx *Tx, arg []byte) error {
	_, err := invites.Delete(tx, ID(arg))
	return err
}

func inviteID(code string) ID {
	d := DigestOf([]byte("invite"), []byte(code))
	return ID(d[:16])
}
