package jetico

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// A phone's owner registers an application again, by a code.
func init() { relay.DeclareSessions(family) }

// signalApplication is the kind of the signal that an application has
// authenticated itself; its data is an arrival. kindApplication is the event
// that one was deleted, which only has the account's sessions look.
const (
	signalApplication = "application"
	kindApplication   = "application"
)

// An arrival says which application authenticated itself on which connection.
type arrival struct {
	Device string   `cbor:"1,keyasint"`
	Tag    relay.ID `cbor:"2,keyasint"`
}

type authenticateIn struct {
	UserID *string `json:"userId"`
	UUID   *string `json:"uuid"`
}

func (in *authenticateIn) Check() error {
	return firstOf(user("userId", in.UserID), appUUID("uuid", in.UUID))
}

// authenticate makes this connection an application's, until it ends.
func (a *api) authenticate(c *wire.Call, r *relay.Relay, in authenticateIn) (wire.None, error) {
	s, none := sessionOf(c), wire.None{}
	if s.user != "" {
		if s.user != *in.UserID || s.app != *in.UUID {
			return none, errAuthenticated
		}
		return none, nil
	}
	var who relay.Caller
	err := r.View(c.Context(), func(tx *relay.Tx) error { // who may not come in costs no write
		_, _, err := bearer(tx, *in.UserID, *in.UUID)
		return err
	})
	if err == nil {
		err = r.Update(c.Context(), func(tx *relay.Tx) (err error) {
			who, err = enter(tx, *in.UserID, *in.UUID)
			return err
		})
	}
	if relay.Is(err, relay.Unauthorized) {
		s.failures++
	}
	if err != nil {
		return none, err
	}
	feed := r.NewFeed(s.sock.Watch(), who.Account, relay.FeedOptions{})
	if err := feed.Start(c.Context()); err != nil {
		return none, err
	}
	s.who, s.user, s.app, s.feed = who, *in.UserID, *in.UUID, feed
	s.sock.Known()
	r.Presence().Enter(appID(who.Account, who.Device))
	r.Hub().Signal(who.Box, relay.Signal{Kind: signalApplication, Box: who.Box, From: who.Account, Data: pack(arrival{who.Device, s.tag})})
	return none, nil
}

// bearer finds the account and the application of a pair, or says why it may
// not come in.
func bearer(tx *relay.Tx, userID, app string) (acc relay.Account, d relay.Device, err error) {
	t, found, err := tx.TokenOf(secretOf(userID, app))
	if err != nil {
		return acc, d, err
	}
	if !found || t.Family != family {
		_, err := livingPending(tx, pendingID(userID, app))
		if err == nil {
			return acc, d, errNotConfirmed
		}
		return acc, d, errNotRegistered
	}
	acc, err = tx.Account(t.Account)
	switch {
	case relay.Is(err, relay.NotFound):
		return acc, d, errNotRegistered
	case err != nil:
		return acc, d, err
	case acc.Suspended != 0:
		return acc, d, errUserBlocked
	}
	d, err = tx.Device(acc.ID, t.Device)
	return acc, d, err
}

// enter notes that an application was here.
func enter(tx *relay.Tx, userID, app string) (relay.Caller, error) {
	acc, d, err := bearer(tx, userID, app)
	if err != nil {
		return relay.Caller{}, err
	}
	d.Seen = tx.Wall()
	if err := tx.PutDevice(acc.ID, d); err != nil {
		return relay.Caller{}, err
	}
	who := relay.Caller{Account: acc.ID, Box: acc.Box, Device: d.Name}
	return who, changeProfile(tx, acc, func(p *profile) { p.LastLogin = d.Seen })
}

// A pushRow says which application has a device token, of which there is one
// application at a time.
type pushRow struct {
	Account relay.ID `cbor:"1,keyasint"`
	Device  string   `cbor:"2,keyasint"`
}

