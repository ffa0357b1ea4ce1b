package sama

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// Any number of connections of one device live side by side, and each that asks
// is spared its own.
func TestSession_ManyOfOneDevice(t *testing.T) {
	h := build(t, Options{})
	alice, bob := h.enter("alice"), h.enter("bob")
	cid := alice.dialog(bob.id)
	tabs := []*client{alice, h.again(alice), h.again(alice), h.again(alice)}
	for i, tab := range tabs {
		body := string(rune('a' + i))
		tab.say(cid, body)
		for j, other := range append([]*client{bob}, tabs...) {
			if j == i+1 {
				continue
			}
			if got := other.event("message"); got["body"] != body {
				t.Errorf("connection %d got %v, want %s", j, got, body)
			}
		}
	}
}

// Rebinding a connection to somebody else ends what was told to the first.
func TestSession_Rebind(t *testing.T) {
	h := build(t, Options{})
	alice, bob, carol := h.enter("alice"), h.enter("bob"), h.enter("carol")
	ab, bc := alice.dialog(bob.id), bob.dialog(carol.id)
	shared := h.again(alice)
	shared.token = carol.token
	shared.connect()
	bob.say(ab, "for alice")
	bob.say(bc, "for carol")
	if got := shared.event("message"); got["body"] != "for carol" {
		t.Errorf("got %v", got)
	}
	if got := alice.event("message"); got["body"] != "for alice" {
		t.Errorf("got %v", got)
	}
}

// A connection is tied to one session: another one of the same device, begun
// while nobody told it, is not its own.
func TestSession_AnotherOfTheSameDevice(t *testing.T) {
	h := build(t, Options{})
	alice := h.enter("alice")
	who := h.account(alice).ID
	a := &api{o: Options{}.withDefaults()}
	p, err := a.newPass(h.r, who, "alice")
	if err != nil {
		t.Fatal(err)
	}
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		if err := tx.DropDevice(who, "device"); err != nil {
			return err
		}
		return a.grant(tx, who, "device", "seed", p, "", "")
	})
	alice.send(map[string]any{"request": map[string]any{"list_blocked_users": map[string]any{}, "id": 1}})
	if e := alice.until("response"); e["error"] == nil {
		t.Errorf("got %v, want Unauthorized", e)
	}
	alice.token = p.access
	alice.connect()
	alice.ask("list_blocked_users", map[string]any{})
}

// An account that is deleted, or suspended, has no connections any more, whatever
// of it is still being removed.
func TestSession_OfNobodyAnyMore(t *testing.T) {
	h := build(t, Options{})
	for name, end := range map[string]func(relay.ID) error{
		"suspended": func(id relay.ID) error {
			return h.r.Update(t.Context(), func(tx *relay.Tx) error { return tx.Suspend(id) })
		},
		"removed": func(id relay.ID) error {
			return h.r.Update(t.Context(), func(tx *relay.Tx) error { return tx.RemoveAccount(id) })
		},
	} {
		alice := h.enter(name)
		if err := end(h.account(alice).ID); err != nil {
			t.Fatal(err)
		}
		alice.send(map[string]any{"request": map[string]any{"list_blocked_users": map[string]any{}, "id": 1}})
		if e, ok := alice.until("response")["error"].(map[string]any); !ok || e["status"] != 401.0 {
			t.Errorf("%s: got %v, want 401", name, e)
		}
	}
}

// Messages from everywhere to everybody, with connections that come and go: each
// client gets every message once and in order.
func TestSession_Crowd(t *testing.T) {
	h := build(t, Options{})
	const people, each = 6, 30
	crowd := make([]*client, people)
	for i := range crowd {
		crowd[i] = h.enter("user" + string(rune('0'+i)))
	}
	cid := crowd[0].group(crowd[1:]...)
	var all sync.WaitGroup
	for i, c := range crowd {
		all.Go(func() {
			for j := range each {
				c.say(cid, string(rune('A'+i))+strings.Repeat("i", j))
			}
		})
	}
	for range 10 {
		h.again(crowd[0]).conn.CloseNow()
	}
	all.Wait()
	for i, c := range crowd {
		last := ""
		for range (people - 1) * each {
			got := c.event("message")
			if id := got["_id"].(string); id <= last {
				t.Fatalf("%d got %s after %s", i, id, last)
			} else {
				last = id
			}
		}
	}
}

