package secbot

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

type userOut struct {
	Object    string `json:"object"`
	UserID    string `json:"userId"`
	Name      string `json:"name"`
	AuthToken string `json:"authToken"`
}

// register makes an account. The token is shown here and never again. Strangers
// share one lane; who brings an invite has another.
func (a api) register(c *wire.Call, r *relay.Relay, _ wire.None) (userOut, error) {
	scheme, invite, _ := strings.Cut(c.Header("Authorization"), " ")
	invited := strings.EqualFold(scheme, "Bearer")
	if a.cfg.Registration == "closed" {
		return userOut{}, relay.Errorf(relay.Forbidden, relay.SubjectInvite, "registration is closed")
	}
	if err := a.admit(c, r, invite, invited); err != nil {
		return userOut{}, err
	}
	token := newToken()
	var user relay.Account
	err := r.Update(c.Context(), func(tx *relay.Tx) (err error) {
		if invited {
			if err := tx.SpendInvite(invite); err != nil {
				return err
			}
		}
		user, err = tx.Register(relay.AccountDraft{Family: family, Mailbox: true, Expires: true})
		if err != nil {
			return err
		}
		return tx.Grant(token, relay.Token{Account: user.ID, Family: family})
	})
	return userOut{"User", user.ID.String(), "", token}, err
}

// admit lets somebody try to register, or does not. An invite is looked at
// before the writer is asked to spend it, so that guessing costs it nothing.
func (a api) admit(c *wire.Call, r *relay.Relay, invite string, invited bool) error {
	if invited {
		return r.View(c.Context(), func(tx *relay.Tx) error { return tx.CheckInvite(invite) })
	}
	if a.cfg.Registration != "open" {
		return relay.Errorf(relay.Forbidden, relay.SubjectInvite, "registration needs an invite")
	}
	if err := r.Founding(); err != nil {
		return err
	}
	return c.Service.Newcomer()
}

// newToken returns 256 random bits in hex.
func newToken() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