var pushes = relay.NewRecords("jetico push",
	relay.Index[pushRow]{Name: "account", Key: func(p *pushRow) [][]byte { return [][]byte{p.Account[:]} }},
).GoesWith("account", nil).NotRestored(nil) // they go with applications

const sealToken = "jetico device token"

func pushID(token string) relay.ID { return recordID([]byte(sealToken), []byte(token)) }

type deviceTokenIn struct {
	Token  *string `json:"token"`
	UserID *string `json:"userId"`
	UUID   *string `json:"uuid"`
}

func (in *deviceTokenIn) Check() error {
	return firstOf(text("token", in.Token, maxToken), user("userId", in.UserID), appUUID("uuid", in.UUID))
}

// updateDeviceToken notes where the caller's application can be pushed to; no
// other has that token any more.
func (a *api) updateDeviceToken(c *wire.Call, tx *relay.Tx, in deviceTokenIn) (wire.None, error) {
	s, none := sessionOf(c), wire.None{}
	if *in.UserID != s.user || *in.UUID != s.app {
		return none, errAccess
	}
	if err := setDeviceToken(tx, c.Who.Account, c.Who.Device, ""); err != nil || *in.Token == "" {
		return none, err
	}
	id := pushID(*in.Token)
	other, found, err := pushes.Get(tx, id)
	if err != nil {
		return none, err
	}
	if found {
		if err := setDeviceToken(tx, other.Account, other.Device, ""); err != nil {
			return none, err
		}
	}
	if err := setDeviceToken(tx, c.Who.Account, c.Who.Device, *in.Token); err != nil {
		return none, err
	}
	return none, pushes.Put(tx, id, &pushRow{c.Who.Account, c.Who.Device})
}

// setDeviceToken changes the token kept with an application, if it is there.
func setDeviceToken(tx *relay.Tx, account relay.ID, device, token string) error {
	d, err := tx.Device(account, device)
	if err != nil {
		return unless(err, relay.NotFound)
	}
	var info appInfo
	if err := unpack(d.Info, &info); err != nil {
		return err
	}
	if old, err := openToken(tx, info); err == nil && old != nil {
		if _, err := pushes.Delete(tx, pushID(*old)); err != nil {
			return err
		}
	}
	info.Token = nil
	if token != "" {
		if info.Token, err = tx.Seal(sealToken, []byte(token)); err != nil {
			return err
		}
	}
	d.Info = pack(info)
	return tx.PutDevice(account, d)
}

// openToken returns where an application can be pushed to, nil if nowhere.
func openToken(tx *relay.Tx, info appInfo) (*string, error) {
	if info.Token == nil {
		return nil, nil
	}
	b, err := tx.Unseal(sealToken, info.Token)
	token := string(b)
	return &token, err
}

// An applicationOut is an application as its owner sees it.
type applicationOut struct {
	UUID        string  `json:"uuid"`
	SMSCode     *string `json:"smsCode"` // always null
	Type        string  `json:"applicationType"`
	Confirmed   bool    `json:"confirmed"`
	Created     int64   `json:"created"`
	UserID      string  `json:"userId"`
	DeviceToken *string `json:"deviceToken"`
	LastLogin   int64   `json:"lastLogin"`
	Online      bool    `json:"online"`
	OSVersion   string  `json:"osVersion"`
	Vendor      string  `json:"vendor"`
	Model       string  `json:"model"`
}

// application shows an application to a session of its owner: by its uuid if it
// is the session's own, else by its stand-in.
func (s *session) application(tx *relay.Tx, d relay.Device) (applicationOut, error) {
	var info appInfo
	if err := unpack(d.Info, &info); err != nil {
		return applicationOut{}, err
	}
	token, err := openToken(tx, info)
	if relay.Is(err, relay.Invalid) {
		token, err = nil, nil // sealed with a key that was lost: as if there were none
	}
	out := newApplication(d.Name, s.user, info, d.Created)
	out.Confirmed, out.DeviceToken = true, token
	out.LastLogin = int64(max(d.Seen, d.Created))
	out.Online = s.svc.Relay.Presence().Present(appID(s.who.Account, d.Name))
	if d.Name == s.who.Device {
		out.UUID = s.app
	}
	return out, err
}

