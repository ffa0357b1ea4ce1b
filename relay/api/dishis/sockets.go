package dishis

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
)

// Limits of sockets.
const (
	maxSockets      = 10 // of one user; the oldest is dropped
	eventsPerSecond = 10 // that one user emits
	seenWithin      = 5 * time.Second
)

// socketIO serves /socket.io/. Its server is made with the first request, when
// there is a service to make it for.
func (a *api) socketIO(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	a.once.Do(func() {
		a.io = wire.NewIOSockets(c.Service.Sockets, c.Service.Server, socketio.Options{Engine: engineio.Options{
			Keep: func(r *http.Request) any { return r.Header.Get("Authorization") },
		}})
		service := c.Service
		a.io.Of("/", func(h *socketio.Handshake) (func(*wire.IOSocket) wire.IOHandler, error) {
			return a.connect(service, h)
		})
	})
	a.io.ServeHTTP(w, r)
	return nil
}

// A handshakeIn is who a client says it is. What is no string is nothing.
type handshakeIn struct {
	UserID string `json:"userId"`
	Token  string `json:"token"`
}

// connect lets a client in that has a token, or where callers are believed, a
// name.
func (a *api) connect(s *wire.Service, h *socketio.Handshake) (func(*wire.IOSocket) wire.IOHandler, error) {
	var in handshakeIn
	if json.Unmarshal(h.Auth, &in) != nil {
		return nil, &socketio.Refusal{Message: noToken.Text}
	}
	claim, err := a.claimOf(in, h.Session.Kept())
	if err != nil {
		return nil, refusal(err)
	}
	var who relay.Caller
	err = s.Relay.View(context.Background(), func(tx *relay.Tx) (err error) {
		if claim.Believed {
			user, err := findUser(tx, in.UserID)
			if err != nil {
				return err
			}
			claim.Names, claim.Named = true, user.ID
		}
		if who, err = tx.Authenticate(claim); err != nil {
			return err
		}
		if in.UserID != "" && !isUser(in.UserID, who.Account) {
			return otherActing
		}
		return nil
	})
	if err != nil {
		return nil, refusal(err)
	}
	return func(io *wire.IOSocket) wire.IOHandler { return a.open(s, io, claim, who) }, nil
}

// claimOf reads the claim of a handshake: its token, else that of the request by
// which it came.
func (a *api) claimOf(in handshakeIn, kept any) (relay.Claim, error) {
	header, _ := kept.(string)
	token := in.Token
	if scheme, rest, found := strings.Cut(token, " "); found && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	if token == "" {
		token, _ = bearer(header)
	}
	switch {
	case token != "":
		return relay.Claim{Secret: token, Family: family}, nil
	case a.o.Trusting && in.UserID != "" && header == "":
		return relay.Claim{Family: family, Believed: true}, nil
	}
	return relay.Claim{}, noToken
}

// refusal is what a client is told that is not let in.
func refusal(err error) error {
	e := relay.AsError(err)
	text, known := texts[about{e.Code, e.Subject}]
	if !known {
		text = e.Text
	}
	return &socketio.Refusal{Message: text}
}

// A session is one client that was let in, told of everything that happens to its
// user.
type session struct {
	a      *api
	s      *wire.Service
	io     *wire.IOSocket
	claim  relay.Claim
	who    relay.Caller
	feed   *relay.Feed
	proved bool         // in this pass
	shown  [16]relay.ID // status updates told of last: several rooms ring for one
	next   int          // place in shown
}

// open begins to tell a client what happens from now on.
func (a *api) open(s *wire.Service, io *wire.IOSocket, claim relay.Claim, who relay.Caller) wire.IOHandler {
	k := &session{a: a, s: s, io: io, claim: claim, who: who}
	k.feed = s.Relay.NewFeed(io.Watch(), who.Account, relay.FeedOptions{Below: true})
	if err := k.feed.Start(io.Context()); err != nil {
		io.Close()
	}
	if s.Relay.Presence().Enter(who.Account) {
		k.announce("online")
	}
	if oldest := a.present.enter(k); oldest != nil {
		oldest.io.Close()
	}
	k.wasSeen()
	return k
}

