package jetico

import (
	"cmp"

	"restante/relay"
	"restante/relay/api/wire"
)

// A profile is the small part of what is kept with an account.
type profile struct {
	LastLogin     relay.Time `cbor:"1,keyasint,omitempty"`
	Avatar        relay.ID   `cbor:"2,keyasint,omitempty"`
	AvatarUpdated relay.Time `cbor:"3,keyasint,omitempty"`
}

// profileOf returns the profile of an account; those of other families have
// none that we can read.
func profileOf(acc relay.Account) (p profile, err error) {
	if acc.Family == family {
		err = unpack(acc.Profile, &p)
	}
	return p, err
}

// changeProfile changes the profile of an account of ours.
func changeProfile(tx *relay.Tx, acc relay.Account, change func(*profile)) error {
	p, err := profileOf(acc)
	if err != nil {
		return err
	}
	change(&p)
	acc.Profile = pack(p)
	return tx.ChangeAccount(acc)
}

// A keyRing is the large part: keys and nick, as their owner sealed them.
type keyRing struct {
	Owner   relay.ID   `cbor:"1,keyasint"`
	Public  string     `cbor:"2,keyasint,omitempty"` // empty: no keys yet
	Private string     `cbor:"3,keyasint,omitempty"`
	Meta    string     `cbor:"4,keyasint,omitempty"`
	Pair    string     `cbor:"5,keyasint,omitempty"` // uuid of the public key
	Nick    *string    `cbor:"6,keyasint,omitempty"`
	Updated relay.Time `cbor:"7,keyasint,omitempty"`
}

var keyRings = relay.NewRecords("jetico user",
	relay.Index[keyRing]{Name: "owner", Key: func(k *keyRing) [][]byte { return [][]byte{k.Owner[:]} }},
).GoesWith("owner", nil)

// keysOf returns the keys of an account, empty where it has none.
func keysOf(tx *relay.Tx, id relay.ID) (*keyRing, error) {
	k, found, err := keyRings.Get(tx, id)
	if err == nil && !found {
		k = &keyRing{Owner: id}
	}
	return k, err
}

// A userOut is a user.
type userOut struct {
	UserID        string  `json:"userId"`
	PublicKey     *string `json:"publicKeyBase64"`
	PrivateKey    *string `json:"privateKeyEncryptedBase64"`
	Created       int64   `json:"created"`
	LastLogin     int64   `json:"lastLogin"`
	Nick          *string `json:"nick"`
	AvatarUpdated int64   `json:"avatarUpdated"`
	KeysUpdated   int64   `json:"keysUpdated"`
	Blocked       bool    `json:"blocked"`
	MetaKey       *string `json:"metaDataKeyEncryptedBase64"`
	KeyPair       *string `json:"keyPairUuid"`
}

// newUser shows an account. What only its owner can use, only its owner gets.
func newUser(tx *relay.Tx, acc relay.Account, self bool) (userOut, error) {
	id, err := userIDOf(tx, acc.ID)
	if err != nil {
		return userOut{}, err
	}
	p, err := profileOf(acc)
	if err != nil {
		return userOut{}, err
	}
	k, err := keysOf(tx, acc.ID)
	if err != nil {
		return userOut{}, err
	}
	out := userOut{
		UserID: id, Created: int64(acc.Created), Nick: k.Nick, Blocked: acc.Suspended != 0,
		LastLogin:     int64(cmp.Or(p.LastLogin, acc.Created)),
		AvatarUpdated: int64(cmp.Or(p.AvatarUpdated, acc.Created)),
		KeysUpdated:   int64(cmp.Or(k.Updated, acc.Created)),
	}
	if k.Public == "" {
		return out, nil
	}
	out.PublicKey, out.KeyPair = &k.Public, &k.Pair
	if self {
		out.PrivateKey, out.MetaKey = &k.Private, &k.Meta
	}
	return out, nil
}

// placeholder stands for a user that there is not.
func placeholder(userID string, now relay.Time) userOut {
	t := int64(now)
	return userOut{UserID: userID, Created: t, LastLogin: t, AvatarUpdated: t, KeysUpdated: t}
}

