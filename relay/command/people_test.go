package command_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A person is somebody with a client of one family. All of them do the same
// things, each over its own protocol and a socket of its own.
type person interface {
	self() *client
	move(t testing.TB, r *running)       // goes on at another relay over the same state
	join(r *running)                     // registers
	id() string                          // as the family shows it
	hex() string                         // the core id, to be found by whoever
	listen()                             // opens what is told live
	write(to person, body string)        // sends a direct message
	hear(from person, body string)       // waits until it is told of it
	read(with person) []string           // what is held, oldest first
	gather(with person) string           // makes a room with somebody, and returns its id as shown here
	room() string                        // the id of the only room one is in
	post(room, body string)              // writes to it
	catch(room, body string)             // waits until it is told of a message there
	posted(room string) []string         // what it holds, oldest first
	seal(body string) string             // the body as its client may send it
	shows(body string, by person) string // a body as it shows it
	block(who person)                    // takes nothing from somebody any more; not with SecBot
}

// deadline is how long anything may take before it counts as missing.
const deadline = 15 * time.Second

// A client is what the clients of all families have.
type client struct {
	t    testing.TB
	r    *running
	who  string // the core id
	conn *websocket.Conn
	got  []map[string]any // frames not asked for yet
	n    int
}

var joined atomic.Int64

func (c *client) move(t testing.TB, r *running)      { c.t, c.r = t, r }
func (c *client) self() *client                      { return c }
func (c *client) hex() string                        { return c.who }
func (c *client) seal(body string) string            { return body }
func (c *client) shows(body string, _ person) string { return body }

// ask sends a request and decodes its answer, which must be of that status.
func (c *client) ask(method, path, token string, status int, in any) (out map[string]any) {
	c.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			c.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	q, err := http.NewRequest(method, c.r.url+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if answer.StatusCode != status {
		c.t.Fatalf("%s %s: %d %s; want %d", method, path, answer.StatusCode, text, status)
	}
	if len(text) > 0 && text[0] == '[' {
		text = []byte(`{"list":` + string(text) + `}`)
	}
	_ = json.Unmarshal(text, &out) // not all answers are objects
	return out
}

func (c *client) dial(path string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.r.url, "http")+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	conn.SetReadLimit(1 << 20)
	c.conn, c.got = conn, nil
	c.t.Cleanup(func() { conn.CloseNow() })
}

