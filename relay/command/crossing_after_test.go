package command_test

import (
	"slices"
	"strings"
	"testing"
)

// A talker has a chat: messages in it can be deleted and read, and he types.
type talker interface {
	person
	last(with person) (room, message string) // the newest message, in his own form
	erase(with person, room, message string) // for everybody
	see(with person, room, message string)
	typeTo(with person, room string)
	heard(what, room, message string) func(map[string]any) bool // "erased", "seen", "typing"
	unread(room string) int                                     // -1: his client counts itself
}

func (p *samaUser) last(with person) (room, message string) {
	p.t.Helper()
	room = p.dialog(with)
	return room, str(p.do("message_list", map[string]any{"cid": room}), "response", "messages", 0, "_id")
}

func (p *samaUser) erase(_ person, room, message string) {
	p.do("message_delete", map[string]any{"cid": room, "ids": []string{message}, "type": "all"})
}

func (p *samaUser) see(_ person, room, _ string) {
	p.do("message_read", map[string]any{"cid": room})
}

func (p *samaUser) typeTo(_ person, room string) {
	p.say(map[string]any{"typing": map[string]any{"cid": room}})
}

func (p *samaUser) heard(what, room, message string) func(map[string]any) bool {
	name := map[string]string{"erased": "message_delete", "seen": "message_read", "typing": "typing", "edited": "message_edit"}[what]
	return func(f map[string]any) bool {
		switch f := at(f, name); {
		case str(f, "cid") != room:
			return false
		case what == "typing":
			return true
		case what == "edited":
			return str(f, "id") == message
		default:
			return slices.Contains(list(f, "ids"), any(message))
		}
	}
}

func (p *samaUser) unread(room string) int {
	for _, cv := range list(p.do("conversation_list", map[string]any{}), "response", "conversations") {
		if str(cv, "_id") == room {
			n, _ := at(cv, "unread_messages_count").(float64)
			return int(n)
		}
	}
	return 0
}

func (p *dishisUser) last(with person) (room, message string) {
	p.t.Helper()
	got := p.ask("GET", "/dishis/api/messages/"+p.own+"/"+with.hex()[:24], p.token, 200, nil)
	return "", str(got, "data", 0, "messageId")
}

func (p *dishisUser) erase(_ person, _, message string) {
	p.ask("POST", "/dishis/api/messages/delete", p.token, 200, map[string]any{"messageId": message, "deleteForEveryone": true})
}

func (p *dishisUser) see(_ person, _, message string) {
	p.ask("POST", "/dishis/api/status", p.token, 200, map[string]any{"messageId": message, "status": "seen"})
}

func (p *dishisUser) typeTo(with person, _ string) {
	p.ask("POST", "/dishis/api/messages/typing", p.token, 200, map[string]any{"recipientId": with.hex()[:24]})
}

func (p *dishisUser) heard(what, _, message string) func(map[string]any) bool {
	name := map[string]string{"erased": "message_deleted", "seen": "message_status_update", "typing": "typing_indicator"}[what]
	return func(f map[string]any) bool {
		text := str(f, "text")
		return strings.HasPrefix(text, `42["`+name+`"`) && (what == "typing" || strings.Contains(text, message))
	}
}

func (p *dishisUser) unread(string) int { return -1 }

func (p *jeticoUser) last(with person) (room, message string) {
	p.t.Helper()
	room = p.dialogs[with.hex()]
	got := p.do("RequestGetMessages", map[string]any{"conversationUuid": room, "fromMessageUuid": nil, "size": 50})
	for op := range got {
		if l := list(got, op, "messages"); len(l) > 0 {
			return room, str(l[0], "uuid")
		}
	}
	p.t.Fatalf("no messages: %v", got)
	return "", ""
}

func (p *jeticoUser) erase(_ person, room, message string) {
	p.do("RequestDeleteMessage", map[string]any{"conversationUuid": room, "uuid": message})
}

func (p *jeticoUser) see(_ person, room, _ string) {
	p.do("RequestMarkAllReaded", map[string]any{"conversationUuid": room})
}

