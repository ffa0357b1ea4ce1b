package jetico

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

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