func (c *client) say(v any) {
	c.t.Helper()
	text, ok := v.(string)
	if !ok {
		b, err := json.Marshal(v)
		if err != nil {
			c.t.Fatal(err)
		}
		text = string(b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := c.conn.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next frame; what is no JSON object is under "text".
func (c *client) next() map[string]any {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	_, b, err := c.conn.Read(ctx)
	if err != nil {
		c.t.Fatalf("nothing more came: %v; before: %v", err, c.got)
	}
	var frame map[string]any
	if json.Unmarshal(b, &frame) != nil {
		frame = map[string]any{"text": string(b)}
	}
	return frame
}

// until returns the first frame that is wanted, of those kept and those to come.
func (c *client) until(want func(map[string]any) bool) map[string]any {
	c.t.Helper()
	if i := slices.IndexFunc(c.got, want); i >= 0 {
		frame := c.got[i]
		c.got = slices.Delete(c.got, i, i+1)
		return frame
	}
	for {
		frame := c.next()
		if want(frame) {
			return frame
		}
		c.got = append(c.got, frame)
	}
}

// at walks into a frame: objects by name, lists by number.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func list(v any, path ...any) []any {
	l, _ := at(v, path...).([]any)
	return l
}

func str(v any, path ...any) string {
	s, _ := at(v, path...).(string)
	return s
}

// A mailer uses SecBot.
type mailer struct {
	client
	token string
}

func (p *mailer) id() string { return p.who }

func (p *mailer) join(r *running) {
	p.r = r
	u := r.register()
	p.who, p.token = u.ID, u.Token
}

func (p *mailer) listen() {}

func (p *mailer) write(to person, body string) {
	p.t.Helper()
	p.ask("POST", "/postmsg", "", 200, map[string]any{
		"object": "SendMessage", "fromUserId": p.who, "authToken": p.token, "toId": to.id(), "encContent": body})
}

func (p *mailer) hear(from person, body string) {
	p.t.Helper()
	if slices.Contains(p.read(from), body) {
		return
	}
	p.ask("POST", "/longpoll", "", 200, map[string]any{
		"object": "PollGroups", "userId": p.who, "authToken": p.token, "groupIds": []string{p.who}, "lastMessageTimestamp": 0})
	if got := p.read(from); !slices.Contains(got, body) {
		p.t.Fatalf("the mailbox has %q, want %q", got, body)
	}
}

func (p *mailer) read(with person) (bodies []string) {
	p.t.Helper()
	got := p.ask("POST", "/receive", "", 200, map[string]any{"object": "User", "userId": p.who, "authToken": p.token, "lastMessageTimestamp": 0})
	for _, m := range list(got, "messages") {
		if str(m, "fromUserId") == with.hex() {
			bodies = append(bodies, str(m, "encContent"))
		}
	}
	return bodies
}

func (p *mailer) block(person) { p.t.Skip("nobody blocks here") }

func (p *mailer) gather(person) string {
	p.t.Helper()
	return str(p.ask("POST", "/register2", "", 200, map[string]any{"object": "User", "userId": p.who, "authToken": p.token}), "groupId")
}

func (p *mailer) room() string {
	p.t.Helper()
	got := p.ask("POST", "/receive", "", 200, map[string]any{"object": "User", "userId": p.who, "authToken": p.token, "lastMessageTimestamp": 0})
	if str(got, "groupInvites", 0, "algorithm") != "none" {
		p.t.Fatalf("no invite: %v", got)
	}
	return str(got, "groupInvites", 0, "groupId")
}

func (p *mailer) post(room, body string) {
	p.t.Helper()
	p.ask("POST", "/postgroup", "", 200, map[string]any{"object": "SendMessage", "fromUserId": p.who, "authToken": p.token, "toId": room, "encContent": body})
}

func (p *mailer) catch(room, body string) {
	p.t.Helper()
	if slices.Contains(p.posted(room), body) {
		return
	}
	p.ask("POST", "/longpoll", "", 200, map[string]any{
		"object": "PollGroups", "userId": p.who, "authToken": p.token, "groupIds": []string{room}, "lastMessageTimestamp": 0})
	if got := p.posted(room); !slices.Contains(got, body) {
		p.t.Fatalf("the room has %q, want %q", got, body)
	}
}

func (p *mailer) posted(room string) (bodies []string) {
	p.t.Helper()
	got := p.ask("POST", "/pollgroup", "", 200, map[string]any{"object": "PollGroup", "userId": p.who, "authToken": p.token, "groupId": room, "lastMessageTimestamp": 0})
	for _, m := range list(got, "messages") {
		bodies = append(bodies, str(m, "encContent"))
	}
	return bodies
}

// A samaUser uses SAMA.
type samaUser struct {
	client
	name string
	own  string // id
}

func (p *samaUser) id() string { return p.own }

func (p *samaUser) do(op string, params any) map[string]any {
	p.t.Helper()
	p.n++
	id := fmt.Sprint(p.n)
	p.say(map[string]any{"request": map[string]any{op: params, "id": id}})
	answer := p.until(func(f map[string]any) bool { return str(f, "response", "id") == id })
	if at(answer, "response", "error") != nil {
		p.t.Fatalf("%s: %v", op, answer)
	}
	return answer
}

func (p *samaUser) join(r *running) {
	p.r, p.name = r, fmt.Sprintf("sama%d", joined.Add(1))
	p.dial("/sama")
	made := p.do("user_create", map[string]any{"login": p.name, "password": "secret"})
	p.own = str(made, "response", "user", "_id")
	p.who = findHex(p.t, r, "sama", p.name)
}

func (p *samaUser) listen() {
	p.t.Helper()
	p.dial("/sama")
	p.do("user_login", map[string]any{"login": p.name, "password": "secret", "device_id": "d"})
}

func (p *samaUser) dialog(with person) string {
	p.t.Helper()
	made := p.do("conversation_create", map[string]any{"type": "u", "participants": []string{with.hex()[:24]}})
	return str(made, "response", "conversation", "_id")
}

func (p *samaUser) write(to person, body string) {
	p.t.Helper()
	p.post(p.dialog(to), body)
}

func (p *samaUser) hear(from person, body string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		return str(f, "message", "from") == from.hex()[:24] && str(f, "message", "body") == body
	})
}

