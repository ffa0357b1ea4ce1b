package chatalot

import (
	"cmp"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// Kinds of logins.
const (
	loginName  = "username"
	loginEmail = "email"
)

// fold is how names are compared: two that differ in case only are one.
func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// A profile is what this family keeps with an account.
type profile struct {
	Username        string `cbor:"1,keyasint"`
	Email           string `cbor:"2,keyasint,omitempty"`
	DisplayName     string `cbor:"3,keyasint,omitempty"`
	AvatarURL       string `cbor:"4,keyasint,omitempty"`
	BannerURL       string `cbor:"5,keyasint,omitempty"`
	VoiceBackground string `cbor:"6,keyasint,omitempty"`
	CustomStatus    string `cbor:"7,keyasint,omitempty"`
	Bio             string `cbor:"8,keyasint,omitempty"`
	Pronouns        string `cbor:"9,keyasint,omitempty"`
	Admin           bool   `cbor:"10,keyasint,omitempty"` // of the instance
	Owner           bool   `cbor:"11,keyasint,omitempty"` // of the instance
	WhySuspended    string `cbor:"12,keyasint,omitempty"`
	NoReceipts      bool   `cbor:"13,keyasint,omitempty"` // preference sendReadReceipts is false
}

// admin reports whether the account administers the instance.
func (p profile) admin() bool { return p.Admin || p.Owner }

// profileOf returns the profile of an account of any family, removed ones
// included: somebody from elsewhere is called as he is there, and nobody is an
// admin here who did not register here.
func profileOf(a relay.Account) (p profile, err error) {
	switch {
	case a.Family != family:
		p.Username = relay.NameOf(a)
	case a.Removed == 0:
		err = unpack(a.Profile, &p)
	}
	p.Username = cmp.Or(p.Username, a.ID.String()[:8])
	p.DisplayName = cmp.Or(p.DisplayName, p.Username)
	return p, err
}

// account returns an account in use, with its profile. NotFound: user not found.
func account(tx *relay.Tx, id relay.ID) (relay.Account, profile, error) {
	acc, err := tx.Account(id)
	acc, err = tx.Among(family, acc, err)
	if relay.Is(err, relay.NotFound) {
		err = noUser()
	}
	if err != nil {
		return acc, profile{}, err
	}
	p, err := profileOf(acc)
	return acc, p, err
}

// stub is account, also for somebody who was removed, or never was: what he
// left behind still has to be shown.
func stub(tx *relay.Tx, id relay.ID) (relay.Account, profile, error) {
	acc, err := tx.Stub(id)
	if relay.Is(err, relay.NotFound) {
		acc, err = relay.Account{ID: id}, nil
	}
	if err != nil {
		return acc, profile{}, err
	}
	p, err := profileOf(acc)
	return acc, p, err
}

// keep stores a changed profile.
func keep(tx *relay.Tx, acc relay.Account, p profile) error {
	acc.Profile = pack(p)
	return tx.ChangeAccount(acc)
}

// administers refuses whoever is no administrator of this instance.
func administers(c *wire.Call, tx *relay.Tx) error {
	rank, err := rankOf(tx, c.Who.Account)
	if err == nil && !(relay.Standing{Rank: rank}).May(relay.ToAdminister) {
		err = forbidden("admin access required")
	}
	return err
}

// findAccount finds an account for the operator, by username or e-mail address.
func findAccount(tx *relay.Tx, name string) (relay.Account, error) {
	acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: fold(name)})
	if relay.Is(err, relay.NotFound) {
		acc, err = tx.FindLogin(family, relay.Login{Kind: loginEmail, Folded: fold(name)})
	}
	return acc, err
}

// makeOwner makes an account the owner of the instance, who was none before: it
// is how there comes to be one, and for the operator alone. NotFound: no such
// user.
func makeOwner(tx *relay.Tx, who relay.ID) error {
	acc, p, err := account(tx, who)
	if err == nil && acc.Family != family {
		err = noUser()
	}
	if err != nil {
		return err
	}
	p.Admin, p.Owner = true, true
	if err := keep(tx, acc, p); err != nil {
		return err
	}
	s, err := instanceOf(tx)
	if err != nil {
		return err
	}
	s.Owner = who
	return instances.Put(tx, relay.ID{}, &s)
}

// userOut is a UserPublic.
type userOut struct {
	ID              uuid     `json:"id"`
	Username        string   `json:"username"`
	DisplayName     string   `json:"display_name"`
	AvatarURL       nullable `json:"avatar_url"`
	BannerURL       nullable `json:"banner_url"`
	VoiceBackground nullable `json:"voice_background_url"`
	Status          string   `json:"status"`
	CustomStatus    nullable `json:"custom_status"`
	Bio             nullable `json:"bio"`
	Pronouns        nullable `json:"pronouns"`
	IsAdmin         bool     `json:"is_admin"`
	IsOwner         bool     `json:"is_owner"`
	CreatedAt       moment   `json:"created_at"`
}

// newUser shows an account. status is its presence (online, idle, dnd, offline).
func newUser(acc relay.Account, p profile, status string) userOut {
	return userOut{
		uuid(acc.ID), p.Username, p.DisplayName, nullable(p.AvatarURL), nullable(p.BannerURL), nullable(p.VoiceBackground),
		status, nullable(p.CustomStatus), nullable(p.Bio), nullable(p.Pronouns), p.admin(), p.Owner, moment(acc.Created),
	}
}
