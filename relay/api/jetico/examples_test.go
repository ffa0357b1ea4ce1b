package jetico

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"restante/relay"
)

// The users of the document's examples.
const (
	exampleMe    = "/4DZItfW2uZQyMCcxDboGMF0SjJs5sfedl9SXWNaO8Y="
	exampleOther = "upItfdN1OtNK50oxC5YQtGi2E9h1P862YnEVnNUhVA8="
	examplePhone = "9dNAmjirVLHA7P1f3q9rbeBJr/5yctwuPAXZQDGKcIg=" // of +16266260017
	exampleThird = "oQgiIm3BqaOyRYioV0HM/3r2U5D8eopjFsvWU+lvw4Y="
	exampleKey   = "a9c9c789-87d9-4750-8685-fcaaa37c8e04"
)

// A scene is what an example happens in: its sender and another user, in a group
// that has the uuid the example names.
type scene struct {
	h         *house
	me, other *peer
	in        map[string]any // the example's request
	conv, key string
}

// each example, request and answer, on a relay of its own.
func TestExamples(t *testing.T) {
	for i, x := range examples(t) {
		if x.Type == "" {
			continue
		}
		t.Run(fmt.Sprintf("%02d %s", i, x.Type), func(t *testing.T) {
			s := newScene(t, x)
			if prepare := preparations[x.Type]; prepare != nil {
				prepare(s)
			}
			got := s.me.ask(x.Type, s.in)
			if got.name != x.ResponseType {
				t.Fatalf("got %s %s, want %s", got.name, got.body, x.ResponseType)
			}
			sameShape(t, x.ResponseType, decodeAny(t, got.body), decodeAny(t, x.Response))
			if x.ResponseType == "ResponseStatusMessage" && !jsonEqual(got.body, x.Response) {
				t.Errorf("got %s, want %s", got.body, x.Response)
			}
		})
	}
}

func decodeAny(t testing.TB, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func jsonEqual(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && fmt.Sprint(x) == fmt.Sprint(y)
}

// maps of the document are from userIds, so their keys are no names.
var openMaps = []string{"publicKeys", "nicks"}

// sameShape fails unless two documents have the same names and types. Null may
// stand for anything that can be absent; a list has to have elements if the
// example's has.
func sameShape(t testing.TB, path string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			t.Errorf("%s: got %v, want an object", path, got)
			return
		}
		if slices.Contains(openMaps, path[strings.LastIndex(path, ".")+1:]) {
			return
		}
		for k, v := range w {
			if _, there := g[k]; !there {
				t.Errorf("%s.%s is missing", path, k)
				continue
			}
			sameShape(t, path+"."+k, g[k], v)
		}
		for k := range g {
			// The document leaves the signer out of one of its keys, and says so.
			if _, there := w[k]; !there && k != "signerUserId" {
				t.Errorf("%s.%s should not be there", path, k)
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(w) > 0 && len(g) == 0 && !strings.HasSuffix(path, ".members") {
			t.Errorf("%s: got %v, want elements", path, got)
			return
		}
		for i := range g {
			if len(w) > 0 {
				sameShape(t, fmt.Sprintf("%s[%d]", path, i), g[i], w[min(i, len(w)-1)])
			}
		}
	default:
		if got != nil && want != nil && fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
			t.Errorf("%s: got %v, want something like %v", path, got, want)
		}
	}
}

