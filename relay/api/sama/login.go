package sama

import (
	"cmp"
	"net/http"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

var (
	errMissing   = said(relay.Unauthorized, "Missing authentication credentials.")
	errIncorrect = wrong("Incorrect token.")
)

const cookieName = "refresh_token"

type loginIn struct {
	Device       device `json:"device_id"`
	Organization field  `json:"organization_id"`
	Login        field  `json:"login"`
	Password     field  `json:"password"`
}

type loginOut struct {
	User        userOut `json:"user"`
	AccessToken string  `json:"access_token"`
	ExpiredAt   int64   `json:"expired_at"`
}

// login begins a session, or goes on with one: by a password, else by an access
// token, else by a refresh cookie.
func (a *api) login(c *wire.Call, r *relay.Relay, in loginIn) (loginOut, error) {
	if !in.Device.set {
		if name := c.Header("device_id") + c.Header("device-id"); name != "" {
			in.Device = device{field{set: true, v: name}}
		}
	}
	if !in.Device.within(1, 255) {
		return loginOut{}, errNoDevice
	}
	bearer, cookie := bearer(c), c.Cookie(cookieName)
	switch {
	case in.Login.v != "" && in.Password.v != "":
		who, p, err := a.byPassword(c, r, in.Login.v, in.Password.v, in.Device.v, dialectBy(in.Organization))
		return a.welcome(c, r, who, p, p.refresh, err)
	case bearer == "" && cookie == "":
		return loginOut{}, errMissing
	}
	if bearer != "" {
		who, p, err := a.byAccess(c, r, bearer, in.Device.v)
		if err == nil || !relay.Is(err, relay.Invalid) || cookie == "" {
			return a.welcome(c, r, who, p, "", err)
		}
	}
	who, p, err := a.byRefresh(c, r, cookie, in.Device.v)
	return a.welcome(c, r, who, p, p.refresh, err)
}

// welcome renders a session; refresh is the new cookie, empty for none.
func (a *api) welcome(c *wire.Call, r *relay.Relay, who relay.ID, p pass, refresh string, err error) (loginOut, error) {
	if err != nil {
		return loginOut{}, err
	}
	out := loginOut{AccessToken: p.access, ExpiredAt: int64(p.expires)}
	err = r.View(c.Context(), func(tx *relay.Tx) (err error) {
		out.User, err = viewer{a: a, r: r, who: who, base: c.Base()}.user(tx, who)
		return err
	})
	if err == nil && refresh != "" {
		c.SetCookie(a.cookie(refresh, int(a.o.RefreshFor.Seconds())))
	}
	return out, err
}

func (a *api) cookie(value string, age int) http.Cookie {
	sites := map[string]http.SameSite{"strict": http.SameSiteStrictMode, "none": http.SameSiteNoneMode}
	return http.Cookie{
		Name: cookieName, Value: value, MaxAge: age, HttpOnly: true, Secure: !a.o.PlainCookie,
		SameSite: cmp.Or(sites[a.o.CookieSite], http.SameSiteLaxMode),
	}
}

// bearer returns the access token of a request's header.
func bearer(c *wire.Call) string {
	token, ok := strings.CutPrefix(c.Header("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(token)
}

// byPassword begins a session of a device. The password is tried outside of any
// transaction, and the account looked at again in the one that decides.
func (a *api) byPassword(c *wire.Call, r *relay.Relay, login, password, device, dialect string) (relay.ID, pass, error) {
	who, hash, err := a.tryPassword(c, r, login, password)
	if err != nil {
		return who, pass{}, err
	}
	p, err := a.newPass(r, who, folded(login))
	if err != nil {
		return who, pass{}, err
	}
	err = r.Update(c.Context(), func(tx *relay.Tx) error {
		acc, err := tx.Account(who)
		if err != nil || acc.Suspended != 0 || string(tx.Credential(who, credential)) != string(hash) {
			return errPassword
		}
		return a.grant(tx, who, device, dialect, p, "", "")
	})
	return who, p, err
}

// credential is the name under which the hash of a password is kept.
const credential = "password"

// tryPassword returns whose login and password these are.
func (a *api) tryPassword(c *wire.Call, r *relay.Relay, login, password string) (who relay.ID, hash []byte, err error) {
	name := folded(login)
	if len(name) > 512 || len(password) > 512 {
		return who, nil, errPassword
	}
	if err := c.Service.LoginTry(family, name); err != nil {
		return who, nil, err
	}
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: name})
		if relay.Is(err, relay.NotFound) {
			return nil // as expensive as somebody known
		}
		who, hash = acc.ID, tx.Credential(acc.ID, credential)
		return err
	})
	if err != nil {
		return who, nil, err
	}
	right, err := c.Service.CheckPassword(c.Context(), hash, password)
	if err == nil && !right {
		c.Service.LoginWrong(family, name)
		err = errPassword
	}
	return who, hash, err
}

