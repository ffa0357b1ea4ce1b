package chatalot

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// authOps are the rows of registration and login.
func (a *api) authOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/auth/register", wire.Anyone, wire.Free(a.register), "a new account with its keys; its first session"),
		wire.Row("POST /api/auth/login", wire.Anyone, wire.Free(a.login), "a new session for a password, and a code where two factors are on"),
		wire.Row("POST /api/auth/refresh", wire.Anyone, wire.Free(a.refresh), "new tokens for a refresh token, which is worth nothing then"),
		wire.Row("POST /api/auth/recover", wire.Anyone, wire.Free(a.recoverAccount), "a new password for a recovery code; ends all sessions"),
		wire.Row("GET /api/auth/config", wire.Anyone, wire.Read(a.config), "what a client has to know before it logs in"),
	}
}

// authOut is an AuthResponse.
type authOut struct {
	AccessToken  string  `json:"access_token"`
	RefreshToken string  `json:"refresh_token"`
	User         userOut `json:"user"`
	RecoveryCode string  `json:"recovery_code,omitzero"` // of a registration
}

type loginIn struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Code     string `json:"totp_code"`
}

var wrongLogin = unauthorized("invalid username or password")

// login opens a session. An unknown name takes as long as a wrong password, and
// counts as one.
func (a *api) login(c *wire.Call, r *relay.Relay, in loginIn) (authOut, error) {
	name, svc := fold(in.Username), c.Service
	if err := svc.LoginTry(family, name); err != nil {
		return authOut{}, err
	}
	acc, hash, err := findPassword(c, r, name)
	if err != nil {
		return authOut{}, err
	}
	right, err := svc.CheckPassword(c.Context(), hash, in.Password)
	if err != nil {
		return authOut{}, err
	}
	if !right {
		svc.LoginWrong(family, name)
		if hash != nil {
			err = r.Update(c.Context(), func(tx *relay.Tx) error { return a.audit(c, tx, acc, "login_failed", nil) })
		}
		return authOut{}, firstError(err, wrongLogin)
	}
	return a.enter(c, r, acc, hash, in)
}

// enter lets somebody in whose password was right: the second factor, the
// suspension, then the session. A wrong code is written down before it is
// refused, so its transaction commits.
func (a *api) enter(c *wire.Call, r *relay.Relay, who relay.ID, hash []byte, in loginIn) (out authOut, err error) {
	var refusal error
	refresh := newRefresh()
	var session string
	var acc relay.Account
	var p profile
	err = r.Update(c.Context(), func(tx *relay.Tx) (err error) {
		refusal, session = nil, ""
		if acc, p, err = account(tx, who); err != nil || !bytes.Equal(tx.Credential(who, credPassword), hash) {
			refusal = wrongLogin // changed, or gone, since we looked
			return nil
		}
		if refusal, err = a.secondFactor(c, tx, who, in.Code); refusal != nil || err != nil {
			return err
		}
		if acc.Suspended != 0 {
			refusal = forbidden("account is suspended")
			return nil
		}
		if session, err = a.openSession(c, tx, who, refresh); err != nil {
			return err
		}
		return a.audit(c, tx, who, "login", nil)
	})
	if err != nil {
		return authOut{}, err
	}
	if refusal != nil {
		if relay.Is(refusal, relay.Unauthorized) {
			c.Service.LoginWrong(family, fold(in.Username))
		}
		return authOut{}, refusal
	}
	access, err := a.newAccess(r, who, p, session)
	return authOut{AccessToken: access, RefreshToken: refresh, User: newUser(acc, p, a.status(r, who))}, err
}

// findPassword returns whose name it is and the hash of his password; nobody and
// nil when there is none.
func findPassword(c *wire.Call, r *relay.Relay, name string) (who relay.ID, hash []byte, err error) {
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: name})
		if err != nil {
			return err
		}
		who, hash = acc.ID, tx.Credential(acc.ID, credPassword)
		return nil
	})
	if relay.Is(err, relay.NotFound) {
		err = nil
	}
	return who, hash, err
}

type refreshIn struct {
	Token string `json:"refresh_token"`
}

type tokensOut struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
}

var worthlessRefresh = unauthorized("invalid or expired refresh token")

// A refreshing is what a refresh token is good for: the next one; or, stolen,
// the end of its session.
type refreshing struct {
	token  relay.Token
	acc    relay.Account
	p      profile
	stolen bool
}

// refreshBy looks at a refresh token; Unauthorized, the same whatever it is,
// when it is good for nothing. One that comes back a minute and more after its
// exchange was stolen, or was stolen from; sooner it may be another tab of the
// same browser.
func refreshBy(tx *relay.Tx, secret string) (f refreshing, err error) {
	t, found, err := tx.TokenOf(secret)
	if err != nil {
		return f, err
	}
	if !found || t.Family != family {
		return f, worthlessRefresh
	}
	f.token = t
	f.acc, f.p, err = account(tx, t.Account)
	if relay.Is(err, relay.NotFound) || err == nil && f.acc.Suspended != 0 {
		return f, worthlessRefresh
	}
	f.stolen = t.Purpose == tokenSpent && t.Created.Add(tabsRace) < tx.Wall()
	if err == nil && !f.stolen && (t.Purpose != tokenRefresh || t.Expires <= tx.Wall()) {
		err = worthlessRefresh
	}
	return f, err
}

// refresh exchanges a refresh token for the next one. Every failure is the same
// to the caller, and costs no write unless it ends a session.
func (a *api) refresh(c *wire.Call, r *relay.Relay, in refreshIn) (tokensOut, error) {
	var f refreshing
	look := func(tx *relay.Tx) (err error) {
		f, err = refreshBy(tx, in.Token)
		return err
	}
	if err := r.View(c.Context(), look); err != nil {
		return tokensOut{}, err
	}
	next := newRefresh()
	err := r.Update(c.Context(), func(tx *relay.Tx) error {
		if err := look(tx); err != nil {
			return err
		}
		if f.stolen {
			return endSession(tx, f.acc, f.token.Device)
		}
		return rotate(tx, f.token, in.Token, next)
	})
	if err == nil && f.stolen {
		err = worthlessRefresh
	}
	if err != nil {
		return tokensOut{}, err
	}
	access, err := a.newAccess(r, f.acc.ID, f.p, f.token.Device)
	return tokensOut{access, next}, err
}

// serverConfig is a ServerConfig.
type serverConfig struct {
	Registration string         `json:"registration_mode"`
	PublicURL    string         `json:"public_url,omitzero"`
	ICEServers   jsontext.Value `json:"ice_servers,omitzero"`
	MaxCache     int            `json:"max_messages_cache"`
	MaxPins      int            `json:"max_pins_per_channel"`
	E2E          bool           `json:"e2e_enabled"`
}

func (a *api) config(c *wire.Call, tx *relay.Tx, _ wire.None) (serverConfig, error) {
	s, err := instanceOf(tx)
	out := serverConfig{Registration: a.o.Registration, PublicURL: c.Service.PublicURL, MaxCache: s.MaxCache, MaxPins: s.MaxPins, E2E: !s.NoE2E}
	if ice := jsontext.Value(a.o.ICEServers); ice.IsValid() && ice.Kind() == '[' {
		out.ICEServers = ice
	}
	return out, err
}

// firstError returns the first error there is.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