func (p *samaUser) read(with person) (bodies []string) {
	p.t.Helper()
	for _, cv := range list(p.do("conversation_list", map[string]any{}), "response", "conversations") {
		if str(cv, "type") != "u" || str(cv, "opponent_id") != with.hex()[:24] && str(cv, "owner_id") != with.hex()[:24] {
			continue
		}
		for _, m := range list(p.do("message_list", map[string]any{"cid": str(cv, "_id")}), "response", "messages") {
			bodies = append(bodies, str(m, "body"))
		}
	}
	slices.Reverse(bodies)
	return bodies
}

func (p *samaUser) block(who person) {
	p.do("block_user", map[string]any{"ids": []string{who.hex()[:24]}})
}

func (p *samaUser) gather(with person) string {
	p.t.Helper()
	made := p.do("conversation_create", map[string]any{"type": "g", "name": "room", "participants": []string{with.hex()[:24]}})
	return str(made, "response", "conversation", "_id")
}

func (p *samaUser) room() string {
	p.t.Helper()
	got := p.do("conversation_list", map[string]any{})
	if str(got, "response", "conversations", 0, "type") != "g" {
		p.t.Fatalf("no group: %v", got)
	}
	return str(got, "response", "conversations", 0, "_id")
}

func (p *samaUser) post(room, body string) {
	p.t.Helper()
	p.n++
	id := fmt.Sprint("m", p.n)
	p.say(map[string]any{"message": map[string]any{"id": id, "cid": room, "body": body}})
	if f := p.until(func(f map[string]any) bool { return str(f, "ack", "mid") == id || str(f, "message", "id") == id }); at(f, "ack") == nil {
		p.t.Fatalf("message: %v", f)
	}
}

func (p *samaUser) catch(room, body string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		return str(f, "message", "cid") == room && str(f, "message", "body") == body
	})
}

func (p *samaUser) posted(room string) (bodies []string) {
	p.t.Helper()
	for _, m := range list(p.do("message_list", map[string]any{"cid": room}), "response", "messages") {
		bodies = append(bodies, str(m, "body"))
	}
	slices.Reverse(bodies)
	return bodies
}

// A dishisUser uses DishIs.
type dishisUser struct {
	client
	own, token string
}

func (p *dishisUser) id() string { return p.own }

// seal wraps a body as this API wants it.
func (p *dishisUser) seal(body string) string {
	b, _ := json.Marshal(map[string]string{"message": body, "key": "k", "iv": "i"})
	return string(b)
}

// shows wraps what came without a wrapper; the nonce goes where the iv is.
func (p *dishisUser) shows(body string, by person) string {
	iv := ""
	switch by.(type) {
	case *dishisUser:
		return body
	case *chatalotUser:
		iv = "nonce"
	case *jeticoUser:
		iv = "aXY="
	}
	b, _ := json.Marshal(body)
	return fmt.Sprintf(`{"message":%s,"key":"","iv":"%s"}`, b, iv)
}

func (p *dishisUser) join(r *running) {
	p.r = r
	name := fmt.Sprintf("dishis%d", joined.Add(1))
	got := p.ask("POST", "/dishis/api/users/register", "", 201, map[string]any{"username": name, "deviceId": "phone", "publicKey": "k"})
	p.own, p.token = str(got, "data", "userId"), str(got, "data", "authToken")
	p.who = findHex(p.t, r, "dishis", name)
}

