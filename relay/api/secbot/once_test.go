package secbot

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"restante/relay"
)

// concurrently posts n requests at once and counts the statuses.
func (h *house) concurrently(n int, path string, in func(i int) fields, headers ...string) map[int]int {
	h.t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for i := range n {
		all.Go(func() {
			a, err := h.try(h.client, path, in(i), headers...)
			if err != nil {
				h.t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[a.status]++
		})
	}
	all.Wait()
	return got
}

const onceHeader = "Idempotency-Key"

func TestOnce_ConcurrentRepeatsStoreOnce(t *testing.T) {
	h := build(t, plan{})
	alice, bob := h.register(), h.register()
	g := h.group(alice)
	for i := range 10 {
		key := fmt.Sprint("key-", i)
		same := func(int) fields { return alice.from(fields{"toId": g, "encContent": key}) }
		if got := h.concurrently(12, "/postgroup", same, onceHeader, key); got[200] != 12 {
			t.Fatal(got)
		}
		each := func(n int) fields { return alice.from(fields{"toId": bob.ID, "encContent": fmt.Sprint(key, "-", n)}) }
		if got := h.concurrently(12, "/postmsg", each, onceHeader, key); got[200] != 1 || got[409] != 11 {
			t.Fatal(got)
		}
	}
	if n := len(h.poll(alice, g, 0)); n != 10 {
		t.Errorf("%d entries in the group, want 10", n)
	}
	if n := len(h.receive(bob, fields{})); n != 10 {
		t.Errorf("%d entries in the mailbox, want 10", n)
	}
}

func TestOnce_SameKeyElsewhere(t *testing.T) {
	h := build(t, plan{})
	alice, bob := h.register(), h.register()
	g := h.group(alice)
	post := func(status int, path string, u user, more fields) {
		t.Helper()
		in := fields{"toId": bob.ID, "toUserId": bob.ID, "groupId": g, "encContent": "x", "cryptoData": "x", "protocol": "p", "algorithm": "a"}
		for k, v := range more {
			in[k] = v
		}
		h.want(status, path, u.from(in), onceHeader, "k")
	}
	for _, path := range []string{"/postmsg", "/connect", "/connect2", "/groupinv"} {
		for range 2 {
			post(200, path, alice, nil) // each path has its own keys
			post(200, path, bob, nil)   // and each caller
		}
	}
	post(200, "/postgroup", alice, fields{"toId": g})
	for _, other := range []struct {
		path string
		in   fields
	}{
		{"/postmsg", fields{"encContent": "y"}},
		{"/postmsg", fields{"toId": alice.ID}},
		{"/connect", fields{"protocol": "q"}},
		{"/connect", fields{"cryptoData": "y"}},
		{"/groupinv", fields{"algorithm": "b"}},
		{"/groupinv", fields{"groupId": h.group(alice)}},
		{"/postgroup", fields{"toId": h.group(alice)}},
	} {
		post(409, other.path, alice, other.in)
	}
	post(200, "/postmsg", alice, fields{"unknown": "field", "object": "SendMessage"}) // says the same
	if n := len(h.receive(bob, fields{})); n != 8 {
		t.Errorf("%d entries, want 8", n)
	}
}

func TestOnce_FailuresAreNotKept(t *testing.T) {
	h := build(t, plan{cfg: Config{MaxContent: 10}, relay: relay.Options{BoxEntries: 1}})
	alice, bob := h.register(), h.register()
	post := func(status int, token, to, text string) {
		t.Helper()
		h.want(status, "/postmsg", fields{"fromUserId": alice.ID, "authToken": token, "toId": to, "encContent": text}, onceHeader, "k")
	}
	h.tell(bob, bob, "full")
	post(404, alice.Token, strings.Repeat("0", 32), "x")
	post(401, bob.Token, bob.ID, "x")
	post(413, alice.Token, bob.ID, "eleven bytes")
	post(400, alice.Token, bob.ID, "")
	post(507, alice.Token, bob.ID, "x")
	post(507, alice.Token, bob.ID, "x")
	if n := len(h.receive(bob, fields{"forgetUntil": maxCursor})); n != 0 {
		t.Fatalf("%d entries", n)
	}
	post(200, alice.Token, bob.ID, "x")
	post(200, alice.Token, bob.ID, "x") // though the mailbox is full again
	if got := h.receive(bob, fields{}); len(got) != 1 || got[0].EncContent != "x" {
		t.Errorf("%+v", got)
	}
}

func TestOnce_Keys(t *testing.T) {
	h := build(t, plan{})
	alice := h.register()
	body := `{"fromUserId":"` + alice.ID + `","authToken":"` + alice.Token + `","toId":"` + alice.ID + `","encContent":"x"}`
	for _, key := range []string{"!", "~", strings.Repeat("k", 128), `"quoted"`, "a,b;c"} {
		c := h.dial()
		c.send("/postmsg", body, onceHeader+": "+key)
		c.want(200, "")
	}
	for _, lines := range [][]string{
		{onceHeader + ":"}, {onceHeader + ": a b"}, {onceHeader + ": " + strings.Repeat("k", 129)}, {onceHeader + ": caf\xc3\xa9"},
		{onceHeader + ": \xff"}, {onceHeader + ": a\tb"}, {onceHeader + ": a", onceHeader + ": b"}, {onceHeader + ": a", onceHeader + ": a"},
	} {
		c := h.dial()
		c.send("/postmsg", body, lines...)
		c.want(400, "bad field: Idempotency-Key\n")
	}
	if n := len(h.receive(alice, fields{})); n != 5 {
		t.Errorf("%d entries, want 5", n)
	}
}
