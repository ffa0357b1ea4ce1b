package chatalot

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A world is a community with a group and a channel, all its founder's; somebody
// in a role that is asked about; and a plain member to whom things are done.
type world struct {
	a                           *api
	r                           *relay.Relay
	h                           http.Handler
	community, group, channel   relay.ID
	founder, somebody, target   relay.ID
	token                       string
	message, note, hook, ballot uuid
}

// standings are everybody of the sheet's table, in its order, and a stranger.
var standings = []struct {
	name string
	rank string
	role relay.Role
	in   bool
}{
	{"instance owner", "owner", 0, false}, {"instance admin", "admin", 0, false}, {"owner", "", relay.RoleOwner, true},
	{"admin", "", relay.RoleAdmin, true}, {"moderator", "", relay.RoleModerator, true}, {"member", "", relay.RoleMember, true},
	{"stranger", "", 0, false},
}

func newWorld(t *testing.T, i int) *world {
	t.Helper()
	who := standings[i]
	w := &world{a: newAPI(Options{NoLimits: true}), r: relaytest.New(t, relay.Options{NoLimits: true})}
	f := Family(Options{NoLimits: true, Communities: "admin_only"})
	w.h = f.Handler(&wire.Service{Relay: w.r})
	for _, name := range []string{"founder", "target"} {
		if _, err := w.a.tokenFor(w.r, name, true); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if w.token, err = w.a.tokenFor(w.r, "somebody", true); err != nil {
		t.Fatal(err)
	}
	relaytest.Update(t, w.r, func(tx *relay.Tx) error {
		for name, id := range map[string]*relay.ID{"founder": &w.founder, "somebody": &w.somebody, "target": &w.target} {
			acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: name})
			if err != nil {
				return err
			}
			*id = acc.ID
			if name == "somebody" && who.rank != "" {
				p, err := profileOf(acc)
				if err != nil {
					return err
				}
				p.Admin, p.Owner = true, who.rank == "owner"
				if err := keep(tx, acc, p); err != nil {
					return err
				}
			}
		}
		return w.found(tx, who.role, who.in)
	})
	return w
}

// found makes the rooms and what is in them.
func (w *world) found(tx *relay.Tx, role relay.Role, in bool) error {
	seats := []relay.Seat{{Account: w.founder, Role: relay.RoleOwner}, {Account: w.target}}
	if in {
		seats = append(seats, relay.Seat{Account: w.somebody, Role: role})
	}
	open := func(d relay.RoomDraft, set roomSettings) (relay.Room, error) {
		set.Owner = w.founder
		d.By, d.Family, d.Settings = w.founder, family, set.bytes()
		return tx.OpenRoom(d)
	}
	top, err := open(relay.RoomDraft{Members: seats}, roomSettings{Kind: roomCommunity, Name: "c"})
	if err != nil {
		return err
	}
	group, err := open(relay.RoomDraft{Parent: top.ID, Within: true, Members: seats}, roomSettings{Kind: roomGroup, Name: "g"})
	if err != nil {
		return err
	}
	channel, err := open(relay.RoomDraft{Parent: group.ID, Inherit: true}, roomSettings{Kind: roomText, Name: "ch"})
	if err != nil {
		return err
	}
	w.community, w.group, w.channel = top.ID, group.ID, channel.ID
	if _, err := tx.SetRole(w.founder, channel.ID, w.founder, relay.RoleOwner); err != nil {
		return err
	}
	if in {
		if _, err := tx.SetRole(w.founder, channel.ID, w.somebody, role); err != nil {
			return err
		}
	}
	_, e, err := sendMessage(tx, w.target, posting{Channel: channel.ID, Kind: kindText, Body: []byte("m"), Nonce: []byte{0}})
	if err != nil {
		return err
	}
	w.message = messageID(e.ID)
	hook, ballot := newRecordID(tx), newRecordID(tx)
	w.hook, w.ballot = uuid(hook), uuid(ballot)
	return firstError(
		webhooks.Put(tx, hook, &webhook{Channel: channel.ID, Name: "h"}),
		polls.Put(tx, ballot, &poll{Channel: channel.ID, By: w.founder, Options: []string{"a", "b"}, Counts: []int{0, 0}}),
	)
}

