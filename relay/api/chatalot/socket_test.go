package chatalot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/relaytest"
)

// A wsClient is a socket of one user.
type wsClient struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial opens a socket.
func (s *served) dial() *wsClient {
	s.t.Helper()
	conn, _, err := websocket.Dial(s.t.Context(), s.url+"/ws", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	s.t.Cleanup(func() { conn.CloseNow() })
	return &wsClient{s.t, conn}
}

// open opens a socket that has said who it is.
func (s *served) open(token string) *wsClient {
	s.t.Helper()
	c := s.dial()
	c.say(map[string]any{"type": "authenticate", "token": token})
	c.want("authenticated")
	return c
}

func (c *wsClient) say(frame any) {
	c.t.Helper()
	b, err := json.Marshal(frame)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, b); err != nil {
		c.t.Fatal(err)
	}
}

// hear returns the next frame, or how the socket was closed.
func (c *wsClient) hear() (frame map[string]any, err error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	_, b, err := c.conn.Read(ctx)
	if err == nil {
		err = json.Unmarshal(b, &frame)
	}
	return frame, err
}

// want returns the next frame of a type, or an error frame of that code, and
// fails for any other.
func (c *wsClient) want(kind string) map[string]any {
	c.t.Helper()
	frame, err := c.hear()
	if err != nil || frame["type"] != kind && frame["code"] != kind {
		c.t.Fatalf("got %v, %v, want %s", frame, err, kind)
	}
	return frame
}

// channel opens a channel of some users by the core alone.
func (s *served) channel(kind string, names ...string) (id string) {
	s.t.Helper()
	relaytest.Update(s.t, s.r, func(tx *relay.Tx) error {
		d := relay.RoomDraft{Family: family, Settings: roomSettings{Kind: kind, Name: kind}.bytes()}
		for _, name := range names {
			acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: name})
			if err != nil {
				return err
			}
			d.By = acc.ID
			d.Members = append(d.Members, relay.Seat{Account: acc.ID})
		}
		room, err := tx.OpenRoom(d)
		id = uuid(room.ID).String()
		return err
	})
	return id
}

// What others are to read: ten at once, then five a second. The frame beyond is
// dropped and the socket stays open; pings have a bucket of their own.
func TestSocket_ContentRate(t *testing.T) {
	s := serve(t, Options{})
	alice := s.open(s.user("alice"))
	room := s.channel(roomText, "alice")
	send := map[string]any{"type": "send_message", "channel_id": room, "ciphertext": []int{1}, "nonce": []int{1}, "message_type": "text"}
	const n = 30
	for range n {
		alice.say(send)
	}
	alice.say(map[string]any{"type": "ping", "timestamp": 7})
	sent, dropped := 0, 0
	for {
		frame, err := alice.hear()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case frame["type"] == "message_sent":
			sent++
		case frame["code"] == "rate_limited":
			dropped++
		}
		if frame["type"] == "pong" {
			break
		}
	}
	// How many came back while they were sent depends on the machine.
	if sent+dropped != n || sent < 10 || dropped == 0 {
		t.Errorf("%d were sent and %d dropped", sent, dropped)
	}
	var list []messageOut
	s.want(200, "GET", "/api/channels/"+room+"/messages", s.token("alice"), nil, &list)
	if len(list) != sent {
		t.Errorf("%d messages, of which %d were said to be sent", len(list), sent)
	}
}

