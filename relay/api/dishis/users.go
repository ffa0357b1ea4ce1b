package dishis

import (
	"cmp"
	"strings"
	"unicode"

	"restante/relay"
	"restante/relay/api/wire"
)

// A profile is what this family keeps with an account.
type profile struct {
	Username  string `json:"u"`
	PublicKey string `json:"k"`
}

// profileOf returns an account's profile; of somebody of another family, or who
// is gone, the name alone.
func profileOf(a relay.Account) (p profile, err error) {
	if a.Family != family || a.Removed != 0 {
		return profile{Username: relay.NameOf(a)}, nil
	}
	return p, wire.Decode(a.Profile, &p)
}

// profileBy returns the profile of somebody who may be gone.
func profileBy(tx *relay.Tx, id relay.ID) (profile, error) {
	a, err := tx.Stub(id)
	if relay.Is(err, relay.NotFound) {
		a, err = relay.Account{ID: id}, nil
	}
	if err != nil {
		return profile{}, err
	}
	return profileOf(a)
}

// username is the kind of this family's logins.
const username = "username"

func loginOf(name string) relay.Login { return relay.Login{Kind: username, Folded: fold(name)} }

type blockIn struct {
	byUser
	BlockedUserID string `json:"blockedUserId"`
}

func (in *blockIn) Check() error { return required("blockedUserId", in.BlockedUserID) }

// block keeps somebody from writing to the caller.
func (a *api) block(c *wire.Call, tx *relay.Tx, in blockIn) (answer, error) {
	other, err := findUser(tx, in.BlockedUserID)
	if err != nil {
		return answer{}, err
	}
	if other.ID == c.Who.Account {
		return answer{}, refused("Cannot block yourself")
	}
	return said("User blocked successfully"), tx.Block(c.Who.Account, other.ID)
}

// unblock takes a block back.
func (a *api) unblock(c *wire.Call, tx *relay.Tx, in blockIn) (answer, error) {
	other, err := findUser(tx, in.BlockedUserID)
	if err != nil {
		return answer{}, err
	}
	tx.Unblock(c.Who.Account, other.ID)
	return said("User unblocked successfully"), nil
}

// How long a mute lasts, in seconds.
const (
	defaultMute = 86_400
	maxMute     = 31_536_000
)

type muteIn struct {
	byUser
	MutedUserID string `json:"mutedUserId"`
	Duration    *int64 `json:"duration"`
}

func (in *muteIn) Check() error {
	if in.Duration == nil {
		in.Duration = new(int64)
		*in.Duration = defaultMute
	}
	if *in.Duration < 0 || *in.Duration > maxMute {
		return bad("duration")
	}
	return required("mutedUserId", in.MutedUserID)
}

// mute has somebody not announced to the caller for a while; 0 ends that.
func (a *api) mute(c *wire.Call, tx *relay.Tx, in muteIn) (answer, error) {
	other, err := findUser(tx, in.MutedUserID)
	if err != nil {
		return answer{}, err
	}
	if other.ID == c.Who.Account {
		return answer{}, refused("Cannot mute yourself")
	}
	until := relay.Time(0)
	if *in.Duration > 0 {
		until = tx.Wall() + relay.Time(*in.Duration*1000)
	}
	out := said("User muted successfully")
	out.ExpiresIn = in.Duration
	return out, tx.Mute(c.Who.Account, other.ID, until)
}

type userOut struct {
	UserID    string `json:"userId"`
	Username  string `json:"username"`
	PublicKey string `json:"publicKey"`
	ID        string `json:"id,omitzero"`
	Name      string `json:"name,omitzero"`
}

func newUser(a relay.Account) (userOut, error) {
	p, err := profileOf(a)
	return userOut{UserID: userID(a.ID), Username: p.Username, PublicKey: p.PublicKey}, err
}

// searchUser finds a user of this family by his whole name.
func (a *api) searchUser(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	name := strings.TrimSpace(cmp.Or(c.Query("username"), c.Query("email")))
	if err := first(required(username, name), checkUsername(name)); err != nil {
		return answer{}, err
	}
	user, err := tx.FindLogin(family, loginOf(name))
	if err != nil {
		return answer{}, err
	}
	out, err := newUser(user)
	out.ID, out.Name = out.UserID, out.Username
	return data(out), err
}

// publicKey shows with which key to encrypt for a user.
func (a *api) publicKey(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	user, err := findUser(tx, c.Param("userId"))
	if err != nil {
		return answer{}, err
	}
	out, err := newUser(user)
	return data(out), err
}

func checkUsername(name string) error {
	if strings.ContainsFunc(name, unicode.IsControl) {
		return bad(username)
	}
	return atMost(username, name, maxUsername)
}
