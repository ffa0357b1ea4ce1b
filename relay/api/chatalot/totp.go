package chatalot

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// The second factor is RFC 6238 with SHA-1, six digits and steps of 30 seconds,
// one of which a clock may be off.
const (
	totpStep    = 30 // seconds
	totpSlip    = 1  // steps
	totpSecret  = 20 // bytes
	totpContext = "chatalot totp"
	backupCodes = 8
)

// totpOps are the rows of the second factor.
func (a *api) totpOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/totp/setup", wire.User, wire.Write(totpSetup), "a secret for an authenticator, not in force yet").NamesNobody(),
		wire.Row("POST /api/totp/verify", wire.User, wire.Free(totpVerify), "put it in force with a first code; backup codes").NamesNobody(),
		wire.Row("POST /api/totp/disable", wire.User, wire.Free(totpDisable), "end it, with a code or the password").NamesNobody(),
		wire.Row("GET /api/totp/backup-codes", wire.User, wire.Read(countBackupCodes), "how many backup codes are left").NamesNobody(),
		wire.Row("POST /api/totp/regenerate-backup-codes", wire.User, wire.Free(renewBackupCodes), "new backup codes in place of the old ones").NamesNobody(),
	}
}

// A secondFactor is the credential of an account that has one, or is setting one
// up.
type secondFactor struct {
	Secret []byte   `cbor:"1,keyasint"` // sealed
	Active bool     `cbor:"2,keyasint,omitempty"`
	Step   int64    `cbor:"3,keyasint,omitempty"` // of the last code that was taken: none is taken twice
	Backup [][]byte `cbor:"4,keyasint,omitempty"` // digests of codes not used yet
}

func factorOf(tx *relay.Tx, who relay.ID) (f secondFactor, err error) {
	return f, unpack(tx.Credential(who, credTOTP), &f)
}

func (f secondFactor) keep(tx *relay.Tx, who relay.ID) { tx.SetCredential(who, credTOTP, pack(f)) }

// take spends a code, from the authenticator or from the list of backup codes,
// and reports whether it was good. The caller keeps f.
func (f *secondFactor) take(tx *relay.Tx, code string) (good, backup bool, err error) {
	secret, err := tx.Unseal(totpContext, f.Secret)
	if err != nil {
		return false, false, err
	}
	now := int64(tx.Wall()) / 1000 / totpStep
	for step := max(now-totpSlip, f.Step+1); step <= now+totpSlip; step++ {
		if hmac.Equal([]byte(totpCode(secret, step)), []byte(code)) {
			f.Step = step
			return true, false, nil
		}
	}
	sum := sha256.Sum256([]byte(printedCode(plainCode(code))))
	for i, b := range f.Backup {
		if hmac.Equal(b, sum[:]) {
			f.Backup = slices.Delete(f.Backup, i, i+1)
			return true, true, nil
		}
	}
	return false, false, nil
}

// totpCode returns the code of a step (RFC 4226, section 5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// newBackupCodes gives a factor new backup codes and returns them in clear.
func (f *secondFactor) newBackupCodes() []string {
	f.Backup = nil
	codes := make([]string, backupCodes)
	for i := range codes {
		codes[i] = printedCode(randomFrom(codeSymbols, 8))
		sum := sha256.Sum256([]byte(codes[i]))
		f.Backup = append(f.Backup, sum[:])
	}
	return codes
}

// secondFactor asks for the second factor of somebody who logs in, if he has
// one. What is refused is written down with the transaction.
func (a *api) secondFactor(c *wire.Call, tx *relay.Tx, who relay.ID, code string) (refusal, err error) {
	f, err := factorOf(tx, who)
	if err != nil || !f.Active {
		return nil, err
	}
	if code == "" {
		return bad("2FA code required"), nil // the web client looks for these words
	}
	good, backup, err := f.take(tx, code)
	switch {
	case err != nil:
		return nil, err
	case !good:
		return unauthorized("invalid 2FA code"), a.audit(c, tx, who, "login_failed_2fa", nil)
	case backup:
		err = a.audit(c, tx, who, "login_backup_code_used", nil)
	}
	f.keep(tx, who)
	return nil, err
}

type totpSetupOut struct {
	URL    string `json:"otpauth_url"`
	Secret string `json:"secret"`
}

var factorOn = relay.Errorf(relay.Conflict, relay.SubjectNone, "2FA is already enabled")