func newApplication(uuid, userID string, info appInfo, created relay.Time) applicationOut {
	return applicationOut{
		UUID: uuid, Type: info.Type, Created: int64(created), UserID: userID, LastLogin: int64(created),
		OSVersion: info.OS, Vendor: info.Vendor, Model: info.Model,
	}
}

type getApplicationsIn struct {
	Confirmed *bool `json:"confirmed"`
}

func (in *getApplicationsIn) Check() error { return present("confirmed", in.Confirmed) }

type applicationsOut struct {
	Applications []applicationOut `json:"applications"`
}

func (applicationsOut) reply() string { return "ResponseApplicationsFull" }

// getApplications lists the caller's applications, the newest first.
func (a *api) getApplications(c *wire.Call, tx *relay.Tx, in getApplicationsIn) (applicationsOut, error) {
	s, out := sessionOf(c), applicationsOut{[]applicationOut{}}
	devices, err := tx.Devices(c.Who.Account, max(a.o.MaxApps, 100))
	if err != nil {
		return out, err
	}
	for _, d := range devices {
		app, err := s.application(tx, d)
		if err != nil {
			return out, err
		}
		out.Applications = append(out.Applications, app)
	}
	if !*in.Confirmed {
		raw, _ := rawUser(s.user)
		for f, err := range pendingApps.Scan(tx, "user", relay.Span{Exact: raw, Limit: 100}) {
			if err != nil {
				return out, err
			}
			if p := f.Record; p.Created.Add(pendingFor) > tx.Wall() {
				out.Applications = append(out.Applications, newApplication(p.Standin, s.user, p.Info, p.Created))
			}
		}
	}
	slices.SortStableFunc(out.Applications, func(a, b applicationOut) int { return cmp.Compare(b.Created, a.Created) })
	return out, nil
}

type deleteApplicationIn struct {
	UUID *string `json:"uuid"`
}

func (in *deleteApplicationIn) Check() error { return appUUID("uuid", in.UUID) }

// deleteApplication ends an application of the caller's, named by its uuid or
// by its stand-in. Its connection is closed when it next looks.
func (a *api) deleteApplication(c *wire.Call, tx *relay.Tx, in deleteApplicationIn) (wire.None, error) {
	s, none := sessionOf(c), wire.None{}
	device := *in.UUID
	t, found, err := tx.TokenOf(secretOf(s.user, *in.UUID))
	if err != nil {
		return none, err
	}
	if found && t.Account == c.Who.Account {
		device = t.Device
	}
	_, err = tx.Device(c.Who.Account, device)
	if relay.Is(err, relay.NotFound) {
		return none, deletePending(tx, s.user, *in.UUID)
	}
	if err != nil {
		return none, err
	}
	if err := setDeviceToken(tx, c.Who.Account, device, ""); err != nil {
		return none, err
	}
	if err := tx.DropDevice(c.Who.Account, device); err != nil {
		return none, err
	}
	_, err = tx.Append(c.Who.Box, relay.Draft{Lane: relay.Events, Kind: kindApplication, From: c.Who.Account})
	return none, err
}

// deletePending removes an application that was never confirmed.
func deletePending(tx *relay.Tx, userID, uuid string) error {
	id := pendingID(userID, uuid)
	if there, err := pendingApps.Delete(tx, id); there || err != nil {
		return err
	}
	raw, _ := rawUser(userID)
	for f, err := range pendingApps.Scan(tx, "user", relay.Span{Exact: raw, Limit: 100}) {
		if err != nil {
			return err
		}
		if f.Record.Standin == uuid {
			_, err := pendingApps.Delete(tx, f.ID)
			return err
		}
	}
	return errNoApplication
}