// What comes from another family arrives here in this API's form, and an answer
// goes back into its mailbox.
func TestCrossing_Mailbox(t *testing.T) {
	h := build(t, Options{})
	alice := h.enter("alice")
	var pi relay.Account
	relaytest.Update(t, h.r, func(tx *relay.Tx) (err error) {
		pi, err = tx.Register(relay.AccountDraft{Family: "secbot", Mailbox: true})
		return err
	})
	to := h.account(alice).ID
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		_, err := tx.Send(pi.ID, to, relay.Draft{Kind: "message", Body: []byte("from \xff cron"), Extra: []byte{0xa1, 1, 2}})
		return err
	})
	conv := alice.event("system_message")
	got := alice.event("message")
	if got["from"] != shown(pi.ID) || got["body"] != "ZnJvbSD/IGNyb24=" || got["cid"] != conv["_id"] || got["c_type"] != "u" {
		t.Errorf("got %v", got)
	}
	list := alice.ask("conversation_list", map[string]any{})["conversations"].([]any)
	if c := list[0].(map[string]any); len(list) != 1 || c["_id"] != conv["_id"] || c["unread_messages_count"] != 1.0 {
		t.Errorf("the list is %v", list)
	}
	users := alice.ask("get_participants_by_cids", map[string]any{"cids": []any{conv["_id"]}})["users"].([]any)
	if len(users) != 2 {
		t.Errorf("the participants are %v", users)
	}
	receipt := alice.say(conv["_id"].(string), "thanks")
	list = alice.ask("message_list", map[string]any{"cid": conv["_id"]})["messages"].([]any)
	if m := list[0].(map[string]any); len(list) != 2 || m["_id"] != receipt["server_mid"] {
		t.Errorf("the messages are %v, the receipt %v", list, receipt)
	}
	relaytest.View(t, h.r, func(tx *relay.Tx) error {
		held, err := tx.Since(relay.Messages, []relay.Reading{tx.Mailbox(pi.Box, 0)}, relay.Page{Entries: 10, Bytes: 1 << 20})
		if err != nil || len(held) != 1 || string(held[0].Body) != "thanks" || held[0].From != to {
			t.Errorf("the mailbox holds %v, %v", held, err)
		}
		return nil
	})
	if u := alice.ask("get_users_by_ids", map[string]any{"ids": []string{pi.ID.String()}})["users"].([]any); len(u) != 1 {
		t.Errorf("by its whole id: %v", u)
	}
}

// An open room is found by its whole id, read and written to.
func TestCrossing_OpenRoom(t *testing.T) {
	h := build(t, Options{})
	alice := h.enter("alice")
	var room relay.Room
	relaytest.Update(t, h.r, func(tx *relay.Tx) (err error) {
		room, err = tx.OpenRoom(relay.RoomDraft{Family: "secbot", Open: true})
		return err
	})
	cid := room.ID.String()
	alice.say(cid, "hello")
	list := alice.ask("message_list", map[string]any{"cid": cid})["messages"].([]any)
	if m := list[0].(map[string]any); len(list) != 1 || m["cid"] != cid || m["body"] != "hello" || m["c_type"] != "g" {
		t.Errorf("got %v", list)
	}
	alice.ask("message_read", map[string]any{"cid": cid})
	alice.send(map[string]any{"request": map[string]any{"conversation_delete": map[string]any{"id": cid}, "id": 1}})
	if e := alice.until("response"); e["error"] == nil {
		t.Errorf("left an open room: %v", e)
	}
}