// newScene makes what most examples need.
func newScene(t *testing.T, x example) *scene {
	s := &scene{h: build(t, Options{AndroidURL: "https://example.org/app.apk", Theme: Theme{Logo: "l", Sound: "s"}}, relay.Options{}, io.Discard)}
	if err := json.Unmarshal(x.Request, &s.in); err != nil {
		t.Fatal(err)
	}
	anonymous := []string{"RequestRegisterApplication", "RequestConfirmRegistration", "RequestPing"}
	if slices.Contains(anonymous, x.Type) {
		s.me = s.h.connect()
		return s
	}
	self := exampleMe
	if strings.Contains(x.Type, "UpdateUserKeys") {
		self = examplePhone
	}
	s.h.user(self, x.Type != "RequestAddUserKeys")
	s.h.user(exampleOther, true)
	s.h.user(exampleThird, true)
	if x.Type == "RequestAuthenticationByApplication" {
		s.me = s.h.connect()
		return s
	}
	s.me, s.other = s.h.join(self), s.h.join(exampleOther)
	s.conv, _ = s.in["conversationUuid"].(string)
	s.key, _ = s.in["sessionKeyUuid"].(string)
	if s.key == "" {
		s.key = exampleKey
	}
	if s.conv != "" && x.Type != "RequestCreateConversationFull" {
		s.me.create(s.conv, s.key, false, []string{exampleThird}, []string{exampleOther})
	}
	return s
}

// words returns a list of strings of the request.
func (s *scene) words(name string) (list []string) {
	for _, v := range s.in[name].([]any) {
		list = append(list, v.(string))
	}
	return list
}

func (s *scene) word(name string) string { return s.in[name].(string) }