// byAccess goes on with a session: another access token, the same refresh token.
func (a *api) byAccess(c *wire.Call, r *relay.Relay, token, device string) (who relay.ID, p pass, err error) {
	claim := relay.Claim{Secret: token, Family: family, Device: device, Purpose: purposeAccess}
	who, login, err := a.holder(c, r, claim)
	if err != nil {
		return who, p, err
	}
	if p, err = a.newPass(r, who, login); err != nil {
		return who, p, err
	}
	err = r.Update(c.Context(), func(tx *relay.Tx) error {
		if _, err := tx.Authenticate(claim); err != nil {
			return errExpired
		}
		if err := tx.Revoke(token); err != nil {
			return err
		}
		return tx.Grant(p.access, relay.Token{Account: who, Family: family, Device: device, Purpose: purposeAccess, Expires: p.expires})
	})
	return who, p, err
}

// byRefresh exchanges a refresh token for a session. One that was exchanged long
// ago has been copied, and ends it.
func (a *api) byRefresh(c *wire.Call, r *relay.Relay, token, device string) (who relay.ID, p pass, err error) {
	claim := relay.Claim{Secret: token, Family: family, Device: device, Purpose: purposeRefresh}
	who, login, err := a.holder(c, r, claim)
	if err == errExpired {
		return who, p, a.endIfStolen(c, r, claim)
	}
	if err != nil {
		return who, p, err
	}
	if p, err = a.newPass(r, who, login); err != nil {
		return who, p, err
	}
	err = r.Update(c.Context(), func(tx *relay.Tx) error {
		if _, err := tx.Authenticate(claim); err != nil {
			return errExpired
		}
		return a.grant(tx, who, device, "", p, "", token)
	})
	return who, p, err
}

// endIfStolen ends the session of a refresh token that comes back later than two
// tabs would bring it. The answer is the one to any other token.
func (a *api) endIfStolen(c *wire.Call, r *relay.Relay, claim relay.Claim) error {
	claim.Purpose = purposeSpent
	var stolen bool
	var caller relay.Caller
	look := func(tx *relay.Tx) (err error) {
		stolen = false
		if caller, err = tx.Authenticate(claim); err != nil {
			return nil
		}
		d, err := tx.Device(caller.Account, caller.Device)
		stolen = err == nil && tx.Wall() > d.Seen.Add(spentGrace)
		return gone(err)
	}
	if err := r.View(c.Context(), look); err != nil || !stolen {
		return cmp.Or(err, errExpired)
	}
	err := r.Update(c.Context(), func(tx *relay.Tx) error {
		if err := look(tx); err != nil || !stolen {
			return err
		}
		return tx.DropDevice(caller.Account, caller.Device)
	})
	if err == nil {
		ended(r, caller)
	}
	return cmp.Or(err, errExpired)
}

// holder returns whose token it is.
func (a *api) holder(c *wire.Call, r *relay.Relay, claim relay.Claim) (who relay.ID, login string, err error) {
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		caller, err := tx.Authenticate(claim)
		if err != nil {
			return err
		}
		_, p, err := personOf(tx, caller.Account)
		who, login = caller.Account, folded(p.Login)
		return err
	})
	if relay.Is(err, relay.Unauthorized) {
		err = errExpired
	}
	return who, login, err
}
