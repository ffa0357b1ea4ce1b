package chatalot

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// accountOps are the rows of the caller's own account and its sessions. Some
// stand twice: the web client has other paths than the document.
func (a *api) accountOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/account/me", wire.User, wire.Read(a.me), "the caller").NamesNobody(),
		wire.Row("PATCH /api/account/profile", wire.User, wire.Write(a.patchProfile), "change how the caller shows").NamesNobody(),
		wire.Row("PUT /api/account/profile", wire.User, wire.Write(a.patchProfile), "the same").NamesNobody(),
		wire.Row("POST /api/account/change-password", wire.User, wire.Free(a.newPassword), "a new password; ends all sessions").NamesNobody(),
		wire.Row("PUT /api/account/password", wire.User, wire.Free(a.newPassword), "the same").NamesNobody(),
		wire.Row("GET /api/account/sessions", wire.User, wire.Read(listSessions), "the caller's sessions").NamesNobody(),
		wire.Row("DELETE /api/account/sessions/:id", wire.User, wire.Write(deleteSession), "end one of them").NamesNobody(),
		wire.Row("POST /api/account/sessions/revoke-all", wire.User, wire.Write(a.revokeOthers), "end all but this one").NamesNobody(),
		wire.Row("POST /api/account/logout-all", wire.User, wire.Write(a.logoutAll), "end all of them").NamesNobody(),
		wire.Row("DELETE /api/account/delete", wire.User, wire.Free(a.deleteAccount), "delete the caller's account").NamesNobody(),
		wire.Row("DELETE /api/account", wire.User, wire.Free(a.deleteAccount), "the same").NamesNobody(),
		wire.Row("POST /api/account/regenerate-recovery-code", wire.User, wire.Write(a.newRecovery), "a new recovery code").NamesNobody(),
		wire.Row("GET /api/account/preferences", wire.User, wire.Read(getPreferences), "what the client keeps here").NamesNobody(),
		wire.Row("PUT /api/account/preferences", wire.User, wire.Write(putPreferences), "merge into it").NamesNobody(),
	}
}

func (a *api) me(c *wire.Call, tx *relay.Tx, _ wire.None) (userOut, error) {
	acc, p, err := account(tx, c.Who.Account)
	return newUser(acc, p, a.status(c.Service.Relay, acc.ID)), err
}

type profileIn struct {
	DisplayName  Maybe[string] `json:"display_name"`
	CustomStatus Maybe[string] `json:"custom_status"`
	Bio          Maybe[string] `json:"bio"`
	Pronouns     Maybe[string] `json:"pronouns"`
	AvatarURL    Maybe[string] `json:"avatar_url"`
	BannerURL    Maybe[string] `json:"banner_url"`
}

func (a *api) patchProfile(c *wire.Call, tx *relay.Tx, in profileIn) (userOut, error) {
	acc, p, err := account(tx, c.Who.Account)
	if err != nil {
		return userOut{}, err
	}
	err = firstError(
		rename(&p.DisplayName, in.DisplayName, "display_name", 64),
		patch(&p.CustomStatus, in.CustomStatus, "custom_status", 128),
		patch(&p.Bio, in.Bio, "bio", 500),
		patch(&p.Pronouns, in.Pronouns, "pronouns", 50),
		patchURL(&p.AvatarURL, in.AvatarURL, "avatar_url"),
		patchURL(&p.BannerURL, in.BannerURL, "banner_url"),
	)
	if err == nil {
		err = showProfile(tx, acc, p)
	}
	return newUser(acc, p, a.status(c.Service.Relay, acc.ID)), err
}

// showProfile stores a changed profile and tells those who see it: the account's
// own sessions and its communities.
func showProfile(tx *relay.Tx, acc relay.Account, p profile) error {
	if err := keep(tx, acc, p); err != nil {
		return err
	}
	h := happening{Account: acc.ID}
	if err := tell(tx, acc.Box, acc.ID, tellProfile, h); err != nil {
		return err
	}
	for room, err := range roomsOf(tx, acc.ID) {
		if err != nil {
			return err
		}
		if !isCommunity(room.Room) {
			continue
		}
		if err := tell(tx, room.Room.Box, acc.ID, tellProfile, h); err != nil {
			return err
		}
	}
	return nil
}

