package jetico

import (
	"context"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// What a code is for, as the program that delivers it is told.
const (
	purposeRegister   = "register"
	purposeUpdateKeys = "updateKeys"
	purposeDeleteUser = "deleteUser"
)

// maxSMS is how many bytes a text may have for Android to read the code in it.
const maxSMS = 140

// codeFor is the key of a code: what for, whose, and for which application (its
// uuid, or its stand-in once it is known). Anybody may invent applications, so
// codes are counted by the user, too.
func codeFor(purpose, userID, app string) relay.CodeKey {
	return relay.CodeKey{
		Family: family, Purpose: purpose, Subject: relay.DigestOf([]byte(userID), []byte(app)), Whose: relay.DigestOf([]byte(userID)),
	}
}

// A delivery is where a code goes and what the text with it needs.
type delivery struct{ phone, smsToken string }

// sendCode makes a code and has it delivered. One that could not be is
// withdrawn.
func (a *api) sendCode(c *wire.Call, r *relay.Relay, key relay.CodeKey, d delivery) error {
	code, err := r.NewCode(c.Context(), key, a.o.CodeDigits, codeTTL)
	if err != nil {
		return err
	}
	err = c.Service.Codes.Send(c.Context(), wire.Code{
		Key: key, To: d.phone, Code: code, Expires: r.Now().Add(codeTTL).Time(),
		Text: a.smsText(code, d.smsToken),
	})
	if err == nil {
		return nil
	}
	if r.DropCode(context.WithoutCancel(c.Context()), key) != nil {
		return errInternal // nobody has the code, which ends by itself
	}
	return errNotSent
}

// smsText is what is sent to a phone. It ends with the token by which Android
// gives it to the application, if there is one and room for it.
func (a *api) smsText(code, token string) string {
	text := strings.Replace(a.o.CodeText, "%s", code, 1)
	if token == "" || len(text)+2+len(token) >= maxSMS {
		return text
	}
	return text + "\n\n" + token
}

// useCode uses a code, see [wire.Service.TryCode], and says why one did not do.
func useCode(c *wire.Call, r *relay.Relay, key relay.CodeKey, code string, then func(*relay.Tx) error) error {
	stands := func() (state relay.CodeState, err error) {
		err = r.View(c.Context(), func(tx *relay.Tx) (err error) {
			state, err = tx.CodeState(key)
			return err
		})
		return state, err
	}
	state, err := stands()
	if err != nil {
		return err
	}
	switch state {
	case relay.CodeNone:
		return errNoPending
	case relay.CodeExpired:
		return errCodeExpired
	case relay.CodeSpent:
		return errTooManyAttempts
	}
	var right bool
	err = c.Service.TryCode(c.Context(), key, code, func(tx *relay.Tx) error {
		right = true
		return then(tx)
	})
	if right || !relay.Is(err, relay.Forbidden) {
		return err
	}
	if state, err = stands(); err == nil && state == relay.CodeSpent {
		return errTooManyAttempts
	}
	return firstOf(err, errWrongCode)
}
