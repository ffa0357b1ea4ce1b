package sama

import (
	"slices"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// A device is inactive as long as all of its connections say so.
func TestAttention(t *testing.T) {
	var a attention
	who := relay.Caller{Account: relay.NewID(), Device: "phone"}
	desk := relay.Caller{Account: who.Account, Device: "desk"}
	check := func(doing string, want ...string) {
		t.Helper()
		got := a.inactive(who.Account)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: inactive are %q, want %q", doing, got, want)
		}
	}
	check("nobody")
	a.count(who, 1, 0)
	a.count(desk, 1, 0)
	check("connected")
	a.count(who, 0, 1)
	check("marked", "phone")
	a.count(who, 1, 0)
	check("another tab")
	a.count(who, 0, 1)
	a.count(desk, 0, 1)
	check("all", "desk", "phone")
	a.count(who, -1, -1)
	check("one tab less", "desk", "phone")
	a.count(who, -1, -1)
	check("and the last", "desk")
	a.count(desk, -1, -1)
	if check("none"); len(a.of) != 0 {
		t.Errorf("remembers %v", a.of)
	}
}

// Who is there is pushed to on a device that nobody looks at, and on no other;
// the mark ends when he looks again, and with the connection.
func TestPush_Inactive(t *testing.T) {
	h := build(t, Options{})
	alice, bob := h.enter("alice"), h.enter("bob")
	dialog := alice.dialog(bob.id)
	for _, device := range []string{"device", "desk"} { // the first is what [house.enter] calls it
		for _, c := range []*client{alice, bob} {
			c.ask("push_subscription_create", map[string]any{"platform": "ios", "device_udid": device, "device_token": "t"})
		}
	}
	reached := func(doing string, what string, want ...string) {
		t.Helper()
		var got []string
		relaytest.View(t, h.r, func(tx *relay.Tx) error {
			acc, err := roomOf(tx, h.account(alice).ID, dialog)
			if err != nil {
				return err
			}
			list, err := h.api.subscriptionsFor(tx, pushJob{svc: h.svc, room: acc.Room.ID, from: h.account(alice).ID, what: what})
			for _, s := range list {
				got = append(got, s.Record.UDID)
			}
			return err
		})
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: pushed to %q, want %q", doing, got, want)
		}
	}
	inactive := func(c *client, v bool) {
		t.Helper()
		c.ask("activity_status", map[string]any{"isInactive": v})
	}
	reached("he looks", "")
	inactive(bob, true)
	inactive(bob, true)
	inactive(alice, true) // who sends
	reached("nobody looks", "", "device")
	reached("asked for, to both", pushAsked, "desk", "desk", "device", "device")
	again := h.again(bob)
	reached("he looks at another tab", "")
	inactive(again, true)
	reached("at none of them", "", "device")
	inactive(bob, false)
	reached("at the first", "")
	bob.conn.CloseNow()
	until(t, func() bool { return len(h.api.attention.inactive(h.account(bob).ID)) == 1 })
	reached("the first is closed", "", "device")

	// Another one connects over the same connection, and looks.
	carol := h.enter("carol")
	again.token = carol.token
	again.connect()
	reached("he is away", "", "desk", "device")
	if got := h.api.attention.inactive(h.account(carol).ID); len(got) != 0 {
		t.Errorf("carol's %q is inactive by what bob said", got)
	}
	inactive(carol, true)
	inactive(again, true)
	if got := h.api.attention.inactive(h.account(carol).ID); len(got) != 1 {
		t.Errorf("inactive are %q, want carol's one device", got)
	}
}