type passwordIn struct {
	Current string `json:"current_password"`
	New     string `json:"new_password"`
}

var wrongPassword = bad("current password is incorrect")

// newPassword sets a password for whoever knows the old one. All sessions end,
// this one too: the client logs out.
func (a *api) newPassword(c *wire.Call, r *relay.Relay, in passwordIn) (wire.None, error) {
	if err := checkPassword(in.New); err != nil {
		return wire.None{}, err
	}
	right, err := rightPassword(c, r, in.Current)
	if err == nil && !right {
		err = wrongPassword
	}
	if err != nil {
		return wire.None{}, err
	}
	hash, err := c.Service.HashPassword(c.Context(), in.New)
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, c.Update(func(tx *relay.Tx) error {
		if err := a.changePassword(tx, c.Who.Account, hash); err != nil {
			return err
		}
		return a.audit(c, tx, c.Who.Account, "password_changed", nil)
	})
}

// sessionOut is a Session.
type sessionOut struct {
	ID       string   `json:"id"`
	Label    nullable `json:"device_name"`
	Address  nullable `json:"ip_address"`
	Created  moment   `json:"created_at"`
	Expires  moment   `json:"expires_at"`
	LastUsed moment   `json:"last_used_at"`
	Current  bool     `json:"current"`
}

func listSessions(c *wire.Call, tx *relay.Tx, _ wire.None) ([]sessionOut, error) {
	devices, err := tx.Devices(c.Who.Account, 2*maxSessions)
	out := []sessionOut{}
	for _, d := range devices {
		s, err := sessionOf(d)
		if err != nil {
			return nil, err
		}
		if s.Expires > tx.Wall() {
			out = append(out, sessionOut{
				d.Name, nullable(s.Label), nullable(s.Address), moment(d.Created), moment(s.Expires), moment(d.Seen), d.Name == c.Who.Device,
			})
		}
	}
	slices.SortStableFunc(out, func(x, y sessionOut) int { return int(y.Created - x.Created) })
	return out, err
}

func deleteSession(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return wire.None{}, err
	}
	name := uuid(id).String()
	if _, err := tx.Device(c.Who.Account, name); relay.Is(err, relay.NotFound) {
		return wire.None{}, missing(false, "session")
	}
	acc, err := tx.Account(c.Who.Account)
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, endSession(tx, acc, name)
}

type revokedOut struct {
	Count int `json:"revoked_count"`
}

func (a *api) revokeOthers(c *wire.Call, tx *relay.Tx, _ wire.None) (revokedOut, error) {
	return a.revoke(c, tx, c.Who.Device)
}

func (a *api) logoutAll(c *wire.Call, tx *relay.Tx, _ wire.None) (revokedOut, error) {
	return a.revoke(c, tx, "")
}

func (a *api) revoke(c *wire.Call, tx *relay.Tx, but string) (revokedOut, error) {
	acc, err := tx.Account(c.Who.Account)
	if err != nil {
		return revokedOut{}, err
	}
	n, err := endSessions(tx, acc, but)
	if err != nil {
		return revokedOut{}, err
	}
	return revokedOut{n}, a.audit(c, tx, acc.ID, "logout_all", nil)
}

func (a *api) newRecovery(c *wire.Call, tx *relay.Tx, _ wire.None) (recoveryOut, error) {
	code := newRecoveryCode()
	setRecoveryCode(tx, c.Who.Account, code)
	return recoveryOut{code}, a.audit(c, tx, c.Who.Account, "recovery_code_regenerated", nil)
}

type deleteIn struct {
	Password string `json:"password"`
}

