package chatalot

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Purposes of the tokens of a session.
const (
	tokenRefresh = "refresh"
	tokenSpent   = "spent" // was exchanged
)

const (
	// tabsRace is how long a token that was exchanged may still come: several
	// tabs of a browser have one, and refresh when they like.
	tabsRace = time.Minute
	// maxSessions bounds the sessions of one account; the one that has been
	// silent the longest goes first.
	maxSessions = 50
)

// A password opens a session again.
func init() { relay.DeclareSessions(family) }

// A session is what this family keeps with a device, whose name is its id.
type session struct {
	Label   string     `cbor:"1,keyasint,omitempty"` // of the browser or program
	Address string     `cbor:"2,keyasint,omitempty"` // where the operator has it kept
	Expires relay.Time `cbor:"3,keyasint"`
}

// newRefresh returns a refresh token.
func newRefresh() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// openSession opens a session that is refreshed with a token.
func (a *api) openSession(c *wire.Call, tx *relay.Tx, who relay.ID, refresh string) (id string, err error) {
	if err := makeRoom(tx, who); err != nil {
		return "", err
	}
	id = newV4().String()
	s := session{Label: deviceLabel(c.Header("User-Agent")), Address: a.address(c), Expires: tx.Wall().Add(refreshFor)}
	if err := tx.PutDevice(who, relay.Device{Name: id, Info: pack(s), Seen: tx.Wall()}); err != nil {
		return "", err
	}
	return id, tx.Grant(refresh, relay.Token{Account: who, Family: family, Device: id, Purpose: tokenRefresh, Expires: s.Expires})
}

// makeRoom ends sessions that have expired, and one more if there are too many.
func makeRoom(tx *relay.Tx, who relay.ID) error {
	devices, err := tx.Devices(who, 2*maxSessions)
	if err != nil {
		return err
	}
	slices.SortFunc(devices, func(x, y relay.Device) int { return int(x.Seen - y.Seen) })
	for i, d := range devices {
		s, err := sessionOf(d)
		if err != nil {
			return err
		}
		if s.Expires > tx.Wall() && len(devices)-i < maxSessions {
			continue
		}
		if err := tx.DropDevice(who, d.Name); err != nil {
			return err
		}
	}
	return nil
}

func sessionOf(d relay.Device) (s session, err error) { return s, unpack(d.Info, &s) }

// rotate spends a refresh token and makes next the one that is good. The spent
// one is remembered, to know it when it comes back.
func rotate(tx *relay.Tx, t relay.Token, spent, next string) error {
	if err := tx.Revoke(spent); err != nil {
		return err
	}
	d, err := tx.Device(t.Account, t.Device)
	if err != nil {
		return err
	}
	s, err := sessionOf(d)
	if err != nil {
		return err
	}
	s.Expires = tx.Wall().Add(refreshFor)
	d.Info, d.Seen = pack(s), tx.Wall()
	if err := tx.PutDevice(t.Account, d); err != nil {
		return err
	}
	t.Purpose = tokenSpent
	if err := tx.Grant(spent, t); err != nil {
		return err
	}
	t.Purpose, t.Expires = tokenRefresh, s.Expires
	return tx.Grant(next, t)
}

// endSession ends one session: its tokens are worth nothing, and its sockets are
// told to go.
func endSession(tx *relay.Tx, acc relay.Account, id string) error {
	if err := tx.DropDevice(acc.ID, id); err != nil {
		return err
	}
	return tell(tx, acc.Box, acc.ID, tellSessionEnded, happening{Text: id})
}

// endSessions ends all sessions of an account but one, if that is named, and
// returns how many there were that had not expired.
func endSessions(tx *relay.Tx, acc relay.Account, but string) (n int, err error) {
	devices, err := tx.Devices(acc.ID, 2*maxSessions)
	if err != nil {
		return 0, err
	}
	for _, d := range devices {
		s, err := sessionOf(d)
		if err != nil {
			return 0, err
		}
		if d.Name == but {
			continue
		}
		if s.Expires > tx.Wall() {
			n++
		}
		if err := endSession(tx, acc, d.Name); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// address is where a caller comes from, if the operator has that kept.
func (a *api) address(c *wire.Call) string {
	if !a.o.KeepAddresses || c.Request() == nil {
		return ""
	}
	addr, means := wire.Address(c.Request())
	if !means {
		return ""
	}
	return addr.String()
}

// label is a word that a User-Agent has for a browser or a system.
type label struct{ sign, name string }

var (
	browsers = []label{{"Edg/", "Edge"}, {"Chrome/", "Chrome"}, {"Firefox/", "Firefox"}, {"Safari/", "Safari"}, {"Chromium/", "Chromium"}}
	systems  = []label{
		{"Android", "Android"}, {"iPhone", "iOS"}, {"iPad", "iOS"}, {"Linux", "Linux"},
		{"Mac OS", "macOS"}, {"Macintosh", "macOS"}, {"Windows", "Windows"},
	}
)

// deviceLabel names a device by its User-Agent.
func deviceLabel(agent string) string {
	if len(agent) > 512 {
		return ""
	}
	if strings.Contains(strings.ToLower(agent), "tauri") {
		return "Chatalot Desktop"
	}
	find := func(list []label) string {
		for _, l := range list {
			if strings.Contains(agent, l.sign) {
				return l.name
			}
		}
		return ""
	}
	switch browser, system := find(browsers), find(systems); {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "" || system != "":
		return browser + system
	}
	runes := []rune(agent)
	return string(runes[:min(len(runes), 50)])
}
