package sama

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// DevicePush delivers to the device tokens of a platform ("ios", "android"). It
// reports whether the token has ended, and is called from a queue: it may take
// seconds.
type DevicePush interface {
	Push(ctx context.Context, platform, token string, payload []byte) (ended bool, err error)
}

// What a push tells, where it is not a message.
const (
	pushCreated = "created"
	pushAdded   = "added"
	pushRemoved = "removed"
	pushAsked   = "asked" // by a client: payload is all of it
)

// A pushJob is something to push: an entry of a room, or what happened to a
// room. Whom it reaches and what it says is found out when its turn comes.
type pushJob struct {
	svc     *wire.Service
	base    string
	room    relay.ID
	from    relay.ID
	entry   relay.EntryID
	what    string
	to      []relay.ID // empty: all members
	payload jsontext.Value
}

// pushQueue is how many jobs wait; of more, the newest are lost. Whoever is away
// finds everything when he comes back.
const (
	pushQueue = 1024
	pushers   = 4
)

// A pusher works on jobs, after the commit and apart from those who caused them.
// Its goroutines live only while there is something to do.
type pusher struct {
	mu   sync.Mutex
	jobs []pushJob // guarded by mu
	busy int       // guarded by mu: goroutines
}

// push queues a job, unless nothing is pushed here.
func (k *session) push(j pushJob) {
	a := k.a
	if (a.vapid == nil || k.svc.Outgoing == nil) && a.o.Devices == nil {
		return
	}
	j.svc, j.base = k.svc, k.base
	p := &a.push
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.jobs) >= pushQueue {
		return
	}
	p.jobs = append(p.jobs, j)
	if p.busy < pushers {
		p.busy++
		go a.pushAll()
	}
}

// pushAll works until there are no jobs.
func (a *api) pushAll() {
	for {
		a.push.mu.Lock()
		if len(a.push.jobs) == 0 {
			a.push.busy--
			a.push.jobs = nil
			a.push.mu.Unlock()
			return
		}
		j := a.push.jobs[0]
		a.push.jobs = a.push.jobs[1:]
		a.push.mu.Unlock()
		a.pushOne(j)
	}
}

// pushOne does a job. It may fail: a push is worth no second try.
func (a *api) pushOne(j pushJob) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var payload []byte
	var to []relay.Found[subscription]
	err := j.svc.Relay.View(ctx, func(tx *relay.Tx) (err error) {
		if to, err = a.subscriptionsFor(tx, j); err != nil || len(to) == 0 {
			return err
		}
		payload, err = a.pushed(tx, j)
		return err
	})
	if err != nil || payload == nil {
		j.log(gone(err))
		return
	}
	for _, s := range to {
		ended, err := a.deliverPush(ctx, j.svc, s.Record, payload)
		if ended && err == nil {
			err = j.svc.Relay.Update(ctx, func(tx *relay.Tx) error { return dropEnded(tx, s) })
		}
		j.log(err)
	}
}

func (j pushJob) log(err error) {
	if err != nil {
		j.svc.Log.Debug().Str("code", string(relay.AsError(err).Code)).Msg("a push failed")
	}
}

// dropEnded removes a subscription that has ended, unless it was renewed since.
func dropEnded(tx *relay.Tx, s relay.Found[subscription]) error {
	now, found, err := subscriptions.Get(tx, s.ID)
	if err != nil || !found || now.Updated != s.Record.Updated {
		return err
	}
	_, err = subscriptions.Delete(tx, s.ID)
	return err
}

func (a *api) deliverPush(ctx context.Context, svc *wire.Service, s *subscription, payload []byte) (ended bool, err error) {
	switch {
	case s.Endpoint != "" && a.vapid != nil && svc.Outgoing != nil:
		return a.vapid.send(ctx, svc.Outgoing, s, payload)
	case s.Token != "" && a.o.Devices != nil:
		return a.o.Devices.Push(ctx, s.Platform, s.Token, payload)
	}
	return false, nil
}

// subscriptionsFor finds what a job reaches.
func (a *api) subscriptionsFor(tx *relay.Tx, j pushJob) (list []relay.Found[subscription], err error) {
	to := j.to
	if to == nil && !j.room.IsZero() {
		room, err := tx.Room(j.room)
		if err != nil {
			return nil, err
		}
		if to, err = memberIDs(tx, room); err != nil {
			return nil, err
		}
	}
	for _, id := range to {
		if id == j.from && j.what != pushAsked {
			continue
		}
		subs, err := a.subscriptionsNow(tx, j, id)
		if err != nil {
			return nil, err
		}
		if len(subs) == 0 {
			continue
		}
		hidden, err := j.hiddenFrom(tx, id)
		if err != nil {
			return nil, err
		}
		if !hidden {
			list = append(list, subs...)
		}
	}
	return list, nil
}

