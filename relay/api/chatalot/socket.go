package chatalot

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Bounds and times of a socket.
const (
	maxFrame      = 1 << 20 // bytes
	heartbeat     = 15 * time.Second
	silentFor     = 90 * time.Second
	authWithin    = 10 * time.Second
	maxSubscribed = 1000 // channels, at once and in one frame
	callGrace     = 15 * time.Second
)

const (
	codeAuthRequired    = "auth_required"
	codeTooManySessions = "too_many_sessions"
)

// closedPolicy is the close code with which a socket is ended that may not go on.
const closedPolicy = 1008

// live is what this API keeps in memory and a restart forgets: who is here, who
// talks, who types.
type live struct {
	presence presence
	calls    calls
	typing   typing
	limits   limits
	frames   map[string]*wire.Op
	sockets  wire.SocketOptions
	grace    time.Duration // until who has gone is out of his calls
	client   string        // the version of the web client that is served
	previews remembered[previewOut]
	gifPages remembered[gifPage]
	decoding sync.Mutex // held while a picture is decoded
}

// prepare makes the table of frames and what else a session needs.
func (a *api) prepare() {
	a.limits = newLimits(a.o.NoLimits)
	a.grace = callGrace
	a.client = clientVersion(a.o.Web)
	a.previews.max, a.gifPages.max = maxPreviews, maxGifPages
	a.frames = map[string]*wire.Op{}
	ops := a.socketOps()
	for i := range ops[1:] {
		a.frames[ops[1+i].Name] = &ops[1+i]
	}
	a.sockets = wire.SocketOptions{
		MaxMessage: maxFrame, Binary: true, // taken, and passed over
		PingEvery: heartbeat, IdleAfter: silentFor, AuthWithin: authWithin,
		Beat: func(s *wire.Socket) { s.Send(wire.MustEncode(pongFrame{"pong", time.Now().Unix()})) },
		Late: ending("auth_timeout", "not authenticated in time"),
		Full: ending("out_of_sync", "too far behind, reconnect"),
	}
}

func ending(code, text string) wire.Ending {
	return wire.Ending{Say: newErrorFrame(code, text), Code: closedPolicy, Reason: code}
}

// openSocket upgrades a connection.
func (a *api) openSocket(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	c.Service.Sockets.Serve(w, r, &a.sockets, func(s *wire.Socket) wire.SocketHandler {
		return &conn{a: a, svc: c.Service, s: s, limit: a.limits.ofConnection()}
	})
	return nil
}

// A conn is one socket. Its methods are called one at a time.
type conn struct {
	a     *api
	svc   *wire.Service
	s     *wire.Socket
	limit frameLimit

	who        relay.Caller // known once feed is set
	claim      relay.Claim
	feed       *relay.Feed
	subscribed map[relay.BoxID]relay.ID // channels, by their boxes
	counted    bool                     // in presence
	seen       map[relay.ID]string      // how others are here, as it was told last
}

type connKey struct{}

// connOf returns the session a frame came in.
func connOf(c *wire.Call) *conn { return c.Context().Value(connKey{}).(*conn) }

// send queues a frame.
func (x *conn) send(frame any) { x.s.Send(wire.MustEncode(frame)) }

// A replier is an answer that does more than go back to who asked.
type replier interface{ reply(*conn) }

// Receive runs the row that a frame names, and answers.
func (x *conn) Receive(data []byte, binary bool) {
	if binary {
		return
	}
	var frame struct {
		Type string `json:"type"`
	}
	if wire.Decode(data, &frame) != nil {
		frame.Type = ""
	}
	op := x.a.frames[frame.Type]
	switch {
	case x.feed == nil && frame.Type != "authenticate":
		x.s.End(ending(codeAuthRequired, "the first frame must be authenticate"))
	case op == nil:
		x.s.Send(newErrorFrame(codeInvalid, "malformed message"))
	case x.feed != nil && frame.Type == "authenticate": // again, which says nothing new
	case x.feed != nil && !x.limit.allow(frame.Type, x.svc.Relay.Now().Time()):
		x.s.Send(newErrorFrame("rate_limited", "too many messages, slow down"))
	case x.feed != nil && strings.HasSuffix(frame.Type, "_reaction") && often(x.a.limits.reactions, x.who.Account, "") != nil:
		x.s.Send(newErrorFrame("rate_limited", "too many reactions, slow down"))
	default:
		x.run(op, data)
	}
}

