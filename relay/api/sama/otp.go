package sama

import (
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// purposeReset is what a code is for that lets a password be set.
const purposeReset = "password"

// codeFor is how long such a code is good.
const codeFor = 5 * time.Minute

type sendOTPIn struct {
	Email  field  `json:"email"`
	Device device `json:"device_id"`
}

var errNoUser = wrong("We couldn't find the specified user.")

// sendOTP sends a code to an account's e-mail address. The code is committed
// first, and taken back when it could not be sent.
func (a *api) sendOTP(c *wire.Call, r *relay.Relay, in sendOTPIn) (success, error) {
	acc, p, err := a.byEmail(c, r, in.Email)
	if err != nil {
		return success{}, err
	}
	key := resetKey(acc.ID)
	code, err := r.NewCode(c.Context(), key, 6, codeFor)
	if err != nil {
		return success{}, err
	}
	err = c.Service.Codes.Send(c.Context(), wire.Code{
		Key: key, To: p.Email, Code: code, Expires: r.Now().Add(codeFor).Time(),
	})
	if err != nil {
		_ = r.DropCode(c.Context(), key) // it runs out by itself
		return success{}, said(relay.Unauthorized, "Failed to create OTP sender transporter.")
	}
	return yes, nil
}

func resetKey(who relay.ID) relay.CodeKey {
	return relay.CodeKey{Family: family, Purpose: purposeReset, Subject: relay.DigestOf(who[:])}
}

// unknownAnHour is how many addresses strangers may name, all together, that are
// nobody's: they have no account that would be charged for a miss.
const unknownAnHour = 60

// byEmail finds who has forgotten his password.
func (a *api) byEmail(c *wire.Call, r *relay.Relay, email field) (acc relay.Account, p person, err error) {
	if !email.within(1, 255) {
		return acc, p, errShape
	}
	if ok, wait := a.unknown.Peek(nil, 1); !ok && c.Service.Rates != nil {
		return acc, p, relay.Later(wait, "Too many requests.")
	}
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		found, err := tx.FindLogin(family, relay.Login{Kind: loginEmail, Folded: folded(email.v)})
		if err != nil {
			return err
		}
		acc, p, err = personOf(tx, found.ID)
		return err
	})
	if relay.Is(err, relay.NotFound) {
		a.unknown.Spend(nil, 1)
		err = errNoUser
	}
	return acc, p, err
}

type resetPasswordIn struct {
	sendOTPIn
	Token jsontext.Value `json:"token"` // a number, or its digits
	New   field          `json:"new_password"`
}

// resetPassword sets a password by a code, and ends all sessions.
func (a *api) resetPassword(c *wire.Call, r *relay.Relay, in resetPasswordIn) (success, error) {
	if !in.New.within(3, 40) {
		return success{}, wrong("The password entered is incorrect.")
	}
	tries := "reset " + folded(in.Email.v)
	if err := c.Service.LoginTry(family, tries); err != nil { // a hash is made for each
		return success{}, err
	}
	acc, _, err := a.byEmail(c, r, in.Email)
	if err != nil {
		return success{}, err
	}
	hash, err := c.Service.HashPassword(c.Context(), in.New.v)
	if err != nil {
		return success{}, err
	}
	nobodyHere := relay.Caller{Account: acc.ID, Box: acc.Box}
	err = c.Service.TryCode(c.Context(), resetKey(acc.ID), digits(in.Token), func(tx *relay.Tx) error {
		if _, err := tx.Account(acc.ID); err != nil {
			return err
		}
		tx.SetCredential(acc.ID, credential, hash)
		return dropOthers(tx, nobodyHere)
	})
	if relay.Is(err, relay.Forbidden) {
		c.Service.LoginWrong(family, tries)
		err = said(relay.Forbidden, "Incorrect token for password recovery.")
	}
	if err == nil {
		ended(r, nobodyHere)
	}
	return yes, err
}

// digits reads a code. Leading zeros of one that came as a number are gone.
func digits(v jsontext.Value) string {
	var s string
	if v.Kind() == '0' {
		s = string(v)
	} else if v.Kind() != '"' || decodeJSON(v, &s) != nil {
		return ""
	}
	for len(s) < 6 {
		s = "0" + s
	}
	return s
}
