package chatalot

import (
	"cmp"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// webhookOps are the rows of webhooks.
func (a *api) webhookOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/channels/:id/webhooks", wire.User, wire.Write(postWebhook), "a new webhook; its token is shown once"),
		wire.Row("GET /api/channels/:id/webhooks", wire.User, wire.Read(listWebhooks), "the webhooks of a channel, oldest first"),
		wire.Row("PATCH /api/webhooks/:id", wire.User, wire.Write(patchWebhook), "change a webhook"),
		wire.Row("DELETE /api/webhooks/:id", wire.User, wire.Write(deleteWebhook), "delete a webhook"),
		wire.Row("POST /api/webhooks/execute/:token", wire.Anyone, wire.Write(a.executeWebhook), "post to a webhook's channel"),
		wire.Row("GET /api/admin/webhooks", wire.User, wire.Read(listAllWebhooks), "all webhooks of the instance"),
	}
}

// Bounds of webhooks.
const (
	webhookToken   = 64 // letters and digits
	maxWebhooks    = 50 // of one channel
	maxWebhookText = 4000
	webhookPace    = 1       // posts a second
	hooksKept      = 1 << 12 // webhooks whose pace is remembered
)

// A webhook lets a program post into a channel that knows its token. Only the
// token's digest is kept.
type webhook struct {
	Channel relay.ID     `cbor:"1,keyasint"`
	Digest  relay.Digest `cbor:"2,keyasint"`
	Name    string       `cbor:"3,keyasint"`
	Avatar  string       `cbor:"4,keyasint,omitempty"`
	Stopped bool         `cbor:"5,keyasint,omitempty"`
	Created relay.Time   `cbor:"6,keyasint"`
	By      relay.ID     `cbor:"7,keyasint"`
}

var webhooks = relay.NewRecords("chatalot webhook",
	relay.Index[webhook]{Name: "token", Unique: true, Key: func(w *webhook) [][]byte { return [][]byte{w.Digest[:]} }},
	relay.Index[webhook]{Name: "channel", Key: func(w *webhook) [][]byte {
		return [][]byte{append(w.Channel[:], timeKey(w.Created)...)}
	}},
).GoesWith("channel", nil)

func webhookDigest(token string) relay.Digest {
	return relay.DigestOf([]byte("chatalot webhook"), []byte(token))
}

// webhookOut is a Webhook; the token is in the answer to making it alone.
type webhookOut struct {
	ID        uuid     `json:"id"`
	ChannelID uuid     `json:"channel_id"`
	Name      string   `json:"name"`
	Token     string   `json:"token,omitempty"`
	AvatarURL nullable `json:"avatar_url"`
	Active    bool     `json:"active"`
	CreatedAt moment   `json:"created_at"`
}

func newWebhook(id relay.ID, w *webhook) webhookOut {
	return webhookOut{uuid(id), uuid(w.Channel), w.Name, "", nullable(w.Avatar), !w.Stopped, moment(w.Created)}
}

type webhookIn struct {
	Name      string `json:"name"`
	AvatarURL string `json:"avatar_url"`
}

func (in *webhookIn) Check() (err error) {
	if in.Name, err = sized(in.Name, "name", 1, maxName); err != nil {
		return err
	}
	return patchURL(&in.AvatarURL, Maybe[string]{Given: true, Value: in.AvatarURL}, "avatar_url")
}

// hooked is the channel in the path for who may let programs post there.
func hooked(c *wire.Call, tx *relay.Tx) (place, error) {
	p, err := pathChannel(c, tx, relay.ToHookLeaf)
	if err == nil && p.Direct {
		err = forbidden("a direct channel has no webhooks")
	}
	return p, err
}

func postWebhook(c *wire.Call, tx *relay.Tx, in webhookIn) (webhookOut, error) {
	p, err := hooked(c, tx)
	if err != nil {
		return webhookOut{}, err
	}
	if webhooks.Count(tx, "channel", relay.Span{Prefix: p.Room.ID[:], Limit: maxWebhooks}) >= maxWebhooks {
		return webhookOut{}, bad("a channel can have %d webhooks", maxWebhooks)
	}
	token, id := newCode(webhookToken), newRecordID(tx)
	w := &webhook{
		Channel: p.Room.ID, Digest: webhookDigest(token), Name: in.Name, Avatar: in.AvatarURL,
		Created: relay.Time(tx.Now()), By: p.who,
	}
	out := newWebhook(id, w)
	out.Token = token
	return out, webhooks.Put(tx, id, w)
}

func listWebhooks(c *wire.Call, tx *relay.Tx, _ wire.None) ([]webhookOut, error) {
	p, err := hooked(c, tx)
	if err != nil {
		return nil, err
	}
	list := []webhookOut{}
	for f, err := range webhooks.Scan(tx, "channel", relay.Span{Prefix: p.Room.ID[:]}) {
		if err != nil {
			return nil, err
		}
		list = append(list, newWebhook(f.ID, f.Record))
	}
	return list, nil
}

// pathWebhook is the webhook in the path, for who rules its channel's. Who has
// nothing to do with the channel is not told that it is there.
func pathWebhook(c *wire.Call, tx *relay.Tx) (id relay.ID, w *webhook, err error) {
	if id, err = pathID(c, "id"); err != nil {
		return id, nil, err
	}
	w, found, err := webhooks.Get(tx, id)
	if err == nil && !found {
		err = relay.Errorf(relay.NotFound, relay.SubjectRecord, "webhook not found")
	}
	if err != nil {
		return id, nil, err
	}
	_, err = channelFor(tx, c.Who.Account, w.Channel, relay.ToHookLeaf)
	return id, w, err
}