// A room of another family is shown, written to and left, but ruled at home.
func TestCrossing_ForeignRoom(t *testing.T) {
	h := build(t, Options{})
	alice, bob := h.enter("alice"), h.enter("bob")
	a, b := h.account(alice).ID, h.account(bob).ID
	var room relay.Room
	relaytest.Update(t, h.r, func(tx *relay.Tx) (err error) {
		room, err = tx.OpenRoom(relay.RoomDraft{
			By: a, Family: "dishis", Settings: []byte("opaque"), Members: []relay.Seat{{Account: a, Role: relay.RoleOwner}, {Account: b}},
		})
		return err
	})
	created := bob.event("system_message")
	conv := created["x"].(map[string]any)["conversation_created"].(map[string]any)
	if conv["type"] != "g" || conv["name"] != room.ID.String()[:8] || conv["owner_id"] != alice.id {
		t.Errorf("got %v", conv)
	}
	cid := shown(room.ID)
	alice.say(cid, "hi")
	if got := bob.event("message"); got["body"] != "hi" {
		t.Errorf("got %v", got)
	}
	alice.send(map[string]any{"request": map[string]any{"conversation_update": map[string]any{"id": cid, "name": "mine"}, "id": 1}})
	if e := alice.until("response"); e["error"] == nil {
		t.Errorf("ruled a foreign room: %v", e)
	}
	alice.ask("conversation_delete", map[string]any{"id": cid})
	if got := bob.event("system_message"); got["x"].(map[string]any)["conversation_updated"] == nil {
		t.Errorf("got %v", got)
	}
}

// Events of the same name that others filled in their own way say nothing, and
// end no connection.
func TestCrossing_UnreadableEvents(t *testing.T) {
	h := build(t, Options{})
	alice, bob := h.enter("alice"), h.enter("bob")
	cid, a, b := alice.dialog(bob.id), h.account(alice), h.account(bob)
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		acc, err := roomOf(tx, a.ID, cid)
		if err != nil {
			return err
		}
		for _, box := range []relay.BoxID{acc.Room.Box, b.Box} {
			for _, kind := range []string{
				relay.EventEdited, relay.EventErased, relay.EventRead, relay.EventReacted, relay.EventUnreacted, relay.EventChanged,
				relay.EventJoined, relay.EventClosed, "own",
			} {
				if _, err := tx.Append(box, relay.Draft{Lane: relay.Events, Kind: kind, Extra: []byte("\xffnot ours")}); err != nil {
					return err
				}
			}
		}
		_, err = tx.Append(acc.Room.Box, relay.Draft{Kind: kindMessage, Extra: []byte("{not ours"), Body: []byte("b")})
		return err
	})
	if got := bob.event("message"); got["body"] != "b" || got["from"] != shown(relay.ID{}) {
		t.Errorf("got %v", got)
	}
	bob.ask("op_log_list", map[string]any{"created_at": map[string]any{"gt": 1}})
}

// Nothing that was sent is in the log, nor who sent it.
func TestSecrets_NotInLog(t *testing.T) {
	h := build(t, Options{})
	alice, bob := h.enter("alice-login"), h.enter("bob-login")
	cid := alice.dialog(bob.id)
	alice.say(cid, "the body of it")
	for _, params := range []map[string]any{{"login": "alice-login", "password": "pass-word", "device_id": "device-name"}} {
		alice.send(map[string]any{"request": map[string]any{"user_login": params, "id": 1}})
		alice.until("response")
	}
	resp, err := http.Post(h.url+"/login", "application/json", strings.NewReader(`{"login":"alice-login","password":"pass-word","device_id":"device-name"}`))
	if err != nil || resp.StatusCode != 401 {
		t.Fatal(resp, err)
	}
	h.clean("alice-login", alice.id, bob.id, cid, "the body of it", "pass-word", "device-name", alice.token)
}

// A message that is too large ends its connection, and no other.
func TestSession_TooLarge(t *testing.T) {
	h := build(t, Options{MaxPacket: 4096})
	alice, bob := h.enter("alice"), h.enter("bob")
	alice.send(map[string]any{"request": map[string]any{"ping": strings.Repeat("x", 8192)}})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, _, err := alice.conn.Read(ctx)
	if websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("got %v", err)
	}
	bob.ask("list_blocked_users", map[string]any{})
}

// Whoever is told of somebody's coming and going hears nothing else that rings
// at that one's box: packets for his own connections are his.
func TestSession_WatcherOverhearsNothing(t *testing.T) {
	h := build(t, Options{})
	alice, bob, eve := h.enter("alice"), h.enter("bob"), h.enter("eve")
	eve.ask("user_last_activity_subscribe", map[string]any{"id": alice.id})
	for _, to := range []*client{alice, eve} {
		bob.send(map[string]any{"system_message": map[string]any{"id": "s", "uids": []string{to.id}, "x": map[string]any{"for": to.login}}})
		bob.until("ask")
		if got := to.event("system_message")["x"].(map[string]any)["for"]; got != to.login {
			t.Errorf("%s was told what is for %v", to.login, got)
		}
	}
}