// token returns an access token of another session of somebody.
func (s *served) token(name string) string {
	s.t.Helper()
	token, err := s.api.tokenFor(s.r, name, false)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// Setting up a call is a burst that passes: an offer and its candidates.
func TestSocket_SignalRate(t *testing.T) {
	s := serve(t, Options{})
	alice := s.open(s.user("alice"))
	for i := range 50 {
		alice.say(map[string]any{"type": "ping", "timestamp": i})
	}
	for i := range 50 {
		if frame := alice.want("pong"); frame["timestamp"] != float64(i) {
			t.Fatalf("got %v, want the answer to %d", frame, i)
		}
	}
	for range 200 {
		alice.say(map[string]any{"type": "unsubscribe", "channel_ids": []string{"00000000-0000-0000-0000-000000000001"}})
	}
	alice.want("rate_limited")
}

// Reactions come one in 200 ms, over all sockets of a user.
func TestSocket_ReactionRate(t *testing.T) {
	s := serve(t, Options{})
	alice := s.open(s.user("alice"))
	again := s.open(s.token("alice"))
	room := s.channel(roomText, "alice")
	alice.say(map[string]any{"type": "send_message", "channel_id": room, "ciphertext": []int{1}, "nonce": []int{1}, "message_type": "text"})
	id := alice.want("message_sent")["id"]
	limited := 0
	for _, c := range []*wsClient{alice, again} {
		for i := range 4 {
			c.say(map[string]any{"type": "add_reaction", "message_id": id, "emoji": fmt.Sprint("e", i)})
		}
		c.say(map[string]any{"type": "ping", "timestamp": 1})
		for {
			frame, err := c.hear()
			if err != nil {
				t.Fatal(err)
			}
			if frame["type"] == "pong" {
				break
			}
			if frame["code"] == "rate_limited" {
				limited++
			}
		}
	}
	if limited < 4 {
		t.Errorf("%d of 8 at once were refused", limited)
	}
}

// Joining and leaving a call in turn is slow, and leaving never fails.
func TestSocket_VoiceRate(t *testing.T) {
	s := serve(t, Options{})
	alice := s.open(s.user("alice"))
	room := s.channel(roomVoice, "alice")
	alice.say(map[string]any{"type": "join_voice", "channel_id": room})
	alice.want("voice_state_update")
	alice.say(map[string]any{"type": "join_voice", "channel_id": room})
	alice.want("rate_limited")
	alice.say(map[string]any{"type": "leave_voice", "channel_id": room})
	alice.say(map[string]any{"type": "ping", "timestamp": 1})
	alice.want("pong")
	if got := s.api.calls.participants(idOf(t, room)); len(got) != 0 {
		t.Errorf("%v are in the call", got)
	}
}

func idOf(t *testing.T, s string) relay.ID {
	t.Helper()
	id, ok := parseID(s)
	if !ok {
		t.Fatalf("no id: %s", s)
	}
	return id
}

// A frame above a mebibyte is answered, and the socket stays open.
func TestSocket_LongFrame(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.open(s.user("alice"))
	alice.say(map[string]any{"type": "ping", "pad": strings.Repeat("x", maxFrame)})
	if frame := alice.want("validation_error"); frame["message"] != "message too large" {
		t.Errorf("got %v", frame)
	}
	alice.say(map[string]any{"type": "ping", "timestamp": 1})
	alice.want("pong")
	early := s.dial()
	early.say(map[string]any{"type": "authenticate", "token": strings.Repeat("x", maxFrame)})
	early.want(codeAuthRequired)
}

// Who says nothing is sent away.
func TestSocket_AuthTimeout(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	s.api.sockets.AuthWithin = 50 * time.Millisecond
	silent := s.dial()
	silent.want("auth_timeout")
	if _, err := silent.hear(); websocket.CloseStatus(err) != closedPolicy {
		t.Errorf("closed with %v", err)
	}
}

// The heartbeat comes unasked.
func TestSocket_Heartbeat(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	s.api.sockets.PingEvery = 50 * time.Millisecond
	alice := s.open(s.user("alice"))
	if at, ok := alice.want("pong")["timestamp"].(float64); !ok || time.Since(time.Unix(int64(at), 0)).Abs() > time.Minute {
		t.Errorf("at %v", at)
	}
}

// A thousand channels in one frame, and no more, neither then nor in all.
func TestSocket_Subscriptions(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.open(s.user("alice"))
	ids := make([]string, maxSubscribed+1)
	for i := range ids {
		ids[i] = fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
	}
	alice.say(map[string]any{"type": "subscribe", "channel_ids": ids})
	alice.want("validation_error")
	alice.say(map[string]any{"type": "subscribe", "channel_ids": ids[1:]})
	alice.say(map[string]any{"type": "ping", "timestamp": 1})
	alice.want("pong")
}

// Twenty different reactions to a message, and more of those.
func TestSocket_Reactions(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.open(s.user("alice"))
	room := s.channel(roomText, "alice")
	alice.say(map[string]any{"type": "send_message", "channel_id": room, "ciphertext": []int{1}, "nonce": []int{1}, "message_type": "text"})
	id := alice.want("message_sent")["id"]
	for i := range maxReactions {
		alice.say(map[string]any{"type": "add_reaction", "message_id": id, "emoji": fmt.Sprint("e", i)})
	}
	alice.say(map[string]any{"type": "add_reaction", "message_id": id, "emoji": "one more"})
	alice.want("validation_error")
	bob := s.user("bob")
	relaytest.Update(t, s.r, func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: "bob"})
		if err == nil {
			_, err = tx.Join(idOf(t, room), relay.Joining{By: acc.ID, Seat: relay.Seat{Account: acc.ID}})
		}
		return err
	})
	second := s.open(bob)
	second.say(map[string]any{"type": "add_reaction", "message_id": id, "emoji": "e3"})
	second.say(map[string]any{"type": "ping", "timestamp": 1})
	second.want("pong")
	var list []messageOut
	s.want(200, "GET", "/api/channels/"+room+"/messages", bob, nil, &list)
	if len(list) != 1 || len(list[0].Reactions) != maxReactions || len(list[0].Reactions[3].UserIDs) != 2 {
		t.Errorf("got %+v", list)
	}
}

