package command_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// forms are the ways in which families show an account.
func forms(t *testing.T, r *running, p person) map[string]string {
	all := map[string]string{
		"32 hex": p.hex(), "a UUID": uuidOf(p.hex()), "24 hex": p.hex()[:24], "prefixed": "user_" + p.hex(),
	}
	out := must(t, "account", "--state", r.state, familyOf(p), p.hex())
	if id := strings.TrimSpace(out[strings.LastIndexByte(out, ' '):]); len(id) == 44 && familyOf(p) != "jetico" {
		all["base64"] = id
	}
	return all
}

// Whatever form an id was handed on in, each family finds whom it names.
func TestCrossing_IDs(t *testing.T) {
	r := start(t, newState(t), "--limits", "off")
	for _, f := range families {
		for _, to := range families {
			t.Run(f.name+" looks up "+to.name, func(t *testing.T) {
				p, other := f.make(client{t: t}), to.make(client{t: t})
				p.join(r)
				other.join(r)
				p.listen()
				other.listen()
				for form, id := range forms(t, r, other) {
					lookUp(t, p, other, form, id)
				}
			})
		}
	}
}

func lookUp(t *testing.T, p, other person, form, id string) {
	t.Helper()
	found := func(as string, got any) {
		t.Helper()
		if !strings.Contains(strings.ReplaceAll(fmt.Sprint(got), "-", ""), as) {
			t.Errorf("%s (%s): %v", form, id, got)
		}
	}
	switch p := p.(type) {
	case *mailer:
		p.ask("POST", "/postmsg", "", 200, map[string]any{"object": "SendMessage", "fromUserId": p.who, "authToken": p.token, "toId": id, "encContent": "x"})
	case *samaUser:
		found(other.hex()[:24], p.do("get_users_by_ids", map[string]any{"ids": []string{id}}))
		p.do("block_user", map[string]any{"ids": []string{id}})
		p.do("unblock_user", map[string]any{"id": id})
		found(other.hex()[:24], p.do("conversation_create", map[string]any{"type": "u", "participants": []string{id}}))
	case *dishisUser:
		if form != "base64" { // which has slashes, and is no segment of a path
			p.ask("GET", "/dishis/api/messages/"+p.own+"/"+id, p.token, 200, nil)
		}
		p.ask("POST", "/dishis/api/messages/send", p.token, 201, map[string]any{"recipientId": id, "encryptedContent": p.seal("x"), "type": "text"})
	case *jeticoUser:
		if form == "prefixed" {
			return // no system shows people so but in an address
		}
		shown := str(p.do("RequestGetUserInfo", map[string]any{"userId": id}), "ResponseUserInfo", "user", "userId")
		raw, _ := base64.StdEncoding.DecodeString(shown)
		if j, ours := other.(*jeticoUser); ours && shown != j.own || !ours && fmt.Sprintf("%x", raw[:min(16, len(raw))]) != other.hex() {
			t.Errorf("%s: shown as %q", form, shown)
		}
		found(shown, p.do("RequestGetUserInfoMulti", map[string]any{"userIds": []string{id}}))
		p.do("UpdateContact", map[string]any{"userId": p.own, "contact": map[string]any{"contactId": id, "contactIdEncrypted": "c"}})
		found(shown, p.do("RequestGetContactList", map[string]any{"userId": p.own}))
		p.do("AddBlackList", map[string]any{"userId": id})
		found(shown, p.do("GetBlackList", map[string]any{"userId": p.own}))
		p.do("RemoveBlackList", map[string]any{"userId": id})
		made := p.do("RequestCreateConversationFull", map[string]any{
			"admins": map[string]any{}, "members": map[string]any{id: "k"}, "isDialog": false, "nickEncrypted": "n", "title": "room",
			"conversationUuid": p.uuid(), "sessionKeyUuid": p.uuid(),
			"sessionKeyValue": map[string]any{"keyEncryptedBase64": "k", "signatureBase64": "s", "signerKeyPairUuid": p.uuid(), "signerUserId": p.own, "userId": p.own},
		})
		found(shown, made)
		room := str(made, "ResponseCreateConversation", "conversation", "uuid")
		p.do("RequestChangeToAdmin", map[string]any{"conversationUuid": room, "userId": id})
		p.do("RequestKickUser", map[string]any{"conversationUuid": room, "userId": id})
		p.do("RequestAddMember", map[string]any{"conversationUuid": room, "sessionKeyUuid": str(made, "ResponseCreateConversation", "conversation", "sessionKeyUuid"),
			"sessionKeyValue": map[string]any{"keyEncryptedBase64": "k", "signatureBase64": "s", "signerKeyPairUuid": p.uuid(), "signerUserId": p.own, "userId": id}})
	case *chatalotUser:
		if form != "32 hex" && form != "a UUID" {
			return // its clients have no other
		}
		found(other.hex(), p.ask("GET", "/chatalot/api/users/"+id, p.token, 200, nil))
		p.ask("POST", "/chatalot/api/dms", p.token, 200, map[string]any{"target_user_id": id})
	}
}

// A room's whole id does in any form, too: an open group is found by whoever
// knows it.
func TestCrossing_RoomIDs(t *testing.T) {
	r := start(t, newState(t), "--limits", "off")
	host := &mailer{client: client{t: t}}
	host.join(r)
	group := host.gather(nil)
	host.post(group, "hello")
	for _, f := range families {
		for _, id := range []string{group, uuidOf(group)} {
			t.Run(f.name+" "+id, func(t *testing.T) {
				p := f.make(client{t: t})
				p.join(r)
				p.listen()
				body := p.seal("from " + f.name + " by " + id)
				p.post(id, body)
				if got := p.posted(id); len(sealed(got, []string{p.shows("hello", host), body})) != 2 {
					t.Errorf("the group holds %q", got)
				}
			})
		}
	}
}
