package sama

import (
	"restante/relay"
	"restante/relay/api/wire"
)

type connectIn struct {
	Token  field  `json:"token"`
	Device device `json:"device_id"`
}

// connect ties the connection to the session of an access token. The web client
// sends a null for its device right after a page was loaded.
func (a *api) connect(c *wire.Call, r *relay.Relay, in connectIn) (after, error) {
	if in.Device.bad || in.Device.set && in.Device.v == "" {
		return after{}, errNoDevice
	}
	k := sessionOf(c)
	var b bound
	err := r.View(c.Context(), func(tx *relay.Tx) (err error) {
		b, err = a.boundBy(tx, in.Token.v, in.Device.v)
		return err
	})
	if err == nil {
		err = k.bind(c.Context(), b)
	}
	return after{yes, (*session).enter}, err
}

type loginHereIn struct {
	loginIn
	Token field `json:"token"`
}

type loginHereOut struct {
	User  userOut `json:"user"`
	Token string  `json:"token"`
}

// loginHere logs in over the socket, by password or by access token, and ties
// the connection to the session.
func (a *api) loginHere(c *wire.Call, r *relay.Relay, in loginHereIn) (after, error) {
	var who relay.ID
	var p pass
	var err error
	switch {
	case in.Token.set && in.Login.set:
		return after{}, errShape
	case in.Token.set:
		who, p, err = a.byToken(c, r, in)
	case !in.Device.within(1, 255):
		return after{}, errNoDevice
	case in.Login.v == "" || in.Password.v == "":
		return after{}, wrong("The 'login' or 'password' field is missing.")
	default:
		who, p, err = a.byPassword(c, r, in.Login.v, in.Password.v, in.Device.v, dialectBy(in.Organization))
	}
	if err != nil {
		return after{}, err
	}
	k := sessionOf(c)
	var b bound
	out := loginHereOut{Token: p.access}
	err = r.View(c.Context(), func(tx *relay.Tx) (err error) {
		if b, err = a.boundBy(tx, p.access, ""); err != nil {
			return err
		}
		out.User, err = viewer{a: a, r: r, who: who, base: c.Base()}.user(tx, who)
		return err
	})
	if err == nil {
		err = k.bind(c.Context(), b)
	}
	return after{out, (*session).enter}, err
}

// byToken is byAccess where the device need not be named.
func (a *api) byToken(c *wire.Call, r *relay.Relay, in loginHereIn) (who relay.ID, p pass, err error) {
	name := in.Device.v
	if name == "" {
		err = r.View(c.Context(), func(tx *relay.Tx) error {
			b, err := a.boundBy(tx, in.Token.v, "")
			name = b.caller.Device
			return err
		})
		if err != nil {
			return who, p, err
		}
	}
	return a.byAccess(c, r, in.Token.v, name)
}