// run runs a row in the name of who the session is, which every transaction asks
// again.
func (x *conn) run(op *wire.Op, data []byte) {
	c := wire.NewCall(context.WithValue(x.s.Context(), connKey{}, x), x.svc, op.Name, x.who)
	if x.feed != nil {
		c.As(x.claim)
	}
	out, err := x.svc.Do(c, op, data)
	if err != nil {
		x.fail(err)
		return
	}
	switch out := out.(type) {
	case wire.None:
	case replier:
		out.reply(x)
	default:
		x.send(out)
	}
}

// fail answers with an error. One that says who is asking is nobody any more
// ends the session: the client then logs in anew, or out.
func (x *conn) fail(err error) {
	e := relay.AsError(err)
	switch {
	case errors.Is(err, context.Canceled): // the client has left
	case e.Code == relay.Unauthorized, e.Subject == codeTooManySessions:
		x.s.End(wire.Ending{Say: failFrame(e), Code: closedPolicy, Reason: "unauthorized"})
	case e.Code == relay.Invalid && e.Subject == relay.SubjectNone:
		x.s.Send(newErrorFrame(codeInvalid, "malformed message"))
	default:
		if e.Code == relay.Internal {
			x.svc.Log.Error().Err(err).Msg("a frame failed")
		}
		x.s.Send(failFrame(err))
	}
}

// Oversized answers a frame that was too long to be read.
func (x *conn) Oversized() {
	if x.feed == nil {
		x.s.End(ending(codeAuthRequired, "the first frame must be authenticate"))
		return
	}
	x.s.Send(newErrorFrame("validation_error", "message too large"))
}

type authenticateIn struct {
	Token string `json:"token"`
}

type authenticatedFrame struct {
	Type          string `json:"type"`
	UserID        uuid   `json:"user_id"`
	ServerVersion string `json:"server_version"`
}

type presenceBulkFrame struct {
	Type     string      `json:"type"`
	Statuses [][2]string `json:"statuses"`
}

// authenticated is the answer to authenticate: the session has begun.
type authenticated struct {
	first bool
	mates [][2]string
}

func (n authenticated) reply(x *conn) {
	x.s.Known()
	if n.first && x.a.presence.status(x.who.Account) != statusOffline {
		x.announce() // before the answer: who is told that he is in has been seen to come
	}
	x.send(authenticatedFrame{"authenticated", uuid(x.who.Account), x.a.client})
	if len(n.mates) > 0 {
		x.send(presenceBulkFrame{"presence_bulk", n.mates})
	}
}

// authenticate says who the session is, and begins to listen for it.
func (a *api) authenticate(c *wire.Call, r *relay.Relay, in authenticateIn) (out authenticated, err error) {
	x := connOf(c)
	if x.claim, err = a.readAccess(r, in.Token); err != nil {
		return out, err
	}
	err = r.View(c.Context(), func(tx *relay.Tx) (err error) {
		x.who, err = tx.Authenticate(x.claim)
		return err
	})
	if err != nil {
		return out, err
	}
	first, ok := a.presence.enter(r, x.who.Account)
	if !ok {
		return out, relay.Errorf(relay.Forbidden, codeTooManySessions, "too many sessions")
	}
	x.counted = true
	x.subscribed, x.seen = map[relay.BoxID]relay.ID{}, map[relay.ID]string{}
	feed := r.NewFeed(x.s.Watch(), x.who.Account, relay.FeedOptions{Choose: unasked, Relay: true})
	if err := feed.Start(c.Context()); err != nil {
		return out, err
	}
	err = r.View(c.Context(), func(tx *relay.Tx) (err error) {
		out.mates, err = a.matesHere(tx, x.who.Account)
		return err
	})
	if err == nil {
		out.first, x.feed = first, feed
	}
	return out, err
}

// unasked chooses the rooms that a session hears of without asking: direct ones,
// for new messages; communities, for who is here and what they are like; and
// groups.
func unasked(_ *relay.Tx, acc relay.Access) bool {
	return acc.Room.Direct || !isChannel(acc.Room)
}

