package wire

import (
	"sync/atomic"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// Who wrote on a connection before is known there, and is asked all the same:
// nobody writes with a token that was taken from him, or as somebody else.
func TestWrite_KnownOnItsConnection(t *testing.T) {
	var ran atomic.Int64
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{}, Row("POST /who", User, Write(func(c *Call, tx *relay.Tx, in toyIn) (string, error) {
		ran.Add(1)
		return c.Who.Account.String(), nil
	}), ""))
	ann, bob := ty.account("anns"), ty.account("bobs")
	c := ty.call(ty.tcp)
	write := func(token string, status int, who relay.ID) {
		t.Helper()
		resp := ty.on(c, "/who", `{"token":"`+token+`","text":"x"}`)
		got := text(t, resp)
		if resp.StatusCode != status || status == 200 && got != who.String() {
			t.Errorf("with %q: %d %q, want %d as %v", token, resp.StatusCode, got, status, who)
		}
	}
	write("anns", 200, ann)
	write("anns", 200, ann)
	write("bobs", 200, bob)
	write("anns", 200, ann)
	write("nobodys", 401, relay.ID{})
	write("anns", 200, ann)
	relaytest.Update(t, ty.r, func(tx *relay.Tx) error { return tx.Revoke("anns") })
	before := ran.Load()
	write("anns", 401, relay.ID{})
	write("anns", 401, relay.ID{})
	write("bobs", 200, bob)
	if n := ran.Load() - before; n != 1 {
		t.Errorf("%d handlers ran, want Bob's alone", n)
	}
}
