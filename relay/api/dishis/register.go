package dishis

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxDevices is from how many devices one account is used.
const maxDevices = 32

type registerIn struct {
	Username  string `json:"username"`
	DeviceID  string `json:"deviceId"`
	PublicKey string `json:"publicKey"`
	Invite    string `json:"invite"` // where registration asks for one
}

func (in *registerIn) Check() error {
	in.Username = strings.TrimSpace(in.Username)
	return first(
		required(username, in.Username, "deviceId", in.DeviceID, "publicKey", in.PublicKey),
		checkUsername(in.Username), atMost("deviceId", in.DeviceID, maxDevice),
		atMost("publicKey", in.PublicKey, maxPublicKey),
	)
}

type registeredOut struct {
	userOut
	AuthToken string `json:"authToken"`
}

var nameTaken = relay.Errorf(relay.Conflict, relay.SubjectLogin, "Username already taken")

// register makes an account, or, with a token of the account that has the name,
// lets it be used from another device. The token is shown here and never again.
func (a *api) register(c *wire.Call, r *relay.Relay, in registerIn) (answer, error) {
	claim, err := registering(c)
	if err == nil {
		err = a.admit(c, r, in)
	}
	if err != nil {
		return answer{}, err
	}
	token := newToken()
	var user relay.Account
	err = r.Update(c.Context(), func(tx *relay.Tx) (err error) {
		user, err = tx.FindLogin(family, loginOf(in.Username))
		switch {
		case err == nil:
			err = enrol(tx, claim, user, in)
		case relay.Is(err, relay.NotFound):
			user, err = a.newAccount(tx, in)
		}
		if err != nil {
			return err
		}
		return tx.Grant(token, relay.Token{Account: user.ID, Family: family, Device: in.DeviceID})
	})
	if err != nil {
		return answer{}, err
	}
	out, err := newUser(user)
	return created(registeredOut{out, token}), err
}

// registering returns what a registration claims to be, nil when it claims
// nothing. A token is never ignored.
func registering(c *wire.Call) (*relay.Claim, error) {
	if c.Header("Authorization") == "" {
		return nil, nil
	}
	token, _ := bearer(c.Header("Authorization"))
	claim := &relay.Claim{Secret: token, Family: family}
	return claim, c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		_, err := tx.Authenticate(*claim)
		return err
	})
}

// admit decides about newcomers, before the writer is asked for anything. A
// name that is taken is none.
func (a *api) admit(c *wire.Call, r *relay.Relay, in registerIn) error {
	taken := false
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		_, err := tx.FindLogin(family, loginOf(in.Username))
		if taken = err == nil; taken || !relay.Is(err, relay.NotFound) {
			return err
		}
		if in.Invite != "" {
			return tx.CheckInvite(in.Invite)
		}
		return nil
	})
	switch {
	case err != nil || taken:
		return err
	case a.o.Registration == "closed":
		return denied("Registration is closed")
	case in.Invite != "":
		return nil
	case a.o.Registration != "open":
		return denied("Registration needs an invite")
	}
	if err := r.Founding(); err != nil {
		return err
	}
	return c.Service.Newcomer()
}

func (a *api) newAccount(tx *relay.Tx, in registerIn) (relay.Account, error) {
	if in.Invite != "" {
		if err := tx.SpendInvite(in.Invite); err != nil {
			return relay.Account{}, err
		}
	}
	return tx.Register(relay.AccountDraft{
		Family: family, Logins: []relay.Login{loginOf(in.Username)}, Expires: true,
		Profile: wire.MustEncode(profile{in.Username, in.PublicKey}),
	})
}

// enrol lets an account be used from one more device, with the same key: a
// message is sealed for one key of each user. A device that it has already gets
// another token.
func enrol(tx *relay.Tx, claim *relay.Claim, user relay.Account, in registerIn) error {
	if claim == nil {
		return nameTaken
	}
	who, err := tx.Authenticate(*claim)
	if err != nil {
		return err
	}
	p, err := profileOf(user)
	switch {
	case err != nil:
		return err
	case who.Account != user.ID:
		return nameTaken
	case p.PublicKey != in.PublicKey:
		return relay.Errorf(relay.Conflict, relay.SubjectLogin, "Public key differs")
	}
	devices, err := tx.Devices(user.ID, maxDevices)
	if err != nil {
		return err
	}
	if _, err := tx.Device(user.ID, in.DeviceID); err != nil && len(devices) == maxDevices {
		return refused("Too many devices")
	}
	return tx.DropDevice(user.ID, in.DeviceID)
}

// newToken returns 256 random bits in this API's form.
func newToken() string {
	var b [32]byte
	rand.Read(b[:])
	return "dsh_" + base64.RawURLEncoding.EncodeToString(b[:])
}

type revokeIn struct {
	byUser
	DeviceID string `json:"deviceId"`
}

// eventRevoked tells an account's sessions that a device of it was revoked: each
// looks whether its own token still holds.
const eventRevoked = "revoked"

// revoke makes a device's token worthless; without a device, the caller's own.
func (a *api) revoke(c *wire.Call, tx *relay.Tx, in revokeIn) (answer, error) {
	device := cmp.Or(in.DeviceID, c.Who.Device)
	if device == "" {
		return answer{}, missing("deviceId")
	}
	if _, err := tx.Device(c.Who.Account, device); err != nil {
		if relay.Is(err, relay.NotFound) {
			err = relay.Errorf(relay.NotFound, relay.SubjectDevice, "Device not found")
		}
		return answer{}, err
	}
	if err := tx.DropDevice(c.Who.Account, device); err != nil {
		return answer{}, err
	}
	_, err := tx.Append(c.Who.Box, relay.Draft{Lane: relay.Events, Kind: eventRevoked, From: c.Who.Account})
	return said("Token revoked"), err
}

// seenEvery is how often it is noted that an account was there, in milliseconds.
const seenEvery = 60_000

// present notes when an account was last there, with another write, and at most
// once a minute.
func present(tx *relay.Tx, who relay.Caller) error {
	d, err := tx.Device(who.Account, who.Device)
	if relay.Is(err, relay.NotFound) {
		return nil // believed, and on no device
	}
	if err != nil || tx.Wall()-d.Seen < seenEvery {
		return err
	}
	d.Seen = tx.Wall()
	return tx.PutDevice(who.Account, d)
}
