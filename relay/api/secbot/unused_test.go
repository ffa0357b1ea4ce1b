package secbot

import (
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// Groups and accounts that are never used go, with whatever waits for them.
func TestUnused(t *testing.T) {
	var clk relaytest.Clock
	h := build(t, plan{relay: relay.Options{Now: clk.Now}})
	alice, ghost := h.register(), h.register()
	used, unused := h.group(alice), h.group(alice)
	h.say(alice, used, "x")
	cursor := h.poll(alice, used, 0)[0].Timestamp
	c, both := h.dial(), h.dial()
	c.send("/longpoll", alice.waitFor(0, unused))
	both.send("/longpoll", alice.waitFor(cursor, used, unused))
	h.waiting(2)
	gone := h.watchMailbox(ghost)

	clk.Advance(29 * 24 * time.Hour)
	late := h.register() // a day later it is two days old
	h.runTimers()
	h.want(200, "/pollgroup", alice.as(fields{"groupId": unused}))
	clk.Advance(2 * 24 * time.Hour)
	h.runTimers()
	c.want(404, "no such user or group\n")
	both.want(404, "no such user or group\n")
	<-gone.C()
	gone.Close()

	h.want(401, "/receive", ghost.as(fields{}))
	h.want(404, "/postmsg", alice.from(fields{"toId": ghost.ID, "encContent": "x"}))
	h.want(404, "/pollgroup", alice.as(fields{"groupId": unused}))
	h.want(404, "/postgroup", alice.from(fields{"toId": unused, "encContent": "x"}))
	h.want(200, "/receive", late.as(fields{}))
	h.say(alice, used, "y")
	if got := h.poll(alice, used, 0); len(got) != 2 {
		t.Errorf("%d entries, want 2", len(got))
	}
	clk.Advance(60 * 24 * time.Hour)
	h.runTimers()
	h.want(200, "/receive", alice.as(fields{}))
	h.want(200, "/receive", late.as(fields{}))
}

// watchMailbox rings when a mailbox moves, which includes its end.
func (h *house) watchMailbox(u user) *relay.Watch {
	h.t.Helper()
	id, _ := relay.ParseID(u.ID)
	var box relay.BoxID
	relaytest.View(h.t, h.r, func(tx *relay.Tx) error {
		a, err := tx.Account(id)
		box = a.Box
		return err
	})
	return h.r.Hub().Watch(box)
}

// runTimers has the relay look at a clock that was moved, and returns when
// everything that was due by then is done: timers run in the order in which they
// were due, and the last one rings.
func (h *house) runTimers() {
	h.t.Helper()
	last := h.register()
	id, _ := relay.ParseID(last.ID)
	rung := h.watchMailbox(last)
	defer rung.Close()
	relaytest.Update(h.t, h.r, func(tx *relay.Tx) error {
		if _, err := tx.SetTimer(h.r.Now(), "drop unused account", id[:]); err != nil {
			return err
		}
		_, err := tx.SetTimer(1, "drop invite", make([]byte, 16)) // long overdue: wakes the runner
		return err
	})
	<-rung.C()
}