type getUserInfoIn struct {
	UserID *string `json:"userId"`
}

func (in *getUserInfoIn) Check() error { return someone("userId", in.UserID) }

type userInfoOut struct {
	User userOut `json:"user"`
}

func (userInfoOut) reply() string { return "ResponseUserInfo" }

// getUserInfo shows a user.
func (a *api) getUserInfo(c *wire.Call, tx *relay.Tx, in getUserInfoIn) (userInfoOut, error) {
	acc, err := findUser(tx, *in.UserID)
	if err != nil {
		return userInfoOut{}, err
	}
	u, err := newUser(tx, acc, acc.ID == c.Who.Account)
	return userInfoOut{u}, err
}

type getUserInfoMultiIn struct {
	UserIDs *[]string `json:"userIds"`
}

func (in *getUserInfoMultiIn) Check() error { return each("userIds", in.UserIDs, maxUsers, someone) }

type userInfoMultiOut struct {
	Users []userOut `json:"users"`
}

func (userInfoMultiOut) reply() string { return "ResponseUserInfoMulti" }

// getUserInfoMulti shows several users, those there are not as placeholders.
func (a *api) getUserInfoMulti(c *wire.Call, tx *relay.Tx, in getUserInfoMultiIn) (userInfoMultiOut, error) {
	out := userInfoMultiOut{[]userOut{}}
	for _, id := range distinct(*in.UserIDs) {
		acc, err := findUser(tx, id)
		if relay.Is(err, relay.NotFound) {
			if ok, wait := a.unknown.Allow(c.Who.Account[:]); !ok {
				return out, relay.Later(wait, errTooMany.Text) // a placeholder says as much as a miss
			}
			out.Users = append(out.Users, placeholder(id, tx.Wall()))
			continue
		}
		if err != nil {
			return out, err
		}
		u, err := newUser(tx, acc, acc.ID == c.Who.Account)
		if err != nil {
			return out, err
		}
		out.Users = append(out.Users, u)
	}
	return out, nil
}

// distinct returns a list without what came before in it.
func distinct(list []string) (kept []string) {
	seen := make(map[string]bool, len(list))
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

type updateUserNickIn struct {
	Nick *string `json:"nick"`
}

func (in *updateUserNickIn) Check() error { return text("nick", in.Nick, maxText) }

// updateUserNick changes the caller's sealed nick, of which nobody is told.
func (a *api) updateUserNick(c *wire.Call, tx *relay.Tx, in updateUserNickIn) (wire.None, error) {
	k, err := keysOf(tx, c.Who.Account)
	if err != nil {
		return wire.None{}, err
	}
	k.Nick = in.Nick
	return wire.None{}, keyRings.Put(tx, c.Who.Account, k)
}

type getRegisteredIn struct {
	List *[]string `json:"checkUserList"`
}

func (in *getRegisteredIn) Check() error { return each("checkUserList", in.List, maxCheck, someone) }

type registeredOut struct {
	Users []string `json:"users"`
}

func (registeredOut) reply() string { return "ResponseRegisteredUsers" }

// getRegisteredUsers tells which of a list of phones' hashes belong to users.
// That is a way to try all phones there are, so it is rationed.
func (a *api) getRegisteredUsers(c *wire.Call, tx *relay.Tx, in getRegisteredIn) (registeredOut, error) {
	out := registeredOut{[]string{}}
	if ok, wait := a.checks.Allow(c.Who.Account[:]); !ok {
		return out, relay.Later(wait, errTooMany.Text)
	}
	for _, id := range distinct(*in.List) {
		acc, err := findUser(tx, id)
		if err == nil && acc.Family == family {
			var apps []relay.Device
			if apps, err = tx.Devices(acc.ID, 1); err == nil && len(apps) == 0 {
				continue
			}
		}
		switch {
		case relay.Is(err, relay.NotFound):
		case err != nil:
			return out, err
		default:
			out.Users = append(out.Users, id)
		}
	}
	return out, nil
}
