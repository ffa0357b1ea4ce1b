package jetico

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// leftAtOnce is how many conversations an account that is deleted leaves with
// an event message in each, in the same commit. Of more than that, which nobody
// has, it is only taken out.
const leftAtOnce = 200

type deleteUserIn struct {
	SMSToken   *string `json:"androidSmsToken"`
	OpenUserID *string `json:"openUserId"`
}

func (in *deleteUserIn) Check() error {
	return firstOf(textOrNil("androidSmsToken", in.SMSToken, 64), phone("openUserId", in.OpenUserID))
}

// deleteUser sends the code that confirmDeleteUser asks for.
func (a *api) deleteUser(c *wire.Call, r *relay.Relay, in deleteUserIn) (wire.None, error) {
	s := sessionOf(c)
	if hashPhone(*in.OpenUserID) != s.user {
		return wire.None{}, errWrongPhone
	}
	return wire.None{}, a.sendCode(c, r, codeFor(purposeDeleteUser, s.user, c.Who.Device), delivery{
		phone: *in.OpenUserID, smsToken: deref(in.SMSToken),
	})
}

type confirmDeleteUserIn struct {
	Code *string `json:"code"`
}

func (in *confirmDeleteUserIn) Check() error { return text("code", in.Code, 64) }

// confirmDeleteUser removes the caller's account: what he sent stays, and his
// reports. His sessions end when they next look.
func (a *api) confirmDeleteUser(c *wire.Call, r *relay.Relay, in confirmDeleteUserIn) (wire.None, error) {
	s := sessionOf(c)
	err := useCode(c, r, codeFor(purposeDeleteUser, s.user, c.Who.Device), *in.Code, func(tx *relay.Tx) error {
		if err := mayCall(tx, c.Who); err != nil {
			return err
		}
		return a.removeUser(tx, c.Who.Account)
	})
	return wire.None{}, err
}

func (a *api) removeUser(tx *relay.Tx, who relay.ID) error {
	acc, err := tx.Account(who)
	if err != nil {
		return err
	}
	p, err := profileOf(acc)
	if err != nil {
		return err
	}
	if !p.Avatar.IsZero() {
		if err := unless(tx.RemoveBlob(p.Avatar), relay.NotFound); err != nil {
			return err
		}
	}
	rooms, _, err := tx.RoomsOf(who, relay.ID{}, leftAtOnce)
	if err != nil {
		return err
	}
	for _, room := range rooms {
		cv, err := newConv(tx, room)
		if err != nil {
			return err
		}
		if err := a.goOut(tx, cv, who); err != nil {
			return err
		}
	}
	return tx.RemoveAccount(who)
}
