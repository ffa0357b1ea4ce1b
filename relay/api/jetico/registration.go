package jetico

import (
	"encoding/binary"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// How often codes are sent to one phone, beside what the relay allows.
const (
	codeTTL       = 10 * time.Minute
	codeAgain     = relay.Time(60_000)    // milliseconds between two to one application
	codesPerHour  = 5                     // to one phone
	hour          = relay.Time(3_600_000) // milliseconds
	pendingFor    = 24 * time.Hour
	sweepPendings = 50
)

// An appInfo is what an application says of itself, kept with its device.
type appInfo struct {
	Type   string `cbor:"1,keyasint,omitempty"`
	OS     string `cbor:"2,keyasint,omitempty"`
	Vendor string `cbor:"3,keyasint,omitempty"`
	Model  string `cbor:"4,keyasint,omitempty"`
	Token  []byte `cbor:"5,keyasint,omitempty"` // where it can be pushed to, sealed
}

// A pendingApp is an application that has not been confirmed. Its uuid is not
// kept: the record is found by a digest of it.
type pendingApp struct {
	User    []byte       `cbor:"1,keyasint"` // 32 bytes
	Standin string       `cbor:"2,keyasint"` // what it is called where it is listed
	Info    appInfo      `cbor:"3,keyasint"`
	Created relay.Time   `cbor:"4,keyasint"`
	Sent    []relay.Time `cbor:"5,keyasint,omitempty"` // codes, within the hour before the last
}

var pendingApps = relay.NewRecords("jetico pending application",
	relay.Index[pendingApp]{Name: "user", Key: func(p *pendingApp) [][]byte { return [][]byte{p.User} }},
	relay.Index[pendingApp]{Name: "created", Key: func(p *pendingApp) [][]byte { return [][]byte{timeKey(p.Created)} }},
)

// timeKey orders by time in an index.
func timeKey(t relay.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t)) }

func pendingID(userID, app string) relay.ID { return recordID([]byte(secretOf(userID, app))) }

type registerIn struct {
	SMSToken   *string `json:"androidSmsToken"`
	Type       *string `json:"applicationType"`
	Model      *string `json:"model"`
	OpenUserID *string `json:"openUserId"`
	OSVersion  *string `json:"osVersion"`
	UserID     *string `json:"userId"`
	UUID       *string `json:"uuid"`
	Vendor     *string `json:"vendor"`
}

func (in *registerIn) Check() error {
	return firstOf(
		textOrNil("androidSmsToken", in.SMSToken, 64), text("applicationType", in.Type, 32),
		textOrNil("model", in.Model, maxWord), phone("openUserId", in.OpenUserID), textOrNil("osVersion", in.OSVersion, maxWord),
		user("userId", in.UserID), appUUID("uuid", in.UUID), textOrNil("vendor", in.Vendor, maxWord),
	)
}

// registerApplication sends a code to a phone, by which a new application shows
// that it is its owner's. The number is forgotten when the code has been handed
// over.
func (a *api) registerApplication(c *wire.Call, r *relay.Relay, in registerIn) (wire.None, error) {
	none := wire.None{}
	if hashPhone(*in.OpenUserID) != *in.UserID {
		return none, errWrongPhone
	}
	var known bool
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginKind, Folded: *in.UserID})
		if known = err == nil; known && acc.Suspended != 0 {
			return errUserBlocked
		}
		if err := unless(err, relay.NotFound); err != nil {
			return err
		}
		p, err := pendingOf(tx, in)
		if err != nil {
			return err
		}
		return mayAskForCode(tx, p, tx.Wall()) // who may not costs no write
	})
	if err == nil && !known {
		if a.o.Closed {
			return none, errAccess
		}
		if err = r.Founding(); err == nil {
			err = c.Service.Newcomer()
		}
	}
	if err == nil {
		err = r.Update(c.Context(), func(tx *relay.Tx) error { return putPending(tx, in) })
	}
	if err != nil {
		return none, err
	}
	return none, a.sendCode(c, r, codeFor(purposeRegister, *in.UserID, *in.UUID), delivery{
		phone: *in.OpenUserID, smsToken: deref(in.SMSToken),
	})
}

// unless returns err unless it is of a code that is no failure here.
func unless(err error, code relay.Code) error {
	if relay.Is(err, code) {
		return nil
	}
	return err
}

// putPending stores an application that waits for its code.
func putPending(tx *relay.Tx, in registerIn) error {
	if err := sweepPending(tx); err != nil {
		return err
	}
	p, err := pendingOf(tx, in)
	if err != nil {
		return err
	}
	now := tx.Wall()
	if err := mayAskForCode(tx, p, now); err != nil {
		return err
	}
	p.Info = appInfo{Type: *in.Type, OS: deref(in.OSVersion), Vendor: deref(in.Vendor), Model: deref(in.Model)}
	p.Sent = append(recent(p.Sent, now), now)
	return pendingApps.Put(tx, pendingID(*in.UserID, *in.UUID), p)
}

// pendingOf returns the application that a request is about, a new one if it
// does not wait yet.
func pendingOf(tx *relay.Tx, in registerIn) (*pendingApp, error) {
	p, found, err := pendingApps.Get(tx, pendingID(*in.UserID, *in.UUID))
	if now := tx.Wall(); err == nil && (!found || p.Created.Add(pendingFor) <= now) {
		raw, _ := rawUser(*in.UserID)
		p = &pendingApp{User: raw, Standin: newUUID(), Created: now}
	}
	return p, err
}

