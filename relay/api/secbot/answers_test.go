package secbot

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// paths are those that name a caller.
var paths = []string{"/register2", "/receive", "/connect", "/connect2", "/postmsg", "/groupinv", "/postgroup", "/pollgroup", "/pollgroups", "/longpoll"}

// whole is a request with every field that any path asks for.
func whole(u user, toUser, toGroup string) fields {
	to := toUser
	return u.as(u.from(fields{"toUserId": to, "toId": to, "groupId": toGroup, "groupIds": []string{toGroup},
		"protocol": "p", "algorithm": "a", "cryptoData": "c", "encContent": "c"}))
}

// dump returns an answer as it came over the wire, every byte of it.
func (h *house) dump(path string, in any) string {
	h.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		h.t.Fatal(err)
	}
	c := h.dial()
	defer c.Close()
	c.send(path, string(body), "Connection: close")
	got, err := io.ReadAll(c.in)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(got)
}

// Nobody can tell whether it was the user or the token that is wrong.
func TestUnauthorized_OneAnswer(t *testing.T) {
	h := build(t, plan{})
	alice, bob, removed, suspended := h.register(), h.register(), h.register(), h.register()
	g := h.group(alice)
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		gone, _ := relay.ParseID(removed.ID)
		out, _ := relay.ParseID(suspended.ID)
		if err := tx.RemoveAccount(gone); err != nil {
			return err
		}
		return tx.Suspend(out)
	})
	zeros, ones := strings.Repeat("0", 32), strings.Repeat("1", 64)
	for _, path := range paths {
		want := h.dump(path, whole(user{zeros, ones}, bob.ID, g))
		if !strings.HasPrefix(want, "HTTP/1.1 401 ") || !strings.HasSuffix(want, "\r\n\r\nunauthorized\n") {
			t.Fatalf("%s: %q", path, want)
		}
		for name, u := range map[string]user{
			"wrong token": {alice.ID, ones}, "another's token": {alice.ID, bob.Token}, "unknown user, good token": {zeros, alice.Token},
			"token in capitals": {alice.ID, strings.ToUpper(alice.Token)}, "id in capitals": {strings.ToUpper(alice.ID) + "", bob.Token},
			"token cut off": {alice.ID, alice.Token[:63]}, "token and more": {alice.ID, alice.Token + " "}, "no id": {"x", alice.Token},
			"removed": removed, "suspended": suspended, "long": {strings.Repeat("a", 5000), strings.Repeat("b", 5000)}, "a group": {g, alice.Token},
		} {
			if got := h.dump(path, whole(u, bob.ID, g)); got != want {
				t.Errorf("%s, %s:\ngot  %q\nwant %q", path, name, got, want)
			}
		}
	}
}

// Nobody can tell which of several ids was missing, or why.
func TestNotFound_OneAnswer(t *testing.T) {
	h := build(t, plan{})
	alice, bob, removed := h.register(), h.register(), h.register()
	g := h.group(alice)
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		gone, _ := relay.ParseID(removed.ID)
		return tx.RemoveAccount(gone)
	})
	unknown := strings.Repeat("0", 32)
	want := h.dump("/connect", whole(alice, unknown, g))
	if !strings.HasPrefix(want, "HTTP/1.1 404 ") {
		t.Fatalf("%q", want)
	}
	ids := []string{unknown, "x", removed.ID, strings.Repeat("f", 33), "\u00e9", strings.Repeat("x", 10_000)}
	for _, path := range []string{"/connect", "/connect2", "/postmsg"} {
		for _, id := range append(ids, g, strings.ToUpper(bob.ID)) {
			if got := h.dump(path, whole(alice, id, g)); got != want {
				t.Errorf("%s to %.40q: %q", path, id, got)
			}
		}
	}
	for _, id := range append(ids, bob.ID, strings.ToUpper(g)) {
		for _, in := range []fields{whole(alice, bob.ID, id), whole(alice, unknown, g), whole(alice, unknown, id)} {
			if got := h.dump("/groupinv", in); got != want {
				t.Errorf("/groupinv with %.40q: %q", id, got)
			}
		}
		in := whole(alice, bob.ID, id)
		in["toId"] = id
		in["groupIds"] = []string{g, id}
		for _, path := range []string{"/postgroup", "/pollgroup", "/pollgroups", "/longpoll"} {
			if got := h.dump(path, in); got != want {
				t.Errorf("%s of %.40q: %q", path, id, got)
			}
		}
	}
	if got := h.dump("/pollgroup", whole(alice, bob.ID, alice.ID)); got != want {
		t.Errorf("one's own mailbox is a group: %q", got)
	}
	if n := len(h.receive(bob, fields{})) + len(h.poll(alice, g, 0)); n != 0 {
		t.Errorf("%d entries were stored all the same", n)
	}
}

// An answer names neither software nor time, and nobody keeps or sniffs it.
func TestAnswers_Headers(t *testing.T) {
	h := build(t, plan{})
	alice := h.register()
	h.tell(alice, alice, "x")
	for _, test := range []struct{ path, kind string }{
		{"/receive", "application/json; charset=utf-8"}, {"/longpoll", "text/plain; charset=utf-8"}, {"/postmsg", ""},
		{"/connect", ""}, {"/groupinv", "text/plain; charset=utf-8"}, {"/nowhere", "text/plain; charset=utf-8"},
	} {
		in := whole(alice, alice.ID, alice.ID)
		a := h.ask(test.path, in)
		for name, want := range map[string]string{"Content-Type": test.kind, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Content-Length": fmt.Sprint(len(a.body)), "Date": "", "Server": ""} {
			if got := a.head.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", test.path, name, got, want)
			}
		}
	}
	req, err := http.NewRequest("GET", h.url+"/postmsg", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
		b, _ := httputil.DumpResponse(resp, true)
		t.Errorf("%s", b)
	}
}
