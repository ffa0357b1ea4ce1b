package chatalot

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// Names of credentials.
const (
	credPassword = "password"      // its hash
	credRecovery = "recovery code" // its digest
	credTOTP     = "totp"          // a packed secondFactor
)

// codeSymbols has nothing that is read as something else.
const codeSymbols = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// newRecoveryCode returns a code as it is printed: four groups of four, with hyphens.
func newRecoveryCode() string { return printedCode(randomFrom(codeSymbols, 16)) }

// printedCode puts a dash between each four symbols.
func printedCode(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainCode takes a code as it was typed: lower case and without dashes, too.
func plainCode(s string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(s))
}

func setRecoveryCode(tx *relay.Tx, who relay.ID, code string) {
	sum := sha256.Sum256([]byte(code))
	tx.SetCredential(who, credRecovery, sum[:])
}

// recovers says whether a code, as printed, is an account's. Somebody without
// one takes as long.
func recovers(tx *relay.Tx, who relay.ID, code string) bool {
	want := tx.Credential(who, credRecovery)
	sum := sha256.Sum256([]byte(code))
	return subtle.ConstantTimeCompare(want, sum[:]) == 1
}

type recoverIn struct {
	Username string `json:"username"`
	Code     string `json:"recovery_code"`
	Password string `json:"new_password"`
}

type recoveryOut struct {
	Code string `json:"recovery_code"`
}

var notRecovered = bad("invalid username or recovery code")

// recoverAccount sets a new password for whoever has the recovery code, which is
// spent by it. Nobody is logged in, and a second factor stays.
func (a *api) recoverAccount(c *wire.Call, r *relay.Relay, in recoverIn) (recoveryOut, error) {
	symbols := plainCode(in.Code)
	if len(in.Username) > 32 || len(symbols) != 16 {
		return recoveryOut{}, notRecovered
	}
	if err := checkPassword(in.Password); err != nil {
		return recoveryOut{}, err
	}
	name, code := fold(in.Username), printedCode(symbols)
	if err := c.Service.LoginTry(family, "recover:"+name); err != nil {
		return recoveryOut{}, err
	}
	var who relay.ID
	find := func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: name})
		if err != nil && !relay.Is(err, relay.NotFound) {
			return err
		}
		if who = acc.ID; !recovers(tx, who, code) || acc.Suspended != 0 {
			return notRecovered
		}
		return nil
	}
	err := r.View(c.Context(), find)
	if err == notRecovered {
		c.Service.LoginWrong(family, "recover:"+name)
	}
	if err != nil {
		return recoveryOut{}, err
	}
	hash, err := c.Service.HashPassword(c.Context(), in.Password)
	if err != nil {
		return recoveryOut{}, err
	}
	next := newRecoveryCode()
	return recoveryOut{next}, r.Update(c.Context(), func(tx *relay.Tx) error {
		if err := find(tx); err != nil {
			return err
		}
		setRecoveryCode(tx, who, next)
		if err := a.changePassword(tx, who, hash); err != nil {
			return err
		}
		return a.audit(c, tx, who, "account_recovered", nil)
	})
}

// changePassword sets the hash of a new password and ends all sessions.
func (a *api) changePassword(tx *relay.Tx, who relay.ID, hash []byte) error {
	acc, err := tx.Account(who)
	if err != nil {
		return err
	}
	tx.SetCredential(who, credPassword, hash)
	_, err = endSessions(tx, acc, "")
	return err
}
