package secbot

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"restante/ratelimit"
	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

func (h *house) invite(uses int) (header string) {
	h.t.Helper()
	var code string
	relaytest.Update(h.t, h.r, func(tx *relay.Tx) (err error) {
		code, err = tx.NewInvite(uses, time.Hour)
		return err
	})
	return "Bearer " + code
}

// Strangers and the invited have lanes of their own: neither holds the other up.
func TestRegister_Lanes(t *testing.T) {
	const auth = "Authorization"
	rates := &wire.Rates{Newcomers: ratelimit.New(ratelimit.PerHour(1, 2), 1)}
	h := build(t, plan{rates: rates})
	code := h.invite(3)
	h.want(200, "/register", fields{}, auth, code)
	h.want(200, "/register", fields{})
	h.want(200, "/register", []byte("\xffno JSON"), auth, "Basic eDp5") // no invite: a stranger
	a := h.want(429, "/register", fields{})
	if n, err := strconv.Atoi(a.head.Get("Retry-After")); err != nil || n < 1 {
		t.Errorf("Retry-After: %q", a.head.Get("Retry-After"))
	}
	h.want(200, "/register", fields{}, auth, "bearer"+code[len("Bearer"):])
	h.want(200, "/register", fields{}, auth, code)
	for _, header := range []string{code, "Bearer ", "Bearer", "Bearer x", "bearer " + code} {
		h.want(403, "/register", fields{}, auth, header)
	}
	for _, test := range []struct {
		registration      string
		stranger, invited int
	}{{"open", 200, 200}, {"invite", 403, 200}, {"closed", 403, 403}} {
		t.Run(test.registration, func(t *testing.T) {
			h := build(t, plan{cfg: Config{Registration: test.registration}})
			code := h.invite(1)
			h.want(test.stranger, "/register", fields{})
			h.want(test.invited, "/register", fields{}, auth, code)
			h.want(403, "/register", fields{}, auth, code)
		})
	}
}

// An invite for three is good for three, however many come at once, and a
// failed registration uses none.
func TestRegister_InviteUsedUp(t *testing.T) {
	h := build(t, plan{cfg: Config{Registration: "invite"}})
	code := h.invite(3)
	none := func(int) fields { return fields{} }
	if got := h.concurrently(20, "/register", none, "Authorization", code); got[200] != 3 || got[403] != 17 {
		t.Error(got)
	}
}

// forgetUntil erases what is held up to a time, of one's own mailbox only, and
// makes room.
func TestReceive_ForgetUntil(t *testing.T) {
	h := build(t, plan{relay: relay.Options{BoxEntries: 5}})
	alice, bob := h.register(), h.register()
	g := h.group(alice)
	for i := range 5 {
		h.tell(alice, bob, fmt.Sprint(i))
		h.tell(bob, alice, "kept")
		h.say(bob, g, "kept")
	}
	full := alice.from(fields{"toId": bob.ID, "encContent": "x"})
	h.want(507, "/postmsg", full)
	held := h.receive(bob, fields{})
	if got := h.receive(bob, fields{"forgetUntil": held[0].Timestamp - 1}); len(got) != 5 {
		t.Fatalf("%d entries left, want 5", len(got))
	}
	h.want(507, "/postmsg", full)
	// Erased up to the third, answered after the fourth.
	got := h.receive(bob, fields{"forgetUntil": held[2].Timestamp, "lastMessageTimestamp": held[3].Timestamp})
	if len(got) != 1 || got[0] != held[4] {
		t.Fatalf("%+v", got)
	}
	if got := h.receive(bob, fields{}); len(got) != 2 || got[0] != held[3] {
		t.Fatalf("%+v", got)
	}
	for range 3 {
		h.want(200, "/postmsg", full)
	}
	h.want(507, "/postmsg", full)
	if len(h.receive(alice, fields{})) != 5 || len(h.poll(alice, g, 0)) != 5 {
		t.Error("erased more than one mailbox")
	}
}

// A large mailbox is erased in several steps, in one call.
func TestReceive_ForgetMuch(t *testing.T) {
	h := build(t, plan{})
	alice := h.register()
	id, _ := relay.ParseID(alice.ID)
	relaytest.Update(t, h.r, func(tx *relay.Tx) error {
		for range 2*relay.StepKeys + 10 {
			if _, err := tx.Send(id, id, relay.Draft{Kind: kindMessage, Body: []byte("x")}); err != nil {
				return err
			}
		}
		return nil
	})
	if got := h.receive(alice, fields{"forgetUntil": maxCursor}); len(got) != 0 {
		t.Errorf("%d entries are left", len(got))
	}
	h.tell(alice, alice, "y")
	if got := h.receive(alice, fields{}); len(got) != 1 {
		t.Errorf("%d entries, want 1", len(got))
	}
}
