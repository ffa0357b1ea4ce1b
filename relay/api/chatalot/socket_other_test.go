package chatalot

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/relaytest"
)

// Somebody of another family writes: the direct room is told of, then the
// message, in this family's form; and the answer reaches him.
func TestSocket_AnotherFamily(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.open(s.user("alice"))
	var to, from relay.Account
	var sent relay.Entry
	relaytest.Update(t, s.r, func(tx *relay.Tx) (err error) {
		if to, err = tx.FindLogin(family, relay.Login{Kind: loginName, Folded: "alice"}); err != nil {
			return err
		}
		from, err = tx.Register(relay.AccountDraft{Family: "test"})
		return err
	})
	relaytest.Update(t, s.r, func(tx *relay.Tx) (err error) {
		sent, err = tx.Send(from.ID, to.ID, relay.Draft{Kind: "whatever", Body: []byte("hi")})
		return err
	})
	dm := alice.want("new_dm_channel")
	if dm["other_user_id"] != uuid(from.ID).String() || dm["other_user_username"] != from.ID.String()[:8] {
		t.Errorf("told of %v", dm)
	}
	got := alice.want("new_message")
	if got["id"] != messageID(sent.ID).String() || got["message_type"] != "text" || fmt.Sprint(got["ciphertext"]) != "[104 105]" ||
		fmt.Sprint(got["nonce"]) != "[0]" || got["channel_id"] != dm["channel_id"] {
		t.Errorf("got %v", got)
	}
	alice.say(map[string]any{"type": "send_message", "channel_id": dm["channel_id"], "ciphertext": []int{33}, "nonce": []int{1}, "message_type": "text"})
	alice.want("message_sent")
	relaytest.View(t, s.r, func(tx *relay.Tx) error {
		list, err := tx.Before(relay.Messages, sent.ID.Box, 0, 0, 1)
		if err != nil || len(list) != 1 || string(list[0].Body) != "!" || list[0].From != to.ID {
			t.Errorf("the answer: %v, %v", list, err)
		}
		return err
	})
}

// Many sockets do everything at once and close at bad moments. Nothing is left
// of anybody, and the last one is served as the first.
func TestSocket_Crowd(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	names := []string{"alice", "bob", "carol"}
	tokens := make([]string, len(names))
	for i, name := range names {
		tokens[i] = s.user(name)
	}
	room, town := s.channel(roomVoice, names...), s.channel(roomCommunity, names...)
	frames := []map[string]any{
		{"type": "subscribe", "channel_ids": []string{room, town}}, {"type": "unsubscribe", "channel_ids": []string{room}},
		{"type": "send_message", "channel_id": room, "ciphertext": []int{1}, "nonce": []int{1}, "message_type": "text"},
		{"type": "typing", "channel_id": room}, {"type": "stop_typing", "channel_id": room},
		{"type": "join_voice", "channel_id": room}, {"type": "leave_voice", "channel_id": room},
		{"type": "update_presence", "status": "idle"}, {"type": "update_presence", "status": "invisible"},
		{"type": "update_presence", "status": "online"}, {"type": "mark_all_read"}, {"type": "nonsense"},
	}
	s.api.grace = 1
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			for range 5 {
				c := s.dial()
				c.say(map[string]any{"type": "authenticate", "token": tokens[i%len(tokens)]})
				for range 1 + rand.IntN(20) {
					c.say(frames[rand.IntN(len(frames))])
				}
				if rand.IntN(2) == 0 {
					c.conn.CloseNow()
				} else {
					c.conn.Close(websocket.StatusNormalClosure, "")
				}
			}
		})
	}
	all.Wait()
	deadline := time.After(20 * time.Second)
	for again := time.NewTicker(time.Millisecond); s.svc.Sockets.Len() > 0 || len(s.api.calls.participants(idOf(t, room))) > 0; {
		select {
		case <-again.C: // there is no event for "everybody has gone"
		case <-deadline:
			t.Fatal("somebody is left")
		}
	}
	for i, name := range names {
		if s.api.presence.here(s.idOfUser(name)) || len(s.api.typing.ofUser(s.idOfUser(name))) > 0 {
			t.Errorf("%s is still here", name)
		}
		s.open(tokens[i])
	}
}

func (s *served) idOfUser(name string) (id relay.ID) {
	s.t.Helper()
	relaytest.View(s.t, s.r, func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: name})
		id = acc.ID
		return err
	})
	return id
}

// Who came into a room of another family that shows newcomers nothing older is
// not told how older messages were edited; and hears of a reaction that another
// one took the place of.
func TestSocket_SeesFrom(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.open(s.user("alice"))
	var author relay.Account
	var room relay.Room
	say := func() (e relay.Entry) {
		relaytest.Update(t, s.r, func(tx *relay.Tx) (err error) {
			e, err = tx.Append(room.Box, relay.Draft{Kind: "message", From: author.ID, Body: []byte("body")})
			return err
		})
		return e
	}
	edit := func(e relay.Entry) {
		relaytest.Update(t, s.r, func(tx *relay.Tx) error {
			if _, err := tx.Amend(e.ID, []byte("edited"), nil, false); err != nil {
				return err
			}
			_, err := tx.TellEntries(room.Box, relay.EventEdited, author.ID, relay.EntryEvent{Entries: []relay.Time{e.ID.Time}})
			return err
		})
	}
	relaytest.Update(t, s.r, func(tx *relay.Tx) (err error) {
		if author, err = tx.Register(relay.AccountDraft{Family: "test"}); err != nil {
			return err
		}
		room, err = tx.OpenRoom(relay.RoomDraft{By: author.ID, Family: "test", Members: []relay.Seat{{Account: author.ID, Role: relay.RoleOwner}}})
		return err
	})
	older := say()
	relaytest.Update(t, s.r, func(tx *relay.Tx) error {
		_, err := tx.Join(room.ID, relay.Joining{By: author.ID, FromNow: true, Seat: relay.Seat{Account: s.idOfUser("alice")}})
		return err
	})
	alice.say(map[string]any{"type": "subscribe", "channel_ids": []string{uuid(room.ID).String()}})
	alice.say(map[string]any{"type": "ping", "timestamp": 1})
	for {
		if f, err := alice.hear(); err != nil || f["type"] == "pong" {
			break
		}
	}
	newer := say()
	alice.want("new_message")
	edit(older)
	edit(newer)
	if got := alice.want("message_edited"); got["message_id"] != messageID(newer.ID).String() {
		t.Errorf("told of the edit of %v", got["message_id"])
	}
	for _, r := range []relay.Reacting{{Add: "a"}, {Add: "b", Remove: []string{"a"}}} {
		relaytest.Update(t, s.r, func(tx *relay.Tx) error { _, err := tx.React(newer.ID, author.ID, r); return err })
	}
	for _, want := range []string{"reaction_added a", "reaction_removed a", "reaction_added b"} {
		kind, emoji, _ := strings.Cut(want, " ")
		if got := alice.want(kind); got["emoji"] != emoji || got["user_id"] != uuid(author.ID).String() {
			t.Errorf("told %v, want %s", got, want)
		}
	}
}