// Twenty-five in a call, and who is gone for a while is out of it.
func TestCalls_FullAndGrace(t *testing.T) {
	var cs calls
	room, box := relay.NewID(), relay.BoxID{1}
	var who []relay.ID
	for range maxInCall {
		who = append(who, relay.NewID())
		if cs.join(room, box, who[len(who)-1]) {
			t.Fatalf("full with %d", len(who))
		}
	}
	if !cs.join(room, box, relay.NewID()) || cs.join(room, box, who[0]) {
		t.Error("one more, or one refused who is in")
	}
	stay := cs.stays(who[1])[room]
	cs.join(room, box, who[1])
	if _, left := cs.leave(room, who[1], stay); left {
		t.Error("a goodbye of an earlier stay ended a later one")
	}
	if _, left := cs.leave(room, who[1], 0); !left || len(cs.participants(room)) != maxInCall-1 || cs.together(who[0], who[1]) {
		t.Error("he is still in")
	}
	for _, w := range who {
		cs.leave(room, w, 0)
	}
	if len(cs.in) != 0 {
		t.Error("an empty call is kept")
	}
}

func TestSocket_CallGrace(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	s.api.grace = 10 * time.Millisecond
	alice, bob := s.open(s.user("alice")), s.open(s.user("bob"))
	room := s.channel(roomVoice, "alice", "bob")
	bob.say(map[string]any{"type": "subscribe", "channel_ids": []string{room}})
	bob.say(map[string]any{"type": "ping", "timestamp": 1})
	bob.want("pong")
	alice.say(map[string]any{"type": "join_voice", "channel_id": room})
	alice.want("voice_state_update")
	bob.want("voice_state_update")
	bob.want("user_joined_voice")
	alice.conn.CloseNow()
	bob.want("user_left_voice")
	if got := bob.want("voice_state_update")["participants"].([]any); len(got) != 0 {
		t.Errorf("%v are in the call", got)
	}
}

// Nobody types for ever, and others are told at most every three seconds.
func TestTyping(t *testing.T) {
	var ty typing
	at := typist{relay.NewID(), relay.NewID()}
	if !ty.begin(at, relay.BoxID{1}, func() {}) || ty.begin(at, relay.BoxID{1}, func() {}) {
		t.Error("told not at first, or again at once")
	}
	ty.by[at].told = time.Now().Add(-typingEvery)
	if !ty.begin(at, relay.BoxID{1}, func() {}) {
		t.Error("not told again")
	}
	if got := ty.ofUser(at.who); len(got) != 1 || got[0] != at.room {
		t.Errorf("types in %v", got)
	}
	if box, typed := ty.stop(at); !typed || box != (relay.BoxID{1}) {
		t.Error("did not type")
	}
	if _, typed := ty.stop(at); typed {
		t.Error("still types")
	}
}

// Presence over sessions: seen once, invisible never, and eight at most.
func TestPresence(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	var p presence
	who := relay.NewID()
	for i := range maxSockets {
		if first, ok := p.enter(r, who); !ok || first != (i == 0) {
			t.Fatalf("session %d: first %v, ok %v", i, first, ok)
		}
	}
	if _, ok := p.enter(r, who); ok {
		t.Error("a ninth session")
	}
	if !p.set(who, statusIdle) || p.set(who, statusIdle) || !p.set(who, statusInvisible) || p.set(who, statusOffline) {
		t.Error("changes are not as others see them")
	}
	if r.Presence().Present(who) {
		t.Error("other families see who is invisible")
	}
	p.set(who, statusInvisible)
	for i := range maxSockets {
		if last, seen := p.exit(who); last != (i == maxSockets-1) || seen {
			t.Fatalf("session %d: last %v, seen %v", i, last, seen)
		}
	}
	if first, _ := p.enter(r, who); !first || p.status(who) != statusOffline {
		t.Error("who was invisible is seen when he comes back")
	}
	p.set(who, statusOnline)
	if !r.Presence().Present(who) {
		t.Error("other families do not see who is here")
	}
	if _, seen := p.exit(who); !seen || len(p.users) != 0 || p.absent != 0 || r.Presence().Present(who) {
		t.Errorf("left over: %v, %d", p.users, p.absent)
	}
}