// ask returns the status of an answer. Names in braces are ids of the world.
func (w *world) ask(row, body string) (status int, answer string) {
	method, path, _ := strings.Cut(row, " ")
	names := strings.NewReplacer("{c}", uuid(w.community).String(), "{g}", uuid(w.group).String(), "{ch}", uuid(w.channel).String(),
		"{t}", uuid(w.target).String(), "{m}", w.message.String(), "{w}", w.hook.String(), "{p}", w.ballot.String())
	q := httptest.NewRequest(method, "/api"+names.Replace(path), strings.NewReader(names.Replace(body)))
	q.Header.Set("Authorization", "Bearer "+w.token)
	got := httptest.NewRecorder()
	w.h.ServeHTTP(got, q)
	return got.Code, got.Body.String()
}

// The sheet's table of permissions (section 5), once more as what is answered:
// who may (y) gets anything but 403, everybody else 403. A question is asked so
// that it changes as little as it can; those that do away with something stand
// last.
func TestPermissions_Rows(t *testing.T) {
	const nobody = `"00000000-0000-4000-8000-000000000001"`
	rows := []struct{ row, body, may string }{
		{"GET /admin/users", "", "yy-----"},
		{"GET /admin/webhooks", "", "yy-----"},
		{"PUT /admin/users/{t}/admin", `{"is_admin":true}`, "y------"},
		{"POST /communities", `{"name":"new"}`, "yy-----"},
		{"GET /communities/{c}", "", "yyyyyy-"},
		{"GET /communities/{c}/members", "", "yyyyyy-"},
		{"GET /communities/{c}/emojis", "", "yyyyyy-"},
		{"PATCH /communities/{c}", `{}`, "yyyy---"},
		{"GET /communities/{c}/invites", "", "yyyy---"},
		{"POST /communities/{c}/invites", `{}`, "yyyy---"},
		{"DELETE /communities/{c}/invites/{t}", "", "yyyy---"},
		{"PUT /communities/{c}/members/{t}/nickname", `{"nickname":"n"}`, "yyyy---"},
		{"PUT /communities/{c}/members/{t}/role", `{"role":"member"}`, "yyyy---"},
		{"PUT /communities/{c}/members/{t}/role", `{"role":"admin"}`, "yyy----"},
		{"DELETE /communities/{c}/emojis/{t}", "", "yyyy---"},
		{"POST /communities/{c}/transfer-ownership", `{"new_owner_id":` + nobody + `}`, "yyy----"},
		{"GET /communities/{c}/bans", "", "yyyyy--"},
		{"DELETE /communities/{c}/bans/{t}", "", "yyyyy--"},
		{"POST /communities/{c}/channels/{ch}/timeout", `{"user_id":"{t}","duration_seconds":60}`, "yyyyy--"},
		{"DELETE /communities/{c}/channels/{ch}/timeout/{t}", "", "yyyyy--"},
		{"POST /communities/{c}/channels/{ch}/warn", `{"user_id":"{t}","reason":"r"}`, "yyyyy--"},
		{"GET /communities/{c}/channels/{ch}/warnings/{t}", "", "yyyyy--"},
		{"POST /groups", `{"name":"n","community_id":"{c}","visibility":"private"}`, "yyyy---"},
		{"POST /groups", `{"name":"n","community_id":"{c}","assigned_member_id":` + nobody + `}`, "yyyyy--"},
		{"GET /groups/{g}", "", "yyyyyy-"},
		{"GET /groups/{g}/members", "", "yyyyyy-"},
		{"GET /groups/{g}/channels", "", "yyyyyy-"},
		{"PATCH /groups/{g}", `{}`, "yyyy---"},
		{"GET /groups/{g}/invites", "", "yyyy---"},
		{"POST /groups/{g}/invites", `{}`, "yyyy---"},
		{"POST /groups/{g}/channels", `{"name":"n","channel_type":"text"}`, "yyyy---"},
		{"PATCH /groups/{g}/channels/{ch}", `{}`, "yyyy---"},
		{"POST /groups/{g}/transfer-ownership", `{"new_owner_id":` + nobody + `}`, "yyy----"},
		{"GET /channels/{ch}", "", "--yyyy-"},
		{"GET /channels/{ch}/messages", "", "--yyyy-"},
		{"GET /channels/{ch}/messages/search?q=mm", "", "--yyyy-"},
		{"GET /channels/{ch}/messages/{m}/history", "", "--yyyy-"},
		{"GET /channels/{ch}/threads/{m}", "", "--yyyy-"},
		{"GET /channels/{ch}/pins", "", "--yyyy-"},
		{"GET /channels/{ch}/members", "", "--yyyy-"},
		{"GET /channels/{ch}/read-cursors", "", "--yyyy-"},
		{"GET /channels/{ch}/sender-keys", "", "--yyyy-"},
		{"GET /channels/{ch}/polls", "", "--yyyy-"},
		{"GET /polls/{p}", "", "--yyyy-"},
		{"POST /polls/{p}/vote", `{"option_index":0}`, "--yyyy-"},
		{"POST /channels/{ch}/polls", `{"question":"q","options":["a","b"]}`, "--yyyy-"},
		{"POST /bookmarks/{m}", `{}`, "--yyyy-"},
		{"POST /messages/schedule", `{"channel_id":"{ch}","ciphertext":"x","nonce":"x","scheduled_for":"2001-01-01T00:00:00Z"}`, "--yyyy-"},
		{"POST /channels/{ch}/pins/{m}", `{}`, "yyyyy--"},
		{"DELETE /channels/{ch}/pins/{m}", "", "yyyyy--"},
		{"POST /channels/{ch}/webhooks", `{"name":"n"}`, "yyyy---"},
		{"GET /channels/{ch}/webhooks", "", "yyyy---"},
		{"PATCH /webhooks/{w}", `{}`, "yyyy---"},
		{"DELETE /webhooks/{w}", "", "yyyy---"},
		{"POST /polls/{p}/close", `{}`, "yyyy---"}, // of others
		{"PATCH /channels/{ch}", `{}`, "yyy----"},
		{"PATCH /channels/{ch}/members/{t}/role", `{"role":"member"}`, "yyy----"},
		{"POST /channels/{ch}/transfer-ownership", `{"new_owner_id":` + nobody + `}`, "yyy----"},
		{"POST /channels/{ch}/members/{t}/unban", `{}`, "yyyyy--"},
		{"POST /channels/{ch}/members/{t}/kick", `{}`, "yyyyy--"},
		{"POST /channels/{ch}/members/{t}/ban", `{}`, "yyyyy--"},
		{"DELETE /groups/{g}/channels/{ch}", "", "yyyy---"},
		{"DELETE /groups/{g}", "", "yyy----"},
		{"DELETE /communities/{c}/members/{t}", "", "yyyyy--"},
		{"POST /communities/{c}/bans/{t}", `{}`, "yyyyy--"},
		{"DELETE /communities/{c}", "", "yyy----"},
	}
	for i, who := range standings {
		t.Run(who.name, func(t *testing.T) {
			w := newWorld(t, i)
			for _, row := range rows {
				status, answer := w.ask(row.row, row.body)
				if may := row.may[i] == 'y'; may == (status == http.StatusForbidden) || status >= 500 || status == http.StatusUnauthorized {
					t.Errorf("%s %s: %d %s; may: %t", row.row, row.body, status, answer, may)
				}
			}
		})
	}
}