func (p *jeticoUser) typeTo(_ person, room string) {
	p.do("RequestTyping", map[string]any{"conversationUuid": room})
}

func (p *jeticoUser) heard(what, room, message string) func(map[string]any) bool {
	name := map[string]string{"erased": "DeleteMessageNotification", "seen": "UpdatedMessageNotification", "typing": "NotificationTyping"}[what]
	return func(f map[string]any) bool {
		f, _ = at(f, name).(map[string]any)
		return str(f, "conversationUuid") == room && (what == "typing" || str(f, "messageUuid") == message || str(f, "uuid") == message)
	}
}

func (p *jeticoUser) unread(room string) int {
	got := p.do("RequestGetConversationsFull", map[string]any{})
	for op := range got {
		for _, cv := range list(got, op, "conversations") {
			if str(cv, "uuid") == room {
				n, _ := at(cv, "unreadedCounter").(float64)
				return int(n)
			}
		}
	}
	return 0
}

func (p *chatalotUser) last(with person) (room, message string) {
	p.t.Helper()
	for _, dm := range list(p.ask("GET", "/chatalot/api/dms", p.token, 200, nil), "list") {
		if str(dm, "other_user", "id") == uuidOf(with.hex()) {
			room = or(str(dm, "channel", "id"), str(dm, "id"))
			p.say(map[string]any{"type": "subscribe", "channel_ids": []string{room}})
			got := p.ask("GET", "/chatalot/api/channels/"+room+"/messages", p.token, 200, nil)
			return room, str(got, "list", 0, "id")
		}
	}
	p.t.Fatal("no such channel")
	return "", ""
}

// settled waits until everything said so far was done.
func (p *chatalotUser) settled() {
	p.n++
	n := float64(p.n)
	p.say(map[string]any{"type": "ping", "timestamp": n})
	p.until(func(f map[string]any) bool { return str(f, "type") == "pong" && at(f, "timestamp") == n })
}

func (p *chatalotUser) erase(_ person, _, message string) {
	p.say(map[string]any{"type": "delete_message", "message_id": message})
	p.settled()
}

func (p *chatalotUser) see(_ person, room, message string) {
	p.say(map[string]any{"type": "mark_read", "channel_id": room, "message_id": message})
	p.settled()
}

func (p *chatalotUser) typeTo(_ person, room string) {
	p.say(map[string]any{"type": "typing", "channel_id": room})
}

func (p *chatalotUser) heard(what, room, message string) func(map[string]any) bool {
	name := map[string]string{"erased": "message_deleted", "seen": "read_receipt", "typing": "user_typing", "edited": "message_edited"}[what]
	return func(f map[string]any) bool {
		return str(f, "type") == name && str(f, "channel_id") == room && (what == "typing" || str(f, "message_id") == message)
	}
}

func (p *chatalotUser) unread(room string) int {
	for _, c := range list(p.ask("GET", "/chatalot/api/channels/unread", p.token, 200, nil), "list") {
		if str(c, "channel_id") == room {
			n, _ := at(c, "unread_count").(float64)
			return int(n)
		}
	}
	return 0
}

// What becomes of a message is told to the other side, and typing, in its own
// form; and what is unread is counted right.
func TestCrossing_Afterwards(t *testing.T) {
	r := start(t, newState(t), "--limits", "off")
	for _, from := range families {
		for _, to := range families {
			t.Run(from.name+" to "+to.name, func(t *testing.T) {
				a, _ := from.make(client{t: t}).(talker)
				b, _ := to.make(client{t: t}).(talker)
				if a == nil || b == nil {
					t.Skip("SecBot has none of it")
				}
				follow(t, r, a, b)
			})
		}
	}
}