// deleteAccount removes the caller, who knows his password and owns nothing that
// others would lose with him.
func (a *api) deleteAccount(c *wire.Call, r *relay.Relay, in deleteIn) (wire.None, error) {
	right, err := rightPassword(c, r, in.Password)
	if err == nil && !right {
		err = bad("password is incorrect")
	}
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, c.Update(func(tx *relay.Tx) error {
		acc, p, err := account(tx, c.Who.Account)
		if err != nil {
			return err
		}
		if err := mayLeave(tx, acc, p); err != nil {
			return err
		}
		if err := a.audit(c, tx, acc.ID, "account_deleted", nil); err != nil {
			return err
		}
		if _, err := endSessions(tx, acc, ""); err != nil {
			return err
		}
		return tx.RemoveAccount(acc.ID)
	})
}

// mayLeave refuses the owner of anything.
func mayLeave(tx *relay.Tx, acc relay.Account, p profile) error {
	if p.Owner && len(tx.LoginsAfter(family, loginName, "", "", 2)) > 1 {
		return bad("the owner of the instance cannot be deleted while there are other users")
	}
	for room, err := range roomsOf(tx, acc.ID) {
		if err != nil {
			return err
		}
		set, err := settingsOf(room.Room)
		switch {
		case err != nil:
			return err
		case room.Member.Role != relay.RoleOwner:
		case set.Kind == roomCommunity:
			return bad("you own communities: delete or transfer them first")
		case set.Kind == roomGroup:
			return bad("you own groups: delete or transfer them first")
		}
	}
	return nil
}

// A preference is what a client keeps here, under the account's id.
type preference struct {
	Owner relay.ID `cbor:"1,keyasint"`
	JSON  []byte   `cbor:"2,keyasint"`
}

var preferences = relay.NewRecords("chatalot preferences",
	relay.Index[preference]{Name: "owner", Key: func(p *preference) [][]byte { return [][]byte{p.Owner[:]} }},
).GoesWith("owner", nil)

// maxPreferences is how many bytes of JSON they may have, of one request and all
// together.
const maxPreferences = 16_384

type preferencesJSON struct {
	Preferences map[string]jsontext.Value `json:"preferences"`
}

func preferencesOf(tx *relay.Tx, who relay.ID) (out preferencesJSON, err error) {
	p, found, err := preferences.Get(tx, who)
	if err == nil && found {
		err = json.Unmarshal(p.JSON, &out.Preferences)
	}
	if out.Preferences == nil {
		out.Preferences = map[string]jsontext.Value{}
	}
	return out, err
}

func getPreferences(c *wire.Call, tx *relay.Tx, _ wire.None) (preferencesJSON, error) {
	return preferencesOf(tx, c.Who.Account)
}

// putPreferences merges by name, one level deep. Of all of them the relay itself
// reads one: whether others see what the caller has read.
func putPreferences(c *wire.Call, tx *relay.Tx, in preferencesJSON) (preferencesJSON, error) {
	out, err := preferencesOf(tx, c.Who.Account)
	if err != nil {
		return preferencesJSON{}, err
	}
	if in.Preferences == nil {
		return preferencesJSON{}, bad("preferences must be an object")
	}
	for name, value := range in.Preferences {
		out.Preferences[name] = value
	}
	b, err := json.Marshal(out.Preferences, json.Deterministic(true))
	if err != nil {
		return preferencesJSON{}, err
	}
	if len(b) > maxPreferences {
		return preferencesJSON{}, bad("preferences must be at most %d bytes", maxPreferences)
	}
	if err := preferences.Put(tx, c.Who.Account, &preference{c.Who.Account, b}); err != nil {
		return preferencesJSON{}, err
	}
	acc, p, err := account(tx, c.Who.Account)
	if err != nil {
		return preferencesJSON{}, err
	}
	p.NoReceipts = string(out.Preferences["sendReadReceipts"]) == "false"
	return out, keep(tx, acc, p)
}