// An address book is not asked about all phones there are, and strangers not
// about all addresses.
func TestLookups_AreRationed(t *testing.T) {
	h := build(t, Options{})
	alice, stranger := h.enter("alice"), h.dial()
	h.svc.Rates = &wire.Rates{}
	refused := func(c *client, op string, params any) bool {
		t.Helper()
		c.send(map[string]any{"request": map[string]any{op: params, "id": "q"}})
		e, failed := c.until("response")["error"].(map[string]any)
		return failed && e["status"] == 429.0
	}
	lines := make([]map[string]any, 50)
	for i := range lines {
		lines[i] = map[string]any{"type": "t", "value": strings.Repeat("1", i+1)}
	}
	one := map[string]any{"first_name": "Bob", "phone": lines, "email": lines}
	batch := make([]map[string]any, 50)
	for i := range batch {
		batch[i] = one
	}
	for i := range 2 {
		if refused(alice, "contact_batch_add", map[string]any{"contacts": batch}) {
			t.Fatalf("batch %d is refused", i)
		}
	}
	if !refused(alice, "contact_batch_add", map[string]any{"contacts": batch}) || !refused(alice, "contact_add", one) {
		t.Error("more is looked up")
	}
	for i := range unknownAnHour {
		if refused(stranger, "user_send_otp", map[string]any{"email": strings.Repeat("x", i+1) + "@b.example"}) {
			t.Fatalf("address %d is refused", i)
		}
	}
	if !refused(stranger, "user_send_otp", map[string]any{"email": "y@b.example"}) {
		t.Error("more addresses are looked up")
	}
}

// Whoever has hidden a whole room from himself does not have it read through each
// time he asks for it.
func TestHistory_LooksAreBounded(t *testing.T) {
	h := build(t, Options{})
	alice, bob := h.enter("alice"), h.enter("bob")
	cid := alice.group(bob)
	first := alice.say(cid, "seen")["server_mid"]
	me := h.account(alice).ID
	const step = 1000
	hide := func() {
		relaytest.Update(t, h.r, func(tx *relay.Tx) error {
			acc, err := roomOf(tx, me, cid)
			for range step {
				var e relay.Entry
				if err == nil {
					e, err = tx.Append(acc.Room.Box, relay.Draft{Kind: kindMessage, From: me})
				}
				if err == nil {
					_, err = tx.SetMark(e.ID, relay.Hidden, me, "")
				}
			}
			return err
		})
	}
	list := func() []any { return alice.ask("message_list", map[string]any{"cid": cid})["messages"].([]any) }
	for n := 0; n+step < maxLooks; n += step {
		hide()
	}
	if got := list(); len(got) != 1 || got[0].(map[string]any)["_id"] != first {
		t.Errorf("within the bound: got %v", got)
	}
	hide()
	if got := list(); len(got) != 0 {
		t.Errorf("beyond it: got %v", got)
	}
}

// However many devices somebody logs in from who has stolen a password, another
// password ends them all.
func TestGrant_DevicesAreBounded(t *testing.T) {
	h := build(t, Options{})
	alice := h.enter("alice")
	who := h.account(alice).ID
	a := &api{o: Options{}.withDefaults()}
	count := func() (n int) {
		relaytest.View(t, h.r, func(tx *relay.Tx) error {
			devices, err := tx.Devices(who, 10*relay.StepKeys)
			n = len(devices)
			return err
		})
		return n
	}
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		for i := range 2 * relay.StepKeys {
			p := pass{access: fmt.Sprint("access ", i), refresh: fmt.Sprint("refresh ", i), expires: tx.Wall().Add(time.Hour)}
			if err := a.grant(tx, who, fmt.Sprint("device ", i), "seed", p, "", ""); err != nil {
				return err
			}
		}
		return nil
	})
	if n := count(); n != maxDevices {
		t.Errorf("%d devices are kept, want %d", n, maxDevices)
	}
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		last := fmt.Sprint("device ", 2*relay.StepKeys-1)
		if _, err := tx.Device(who, last); err != nil {
			t.Errorf("the last one is gone: %v", err)
		}
		return dropOthers(tx, relay.Caller{Account: who, Device: last})
	})
	if n := count(); n != 1 {
		t.Errorf("%d devices are left, want one", n)
	}
}