// totpSetup makes a secret, in place of one that was set up and never put in
// force.
func totpSetup(c *wire.Call, tx *relay.Tx, _ wire.None) (totpSetupOut, error) {
	who := c.Who.Account
	_, p, err := account(tx, who)
	if err != nil {
		return totpSetupOut{}, err
	}
	f, err := factorOf(tx, who)
	if err == nil && f.Active {
		err = factorOn
	}
	if err != nil {
		return totpSetupOut{}, err
	}
	secret := make([]byte, totpSecret)
	rand.Read(secret)
	sealed, err := tx.Seal(totpContext, secret)
	if err != nil {
		return totpSetupOut{}, err
	}
	secondFactor{Secret: sealed}.keep(tx, who)
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	link := "otpauth://totp/Chatalot:" + url.PathEscape(p.Username) + "?secret=" + text + "&issuer=Chatalot"
	return totpSetupOut{link, text}, nil
}

type codeIn struct {
	Code string `json:"code"`
}

type totpVerifyOut struct {
	Enabled bool     `json:"enabled"`
	Codes   []string `json:"backup_codes"`
}

func totpVerify(c *wire.Call, _ *relay.Relay, in codeIn) (out totpVerifyOut, err error) {
	err = guarded(c, func(tx *relay.Tx, f *secondFactor) error {
		switch {
		case f.Active:
			return factorOn
		case f.Secret == nil:
			return bad("2FA is not set up")
		}
		good, _, err := f.take(tx, in.Code)
		if err != nil {
			return err
		}
		if !good {
			return wrongCode
		}
		f.Active = true
		out = totpVerifyOut{true, f.newBackupCodes()}
		return nil
	})
	return out, err
}

var wrongCode = bad("invalid 2FA code")

// guarded changes the caller's second factor, and counts wrong codes as wrong
// logins are counted: whoever has a session may not try them all.
func guarded(c *wire.Call, change func(tx *relay.Tx, f *secondFactor) error) error {
	key := "2fa:" + c.Who.Account.String()
	if err := c.Service.LoginTry(family, key); err != nil {
		return err
	}
	err := c.Update(func(tx *relay.Tx) error {
		f, err := factorOf(tx, c.Who.Account)
		if err == nil {
			err = change(tx, &f)
		}
		if err != nil {
			return err
		}
		if f.Secret == nil {
			tx.SetCredential(c.Who.Account, credTOTP, nil)
			return nil
		}
		f.keep(tx, c.Who.Account)
		return nil
	})
	if err == wrongCode {
		c.Service.LoginWrong(family, key)
	}
	return err
}

// active refuses what needs a second factor that is in force.
func (f *secondFactor) active() error {
	if !f.Active {
		return bad("2FA is not enabled")
	}
	return nil
}

type totpDisableIn struct {
	Code     string `json:"code"`
	Password string `json:"password"`
}

type totpDisableOut struct {
	Enabled bool `json:"enabled"`
}

// totpDisable ends the second factor: the client sends a code, the document says
// password; one of them has to be right.
func totpDisable(c *wire.Call, r *relay.Relay, in totpDisableIn) (totpDisableOut, error) {
	known := false
	if in.Password != "" {
		var err error
		if known, err = rightPassword(c, r, in.Password); err != nil {
			return totpDisableOut{}, err
		}
	}
	return totpDisableOut{}, guarded(c, func(tx *relay.Tx, f *secondFactor) error {
		if err := f.active(); err != nil {
			return err
		}
		if !known {
			good, _, err := f.take(tx, in.Code)
			if err != nil {
				return err
			}
			if !good {
				return wrongCode
			}
		}
		*f = secondFactor{}
		return nil
	})
}

type backupCountOut struct {
	Remaining int `json:"remaining"`
	Count     int `json:"count"`
}

func countBackupCodes(c *wire.Call, tx *relay.Tx, _ wire.None) (backupCountOut, error) {
	f, err := factorOf(tx, c.Who.Account)
	return backupCountOut{len(f.Backup), len(f.Backup)}, err
}

type backupCodesOut struct {
	Codes []string `json:"backup_codes"`
}

func renewBackupCodes(c *wire.Call, _ *relay.Relay, in codeIn) (out backupCodesOut, err error) {
	err = guarded(c, func(tx *relay.Tx, f *secondFactor) error {
		if err := f.active(); err != nil {
			return err
		}
		good, _, err := f.take(tx, in.Code)
		if err != nil {
			return err
		}
		if !good {
			return wrongCode
		}
		out = backupCodesOut{f.newBackupCodes()}
		return nil
	})
	return out, err
}

// rightPassword reports whether a password is the caller's. Wrong ones count as
// wrong logins.
func rightPassword(c *wire.Call, r *relay.Relay, password string) (bool, error) {
	key := "password:" + c.Who.Account.String()
	if err := c.Service.LoginTry(family, key); err != nil {
		return false, err
	}
	var hash []byte
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		hash = tx.Credential(c.Who.Account, credPassword)
		return nil
	})
	if err != nil {
		return false, err
	}
	right, err := c.Service.CheckPassword(c.Context(), hash, password)
	if err == nil && !right {
		c.Service.LoginWrong(family, key)
	}
	return right, err
}
