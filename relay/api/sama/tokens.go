package sama

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Purposes of tokens. A device has one of each: what is issued replaces it.
const (
	purposeAccess  = "access"
	purposeRefresh = "refresh"
	purposeSpent   = "spent" // the refresh token that was exchanged last
)

// A password opens a session again.
func init() { relay.DeclareSessions(family) }

// A refresh token that comes back this long after its exchange was stolen, or
// its copy was; two tabs that refresh at once are none of that.
const spentGrace = time.Minute

// A deviceInfo is kept with a device. Session is another one after each logout,
// so that connections tied to the one before are nobody's.
type deviceInfo struct {
	Session string `json:"s"`
	Dialect string `json:"d"`
}

// deviceOf returns what is kept with a device; Unauthorized when there is no
// such session any more.
func deviceOf(tx *relay.Tx, who relay.ID, name string) (info deviceInfo, err error) {
	d, err := tx.Device(who, name)
	if err == nil && len(d.Tokens) == 0 {
		err = errUnauthorized
	}
	if err == nil {
		err = wire.Decode(d.Info, &info)
	}
	if relay.Is(err, relay.NotFound) {
		err = errUnauthorized
	}
	return info, err
}

// A pass is the tokens of a session, as they are handed out.
type pass struct {
	access, refresh string
	expires         relay.Time // of the access token
}

// newPass makes tokens for somebody. They are worth nothing until granted.
func (a *api) newPass(r *relay.Relay, who relay.ID, login string) (pass, error) {
	now := r.Now()
	p := pass{refresh: rand.Text() + rand.Text(), expires: now.Add(a.o.AccessFor)}
	var err error
	p.access, err = newJWT(r, accessClaims{
		ID: shown(who), NativeID: shown(who), Login: login, Type: purposeAccess,
		Issued: int64(now) / 1000, Expires: int64(p.expires) / 1000, JTI: rand.Text(),
	})
	return p, err
}

// accessClaims are what clients read in an access token: who they are.
type accessClaims struct {
	ID       string `json:"_id"`
	NativeID string `json:"native_id"`
	Login    string `json:"login"`
	Type     string `json:"type"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	JTI      string `json:"jti"`
}

const jwtHeader = `{"alg":"HS256","typ":"JWT"}`

// newJWT signs claims with this relay's key. Nobody checks the signature: the
// token is found by its digest, and its row decides.
func newJWT(r *relay.Relay, claims accessClaims) (string, error) {
	key, err := r.Sign("sama access token")
	if err != nil {
		return "", err
	}
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(jwtHeader)) + "." + enc.EncodeToString(wire.MustEncode(claims))
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(signed))
	return signed + "." + enc.EncodeToString(mac.Sum(nil)), nil
}

// maxDevices is how many devices an account is used from. All of them can be
// ended in one transaction, by another password.
const maxDevices = 100

// endOldest ends the sessions that were renewed longest ago, so that there is
// room for one more.
func endOldest(tx *relay.Tx, who relay.ID) error {
	devices, err := tx.Devices(who, relay.StepKeys)
	if err != nil {
		return err
	}
	slices.SortFunc(devices, func(a, b relay.Device) int { return cmp.Compare(a.Seen, b.Seen) })
	for _, d := range devices[:max(len(devices)-maxDevices+1, 0)] {
		if err := endSession(tx, relay.Caller{Account: who, Device: d.Name}); err != nil {
			return err
		}
	}
	return nil
}

// grant makes p the tokens of a device, in place of all it had. keep is the
// refresh token that stays instead of p's; spent the one that p's was exchanged
// for.
func (a *api) grant(tx *relay.Tx, who relay.ID, device, dialect string, p pass, keep, spent string) error {
	info, err := deviceOf(tx, who, device)
	if relay.Is(err, relay.Unauthorized) {
		info, err = deviceInfo{Session: rand.Text()}, endOldest(tx, who)
	}
	if err != nil {
		return err
	}
	if info.Dialect == "" || dialect != "" {
		info.Dialect = cmp.Or(dialect, "seed")
	}
	now := tx.Wall()
	if err := tx.DropDevice(who, device); err != nil {
		return err
	}
	if err := tx.PutDevice(who, relay.Device{Name: device, Info: wire.MustEncode(info), Seen: now}); err != nil {
		return err
	}
	t := relay.Token{Account: who, Family: family, Device: device, Purpose: purposeAccess, Expires: p.expires}
	if err := tx.Grant(p.access, t); err != nil {
		return err
	}
	t.Purpose, t.Expires = purposeRefresh, now.Add(a.o.RefreshFor)
	if err := tx.Grant(cmp.Or(keep, p.refresh), t); err != nil {
		return err
	}
	if spent != "" {
		t.Purpose = purposeSpent
		if err := tx.Grant(spent, t); err != nil {
			return err
		}
	}
	return tx.FirstUse(who)
}

// boundBy returns who a connection belongs to that shows an access token. The
// device may be left out. Invalid, in this API's words: not valid, or another
// device's.
func (a *api) boundBy(tx *relay.Tx, token, device string) (b bound, err error) {
	b.caller, err = tx.Authenticate(relay.Claim{Secret: token, Family: family, Device: device, Purpose: purposeAccess})
	if err == nil {
		b, err = a.boundTo(tx, b.caller)
	}
	if relay.Is(err, relay.Unauthorized) {
		err = errExpired
	}
	return b, err
}

// boundTo completes a caller with the session of its device.
func (a *api) boundTo(tx *relay.Tx, c relay.Caller) (bound, error) {
	info, err := deviceOf(tx, c.Account, c.Device)
	return bound{caller: c, session: info.Session, dialect: cmp.Or(a.o.Dialect, info.Dialect)}, err
}

// dialectBy is the dialect of whoever logs in: the web client names its
// organization, which the protocol's document knows nothing of.
func dialectBy(organization field) string {
	if organization.set {
		return "sdk"
	}
	return "seed"
}
