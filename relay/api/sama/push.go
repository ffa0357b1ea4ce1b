package sama

import (
	"encoding/base64"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// A subscription is where to push to while somebody is away.
type subscription struct {
	Owner    relay.ID   `cbor:"1,keyasint"`
	Platform string     `cbor:"2,keyasint"`
	Endpoint string     `cbor:"3,keyasint,omitempty"`
	Auth     string     `cbor:"4,keyasint,omitempty"` // as it came
	Key      string     `cbor:"5,keyasint,omitempty"` // as it came
	Token    string     `cbor:"6,keyasint,omitempty"` // of a device, instead
	UDID     string     `cbor:"7,keyasint"`
	Created  relay.Time `cbor:"8,keyasint"`
	Updated  relay.Time `cbor:"9,keyasint"`
}

const (
	platformWeb   = "web"
	indexEndpoint = "endpoint"
	// maxSubscriptions is how many somebody has; the oldest goes first.
	maxSubscriptions = 50
)

var subscriptions = relay.NewRecords("sama push subscription",
	relay.Index[subscription]{Name: indexOwner, Key: func(s *subscription) [][]byte { return [][]byte{s.Owner[:]} }},
	relay.Index[subscription]{Name: indexEndpoint, Key: func(s *subscription) [][]byte {
		if s.Endpoint == "" {
			return nil
		}
		return [][]byte{endpointKey(s.Endpoint)}
	}},
).GoesWith(indexOwner, nil).NotRestored(nil) // they end with sessions

func endpointKey(endpoint string) []byte {
	d := relay.DigestOf([]byte(endpoint))
	return d[:]
}

// subscriptionID is the id of the subscription of an account's device.
func subscriptionID(who relay.ID, udid string) relay.ID {
	d := relay.DigestOf([]byte("sama push"), who[:], []byte(udid))
	return relay.ID(d[:16])
}

// A subscriptionOut is how a subscription is shown.
type subscriptionOut struct {
	ID        string `json:"_id"`
	Platform  string `json:"platform"`
	Endpoint  string `json:"web_endpoint,omitempty"`
	Auth      string `json:"web_key_auth,omitempty"`
	Key       string `json:"web_key_p256dh,omitempty"`
	Token     string `json:"device_token,omitempty"`
	UDID      string `json:"device_udid"`
	UserID    string `json:"user_id"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

func newSubscription(id relay.ID, s *subscription) subscriptionOut {
	return subscriptionOut{
		shown(id), s.Platform, s.Endpoint, s.Auth, s.Key, s.Token, s.UDID, shown(s.Owner), wire.ISO(s.Created), wire.ISO(s.Updated),
	}
}

type subscribeIn struct {
	Platform field  `json:"platform"`
	Endpoint field  `json:"web_endpoint"`
	Auth     field  `json:"web_key_auth"`
	Key      field  `json:"web_key_p256dh"`
	Token    field  `json:"device_token"`
	UDID     device `json:"device_udid"`
}

func (in *subscribeIn) Check() error {
	web := in.Endpoint.v != ""
	switch {
	case in.Platform.v != platformWeb && in.Platform.v != "ios" && in.Platform.v != "android":
		return wrong("Incorrect platform type.")
	case !in.UDID.within(1, 255):
		return wrong("Incorrect device id.")
	case web == (in.Token.v != ""), !in.Endpoint.optional(1, 2048), !in.Token.optional(1, 2048):
		return wrong("Incorrect token.")
	case web && (!in.Auth.within(1, 256) || !in.Key.within(1, 256)):
		return wrong("Incorrect keys.")
	}
	if !web {
		return nil
	}
	if _, err := newRecipient(in.Auth.v, in.Key.v); err != nil {
		return wrong("Incorrect keys.")
	}
	return nil
}

// subscribePush keeps where to push to, in place of what was kept for the same
// device; a browser that was another account's is this one's now.
func (a *api) subscribePush(c *wire.Call, tx *relay.Tx, in subscribeIn) (any, error) {
	if in.Endpoint.v != "" && !a.mayPush(c, in.Endpoint.v) {
		return nil, wrong("Incorrect token.")
	}
	id, now := subscriptionID(c.Who.Account, in.UDID.v), tx.Wall()
	s, found, err := subscriptions.Get(tx, id)
	if err != nil {
		return nil, err
	}
	if !found {
		s = &subscription{Owner: c.Who.Account, UDID: in.UDID.v, Created: now}
		if err := makeRoom(tx, c.Who.Account); err != nil {
			return nil, err
		}
	}
	s.Platform, s.Endpoint, s.Auth, s.Key, s.Token = in.Platform.v, in.Endpoint.v, in.Auth.v, in.Key.v, in.Token.v
	s.Updated = now
	if err := dropEndpoint(tx, in.Endpoint.v, id); err != nil {
		return nil, err
	}
	if err := subscriptions.Put(tx, id, s); err != nil {
		return nil, err
	}
	return map[string]any{"subscription": newSubscription(id, s)}, nil
}

// mayPush takes endpoints with TLS. Which address they stand for is looked at
// when something is sent there.
func (a *api) mayPush(c *wire.Call, endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	if out := c.Service.Outgoing; out != nil && !out.MayAsk(u) {
		return false
	}
	return u.Scheme == "https" || a.o.PlainPush && u.Scheme == "http"
}

// dropEndpoint removes the subscriptions of an endpoint but one.
func dropEndpoint(tx *relay.Tx, endpoint string, but relay.ID) error {
	if endpoint == "" {
		return nil
	}
	var others []relay.ID
	for f, err := range subscriptions.Scan(tx, indexEndpoint, relay.Span{Exact: endpointKey(endpoint), Limit: 100}) {
		if err != nil {
			return err
		}
		if f.ID != but {
			others = append(others, f.ID)
		}
	}
	for _, id := range others {
		if _, err := subscriptions.Delete(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// makeRoom removes the subscription that was renewed longest ago, if there are
// as many as there may be.
func makeRoom(tx *relay.Tx, who relay.ID) error {
	list, err := subscriptionsOf(tx, who)
	if err != nil || len(list) < maxSubscriptions {
		return err
	}
	oldest := list[0]
	for _, s := range list {
		if s.Record.Updated < oldest.Record.Updated {
			oldest = s
		}
	}
	_, err = subscriptions.Delete(tx, oldest.ID)
	return err
}

func subscriptionsOf(tx *relay.Tx, who relay.ID) (list []relay.Found[subscription], err error) {
	for f, err := range subscriptions.Scan(tx, indexOwner, relay.Span{Exact: who[:], Limit: 2 * maxSubscriptions}) {
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

type listPushIn struct {
	UserID field `json:"user_id"`
}

// listPush shows the caller's own subscriptions, whoever is named.
func (a *api) listPush(c *wire.Call, tx *relay.Tx, in listPushIn) (any, error) {
	if in.UserID.v == "" {
		return nil, wrong("User ID missed.")
	}
	list, err := subscriptionsOf(tx, c.Who.Account)
	out := []subscriptionOut{}
	for _, s := range list {
		out = append(out, newSubscription(s.ID, s.Record))
	}
	return map[string]any{"subscriptions": out}, err
}

type unsubscribeIn struct {
	UDID device `json:"device_udid"`
}

func (a *api) unsubscribePush(c *wire.Call, tx *relay.Tx, in unsubscribeIn) (success, error) {
	if !in.UDID.within(1, 255) {
		return success{}, errNoDevice
	}
	found, err := subscriptions.Delete(tx, subscriptionID(c.Who.Account, in.UDID.v))
	if err == nil && !found {
		err = wrong("Push notification record not found.")
	}
	return yes, err
}

type pushEventIn struct {
	Recipients []string       `json:"recipients_ids"`
	Message    jsontext.Value `json:"message"`
}

func (in *pushEventIn) Check() error {
	switch in.Message = absent(in.Message); {
	case len(in.Recipients) == 0:
		return wrong("Incorrect recipients IDs.")
	case in.Message == nil:
		return wrong("Notification message missed.")
	case len(in.Recipients) > most, in.Message.Kind() != '{', len(in.Message) > maxPayload:
		return errShape
	}
	return nil
}

// A pushEventOut is a push that a client asked for.
type pushEventOut struct {
	ID           string   `json:"_id"`
	UserID       string   `json:"user_id"`
	RecipientIDs []string `json:"recipients_ids"`
	UserIDs      []string `json:"user_ids"`
	Message      string   `json:"message"`
	CreatedAt    string   `json:"created_at"`
	UpdatedAt    string   `json:"updated_at"`
}

// pushEvent pushes what a client says to all subscriptions of others, whether
// they are there or not, but not to whom has blocked it.
func (a *api) pushEvent(c *wire.Call, tx *relay.Tx, in pushEventIn) (after, error) {
	people, err := known(tx, in.Recipients)
	if err != nil {
		return after{}, err
	}
	if len(people) == 0 {
		return after{}, wrong("Recipients not found.")
	}
	message := in.Message.Clone()
	if err := message.Compact(); err != nil {
		return after{}, errShape
	}
	now := wire.ISO(tx.Wall())
	out := pushEventOut{ID: shown(relay.NewID()), UserID: shown(c.Who.Account), Message: string(message), CreatedAt: now, UpdatedAt: now}
	job := pushJob{from: c.Who.Account, what: pushAsked, payload: message}
	for _, id := range people {
		out.RecipientIDs = append(out.RecipientIDs, shown(id))
		if !tx.Blocked(id, c.Who.Account) {
			job.to = append(job.to, id)
		}
	}
	out.UserIDs = out.RecipientIDs
	return after{map[string]any{"event": out}, func(k *session) { k.push(job) }}, nil
}

// base64Any reads base64 of either alphabet, padded or not: browsers hand keys
// out in one, clients send them in the other.
func base64Any(s string) ([]byte, error) {
	b := make([]byte, 0, len(s))
	for _, c := range []byte(s) {
		switch c {
		case '+':
			c = '-'
		case '/':
			c = '_'
		case '=':
			continue
		}
		b = append(b, c)
	}
	return base64.RawURLEncoding.DecodeString(string(b))
}
