package sama

import (
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// Kinds of logins: by which an account is found, each unique.
const (
	loginName  = "login"
	loginEmail = "email"
	loginPhone = "phone"
)

// A person is the profile of an account of this API.
type person struct {
	Login   string     `json:"l"`
	Email   string     `json:"e,omitempty"`
	Phone   string     `json:"p,omitempty"`
	First   string     `json:"f,omitempty"`
	Last    string     `json:"s,omitempty"`
	Avatar  *pictureIn `json:"a,omitempty"`
	Recent  int64      `json:"r,omitempty"` // seconds: when he was here last
	Updated relay.Time `json:"u,omitempty"`
}

// personOf returns an account of this API with its profile; NotFound for others.
func personOf(tx *relay.Tx, id relay.ID) (relay.Account, person, error) {
	acc, err := tx.Account(id)
	if err == nil && acc.Family != family {
		err = relay.Errorf(relay.NotFound, relay.SubjectAccount, "no such user")
	}
	var p person
	if err == nil {
		err = wire.Decode(acc.Profile, &p)
	}
	return acc, p, err
}

// store keeps a changed profile.
func (p person) store(tx *relay.Tx, acc relay.Account) error {
	acc.Profile = wire.MustEncode(p)
	return tx.ChangeAccount(acc)
}

// name is how somebody is called: by his names, else by his login.
func (p person) name() string {
	switch {
	case p.First != "" && p.Last != "":
		return p.First + " " + p.Last
	case p.First+p.Last != "":
		return p.First + p.Last
	}
	return p.Login
}

// A pictureIn is what an avatar or a conversation's picture is.
type pictureIn struct {
	FileID   string `json:"file_id"`
	FileName string `json:"file_name,omitempty"`
	BlurHash string `json:"file_blur_hash,omitempty"`
}

// Check bounds what is stored.
func (p *pictureIn) check() error {
	if p != nil && (len(p.FileID) > 255 || len(p.FileName) > 255 || len(p.BlurHash) > 255) {
		return errShape
	}
	return nil
}

// A userOut is how a person is shown.
type userOut struct {
	ID             string         `json:"_id"`
	NativeID       string         `json:"native_id"`
	Login          string         `json:"login"`
	Email          string         `json:"email,omitempty"`
	Phone          string         `json:"phone,omitempty"`
	FirstName      string         `json:"first_name,omitempty"`
	LastName       string         `json:"last_name,omitempty"`
	Avatar         *pictureIn     `json:"avatar_object,omitempty"`
	AvatarURL      string         `json:"avatar_url,omitempty"`
	RecentActivity int64          `json:"recent_activity"`
	CreatedAt      string         `json:"created_at"`
	UpdatedAt      string         `json:"updated_at"`
	Edited         jsontext.Value `json:"id,omitzero"` // of an edit's answer
}

// user renders an account of any family, as it is now. NotFound: it is gone.
func (v viewer) user(tx *relay.Tx, id relay.ID) (userOut, error) {
	acc, err := tx.Account(id)
	if err != nil {
		return userOut{}, err
	}
	p, err := called(acc)
	if err != nil {
		return userOut{}, err
	}
	out := userOut{
		ID: shown(id), NativeID: shown(id), Login: p.Login, Email: p.Email, Phone: p.Phone,
		FirstName: p.First, LastName: p.Last, Avatar: p.Avatar, RecentActivity: p.Recent,
		CreatedAt: wire.ISO(acc.Created), UpdatedAt: wire.ISO(max(acc.Created, p.Updated)),
	}
	if v.a.o.HideContacts && id != v.who {
		out.Email, out.Phone = "", ""
	}
	if p.Avatar != nil {
		out.AvatarURL, err = v.pictureURL(tx, p.Avatar)
	}
	return out, err
}

// called returns the profile of an account. One of another family is named by
// its id.
func called(acc relay.Account) (p person, err error) {
	if acc.Family != family || len(acc.Profile) == 0 {
		return person{Login: acc.ID.String()[:8], Recent: seconds(acc.Created)}, nil
	}
	err = wire.Decode(acc.Profile, &p)
	return p, err
}

// nameOf is how somebody is called who may be gone.
func nameOf(tx *relay.Tx, id relay.ID) (string, error) {
	acc, err := tx.Stub(id)
	if relay.Is(err, relay.NotFound) {
		acc, err = relay.Account{ID: id}, nil
	}
	if err != nil {
		return "", err
	}
	p, err := called(acc)
	return p.name(), err
}

type createUserIn struct {
	Login        field `json:"login"`
	Password     field `json:"password"`
	Email        field `json:"email"`
	Phone        field `json:"phone"`
	Organization field `json:"organization_id"`
}

func (in *createUserIn) Check() error {
	switch {
	case !in.Login.within(3, 40) || len(folded(in.Login.v)) < 3:
		return wrong("The login provided is incorrect.")
	case !in.Password.within(3, 40):
		return wrong("The password entered is incorrect.")
	case !in.Email.optional(1, 255), !in.Phone.optional(3, 15):
		return errShape
	}
	return nil
}

type userAnswer struct {
	User userOut `json:"user"`
}

// createUser makes an account, and no session.
func (a *api) createUser(c *wire.Call, r *relay.Relay, in createUserIn) (out userAnswer, err error) {
	if in.Organization.set && !contains(a.o.Organizations, in.Organization.v) {
		return out, said(relay.NotFound, "Organization not found")
	}
	if a.o.Registration != "open" {
		return out, errForbidden
	}
	if err := r.Founding(); err != nil {
		return out, err
	}
	if err := c.Service.Newcomer(); err != nil {
		return out, err
	}
	hash, err := c.Service.HashPassword(c.Context(), in.Password.v)
	if err != nil {
		return out, err
	}
	now := r.Now()
	p := person{Login: in.Login.v, Email: in.Email.v, Phone: in.Phone.v, Recent: seconds(now), Updated: now}
	var who relay.ID
	err = r.Update(c.Context(), func(tx *relay.Tx) error {
		acc, err := tx.Register(relay.AccountDraft{Family: family, Profile: wire.MustEncode(p), Logins: p.logins(), Expires: true})
		if err != nil {
			return err
		}
		who = acc.ID
		p.Updated = acc.Created
		tx.SetCredential(acc.ID, credential, hash)
		return p.store(tx, acc)
	})
	if err != nil {
		return out, err
	}
	err = r.View(c.Context(), func(tx *relay.Tx) (err error) {
		out.User, err = viewer{a: a, r: r, who: who, base: c.Base()}.user(tx, who)
		return err
	})
	return out, err
}

// logins are what a person is found by.
func (p person) logins() []relay.Login {
	list := []relay.Login{{Kind: loginName, Folded: folded(p.Login)}}
	if p.Email != "" {
		list = append(list, relay.Login{Kind: loginEmail, Folded: folded(p.Email)})
	}
	if p.Phone != "" {
		list = append(list, relay.Login{Kind: loginPhone, Folded: folded(p.Phone)})
	}
	return list
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

type idsIn struct {
	IDs []string `json:"ids"`
}

type usersOut struct {
	Users []userOut `json:"users"`
}

// usersByID shows people whose ids one knows, of whatever family.
func (a *api) usersByID(c *wire.Call, tx *relay.Tx, in idsIn) (usersOut, error) {
	if len(in.IDs) == 0 || len(in.IDs) > 100 {
		return usersOut{}, errShape
	}
	return viewerOf(c).users(tx, in.IDs)
}

// users renders those of a list who exist, each once.
func (v viewer) users(tx *relay.Tx, ids []string) (usersOut, error) {
	out, seen := usersOut{[]userOut{}}, map[relay.ID]bool{}
	for _, s := range ids {
		acc, err := accountOf(tx, s)
		if err == nil && !seen[acc.ID] {
			seen[acc.ID] = true
			var u userOut
			if u, err = v.user(tx, acc.ID); err == nil {
				out.Users = append(out.Users, u)
			}
		}
		if err = gone(err); err != nil {
			return out, err
		}
	}
	return out, nil
}