// announce tells others how the user is here.
func (x *conn) announce() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // the socket may be closed
	defer cancel()
	if err := x.a.announcePresence(ctx, x.svc.Relay, x.who.Account, x.who.Box); err != nil {
		x.svc.Log.Warn().Err(err).Msg("presence not announced") // it is shown again with the next change
	}
}

type presenceIn struct {
	Status string `json:"status"`
}

// updatePresence sets how others see the user.
func (a *api) updatePresence(c *wire.Call, _ *relay.Relay, in presenceIn) (wire.None, error) {
	err := oneOf(in.Status, "status", statusOnline, statusIdle, statusDND, statusInvisible, statusOffline)
	if err == nil && a.presence.set(c.Who.Account, in.Status) {
		connOf(c).announce()
	}
	return wire.None{}, valid(err)
}

type subscribeIn struct {
	ChannelIDs []uuid `json:"channel_ids"`
}

// subscribed is the answer to subscribe: where somebody talks, it is told who.
type subscribed struct{ rooms []relay.ID }

func (s subscribed) reply(x *conn) {
	for _, room := range s.rooms {
		if state := x.a.voiceState(room); len(state.Participants) > 0 {
			x.send(state)
		}
	}
}

// subscribe has the session told what happens in channels from now on. Those
// that the user is not in are passed over, and so are those it is told of.
func (a *api) subscribe(c *wire.Call, r *relay.Relay, in subscribeIn) (subscribed, error) {
	x := connOf(c)
	if len(in.ChannelIDs) > maxSubscribed {
		return subscribed{}, valid(bad("at most %d channels in one frame", maxSubscribed))
	}
	var rooms []relay.Room
	var now relay.Time
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		now = relay.Time(tx.Now())
		for _, id := range in.ChannelIDs {
			acc, err := inChannel(tx, c.Who.Account, id.id())
			if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
				continue
			}
			if err != nil {
				return err
			}
			if _, known := x.subscribed[acc.Room.Box]; !known {
				rooms = append(rooms, acc.Room)
			}
		}
		return nil
	})
	if err != nil {
		return subscribed{}, err
	}
	if len(x.subscribed)+len(rooms) > maxSubscribed {
		return subscribed{}, valid(bad("at most %d channels at once", maxSubscribed))
	}
	var out subscribed
	for _, room := range rooms {
		x.feed.Add(room.Box, relay.Owner{Kind: relay.OwnerRoom, ID: room.ID}, now)
		if _, twice := x.subscribed[room.Box]; !twice {
			x.subscribed[room.Box] = room.ID
			out.rooms = append(out.rooms, room.ID)
		}
	}
	return out, nil
}

// unsubscribe ends that; without channels, for all.
func (a *api) unsubscribe(c *wire.Call, _ *relay.Relay, in subscribeIn) (wire.None, error) {
	x := connOf(c)
	named := map[relay.ID]bool{}
	for _, id := range in.ChannelIDs {
		named[id.id()] = true
	}
	for box, room := range x.subscribed {
		if len(named) == 0 || named[room] {
			x.forget(box)
		}
	}
	return wire.None{}, nil
}

// forget ends the subscription of a channel. Direct rooms are heard of all the
// same.
func (x *conn) forget(box relay.BoxID) {
	room := x.subscribed[box]
	delete(x.subscribed, box)
	direct := false
	err := x.svc.Relay.View(x.s.Context(), func(tx *relay.Tx) error {
		r, err := tx.Room(room)
		direct = r.Direct
		return err
	})
	if !direct || err != nil {
		x.feed.Drop(box)
	}
}

// Closed ends what the session was part of. Calls go on for a while, should the
// user come back.
func (x *conn) Closed() {
	if x.feed != nil {
		x.feed.Close()
	}
	if !x.counted {
		return
	}
	who, r := x.who.Account, x.svc.Relay
	last, seen := x.a.presence.exit(who)
	for _, room := range x.a.typing.ofUser(who) {
		x.a.stopsTyping(r, typist{room, who})
	}
	if !last {
		return
	}
	if seen {
		x.announce()
	}
	if stays := x.a.calls.stays(who); len(stays) > 0 {
		time.AfterFunc(x.a.grace, func() {
			if x.a.presence.here(who) {
				return
			}
			for room, stay := range stays {
				x.a.outOfVoice(r, room, who, stay)
			}
		})
	}
}