func (p *dishisUser) listen() {
	p.t.Helper()
	p.dial("/dishis/socket.io/?EIO=4&transport=websocket")
	p.next()
	p.say(fmt.Sprintf(`40{"userId":%q,"token":%q}`, p.own, p.token))
	p.until(func(f map[string]any) bool { return strings.HasPrefix(str(f, "text"), "40{") })
}

func (p *dishisUser) write(to person, body string) {
	p.t.Helper()
	p.ask("POST", "/dishis/api/messages/send", p.token, 201, map[string]any{"recipientId": to.hex()[:24], "encryptedContent": body, "type": "text"})
}

func (p *dishisUser) hear(from person, body string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		text := str(f, "text")
		return strings.HasPrefix(text, `42["new_message"`) && strings.Contains(text, from.hex()[:24])
	})
	if got := p.read(from); !slices.Contains(got, body) {
		p.t.Fatalf("the history has %q, want %q", got, body)
	}
}

func (p *dishisUser) read(with person) (bodies []string) {
	p.t.Helper()
	for _, m := range list(p.ask("GET", "/dishis/api/messages/"+p.own+"/"+with.hex()[:24], p.token, 200, nil), "data") {
		bodies = append(bodies, str(m, "content"))
	}
	slices.Reverse(bodies)
	return bodies
}

func (p *dishisUser) block(who person) {
	p.t.Helper()
	p.ask("POST", "/dishis/api/users/block", p.token, 200, map[string]any{"userId": p.own, "blockedUserId": who.hex()[:24]})
}

func (p *dishisUser) gather(with person) string {
	p.t.Helper()
	made := p.ask("POST", "/dishis/api/groups/create", p.token, 201, map[string]any{"name": "room", "members": []string{with.hex()[:24]}})
	return str(made, "data", "groupId")
}

func (p *dishisUser) room() string {
	p.t.Helper()
	return str(p.ask("GET", "/dishis/api/groups/user/"+p.own, p.token, 200, nil), "data", 0, "groupId")
}

func (p *dishisUser) post(room, body string) {
	p.t.Helper()
	p.ask("POST", "/dishis/api/group-messages/send", p.token, 201, map[string]any{"groupId": room, "encryptedContent": body, "type": "text"})
}

func (p *dishisUser) catch(room, body string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		text := str(f, "text")
		return strings.HasPrefix(text, `42["new_group_message"`) && strings.Contains(text, room)
	})
	if got := p.posted(room); !slices.Contains(got, body) {
		p.t.Fatalf("the group has %q, want %q", got, body)
	}
}

func (p *dishisUser) posted(room string) (bodies []string) {
	p.t.Helper()
	for _, m := range list(p.ask("GET", "/dishis/api/group-messages/"+room, p.token, 200, nil), "data") {
		bodies = append(bodies, str(m, "content"))
	}
	slices.Reverse(bodies)
	return bodies
}

// A jeticoUser uses Jetico Messenger.
type jeticoUser struct {
	client
	own, app, phone string
	keyed           bool
	dialogs         map[string]string // by the other's id
	keys            map[string]string // of the dialogs
}

func (p *jeticoUser) id() string { return p.who } // its own never leaves it

func (p *jeticoUser) do(op string, params map[string]any) map[string]any {
	p.t.Helper()
	p.n++
	p.say(map[string]any{op: params, "id": p.n})
	answer := p.until(func(f map[string]any) bool { return at(f, "id") == float64(p.n) })
	if str(answer, "ResponseStatusMessage", "status") == "error" {
		p.t.Fatalf("%s: %v", op, answer)
	}
	return answer
}

var codeLine = regexp.MustCompile(`(?m)^jetico .*"(\+\d+)" +(\d{6})`)

func (p *jeticoUser) join(r *running) {
	p.r, p.dialogs, p.keys = r, map[string]string{}, map[string]string{}
	phone := fmt.Sprintf("+155500%05d", joined.Add(1))
	sum := sha256.Sum256([]byte(phone))
	p.own, p.app, p.phone = base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(sum[:16]), phone
	p.dial("/jetico/ws")
	p.register(r)
	p.who = findHex(p.t, r, "jetico", p.own)
}

