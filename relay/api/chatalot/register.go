package chatalot

import (
	"cmp"
	"regexp"
	"strings"
	"unicode/utf8"

	"restante/relay"
	"restante/relay/api/wire"
)

type registerIn struct {
	Username    string `json:"username"`
	Email       string `json:"email"`
	Password    string `json:"password"`
	DisplayName string `json:"display_name"`
	Invite      string `json:"invite_code"`
	newKeys
}

// Check leaves everything to register, which has an order to keep.
func (in *registerIn) Check() error { return nil }

// register makes an account with its keys and its first session. What can be
// refused is refused before the password is hashed and the writer is asked.
func (a *api) register(c *wire.Call, r *relay.Relay, in registerIn) (authOut, error) {
	if err := a.mayRegister(in.Invite); err != nil {
		return authOut{}, err
	}
	p, err := in.profile()
	if err == nil {
		err = in.newKeys.check()
	}
	if err == nil {
		err = r.View(c.Context(), func(tx *relay.Tx) error { return a.registrable(tx, p, in.Invite) })
	}
	if err == nil && in.Invite == "" {
		err = firstError(r.Founding(), c.Service.Newcomer())
	}
	if err != nil {
		return authOut{}, err
	}
	hash, err := c.Service.HashPassword(c.Context(), in.Password)
	if err != nil {
		return authOut{}, err
	}
	return a.settle(c, r, in, p, hash)
}

// settle writes the account, all of it or nothing.
func (a *api) settle(c *wire.Call, r *relay.Relay, in registerIn, p profile, hash []byte) (authOut, error) {
	refresh, code := newRefresh(), newRecoveryCode()
	var acc relay.Account
	var session string
	err := r.Update(c.Context(), func(tx *relay.Tx) (err error) {
		if err := a.registrable(tx, p, in.Invite); err != nil {
			return err
		}
		acc, err = tx.Register(relay.AccountDraft{Family: family, Profile: pack(p), Logins: p.logins()})
		if err != nil {
			return err
		}
		if err := a.spendInvite(tx, in.Invite); err != nil {
			return err
		}
		tx.SetCredential(acc.ID, credPassword, hash)
		setRecoveryCode(tx, acc.ID, code)
		if err := putKeys(tx, acc.ID, in.newKeys); err != nil {
			return err
		}
		if session, err = a.openSession(c, tx, acc.ID, refresh); err != nil {
			return err
		}
		return a.audit(c, tx, acc.ID, "register", nil)
	})
	if err != nil {
		return authOut{}, err
	}
	access, err := a.newAccess(r, acc.ID, p, session)
	return authOut{access, refresh, newUser(acc, p, a.status(r, acc.ID)), code}, err
}

// mayRegister says whether anybody may, and whether an invite is missing. Nobody
// is let in for coming first.
func (a *api) mayRegister(invite string) error {
	switch {
	case a.o.Registration == "closed":
		return bad("registration is closed")
	case a.o.Registration != "open" && invite == "":
		return bad("an invite code is required")
	}
	return nil
}

// registrable says whether the names are free and the invite is good.
//
// The invite comes first: who has none is not told who is here.
func (a *api) registrable(tx *relay.Tx, p profile, invite string) error {
	if err := a.checkInvite(tx, invite); err != nil {
		return err
	}
	for _, l := range p.logins() {
		_, err := tx.FindLogin(family, l)
		if err == nil {
			return relay.Errorf(relay.Conflict, relay.SubjectLogin, "%s is already taken", l.Kind)
		}
		if !relay.Is(err, relay.NotFound) {
			return err
		}
	}
	return nil
}

// logins are the names by which the account is found.
func (p profile) logins() []relay.Login {
	return []relay.Login{{Kind: loginName, Folded: fold(p.Username)}, {Kind: loginEmail, Folded: fold(p.Email)}}
}

// profile checks the names and the password, one rule after the other.
func (in *registerIn) profile() (p profile, err error) {
	p = profile{Username: in.Username, Email: strings.TrimSpace(in.Email), DisplayName: strings.TrimSpace(in.DisplayName)}
	p.DisplayName = cmp.Or(p.DisplayName, p.Username)
	if err := checkUsername(p.Username); err != nil {
		return p, err
	}
	if err := checkEmail(p.Email); err != nil {
		return p, err
	}
	if err := checkPassword(in.Password); err != nil {
		return p, err
	}
	if p.DisplayName, err = sized(p.DisplayName, "display name", 1, 64); err != nil {
		return p, err
	}
	return p, nil
}

var usernames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`)

func checkUsername(name string) error {
	switch {
	case len(name) < 3 || len(name) > 32:
		return bad("username must be 3 to 32 characters")
	case !usernames.MatchString(name):
		return bad("username may have letters, digits, '_', '.' and '-', and begins with a letter or digit")
	case strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return bad("username must not end with a dot, nor have two in a row")
	}
	return nil
}

func checkEmail(email string) error {
	local, domain, one := strings.Cut(email, "@")
	if utf8.RuneCountInString(email) > 254 || !one || local == "" || strings.Contains(domain, "@") || !strings.Contains(domain, ".") {
		return bad("invalid email address")
	}
	return nil
}

// checkPassword has a text for each rule that is broken.
func checkPassword(s string) error {
	has := func(in func(b byte) bool) bool {
		for i := range len(s) {
			if in(s[i]) {
				return true
			}
		}
		return false
	}
	upper := func(b byte) bool { return 'A' <= b && b <= 'Z' }
	lower := func(b byte) bool { return 'a' <= b && b <= 'z' }
	digit := func(b byte) bool { return '0' <= b && b <= '9' }
	switch {
	case len(s) < 8:
		return bad("password must be at least 8 characters")
	case len(s) > 128:
		return bad("password must be at most 128 characters")
	case !has(upper):
		return bad("password must contain an uppercase letter")
	case !has(lower):
		return bad("password must contain a lowercase letter")
	case !has(digit):
		return bad("password must contain a digit")
	case !has(func(b byte) bool { return !upper(b) && !lower(b) && !digit(b) }):
		return bad("password must contain a special character")
	}
	return nil
}