// number returns a uuid that no example has.
func number(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", i) }

// code has a code sent and puts it where the example has one.
func (s *scene) code(purpose, field string) {
	for _, c := range s.h.svc.Codes.Pending(s.h.r.Now().Time()) {
		if c.Key.Purpose == purpose {
			s.in[field] = c.Code
		}
	}
}

// appUUIDOf names the scene's own application instead of the example's.
func (s *scene) ownApp() { s.in["uuid"] = "app" }

func (s *scene) mine(uuid string)   { s.me.say(s.conv, s.key, uuid, false) }
func (s *scene) theirs(uuid string) { s.other.say(s.conv, s.key, uuid, false) }

// preparations are what single examples need beyond a scene.
var preparations = map[string]func(s *scene){
	"RequestConfirmRegistration": func(s *scene) {
		s.me.ok("RequestRegisterApplication", m{
			"applicationType": "android", "openUserId": "+35794048714", "userId": s.in["userId"], "uuid": s.in["uuid"],
		})
		s.code(purposeRegister, "smsCode")
	},
	"RequestAuthenticationByApplication":    (*scene).ownApp,
	"RequestUpdateDeviceTokenByApplication": (*scene).ownApp,
	"RequestDeleteApplication":              (*scene).ownApp,
	"GetParams":                             func(s *scene) { s.me.ok("UpdateParam", m{"name": "params", "value": "v"}) },
	"RequestGetContactList": func(s *scene) {
		s.me.ok("UpdateContact", m{"contact": m{"contactId": exampleOther, "contactIdEncrypted": "e", "nickEncrypted": "n"}, "userId": exampleMe})
	},
	"RequestGetMessages": func(s *scene) {
		s.mine(s.word("fromMessageUuid"))
		s.mine(number(1))
		s.theirs(number(2))
	},
	"RequestGetMessagesFromUuid": func(s *scene) { s.mine(number(1)); s.mine(s.word("uuid")) },
	"RequestGetMessagesByUuids":  func(s *scene) { s.mine(s.words("uuids")[0]) },
	"RequestMessagesReaded":      func(s *scene) { s.theirs(s.words("messageUuids")[0]) },
	"MessageDelivered":           func(s *scene) { s.theirs(s.word("messageUuid")) },
	"AddMessageReport":           func(s *scene) { s.theirs(s.word("messageUuid")) },
	"RequestDeleteMessage":       func(s *scene) { s.mine(s.word("uuid")) },
	"RequestDeleteMessages": func(s *scene) {
		for _, id := range s.words("uuids") {
			s.theirs(id)
		}
	},
	"RequestGetFiles":     (*scene).withFile,
	"RequestGetFilesFast": (*scene).withFile,
	"RequestAddMember":    func(s *scene) { s.h.user(s.in["sessionKeyValue"].(map[string]any)["userId"].(string), true) },
	"RequestAddAdmin":     func(s *scene) { s.h.user(s.in["sessionKeyValue"].(map[string]any)["userId"].(string), true) },
	"RequestChangeToAdmin": func(s *scene) {
		s.me.ok("RequestKickUser", m{"conversationUuid": s.conv, "userId": exampleThird})
		s.me.ok("RequestAddMember", m{"conversationUuid": s.conv, "sessionKeyUuid": s.key, "sessionKeyValue": s.me.value(exampleThird)})
	},
	"RequestGetRegisteredUsers": func(s *scene) {
		for _, id := range []string{"gjSz6SR6CnUTFlx1fI0BVE863u9RlgAH0wTlW8udJQM=", "FgP/up+bltJwsx2lVhqmXjC2h1nK/761PRrhTqgEncM="} {
			s.h.user(id, true)
		}
	},
	"AddUserReport":         func(s *scene) { s.h.user(s.word("userId"), true) },
	"RequestUpdateUserKeys": nil,
	"RequestConfirmUpdateUserKeys": func(s *scene) {
		s.me.ok("RequestUpdateUserKeys", m{
			"metaDataKeyEncryptedBase64": "m", "nick": "n", "openUserId": "+16266260017", "privateKeyEncryptedBase64": "p",
		})
		s.code(purposeUpdateKeys, "smsCode")
	},
	"RequestDeleteUserConfirmation": func(s *scene) {
		s.me.ok("RequestDeleteUser", m{"openUserId": "+35794048714"})
		s.code(purposeDeleteUser, "code")
	},
	"RequestGetConversationsFull": func(s *scene) {
		s.me.create(number(7), number(8), true, []string{exampleOther}, nil)
		s.me.create(number(9), number(10), false, nil, []string{exampleOther})
		s.me.say(number(9), number(10), number(11), false)
	},
}

// withFile posts the message of the example, with a file.
func (s *scene) withFile() {
	s.me.say(s.conv, s.key, s.word("messageUuid"), true)
	resp := s.h.http("PUT", "/upload/conversation_"+s.conv+"/"+s.word("messageUuid")+"_swsd+D1=?width=632&height=1368&preview=x", exampleMe, strings.NewReader("bytes"), 5)
	if resp.StatusCode != 201 {
		s.h.t.Fatalf("upload: %s", resp.Status)
	}
}

// triggers has each notification sent to somebody.
var triggers = map[string]func(s *scene) (hears *peer){
	"NotificationAddMemberToConversation": func(s *scene) *peer { return s.other },
	"NotificationAddedMessageToConversation": func(s *scene) *peer {
		return s.other // the event that he was added
	},
	"NotificationNewSessionKey": func(s *scene) *peer {
		s.me.want("ResponseAddedSessionKey", "RequestAddNewSessionKeys", m{
			"conversationUuid": s.conv, "sessionKeys": []m{s.me.value(s.me.user), s.me.value(exampleOther)},
		})
		return s.other
	},
	"NotificationConversationDeleted": func(s *scene) *peer {
		s.me.ok("RequestDeleteConversation", m{"conversationUuid": s.conv})
		return s.other
	},
	"NotificationConversationLeaved": func(s *scene) *peer {
		s.me.ok("RequestKickUser", m{"conversationUuid": s.conv, "userId": exampleOther})
		return s.other
	},
	"UpdatedMessageNotification": func(s *scene) *peer {
		s.mine(number(1))
		s.other.ok("RequestMarkAllReaded", m{"conversationUuid": s.conv})
		return s.me
	},
	"DeleteMessageNotification": func(s *scene) *peer {
		s.mine(number(1))
		s.me.ok("RequestDeleteMessage", m{"conversationUuid": s.conv, "uuid": number(1)})
		return s.other
	},
	"FileReadyNotification": func(s *scene) *peer {
		s.in = map[string]any{"messageUuid": number(1)}
		s.withFile()
		return s.other
	},
	"AuthenticationByApplicationNotification": func(s *scene) *peer {
		more := s.h.connect()
		more.ok("RequestRegisterApplication", m{"applicationType": "android", "openUserId": "+35794048714", "userId": exampleMe, "uuid": "second"})
		s.in = map[string]any{}
		s.code(purposeRegister, "smsCode")
		more.ok("RequestConfirmRegistration", m{"smsCode": s.in["smsCode"], "userId": exampleMe, "uuid": "second"})
		more.ok("RequestAuthenticationByApplication", m{"userId": exampleMe, "uuid": "second"})
		more.ok("RequestUpdateDeviceTokenByApplication", m{"token": "t", "userId": exampleMe, "uuid": "second"})
		return s.me
	},
	"NotificationNewPublicKey": func(s *scene) *peer {
		s.h.user(examplePhone, false)
		newcomer := s.h.join(examplePhone)
		s.me.ok("UpdateContact", m{"contact": m{"contactId": examplePhone, "contactIdEncrypted": "e"}, "userId": exampleMe})
		newcomer.ok("RequestAddUserKeys", m{"metaDataKeyEncryptedBase64": "m", "nick": "n", "privateKeyEncryptedBase64": "p", "publicKeyBase64": "k"})
		return s.me
	},
	"UpdateContactNotification": func(s *scene) *peer {
		second := s.h.second(exampleMe)
		s.me.ok("UpdateContact", m{"contact": m{"contactId": examplePhone, "contactIdEncrypted": "e"}, "userId": exampleMe})
		return second
	},
	"ConversationAvatarChangedNotification": func(s *scene) *peer {
		s.h.http("PUT", "/avatar/conversation_"+s.conv, exampleMe, strings.NewReader("bytes"), 5)
		return s.other
	},
	"NotificationRenameConversation": func(s *scene) *peer {
		s.me.ok("RequestRenameConversation", m{"conversationUuid": s.conv, "title": "t"})
		return s.other
	},
	"ConversationNickUpdatedNotification": func(s *scene) *peer {
		s.me.ok("UpdateMemberNick", m{"conversationUuid": s.conv, "nickEncrypted": "t", "userId": exampleMe})
		return s.other
	},
	"NotificationTyping": func(s *scene) *peer {
		s.other.told("NotificationAddedMessageToConversation") // signals are for who listens already
		s.me.ok("RequestTyping", m{"conversationUuid": s.conv})
		return s.other
	},
}

// second connects another application of a user.
func (h *house) second(userID string) *peer {
	h.t.Helper()
	if _, err := enroll(h.r, false, "+35794048714", "second"); err != nil {
		h.t.Fatal(err)
	}
	p := h.connect()
	p.user = userID
	p.ok("RequestAuthenticationByApplication", m{"userId": userID, "uuid": "second"})
	return p
}

func TestExamples_Notifications(t *testing.T) {
	seen := map[string]bool{}
	for _, x := range examples(t) {
		if x.Notification == "" {
			continue
		}
		seen[x.Notification] = true
		t.Run(x.Notification, func(t *testing.T) {
			s := &scene{h: build(t, Options{}, relay.Options{}, io.Discard), conv: number(100), key: exampleKey}
			for _, id := range []string{exampleMe, exampleOther, exampleThird} {
				s.h.user(id, true)
			}
			s.me, s.other = s.h.join(exampleMe), s.h.join(exampleOther)
			s.me.create(s.conv, s.key, false, []string{exampleThird}, []string{exampleOther})
			got := triggers[x.Notification](s).told(x.Notification)
			sameShape(t, x.Notification, decodeAny(t, got), decodeAny(t, x.Body))
		})
	}
	if len(seen) != 15 {
		t.Errorf("%d notifications, want 15", len(seen))
	}
}