type webhookPatch struct {
	Name      Maybe[string] `json:"name"`
	AvatarURL Maybe[string] `json:"avatar_url"`
	Active    Maybe[bool]   `json:"active"`
}

func patchWebhook(c *wire.Call, tx *relay.Tx, in webhookPatch) (webhookOut, error) {
	id, w, err := pathWebhook(c, tx)
	if err != nil {
		return webhookOut{}, err
	}
	err = firstError(rename(&w.Name, in.Name, "name", maxName), patchURL(&w.Avatar, in.AvatarURL, "avatar_url"))
	if err != nil {
		return webhookOut{}, err
	}
	flag(&w.Stopped, in.Active, false)
	return newWebhook(id, w), webhooks.Put(tx, id, w)
}

func deleteWebhook(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	id, _, err := pathWebhook(c, tx)
	if err != nil {
		return none, err
	}
	_, err = webhooks.Delete(tx, id)
	return none, err
}

type executeIn struct {
	Content   string `json:"content"`
	Username  string `json:"username"`
	AvatarURL string `json:"avatar_url"`
}

func (in *executeIn) Check() (err error) {
	if n := len([]rune(in.Content)); n < 1 || n > maxWebhookText {
		return bad("content must be 1 to %d characters", maxWebhookText)
	}
	if in.Username, err = sized(in.Username, "username", 0, maxName); err != nil {
		return err
	}
	return patchURL(&in.AvatarURL, Maybe[string]{Given: true, Value: in.AvatarURL}, "avatar_url")
}

// executeWebhook posts a text into a webhook's channel. It is nobody's message,
// and not sealed: the name of who posts stands before it, since clients show no
// other.
func (a *api) executeWebhook(c *wire.Call, tx *relay.Tx, in executeIn) (none wire.None, err error) {
	digest := webhookDigest(c.Param("token"))
	_, w, found, err := webhooks.Find(tx, "token", digest[:])
	if err != nil {
		return none, err
	}
	if !found || w.Stopped {
		return none, relay.Errorf(relay.NotFound, relay.SubjectRecord, "webhook not found")
	}
	if ok, wait := a.rates.hooks.Peek(digest[:], 1); !ok {
		return none, relay.Later(wait, "this webhook posts too fast")
	}
	r, err := tx.Room(w.Channel)
	if relay.Is(err, relay.NotFound) {
		err = relay.Errorf(relay.NotFound, relay.SubjectRecord, "webhook not found")
	}
	if err != nil {
		return none, err
	}
	set, err := settingsOf(r)
	if err != nil {
		return none, err
	}
	if set.Archived {
		return none, relay.Errorf(relay.Forbidden, subjectArchived, "this channel is archived")
	}
	name := cmp.Or(in.Username, w.Name)
	d := relay.Draft{
		Kind: kindWebhook, Body: []byte("**" + name + "**: " + in.Content), Nonce: []byte{0},
		Extra: pack(messageExtra{WebhookName: name, WebhookAvatar: cmp.Or(in.AvatarURL, w.Avatar)}),
	}
	if set.TTL > 0 {
		d.Expires = tx.Wall().Add(time.Duration(set.TTL) * time.Second)
	}
	if _, err := tx.Append(r.Box, d); err != nil {
		return none, err
	}
	tx.OnCommit(func() { a.rates.hooks.Spend(digest[:], 1) })
	return none, nil
}

type allWebhooksOut struct {
	Webhooks []adminWebhookOut `json:"webhooks"`
	Total    int               `json:"total"`
}

type adminWebhookOut struct {
	ID        uuid   `json:"id"`
	ChannelID uuid   `json:"channel_id"`
	Name      string `json:"name"`
	Active    bool   `json:"active"`
	CreatedBy uuid   `json:"created_by"`
	CreatedAt moment `json:"created_at"`
}

// listAllWebhooks is for who administers the instance.
func listAllWebhooks(c *wire.Call, tx *relay.Tx, _ wire.None) (out allWebhooksOut, err error) {
	rank, err := rankOf(tx, c.Who.Account)
	if err != nil {
		return out, err
	}
	if !(relay.Standing{Rank: rank}).May(relay.ToAdminister) {
		return out, forbidden("administrators only")
	}
	page, err := queryInt(c, "page", 1, 1, maxListed)
	if err != nil {
		return out, err
	}
	per, err := queryInt(c, "per_page", 50, 1, 100)
	if err != nil {
		return out, err
	}
	out.Webhooks = []adminWebhookOut{}
	for f, err := range webhooks.All(tx, relay.ID{}) {
		if err != nil {
			return out, err
		}
		if out.Total++; out.Total > (page-1)*per && len(out.Webhooks) < per {
			by, err := lasting(tx, f.Record.By)
			if err != nil {
				return out, err
			}
			w := f.Record
			out.Webhooks = append(out.Webhooks, adminWebhookOut{uuid(f.ID), uuid(w.Channel), w.Name, !w.Stopped, uuid(by), moment(w.Created)})
		}
	}
	return out, nil
}