// Two who write to one another at the same time have one channel.
func TestOpenDM_AtOnce(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice, bob := person(t, r, "alice"), person(t, r, "bob")
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		set := roomSettings{Kind: roomCommunity, Name: "c"}
		_, err := tx.OpenRoom(relay.RoomDraft{By: alice.ID, Family: family, Settings: set.bytes(), Members: []relay.Seat{{Account: alice.ID}, {Account: bob.ID}}})
		return err
	})
	found := make(chan relay.ID, 20)
	for i := range cap(found) {
		from, to := alice.ID, bob.ID
		if i%2 == 1 {
			from, to = to, from
		}
		go func() {
			var id relay.ID
			err := r.Update(t.Context(), func(tx *relay.Tx) error {
				if err := mayWriteTo(tx, from, to); err != nil {
					return err
				}
				room, err := tx.DirectRoom(from, to)
				id = room.ID
				return err
			})
			if err != nil {
				t.Error(err)
			}
			found <- id
		}()
	}
	first := <-found
	for range cap(found) - 1 {
		if id := <-found; id != first {
			t.Errorf("another channel")
		}
	}
}

// An invite for three lets three in, however many come at once.
func TestInvite_AtOnce(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	community, owner, _ := newTown(t, r, 0, 0)
	var id relay.ID
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		p, err := communityAt(tx, owner, community)
		if err != nil {
			return err
		}
		three := 3
		out, err := makeInvite(tx, p, roomInviteIn{MaxUses: &three})
		id = out.ID.id()
		return err
	})
	in := make(chan bool, 12)
	for range cap(in) {
		go func() {
			err := r.Update(t.Context(), func(tx *relay.Tx) error {
				i, _, err := roomInvites.Get(tx, id)
				if err != nil {
					return err
				}
				if err := i.good(tx); err != nil {
					return err
				}
				return i.spend(tx, id)
			})
			in <- err == nil
		}()
	}
	n := 0
	for range cap(in) {
		if <-in {
			n++
		}
	}
	if n != 3 {
		t.Errorf("%d came in, want 3", n)
	}
}