func follow(t *testing.T, r *running, a, b talker) {
	a.join(r)
	b.join(r)
	a.listen()
	b.listen()
	said := func(from, to talker, body string) {
		t.Helper()
		from.write(to, from.seal(body))
		to.hear(from, to.shows(from.seal(body), from))
	}
	said(a, b, "first")
	rb, its := b.last(a)
	b.see(a, rb, its)
	said(b, a, "answer")
	ra, mine := a.last(b)
	_, answer := b.last(a)
	a.see(b, ra, mine)
	b.self().until(b.heard("seen", rb, answer))
	wantUnread(t, "all read", a.unread(ra), 0)
	wantUnread(t, "all read", b.unread(rb), 0)

	said(a, b, "second")
	said(a, b, "third")
	wantUnread(t, "two unread", b.unread(rb), 2)
	wantUnread(t, "own ones", a.unread(ra), 0)
	_, mine = a.last(b)
	_, its = b.last(a)
	b.see(a, rb, its)
	a.self().until(a.heard("seen", ra, mine))
	switch a := a.(type) {
	case *samaUser:
		got := a.do("message_list", map[string]any{"cid": ra})
		if str(got, "response", "messages", 0, "status") != "read" || str(got, "response", "messages", 1, "status") != "read" && familyOf(b) != "dishis" {
			t.Errorf("both were read: %v", got)
		}
	case *dishisUser:
		if got := a.ask("GET", "/dishis/api/status/"+mine, a.token, 200, nil); str(got, "data", "status") != "seen" {
			t.Errorf("it was seen: %v", got)
		}
	}
	wantUnread(t, "read again", b.unread(rb), 0)

	a.typeTo(b, ra)
	b.self().until(b.heard("typing", rb, ""))

	a.erase(b, ra, mine)
	b.self().until(b.heard("erased", rb, its))
	for _, p := range []struct{ p, with talker }{{a, b}, {b, a}} {
		if got := p.p.read(p.with); slices.Contains(got, p.p.shows(a.seal("third"), a)) {
			t.Errorf("%s shows what was deleted: %q", familyOf(p.p), got)
		}
	}
	if e, can := a.(editor); can {
		edited(t, e, a, b)
	}
	if familyOf(b) == "sama" { // where either may delete what the other wrote
		said(a, b, "yours")
		_, mine := a.last(b)
		_, its := b.last(a)
		b.erase(a, rb, its)
		a.self().until(a.heard("erased", ra, mine))
	}
	said(a, b, "fourth")
	wantUnread(t, "one more unread", b.unread(rb), 1)
	_, gone := b.last(a)
	a.erase(b, ra, second(a.last(b)))
	b.self().until(b.heard("erased", rb, gone))
	wantUnread(t, "and deleted", b.unread(rb), 0)
}

// An editor can give a message another body.
type editor interface{ edit(message, body string) }

func (p *samaUser) edit(message, body string) {
	p.do("message_edit", map[string]any{"id": message, "body": body})
}

func (p *chatalotUser) edit(message, body string) {
	p.say(map[string]any{"type": "edit_message", "message_id": message, "ciphertext": ints([]byte(body)), "nonce": ints([]byte("nonce"))})
	p.settled()
}

// edited has somebody edit what he wrote. Who has no word for that reads it anew.
func edited(t *testing.T, e editor, a, b talker) {
	t.Helper()
	_, message := a.last(b)
	rb, its := b.last(a)
	e.edit(message, "edited")
	if _, told := b.(editor); told {
		b.self().until(b.heard("edited", rb, its))
	}
	for _, p := range []struct{ p, with talker }{{a, b}, {b, a}} {
		got := p.p.read(p.with)
		n := 0
		for _, body := range got {
			if strings.Contains(body, "edited") {
				n++
			}
		}
		if n != 1 || slices.ContainsFunc(got, func(body string) bool { return strings.Contains(body, "second") }) {
			t.Errorf("after an edit %s shows %q", familyOf(p.p), got)
		}
	}
	b.see(a, rb, its)
}

func second(_, s string) string { return s }

func wantUnread(t *testing.T, doing string, got, want int) {
	t.Helper()
	if got >= 0 && got != want {
		t.Errorf("%s: %d unread, want %d", doing, got, want)
	}
}
