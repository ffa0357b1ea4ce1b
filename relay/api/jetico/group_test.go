package jetico

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// A group of as many people as there may be is opened in one commit, and each of
// them is told of it once, since the lists name the others.
func TestLargeGroup(t *testing.T) {
	h := build(t, Options{Requests: -1}, relay.Options{}, io.Discard)
	var ids []string
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		ids = nil
		for i := range maxGroup {
			id := hashPhone(fmt.Sprintf("+1555001%04d", i))
			acc, err := accountOf(tx, id)
			if err == nil {
				err = keyRings.Put(tx, acc.ID, &keyRing{Owner: acc.ID, Public: "public", Pair: newUUID()})
			}
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	h.user(exampleMe, true)
	h.user(ids[0], false)
	me, other := h.join(exampleMe), h.join(ids[0])
	keys := m{}
	for _, id := range ids {
		keys[id] = strings.Repeat("k", 684)
	}
	in := m{
		"admins": m{}, "members": keys, "conversationUuid": number(1), "isDialog": false, "nickEncrypted": strings.Repeat("n", 500),
		"sessionKeyUuid": number(2), "sessionKeyValue": me.value(exampleMe),
	}
	if f := me.ask("RequestCreateConversationFull", in); !strings.Contains(string(f.body), "bad field: members") {
		t.Fatalf("one too many: %.200s", f.body)
	}
	delete(keys, ids[maxGroup-1])
	me.want("ResponseCreateConversation", "RequestCreateConversationFull", in)
	var told memberAdded
	if err := json.Unmarshal(other.told("NotificationAddMemberToConversation"), &told); err != nil {
		t.Fatal(err)
	}
	if told.UserID != ids[0] || len(told.Conversation.Members) != maxGroup-1 {
		t.Errorf("told of %d people", len(told.Conversation.Members))
	}
	for range maxGroup - 1 {
		f, err := other.read()
		if err != nil || f.name != "NotificationAddedMessageToConversation" {
			t.Fatalf("got %s %v", f.name, err)
		}
	}
	in["sessionKeyValue"], in["conversationUuid"] = me.value(ids[0]), number(3)
	if f := me.ask("RequestCreateConversationFull", in); !strings.Contains(string(f.body), "access denied") {
		t.Errorf("another's copy: %.200s", f.body)
	}
	me.want("ResponseAddedMessage", "RequestAddMessage", m{
		"bodyEncryptedBase64": "b", "conversationUuid": number(1), "hasFiles": false, "ivBase64": "", "messageUuid": number(4), "sessionKeyUuid": number(2),
	})
}

// Whoever is kicked loses his copies of the keys, however many there were; those
// he gets when he comes back stay.
func TestKick_ManyKeys(t *testing.T) {
	h := build(t, Options{Requests: -1}, relay.Options{}, io.Discard)
	h.user(exampleMe, true)
	h.user(exampleOther, true)
	me := h.join(exampleMe)
	me.create(number(1), number(2), false, nil, []string{exampleOther})
	var key struct{ SessionKeyUUID string }
	for range keyStep + 10 {
		b := me.want("ResponseAddedSessionKey", "RequestAddNewSessionKeys", m{
			"conversationUuid": number(1), "sessionKeys": []m{me.value(exampleMe), me.value(exampleOther)},
		})
		if err := json.Unmarshal(b, &key); err != nil {
			t.Fatal(err)
		}
	}
	me.ok("RequestKickUser", m{"conversationUuid": number(1), "userId": exampleOther})
	me.ok("RequestAddMember", m{"conversationUuid": number(1), "sessionKeyUuid": key.SessionKeyUUID, "sessionKeyValue": me.value(exampleOther)})
	copies := func() (n int) {
		relaytest.View(t, h.r, func(tx *relay.Tx) error {
			acc, err := findUser(tx, exampleOther)
			n = keyRows.Count(tx, "holder", relay.Span{Prefix: acc.ID[:]})
			return err
		})
		return n
	}
	for end := time.Now().Add(15 * time.Second); copies() > 1; { // the rest goes in steps
		if time.Now().After(end) {
			t.Fatal("copies are left")
		}
	}
	other := h.join(exampleOther)
	other.want("ResponseSessionKeyByUuid", "RequestGetSessionKey", m{"conversationUuid": number(1), "sessionKeyUuid": key.SessionKeyUUID})
}