// register shows by a code that the application is the phone's owner's.
func (p *jeticoUser) register(r *running) {
	p.t.Helper()
	p.do("RequestRegisterApplication", map[string]any{"applicationType": "android", "openUserId": p.phone, "userId": p.own, "uuid": p.app})
	for _, m := range codeLine.FindAllStringSubmatch(must(p.t, "codes", "--state", r.state), -1) {
		if m[1] == p.phone {
			p.do("RequestConfirmRegistration", map[string]any{"smsCode": m[2], "userId": p.own, "uuid": p.app})
		}
	}
}

func (p *jeticoUser) listen() {
	p.t.Helper()
	p.dial("/jetico/ws")
	p.do("RequestAuthenticationByApplication", map[string]any{"userId": p.own, "uuid": p.app})
	if !p.keyed { // who has no key is written to by nobody
		p.do("RequestAddUserKeys", map[string]any{"metaDataKeyEncryptedBase64": "m", "nick": "n", "privateKeyEncryptedBase64": "p", "publicKeyBase64": "k"})
		p.keyed = true
	}
}

// named is how a person of whatever family is called here.
func (p *jeticoUser) named(who person) string {
	if j, ok := who.(*jeticoUser); ok {
		return j.own
	}
	return who.hex()
}

// dialog returns the dialog with somebody, and the key its messages name.
func (p *jeticoUser) dialog(with person) (uuid, key string) {
	p.t.Helper()
	if uuid, ok := p.dialogs[with.hex()]; ok {
		return uuid, p.keys[uuid]
	}
	made := p.do("RequestCreateConversationFull", map[string]any{
		"admins": map[string]any{}, "members": map[string]any{p.named(with): "k"}, "isDialog": true, "nickEncrypted": "n",
		"conversationUuid": p.uuid(), "sessionKeyUuid": p.uuid(),
		"sessionKeyValue": map[string]any{"keyEncryptedBase64": "k", "signatureBase64": "s", "signerKeyPairUuid": p.uuid(), "signerUserId": p.own, "userId": p.own},
	})
	cv := at(made, "ResponseCreateConversation", "conversation")
	p.note(with, cv)
	return str(cv, "uuid"), str(cv, "sessionKeyUuid")
}

// note remembers a dialog and its key.
func (p *jeticoUser) note(with person, cv any) {
	uuid := or(str(cv, "conversationUuid"), str(cv, "uuid"))
	p.dialogs[with.hex()] = uuid
	if key := str(cv, "sessionKeyUuid"); p.keys[uuid] == "" || !strings.HasPrefix(key, "00000000") { // which others' messages have
		p.keys[uuid] = key
	}
}

func (p *jeticoUser) uuid() string {
	p.n++
	return fmt.Sprintf("%s-0000-4000-8000-%012d", p.who[:8], p.n)
}

func (p *jeticoUser) write(to person, body string) {
	p.t.Helper()
	cv, key := p.dialog(to)
	p.do("RequestAddMessage", map[string]any{"bodyEncryptedBase64": body, "conversationUuid": cv, "hasFiles": false,
		"ivBase64": "aXY=", "messageUuid": p.uuid(), "sessionKeyUuid": key})
}

func (p *jeticoUser) hear(from person, body string) {
	p.t.Helper()
	f := p.until(func(f map[string]any) bool {
		return str(f, "NotificationAddedMessageToConversation", "message", "bodyEncryptedBase64") == body
	})
	p.note(from, at(f, "NotificationAddedMessageToConversation", "message"))
}

func (p *jeticoUser) read(with person) []string {
	p.t.Helper()
	return p.posted(p.dialogs[with.hex()])
}

func (p *jeticoUser) block(who person) {
	p.t.Helper()
	p.do("AddBlackList", map[string]any{"userId": p.named(who)})
}

