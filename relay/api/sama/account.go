package sama

import (
	"regexp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

type editUserIn struct {
	Current field      `json:"current_password"`
	New     field      `json:"new_password"`
	Email   field      `json:"email"`
	Phone   field      `json:"phone"`
	Login   field      `json:"login"`
	First   field      `json:"first_name"`
	Last    field      `json:"last_name"`
	Avatar  *pictureIn `json:"avatar_object"`
}

var address = regexp.MustCompile(`^[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}$`)

func (in *editUserIn) Check() error {
	switch {
	case !in.New.optional(3, 40), !in.Phone.optional(3, 15), !in.Login.optional(3, 40),
		!in.First.optional(1, 20), !in.Last.optional(1, 20), in.Email.bad, in.Current.bad:
		return errShape
	case in.Email.set && (len(in.Email.v) > 255 || !address.MatchString(in.Email.v)):
		return errShape
	case in.Login.set && len(folded(in.Login.v)) < 3:
		return errShape
	}
	return in.Avatar.check()
}

// editUser changes the own account. Another password ends the sessions of all
// other devices.
func (a *api) editUser(c *wire.Call, r *relay.Relay, in editUserIn) (out userAnswer, err error) {
	var old, hash []byte
	if in.New.set {
		if old, err = a.provePassword(c, r, in.Current.v); err != nil {
			return out, err
		}
		if hash, err = c.Service.HashPassword(c.Context(), in.New.v); err != nil {
			return out, err
		}
	}
	var others bool
	err = c.Update(func(tx *relay.Tx) error {
		if others = false; hash != nil {
			if string(tx.Credential(c.Who.Account, credential)) != string(old) {
				return errCurrent
			}
			tx.SetCredential(c.Who.Account, credential, hash)
			others = true
			if err := dropOthers(tx, c.Who); err != nil {
				return err
			}
		}
		if err := in.apply(tx, c.Who.Account); err != nil {
			return err
		}
		out.User, err = viewerOf(c).user(tx, c.Who.Account)
		out.User.Edited = wire.MustEncode(out.User.ID)
		return err
	})
	if err == nil && others {
		ended(r, c.Who)
	}
	return out, err
}

var errCurrent = said(relay.Unauthorized, "The current password you entered is incorrect.")

// provePassword returns the hash that the caller's password fits.
func (a *api) provePassword(c *wire.Call, r *relay.Relay, password string) (hash []byte, err error) {
	name := "change " + shown(c.Who.Account)
	if err := c.Service.LoginTry(family, name); err != nil {
		return nil, err
	}
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		hash = tx.Credential(c.Who.Account, credential)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(password) > 512 {
		return nil, errCurrent
	}
	right, err := c.Service.CheckPassword(c.Context(), hash, password)
	if err == nil && !right {
		c.Service.LoginWrong(family, name)
		err = errCurrent
	}
	return hash, err
}

// dropOthers ends all sessions of an account but one. It has some hundred
// devices at the most: each took a login.
func dropOthers(tx *relay.Tx, who relay.Caller) error {
	devices, err := tx.Devices(who.Account, relay.StepKeys)
	if err != nil {
		return err
	}
	for _, d := range devices {
		if d.Name == who.Device {
			continue
		}
		if err := tx.DropDevice(who.Account, d.Name); err != nil {
			return err
		}
	}
	return nil
}

// apply changes profile and logins.
func (in editUserIn) apply(tx *relay.Tx, who relay.ID) error {
	acc, p, err := personOf(tx, who)
	if relay.Is(err, relay.NotFound) {
		return errForbidden
	}
	if err != nil {
		return err
	}
	before := p.logins()
	set := func(to *string, f field) {
		if f.set {
			*to = f.v
		}
	}
	set(&p.Email, in.Email)
	set(&p.Phone, in.Phone)
	set(&p.Login, in.Login)
	set(&p.First, in.First)
	set(&p.Last, in.Last)
	if in.Avatar != nil {
		p.Avatar = in.Avatar
	}
	after := p.logins()
	for _, l := range before {
		if !slices.Contains(after, l) {
			tx.DropLogin(acc, l)
		}
	}
	for _, l := range after {
		if err := tx.SetLogin(acc, l); err != nil {
			return err
		}
	}
	p.Updated = max(tx.Wall(), p.Updated+1)
	return p.store(tx, acc)
}

// deleteUser removes the own account: first from its groups, each of which says
// so, then itself, and with it what only it saw. Its messages stay.
func (a *api) deleteUser(c *wire.Call, r *relay.Relay, _ wire.None) (after, error) {
	var rooms []relay.ID
	err := r.View(c.Context(), func(tx *relay.Tx) (err error) {
		if _, _, err := personOf(tx, c.Who.Account); err != nil {
			return errForbidden
		}
		rooms, err = groupsOf(tx, c.Who.Account)
		return err
	})
	for _, room := range rooms {
		if err != nil {
			return after{}, err
		}
		err = c.Update(func(tx *relay.Tx) error {
			_, err := leave(tx, room, c.Who.Account)
			return gone(err)
		})
	}
	if err == nil {
		err = c.Update(func(tx *relay.Tx) error { return tx.RemoveAccount(c.Who.Account) })
	}
	caller := c.Who
	return after{yes, func(k *session) {
		k.unbind()
		ended(k.svc.Relay, caller)
	}}, err
}

// groupsOf returns the rooms of an account that others than one peer are in.
func groupsOf(tx *relay.Tx, who relay.ID) (groups []relay.ID, err error) {
	for past := (relay.ID{}); ; {
		rooms, next, err := tx.RoomsOf(who, past, 1000)
		if err != nil {
			return nil, err
		}
		for _, acc := range rooms {
			if !acc.Room.Direct {
				groups = append(groups, acc.Room.ID)
			}
		}
		if past = next; next.IsZero() {
			return groups, nil
		}
	}
}