// mayAskForCode keeps one phone from being called all the time.
func mayAskForCode(tx *relay.Tx, p *pendingApp, now relay.Time) error {
	if n := len(p.Sent); n > 0 && now-p.Sent[n-1] < codeAgain && now >= p.Sent[n-1] {
		return errTooMany
	}
	sent := 0
	for f, err := range pendingApps.Scan(tx, "user", relay.Span{Exact: p.User, Limit: 1000}) {
		if err != nil {
			return err
		}
		sent += len(recent(f.Record.Sent, now))
	}
	if sent >= codesPerHour {
		return errTooMany
	}
	return nil
}

// recent returns those times that are less than an hour ago.
func recent(times []relay.Time, now relay.Time) (kept []relay.Time) {
	for _, t := range times {
		if now-t < hour {
			kept = append(kept, t)
		}
	}
	return kept
}

// sweepPending removes applications that were never confirmed.
func sweepPending(tx *relay.Tx) error {
	var old []relay.ID
	span := relay.Span{To: timeKey(tx.Wall().Add(-pendingFor)), Limit: sweepPendings}
	for f, err := range pendingApps.Scan(tx, "created", span) {
		if err != nil {
			return err
		}
		old = append(old, f.ID)
	}
	for _, id := range old {
		if _, err := pendingApps.Delete(tx, id); err != nil {
			return err
		}
	}
	return nil
}

type confirmIn struct {
	Code   *string `json:"smsCode"`
	UserID *string `json:"userId"`
	UUID   *string `json:"uuid"`
}

func (in *confirmIn) Check() error {
	return firstOf(text("smsCode", in.Code, 64), user("userId", in.UserID), appUUID("uuid", in.UUID))
}

// confirmRegistration makes an application the user's, and the user an account
// if there is none yet. The connection is not authenticated by that.
func (a *api) confirmRegistration(c *wire.Call, r *relay.Relay, in confirmIn) (wire.None, error) {
	id := pendingID(*in.UserID, *in.UUID)
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		_, err := livingPending(tx, id)
		return err
	})
	if err != nil {
		return wire.None{}, err
	}
	err = useCode(c, r, codeFor(purposeRegister, *in.UserID, *in.UUID), *in.Code, func(tx *relay.Tx) error {
		p, err := livingPending(tx, id)
		if err != nil {
			return err
		}
		acc, err := accountOf(tx, *in.UserID)
		if err != nil {
			return err
		}
		if err := a.admitApp(tx, acc, secretOf(*in.UserID, *in.UUID), p); err != nil {
			return err
		}
		_, err = pendingApps.Delete(tx, id)
		return err
	})
	return wire.None{}, err
}

// livingPending returns an application that waits for its code.
func livingPending(tx *relay.Tx, id relay.ID) (*pendingApp, error) {
	p, found, err := pendingApps.Get(tx, id)
	if err == nil && (!found || p.Created.Add(pendingFor) <= tx.Wall()) {
		err = errNoPending
	}
	return p, err
}

// accountOf returns the account of a userId, which it makes if need be.
func accountOf(tx *relay.Tx, userID string) (relay.Account, error) {
	login := relay.Login{Kind: loginKind, Folded: userID}
	acc, err := tx.FindLogin(family, login)
	if err == nil && acc.Suspended != 0 {
		err = errUserBlocked
	}
	if !relay.Is(err, relay.NotFound) {
		return acc, err
	}
	acc, err = tx.Register(relay.AccountDraft{Family: family, Logins: []relay.Login{login}})
	if err != nil {
		return acc, err
	}
	raw, _ := rawUser(userID)
	if err := names.Put(tx, acc.ID, &nameRow{Hash: raw}); err != nil {
		return acc, err
	}
	return acc, blockNewcomer(tx, acc.ID, raw)
}

// admitApp makes a pending application one of its user's.
func (a *api) admitApp(tx *relay.Tx, acc relay.Account, secret string, p *pendingApp) error {
	t, known, err := tx.TokenOf(secret)
	if err != nil {
		return err
	}
	if known && t.Account == acc.ID {
		d, err := tx.Device(acc.ID, t.Device)
		if err != nil {
			return err
		}
		return putInfo(tx, acc.ID, d, p.Info)
	}
	devices, err := tx.Devices(acc.ID, a.o.MaxApps)
	if err != nil {
		return err
	}
	if len(devices) >= a.o.MaxApps {
		return errAccess
	}
	if err := tx.Grant(secret, relay.Token{Account: acc.ID, Family: family, Device: p.Standin}); err != nil {
		return err
	}
	d, err := tx.Device(acc.ID, p.Standin)
	if err != nil {
		return err
	}
	d.Created = p.Created
	return putInfo(tx, acc.ID, d, p.Info)
}

// putInfo stores what an application says of itself now; where it is pushed to
// stays.
func putInfo(tx *relay.Tx, account relay.ID, d relay.Device, info appInfo) error {
	var old appInfo
	if err := unpack(d.Info, &old); err != nil {
		return err
	}
	info.Token = old.Token
	d.Info = pack(info)
	return tx.PutDevice(account, d)
}