func (p *jeticoUser) gather(with person) string {
	p.t.Helper()
	made := p.do("RequestCreateConversationFull", map[string]any{
		"admins": map[string]any{}, "members": map[string]any{p.named(with): "k"}, "isDialog": false, "nickEncrypted": "n", "title": "room",
		"conversationUuid": p.uuid(), "sessionKeyUuid": p.uuid(),
		"sessionKeyValue": map[string]any{"keyEncryptedBase64": "k", "signatureBase64": "s", "signerKeyPairUuid": p.uuid(), "signerUserId": p.own, "userId": p.own},
	})
	cv := at(made, "ResponseCreateConversation", "conversation")
	p.note(p, cv)
	return str(cv, "uuid")
}

func (p *jeticoUser) room() string {
	p.t.Helper()
	got := p.do("RequestGetConversationsFull", map[string]any{})
	for op := range got {
		for _, cv := range list(got, op, "conversations") {
			if id := or(str(cv, "uuid"), str(cv, "conversation", "uuid")); id != "" {
				p.keys[id] = or(str(cv, "sessionKeyUuid"), str(cv, "conversation", "sessionKeyUuid"))
				return id
			}
		}
	}
	p.t.Fatalf("no conversation: %v", got)
	return ""
}

func (p *jeticoUser) post(room, body string) {
	p.t.Helper()
	p.do("RequestAddMessage", map[string]any{"bodyEncryptedBase64": body, "conversationUuid": room, "hasFiles": false,
		"ivBase64": "aXY=", "messageUuid": p.uuid(), "sessionKeyUuid": or(p.keys[room], "00000000-0000-0000-0000-000000000000")})
}

func (p *jeticoUser) catch(room, body string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		m := at(f, "NotificationAddedMessageToConversation", "message")
		return str(m, "conversationUuid") == room && str(m, "bodyEncryptedBase64") == body
	})
}

func (p *jeticoUser) posted(room string) (bodies []string) {
	p.t.Helper()
	got := p.do("RequestGetMessages", map[string]any{"conversationUuid": room, "fromMessageUuid": nil, "size": 50})
	for op := range got {
		for _, m := range list(got, op, "messages") {
			if body := str(m, "bodyEncryptedBase64"); body != "" {
				bodies = append(bodies, body)
			}
		}
	}
	slices.Reverse(bodies)
	return bodies
}

// A chatalotUser uses Chatalot.
type chatalotUser struct {
	client
	own, name, token string
}

func (p *chatalotUser) id() string { return p.own }

func (p *chatalotUser) join(r *running) {
	p.r, p.name = r, fmt.Sprintf("chatalot%d", joined.Add(1))
	pub, key, _ := ed25519.GenerateKey(nil)
	signed := make([]byte, 32)
	signed[0] = 9
	got := p.ask("POST", "/chatalot/api/auth/register", "", 200, map[string]any{
		"username": p.name, "email": p.name + "@example.com", "password": "SecureP@ss1", "display_name": p.name, "identity_key": ints(pub),
		"signed_prekey": map[string]any{"key_id": 1, "public_key": ints(signed), "signature": ints(ed25519.Sign(key, signed))}, "one_time_prekeys": []any{},
	})
	p.own, p.token = str(got, "user", "id"), str(got, "access_token")
	p.who = strings.ReplaceAll(p.own, "-", "")
	// An owner writes to whom he shares no community with.
	must(p.t, "account", "--state", r.state, "chatalot", p.name, "owner")
}

func ints(b []byte) []int {
	list := make([]int, len(b))
	for i, c := range b {
		list[i] = int(c)
	}
	return list
}

func (p *chatalotUser) listen() {
	p.t.Helper()
	p.dial("/chatalot/ws")
	p.say(map[string]any{"type": "authenticate", "token": p.token})
	p.until(func(f map[string]any) bool { return str(f, "type") == "authenticated" })
}

func uuidOf(id string) string {
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func (p *chatalotUser) write(to person, body string) {
	p.t.Helper()
	made := p.ask("POST", "/chatalot/api/dms", p.token, 200, map[string]any{"target_user_id": uuidOf(to.hex())})
	channel := or(str(made, "id"), str(made, "channel", "id"))
	p.say(map[string]any{"type": "send_message", "channel_id": channel, "ciphertext": ints([]byte(body)), "nonce": ints([]byte("nonce")), "message_type": "text"})
	if f := p.until(func(f map[string]any) bool { return str(f, "type") == "message_sent" || str(f, "type") == "error" }); str(f, "type") == "error" {
		p.t.Fatalf("send_message: %v", f)
	}
}

func (p *chatalotUser) hear(from person, body string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		return str(f, "type") == "new_message" && str(f, "sender_id") == uuidOf(from.hex()) && text(at(f, "ciphertext")) == body
	})
}

