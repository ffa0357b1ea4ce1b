package dishis

import (
	"encoding/json"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// accountOf returns the account of a user.
func (h *house) accountOf(u user) (a relay.Account) {
	h.t.Helper()
	relaytest.View(h.t, h.r, func(tx *relay.Tx) (err error) {
		a, err = findUser(tx, u.id)
		return err
	})
	return a
}

// What comes from a family that knows no wrapper has one around it here, and a
// hash of it; what is no text is in base64.
func TestCrossing_Direct(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna := h.register("anna")
	me := h.accountOf(anna)
	var other relay.Account
	relaytest.Update(t, h.r, func(tx *relay.Tx) (err error) {
		if other, err = tx.Register(relay.AccountDraft{Family: "elsewhere", Mailbox: true}); err != nil {
			return err
		}
		if _, err = tx.Send(other.ID, me.ID, relay.Draft{Kind: "message", Body: []byte("hello"), Nonce: []byte("n")}); err != nil {
			return err
		}
		_, err = tx.Send(other.ID, me.ID, relay.Draft{Kind: "Any Kind", Body: []byte{0xff, 0}})
		return err
	})
	them := user{id: userID(other.ID)}
	got := h.history(anna, them)
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	for i, want := range []string{`{"message":"/wA=","key":"","iv":""}`, `{"message":"hello","key":"","iv":"n"}`} {
		if got[i]["content"] != want || got[i]["contentHash"] != hashBytes(want) || got[i]["type"] != "text" || got[i]["senderId"] != them.id {
			t.Errorf("message %d: %v", i, got[i])
		}
	}
	// And back: it lies in the other's mailbox as it was sent, and in the room.
	h.must(anna, "POST", "/api/messages/send", fields{"recipientId": other.ID.String(), "encryptedContent": sealed})
	relaytest.View(t, h.r, func(tx *relay.Tx) error {
		held, err := tx.Before(relay.Messages, other.Box, 0, 0, 10)
		if len(held) != 1 || string(held[0].Body) != sealed || held[0].From != me.ID {
			t.Errorf("the mailbox has %+v", held)
		}
		return err
	})
	if got := h.history(anna, them); len(got) != 3 || got[0]["content"] != sealed {
		t.Errorf("the history has %v", got)
	}
	if data := h.must(anna, "GET", "/api/users/"+them.id+"/public-key", nil); data["username"] != other.ID.String()[:8] || data["publicKey"] != "" {
		t.Errorf("somebody of another family is %v", data)
	}
}

// Rooms of other families are groups that are ruled elsewhere; open ones are
// found by their whole id.
func TestCrossing_Rooms(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna, bert := h.register("anna"), h.register("bert")
	me := h.accountOf(anna)
	var room, open relay.Room
	relaytest.Update(t, h.r, func(tx *relay.Tx) (err error) {
		other, err := tx.Register(relay.AccountDraft{Family: "elsewhere"})
		if err != nil {
			return err
		}
		room, err = tx.OpenRoom(relay.RoomDraft{By: other.ID, Family: "elsewhere", Settings: []byte("not ours"), Members: []relay.Seat{
			{Account: other.ID, Role: relay.RoleOwner}, {Account: me.ID, Role: relay.RoleAdmin, Rest: []byte("12345678")}}})
		if err != nil {
			return err
		}
		if _, err = tx.Notify(room.Box, other.ID, relay.Notice{What: relay.NoticeAdded, Account: me.ID}); err != nil {
			return err
		}
		open, err = tx.OpenFor(other.ID, "elsewhere")
		return err
	})
	id := prefixGroup + room.ID.String()
	if data := h.must(anna, "GET", "/api/groups/"+id, nil); data["name"] != room.ID.String()[:8] || data["membersCount"] != 2.0 {
		t.Errorf("the room is %v", data)
	}
	if data := h.must(anna, "GET", "/api/groups/user/"+anna.id, nil); len(data["list"].([]any)) != 1 {
		t.Errorf("the groups are %v", data)
	}
	h.must(anna, "POST", "/api/group-messages/send", fields{"groupId": id, "encryptedContent": sealed})
	list := h.must(anna, "GET", "/api/group-messages/"+id, nil)["list"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d messages", len(list))
	}
	notice := list[1].(map[string]any)
	var said wrapper
	if err := json.Unmarshal([]byte(notice["content"].(string)), &said); err != nil || notice["type"] != "system" || said.Message != "anna added" {
		t.Errorf("the notice is %v", notice)
	}
	for path, in := range map[string]fields{
		"/api/groups/settings":       {"groupId": id, "settings": fields{"onlyAdminsCanSend": true}},
		"/api/groups/delete":         {"groupId": id},
		"/api/groups/members/add":    {"groupId": id, "members": []string{bert.id}},
		"/api/groups/members/role":   {"groupId": id, "memberId": anna.id, "newRole": "member"},
		"/api/groups/members/remove": {"groupId": id, "memberId": bert.id},
	} {
		if status, _ := h.ask(anna, "POST", path, in); status != 403 {
			t.Errorf("%s: %d", path, status)
		}
	}
	// To those outside it is not there.
	if status, _ := h.ask(bert, "GET", "/api/groups/"+id, nil); status != 404 {
		t.Errorf("from outside: %d", status)
	}
	h.must(anna, "POST", "/api/groups/members/remove", fields{"groupId": id, "memberId": anna.id})
	if status, _ := h.ask(anna, "GET", "/api/groups/"+id, nil); status != 404 {
		t.Errorf("after leaving: %d", status)
	}

	id = prefixGroup + open.ID.String()
	h.must(bert, "POST", "/api/group-messages/send", fields{"groupId": id, "encryptedContent": sealed})
	if list := h.must(anna, "GET", "/api/group-messages/"+id, nil)["list"].([]any); len(list) != 1 {
		t.Errorf("the open room has %v", list)
	}
	if data := h.must(anna, "GET", "/api/groups/"+id, nil); len(data["members"].([]any)) != 0 {
		t.Errorf("the open room is %v", data)
	}
}

// Reactions are listed by who gave them.
func TestReactions_ByUser(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna, bert := h.register("anna"), h.register("bert")
	id := h.must(anna, "POST", "/api/messages/send", fields{"recipientId": bert.id, "encryptedContent": sealed})["messageId"]
	for u, reaction := range map[user]string{anna: "a", bert: "b"} {
		h.must(u, "POST", "/api/messages/react", fields{"messageId": id, "reaction": "first"})
		h.must(u, "POST", "/api/messages/react", fields{"messageId": id, "reaction": reaction})
	}
	got := h.history(anna, bert)[0]["reactions"].(map[string]any)
	if len(got) != 2 || got[anna.id] != "a" || got[bert.id] != "b" {
		t.Errorf("reactions are %v", got)
	}
}

// Ids are not to be counted through, nor are those of other rooms of use.
func TestMessageID_Checked(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna, bert := h.register("anna"), h.register("bert")
	id := h.must(anna, "POST", "/api/messages/send", fields{"recipientId": bert.id, "encryptedContent": sealed})["messageId"].(string)
	last := map[byte]string{'0': "1"}[id[len(id)-1]]
	if last == "" {
		last = "0"
	}
	for _, bad := range []string{id[:len(id)-1] + last, strings.ToUpper(id), id + "0", "msg_", "", "group_" + id[4:]} {
		if status, _ := h.ask(anna, "POST", "/api/messages/react", fields{"messageId": bad, "reaction": "x"}); status != 404 && status != 400 {
			t.Errorf("%q: %d", bad, status)
		}
	}
}

// Through other families somebody may react in several ways. One of them is
// listed here; when it is taken back another one is, and told of.
func TestCrossing_Reactions(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna := h.register("anna")
	me := h.accountOf(anna)
	var other relay.Account
	var e relay.Entry
	relaytest.Update(t, h.r, func(tx *relay.Tx) (err error) {
		if other, err = tx.Register(relay.AccountDraft{Family: "elsewhere"}); err != nil {
			return err
		}
		e, err = tx.Send(me.ID, other.ID, relay.Draft{Kind: "message", Body: []byte(sealed)})
		return err
	})
	them := user{id: userID(other.ID)}
	line := h.listen(anna)
	for _, c := range []struct {
		do   relay.Reacting
		told string
	}{
		{relay.Reacting{Add: "a"}, "a"},
		{relay.Reacting{Add: "b"}, "b"},
		{relay.Reacting{Remove: []string{"b"}}, "a"},
		{relay.Reacting{Add: "c", Remove: []string{"a"}}, "c"},
		{relay.Reacting{Remove: []string{"c"}}, ""},
	} {
		relaytest.Update(t, h.r, func(tx *relay.Tx) error { _, err := tx.React(e.ID, other.ID, c.do); return err })
		got := line.next(`42["message_reaction"`)
		if !strings.Contains(got, `"reaction":"`+c.told+`"`) || !strings.Contains(got, them.id) {
			t.Errorf("after %+v told %s, want %q", c.do, got, c.told)
		}
		listed, _ := h.history(anna, them)[0]["reactions"].(map[string]any)
		if name, _ := listed[them.id].(string); name != c.told {
			t.Errorf("after %+v listed %v, want %q", c.do, listed, c.told)
		}
	}
}
