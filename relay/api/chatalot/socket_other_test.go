package chatalot

import (
	"fmt"
	"math/rand/v2"
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
