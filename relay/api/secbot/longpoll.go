package secbot

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

type longPollIn struct {
	userIn
	GroupIDs []string `json:"groupIds"`
	Since    int64    `json:"lastMessageTimestamp"`
}

func (in *longPollIn) Check() error {
	if err := in.check("PollGroups"); err != nil {
		return err
	}
	if len(in.GroupIDs) > maxGroups {
		return wire.BadField("groupIds")
	}
	return cursor("lastMessageTimestamp", in.Since)
}

// longPoll answers with the id of the first group, in the order of the request,
// that holds something newer than the cursor, and waits until one does. The
// caller's own id among them stands for its mailbox.
func (a api) longPoll(c *wire.Call, r *relay.Relay, in longPollIn) (any, error) {
	p := &poller{r: r, waiters: c.Service.Waiters, who: c.Who.Account, box: c.Who.Box, since: relay.Time(in.Since)}
	p.ids = append(p.one[:0], make([]relay.ID, len(in.GroupIDs))...)
	if err := p.read(c.Context(), in.GroupIDs); err != nil {
		return nil, err
	}
	boxes, id, err := p.look(c.Context())
	if err != nil || id != "" {
		return id, err
	}
	// The place first: whoever is seen to wait at the bell is older than those who come after.
	if err = p.waiters.Join(p.who, len(boxes), p); err != nil {
		return nil, err
	}
	r.Hub().Begin(&p.watch, boxes...)
	p.watching.Store(true)
	if body, ready, err := p.check(); err != nil || ready {
		p.done()
		return string(body), err
	}
	p.wait = wire.Wait{Until: time.Now().Add(a.patience(c)), Arm: p.watch.Arm, Check: p.check, Done: p.done}
	return &p.wait, nil
}

// patience is how long to wait: as configured, or less if the client prefers
// (RFC 7240, wait=N in seconds; the first one counts).
func (a api) patience(c *wire.Call) time.Duration {
	for pref := range strings.SplitSeq(strings.Join(c.Headers("Prefer"), ","), ",") {
		pref, _, _ = strings.Cut(pref, ";") // parameters of the preference
		name, value, _ := strings.Cut(pref, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
			continue
		}
		s, err := strconv.ParseUint(strings.Trim(value, " \t\""), 10, 64)
		if err == nil && s <= uint64(a.cfg.LongPoll/time.Second) {
			return time.Duration(s) * time.Second
		}
		break
	}
	return a.cfg.LongPoll
}

// A poller is one long-poll while it waits: in one piece, since ten thousand may.
type poller struct {
	wait     wire.Wait
	watch    relay.Watch
	r        *relay.Relay
	waiters  *wire.Waiters
	who      relay.ID
	box      relay.BoxID // its mailbox
	watching atomic.Bool // watch may be rung
	evicted  atomic.Bool // a newer waiter of the account took its place
	since    relay.Time
	ids      []relay.ID
	one      [1]relay.ID // most ask for a single one: ids lies here
}

// read reads the ids that were asked for.
func (p *poller) read(ctx context.Context, ids []string) error {
	short := false
	for i, s := range ids {
		var whole bool
		p.ids[i], whole = relay.ParseID(s)
		short = short || !whole
	}
	if !short {
		return nil
	}
	return p.r.View(ctx, func(tx *relay.Tx) error {
		for i, s := range ids {
			if p.ids[i] = tx.RoomID(s); p.ids[i].IsZero() && tx.AccountID(s) == p.who {
				p.ids[i] = p.who
			}
		}
		return nil
	})
}

// look returns the boxes to watch, and the id of the first that is ready.
func (p *poller) look(ctx context.Context) (boxes []relay.BoxID, ready string, err error) {
	err = p.r.View(ctx, func(tx *relay.Tx) error {
		from, err := p.readings(tx)
		if err != nil {
			return err
		}
		boxes, ready = boxes[:0], ""
		for _, f := range from {
			boxes = append(boxes, f.Box)
		}
		if i := tx.HasSince(relay.Messages, from); i >= 0 {
			ready = p.ids[i].String()
		}
		return nil
	})
	return boxes, ready, err
}

// readings finds what the ids stand for.
func (p *poller) readings(tx *relay.Tx) ([]relay.Reading, error) {
	from := make([]relay.Reading, len(p.ids))
	for i, id := range p.ids {
		if id == p.who {
			from[i] = tx.Mailbox(p.box, p.since)
			continue
		}
		acc, err := tx.Reach(p.who, id)
		if err != nil {
			return nil, err
		}
		from[i] = tx.Reading(acc, p.since)
	}
	return from, nil
}

// Evict ends the wait with its empty answer. One that does not watch yet looks
// at evicted once it does.
func (p *poller) Evict() {
	p.evicted.Store(true)
	if p.watching.Load() {
		p.watch.Ring()
	}
}

// check looks again, after a ring or between watching and waiting. A group that
// is gone meanwhile is a 404 as it would have been at the start.
func (p *poller) check() ([]byte, bool, error) {
	if p.evicted.Load() {
		return nil, true, nil
	}
	p.watch.Moved() // before looking: what moves from here on rings again
	_, id, err := p.look(context.Background())
	return []byte(id), id != "", err
}

func (p *poller) done() {
	p.watch.Close()
	p.waiters.Leave(p.who, p)
}