// text reads a list of integers as the bytes they are.
func text(v any) string {
	l, _ := v.([]any)
	b := make([]byte, len(l))
	for i, n := range l {
		f, _ := n.(float64)
		b[i] = byte(f)
	}
	return string(b)
}

func (p *chatalotUser) read(with person) (bodies []string) {
	p.t.Helper()
	for _, dm := range list(p.ask("GET", "/chatalot/api/dms", p.token, 200, nil), "list") {
		if str(dm, "other_user", "id") != uuidOf(with.hex()) {
			continue
		}
		channel := or(str(dm, "channel", "id"), str(dm, "id"))
		for _, m := range list(p.ask("GET", "/chatalot/api/channels/"+channel+"/messages", p.token, 200, nil), "list") {
			bodies = append(bodies, text(at(m, "ciphertext")))
		}
	}
	slices.Reverse(bodies)
	return bodies
}

func (p *chatalotUser) block(who person) {
	p.t.Helper()
	p.ask("POST", "/chatalot/api/users/block", p.token, 200, map[string]any{"user_id": uuidOf(who.hex())})
}

// gather has a room made by somebody who can be let in by another: here one goes
// in oneself, by an invite to a community that others have no door to.
func (p *chatalotUser) gather(person) string {
	p.t.Skip("nobody is let into a channel by another")
	return ""
}

func (p *chatalotUser) room() string {
	p.t.Helper()
	got := p.ask("GET", "/chatalot/api/channels", p.token, 200, nil)
	id := str(got, "list", 0, "id")
	if id == "" {
		p.t.Fatalf("no channel: %v", got)
	}
	p.say(map[string]any{"type": "subscribe", "channel_ids": []string{id}})
	p.say(map[string]any{"type": "ping", "timestamp": 77})
	p.until(func(f map[string]any) bool { return str(f, "type") == "pong" && at(f, "timestamp") == 77.0 })
	return id
}

func (p *chatalotUser) post(room, body string) {
	p.t.Helper()
	p.say(map[string]any{"type": "send_message", "channel_id": room, "ciphertext": ints([]byte(body)), "nonce": ints([]byte("nonce")), "message_type": "text"})
	if f := p.until(func(f map[string]any) bool { return str(f, "type") == "message_sent" || str(f, "type") == "error" }); str(f, "type") == "error" {
		p.t.Fatalf("send_message: %v", f)
	}
}

func (p *chatalotUser) catch(room, body string) {
	p.t.Helper()
	p.until(func(f map[string]any) bool {
		return str(f, "type") == "new_message" && str(f, "channel_id") == room && text(at(f, "ciphertext")) == body
	})
}

func (p *chatalotUser) posted(room string) (bodies []string) {
	p.t.Helper()
	for _, m := range list(p.ask("GET", "/chatalot/api/channels/"+room+"/messages", p.token, 200, nil), "list") {
		bodies = append(bodies, text(at(m, "ciphertext")))
	}
	slices.Reverse(bodies)
	return bodies
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func familyOf(p person) string {
	switch p.(type) {
	case *samaUser:
		return "sama"
	case *dishisUser:
		return "dishis"
	case *jeticoUser:
		return "jetico"
	case *chatalotUser:
		return "chatalot"
	}
	return "secbot"
}

// findHex asks the operator's program for the core id of an account.
func findHex(t testing.TB, r *running, family, name string) string {
	t.Helper()
	out := must(t, "account", "--state", r.state, family, name)
	for _, w := range strings.FieldsFunc(out, func(r rune) bool { return r == ' ' || r == ',' }) {
		if len(w) == 32 {
			return w
		}
	}
	t.Fatalf("no id in %q", out)
	return ""
}