// Event handles what the client emits. What it says of its REST calls is not
// acted upon: those have done it.
func (k *session) Event(e *socketio.Event) {
	if limited(k.s) {
		if ok, _ := k.a.emits.Allow(k.who.Account[:]); !ok {
			k.ack(e, failure{false, "Too many requests"})
			return
		}
	}
	switch e.Name {
	case "typing", "stop_typing":
		k.ack(e, k.typing(e))
	case "send_message", "delete_message", "react_to_message", "send_group_message", "delete_group_message",
		"react_to_group_message", "send_channel_message":
		k.ack(e, answer{Success: true})
	default:
		k.ack(e, failure{false, "Unknown event"})
	}
}

// ack acknowledges an event where the client asks for it.
func (k *session) ack(e *socketio.Event, v any) {
	_ = e.Ack(json.RawMessage(wire.MustEncode(v))) // what was rendered renders
}

// typing tells somebody that the client's user is typing, or stopped.
func (k *session) typing(e *socketio.Event) any {
	var in struct {
		RecipientID string `json:"recipientId"`
	}
	if e.Bind(&in) != nil || in.RecipientID == "" {
		return failure{false, missing("recipientId").Error()}
	}
	c := wire.NewCall(k.io.Context(), k.s, e.Name, k.who)
	err := k.s.Relay.View(k.io.Context(), k.prove)
	if err == nil {
		err = k.a.signalTyping(c, k.s.Relay, in.RecipientID, e.Name == "typing")
	}
	if err != nil {
		return fail(c, relay.AsError(err)).Body
	}
	return answer{Success: true}
}

// prove looks whether the client still is who it was let in as.
func (k *session) prove(tx *relay.Tx) error {
	_, err := tx.Authenticate(k.claim)
	return err
}

// Pass tells what has happened. A client whose token was revoked is told nothing
// any more.
func (k *session) Pass() (more bool) {
	k.proved = false
	err := k.signals(k.feed.Signals())
	if err == nil {
		more, err = k.feed.Pass(k.io.Context(), k.io.Short, k.tell)
	}
	if err != nil {
		k.io.Close() // it comes again, and reads what it missed
		return false
	}
	return more
}

// Closed counts the client out.
func (k *session) Closed() {
	k.feed.Close()
	if k.s.Relay.Presence().Exit(k.who.Account) {
		k.announce("offline")
	}
	k.a.present.exit(k)
	k.wasSeen()
}

// announce rings at the user's box that he is here, or not any more, for those of
// other families who look at him: this one has no presence.
func (k *session) announce(status string) {
	k.s.Relay.Hub().Signal(k.who.Box, relay.Signal{Kind: signalPresence, Box: k.who.Box, From: k.who.Account, Data: []byte(status)})
}

// wasSeen notes that the user was there, and that the account is used. That it
// could not be noted is no matter: the next call notes it.
func (k *session) wasSeen() {
	ctx, cancel := context.WithTimeout(context.Background(), seenWithin)
	defer cancel()
	old := true
	err := k.s.Relay.View(ctx, func(tx *relay.Tx) error {
		d, err := tx.Device(k.who.Account, k.who.Device)
		old = err == nil && tx.Wall()-d.Seen >= seenEvery
		return nil
	})
	if err == nil && old {
		_ = k.s.Relay.Update(ctx, func(tx *relay.Tx) error {
			return first(tx.FirstUse(k.who.Account), present(tx, k.who))
		})
	}
}

// An attendance is which sessions a user has open, the oldest first, so that
// there are not too many of them.
type attendance struct {
	mu sync.Mutex
	by map[relay.ID][]*session // guarded by mu
}

// enter adds a session and returns the one that is to go, if any.
func (t *attendance) enter(k *session) (oldest *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[relay.ID][]*session{}
	}
	list := append(t.by[k.who.Account], k)
	if len(list) > maxSockets {
		oldest, list = list[0], list[1:]
	}
	t.by[k.who.Account] = list
	return oldest
}

func (t *attendance) exit(k *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := t.by[k.who.Account]
	for i := range list {
		if list[i] == k {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if t.by[k.who.Account] = list; len(list) == 0 {
		delete(t.by, k.who.Account)
	}
}