// subscriptionsNow finds where somebody is reached by a job: everywhere, if he is
// away or a client asked for it; else on the devices that nobody looks at.
func (a *api) subscriptionsNow(tx *relay.Tx, j pushJob, id relay.ID) (list []relay.Found[subscription], err error) {
	if j.what == pushAsked || !j.svc.Relay.Presence().Present(id) {
		return subscriptionsOf(tx, id)
	}
	for _, device := range a.attention.inactive(id) {
		sub := subscriptionID(id, device)
		s, found, err := subscriptions.Get(tx, sub)
		if err != nil {
			return nil, err
		}
		if found {
			list = append(list, relay.Found[subscription]{Place: relay.Place{ID: sub}, Record: s})
		}
	}
	return list, nil
}

// hiddenFrom reports whether the message is not for somebody: he has hidden it,
// or it was there before he was.
func (j pushJob) hiddenFrom(tx *relay.Tx, id relay.ID) (bool, error) {
	if j.entry.IsZero() {
		return false, nil
	}
	acc, err := tx.Access(id, j.room)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) || err == nil && acc.Member.Joined > j.entry.Time {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	_, hidden, err := tx.Marked(j.entry, relay.Hidden, id, "")
	return hidden, err
}

// A pushOut is what a browser shows.
type pushOut struct {
	Title string `json:"title"`
	Body  string `json:"body"`
	First string `json:"firstAttachmentUrl,omitempty"`
	CID   string `json:"cid"`
}

// pushed renders what a job tells.
func (a *api) pushed(tx *relay.Tx, j pushJob) ([]byte, error) {
	if j.what == pushAsked {
		return j.payload, nil
	}
	room, err := tx.Room(j.room)
	if err != nil {
		return nil, err
	}
	s, err := settingsOf(room)
	if err != nil {
		return nil, err
	}
	actor, err := nameOf(tx, j.from)
	if err != nil {
		return nil, err
	}
	out := pushOut{Title: s.Name, CID: shownRoom(room)}
	switch j.what {
	case pushCreated:
		out.Body = actor + " created a new conversation"
	case pushAdded:
		out.Body = actor + " added you to conversation"
	case pushRemoved:
		out.Body = actor + " removed you from conversation"
	default:
		if out, err = a.pushedMessage(tx, j, room, s, actor); err != nil {
			return nil, err
		}
	}
	return out.fit(), nil
}

// pushedMessage renders a message, or a notice.
func (a *api) pushedMessage(tx *relay.Tx, j pushJob, room relay.Room, s settings, actor string) (pushOut, error) {
	e, err := tx.Entry(relay.Messages, j.entry)
	if err != nil {
		return pushOut{}, err
	}
	v := viewer{a: a, r: j.svc.Relay, base: j.base}
	m, err := v.message(tx, room, e)
	if err != nil {
		return pushOut{}, err
	}
	out := pushOut{Title: actor, CID: shownRoom(room)}
	if e.Kind != relay.KindNotice {
		acc, err := tx.Stub(j.from)
		if err == nil {
			var p person
			p, err = called(acc)
			out.Title = p.Login
		}
		if err != nil {
			return pushOut{}, err
		}
	}
	if !room.Direct {
		out.Title += " | " + s.Name
	}
	if m.Body != nil {
		out.Body = *m.Body
	}
	out.First, err = v.firstAttachment(tx, m.Attachments)
	return out, err
}

// firstAttachment returns where the first attachment is downloaded.
func (v viewer) firstAttachment(tx *relay.Tx, attachments jsontext.Value) (string, error) {
	var list []struct {
		FileID field `json:"file_id"`
	}
	if attachments == nil || decodeJSON(attachments, &list) != nil || len(list) == 0 {
		return "", nil
	}
	return v.pictureURL(tx, &pictureIn{FileID: list[0].FileID.v})
}

// fit renders the push, its body cut to what a push may hold.
func (o pushOut) fit() []byte {
	for {
		b := wire.MustEncode(o)
		if len(b) <= maxPayload || o.Body == "" {
			return b
		}
		runes := []rune(o.Body)
		keep := max(len(runes)-max((len(b)-maxPayload)/4, 1), 0)
		o.Body = strings.ToValidUTF8(string(runes[:keep]), "")
	}
}
