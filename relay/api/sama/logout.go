package sama

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// ended tells the connections of an account that one of its sessions is over.
func ended(r *relay.Relay, c relay.Caller) {
	r.Hub().Signal(c.Box, relay.Signal{Kind: signalSession, Box: c.Box, From: c.Account})
}

// logout ends the session of a device, if the refresh cookie is there, too.
func (a *api) logout(c *wire.Call, r *relay.Relay, _ wire.None) (success, error) {
	token, cookie := bearer(c), c.Cookie(cookieName)
	var caller relay.Caller
	err := c.Update(func(tx *relay.Tx) (err error) {
		if caller, err = pairedCaller(tx, token, cookie); err != nil {
			return err
		}
		if err := seen(tx, caller.Account, r.Now()); err != nil {
			return err
		}
		return endSession(tx, caller)
	})
	if err != nil {
		return success{}, err
	}
	ended(r, caller)
	c.SetCookie(a.cookie("", -1))
	return yes, nil
}

// pairedCaller returns whose access and refresh token these are, of one device.
func pairedCaller(tx *relay.Tx, access, refresh string) (relay.Caller, error) {
	caller, err := tx.Authenticate(relay.Claim{Secret: access, Family: family, Purpose: purposeAccess})
	if relay.Is(err, relay.Unauthorized) {
		return caller, errMissing
	}
	if err != nil {
		return caller, err
	}
	_, err = tx.Authenticate(relay.Claim{
		Secret: refresh, Names: true, Named: caller.Account, Family: family, Device: caller.Device, Purpose: purposeRefresh,
	})
	if relay.Is(err, relay.Unauthorized) {
		err = errIncorrect
	}
	return caller, err
}

// endSession removes a device with its tokens, and what is pushed to it.
func endSession(tx *relay.Tx, who relay.Caller) error {
	if err := tx.DropDevice(who.Account, who.Device); err != nil {
		return err
	}
	_, err := subscriptions.Delete(tx, subscriptionID(who.Account, who.Device))
	return err
}

// logoutHere ends the session of the connection, which stays open.
func (a *api) logoutHere(c *wire.Call, tx *relay.Tx, _ wire.None) (after, error) {
	caller := c.Who
	err := endSession(tx, caller)
	return after{yes, func(k *session) {
		k.unbind()
		ended(k.svc.Relay, caller)
	}}, err
}
