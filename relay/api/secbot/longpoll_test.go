package secbot

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A raw is one connection that a test holds in its hands.
type raw struct {
	net.Conn
	h  *house
	in *bufio.Reader
}

func (h *house) dial() *raw {
	h.t.Helper()
	c, err := net.Dial("tcp", h.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{c, h, bufio.NewReader(c)}
}

// send sends a request with header lines as they stand.
func (c *raw) send(path, body string, lines ...string) {
	c.h.t.Helper()
	head := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	for _, l := range lines {
		head += l + "\r\n"
	}
	if _, err := io.WriteString(c, head+"\r\n"+body); err != nil {
		c.h.t.Fatal(err)
	}
}

func (c *raw) want(status int, body string) http.Header {
	c.h.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.h.t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || string(got) != body {
		c.h.t.Fatalf("got %d %q, %v; want %d %q", resp.StatusCode, got, err, status, body)
	}
	return resp.Header
}

// waitFor is the body of a long-poll.
func (u user) waitFor(since int64, ids ...string) string {
	return `{"userId":"` + u.ID + `","authToken":"` + u.Token + `","lastMessageTimestamp":` + strconv.FormatInt(since, 10) +
		`,"groupIds":["` + strings.Join(ids, `","`) + `"]}`
}

func (h *house) say(u user, group, text string) {
	h.t.Helper()
	h.want(200, "/postgroup", u.from(fields{"toId": group, "encContent": text}))
}

func (h *house) tell(u user, to user, text string) {
	h.t.Helper()
	h.want(200, "/postmsg", u.from(fields{"toId": to.ID, "encContent": text}))
}

// A post that races with a wait is either seen by its look or wakes it, over
// one connection that lives all the while. The wait is for many groups, so that
// its looks take long enough to race with.
func TestLongPoll_NoMissedWakeUp(t *testing.T) {
	h := build(t, plan{})
	alice, bob := h.register(), h.register()
	places := []string{h.group(alice), bob.ID, h.group(alice)}
	watched := slices.Clone(places)
	for range 200 {
		watched = append(watched, h.group(alice))
	}
	cursor, c := int64(0), h.dial()
	for i := range 400 {
		place, posted := places[i%3], make(chan error, 1)
		go func() {
			for range rand.IntN(1000) {
				runtime.Gosched()
			}
			path := map[bool]string{true: "/postmsg", false: "/postgroup"}[place == bob.ID]
			_, err := h.try(h.client, path, alice.from(fields{"toId": place, "encContent": "x"}))
			posted <- err
		}()
		c.send("/longpoll", bob.waitFor(cursor, watched...))
		c.want(200, place)
		if err := <-posted; err != nil {
			t.Fatal(err)
		}
		for _, item := range append(h.receive(bob, fields{"lastMessageTimestamp": cursor}), h.pollAll(bob, cursor, places[0], places[2])...) {
			cursor = max(cursor, item.Timestamp)
		}
		c.SetDeadline(time.Now().Add(20 * time.Second))
	}
	h.waiting(0)
}

func (h *house) pollAll(u user, since int64, groups ...string) []item {
	h.t.Helper()
	var p page
	h.read(h.want(200, "/pollgroups", u.as(fields{"groupIds": groups, "lastMessageTimestamp": since})), &p)
	return p.all()
}

func TestLongPoll_FirstInTheOrderOfTheRequest(t *testing.T) {
	h := build(t, plan{})
	alice := h.register()
	var places []string
	ready := map[string]bool{}
	for i := range 12 {
		g := h.group(alice)
		places = append(places, g)
		if i%3 == 0 {
			h.say(alice, g, "x")
			ready[g] = true
		}
	}
	places = append(places, alice.ID)
	h.tell(alice, alice, "x")
	ready[alice.ID] = true
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		rng.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
		want := ""
		for _, p := range places {
			if want == "" && ready[p] {
				want = p
			}
		}
		if got := h.want(200, "/longpoll", alice.as(fields{"groupIds": places})); got.body != want {
			t.Fatalf("got %q, want %q of %q", got.body, want, places)
		}
	}
}

func TestLongPoll_Prefer(t *testing.T) {
	h := build(t, plan{cfg: Config{LongPoll: time.Hour}})
	alice := h.register()
	g := h.group(alice)
	for _, lines := range [][]string{
		{"Prefer: wait=0"}, {"Prefer: Wait=0"}, {"prefer:WAIT=00"}, {"Prefer: wait = 0"}, {`Prefer: wait="0"`}, {"Prefer: wait=0;x=y"},
		{"Prefer: respond-async, wait=0"}, {"Prefer: respond-async,wait=0 , foo"}, {"Prefer: respond-async", "Prefer: wait=0"}, {"Prefer: wait=0, wait=9"},
	} {
		c := h.dial()
		c.send("/longpoll", alice.waitFor(0, g), lines...)
		c.want(200, "") // or its deadline passes
	}
	h.waiting(0)
	for i, line := range []string{
		"", "wait", "wait=", "wait=-1", "wait=+0", "wait=x", "wait=0.0", "wait=0x0", "wait=1e0", "await=0", "x-wait=0", "wait=7200", "wait=99999999999999999999",
	} {
		c := h.dial()
		c.send("/longpoll", user.waitFor(h.register(), 0, g), "Prefer: "+line)
		h.waiting(i + 1)
	}
}

// A preference for less than a whole configured second is one for nothing.
func TestLongPoll_PreferUnderAShortPatience(t *testing.T) {
	h := build(t, plan{cfg: Config{LongPoll: 500 * time.Millisecond}})
	alice := h.register()
	began := time.Now()
	h.want(200, "/longpoll", alice.as(fields{}), "Prefer", "wait=0")
	if d := time.Since(began); d >= 500*time.Millisecond {
		t.Errorf("waited %v", d)
	}
}

// The seventeenth waiter of an account takes the place of its oldest, whose
// connection lives on; those who hang up are gone with all they watched.
func TestLongPoll_Seventeenth(t *testing.T) {
	h := build(t, plan{})
	alice, bob := h.register(), h.register()
	g, other := h.group(alice), h.group(alice)
	var waiters []*raw
	for i := range 16 {
		c := h.dial()
		c.send("/longpoll", alice.waitFor(0, g, other, alice.ID))
		h.waiting(i + 1)
		waiters = append(waiters, c)
	}
	friend := h.dial()
	friend.send("/longpoll", bob.waitFor(0, g))
	h.waiting(17)
	late := h.dial()
	late.send("/longpoll", alice.waitFor(0, g))
	oldest := waiters[0]
	oldest.want(200, "")
	h.waiting(17)
	oldest.send("/receive", alice.waitFor(0))
	resp, err := http.ReadResponse(oldest.in, nil)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("the connection did not live on: %v", err)
	}
	for _, c := range waiters[1:9] {
		c.Close()
	}
	h.waiting(9)
	h.say(bob, g, "x")
	for _, c := range append(waiters[9:], late, friend) {
		c.want(200, g)
	}
	h.waiting(0)
}

func TestLongPoll_Full(t *testing.T) {
	h := build(t, plan{waiters: 2})
	alice, bob := h.register(), h.register()
	g := h.group(alice)
	one, two := h.dial(), h.dial()
	one.send("/longpoll", alice.waitFor(0, g))
	two.send("/longpoll", alice.waitFor(0, g))
	h.waiting(2)
	a := h.want(503, "/longpoll", bob.as(fields{"groupIds": []string{g}}))
	if n, err := strconv.Atoi(a.head.Get("Retry-After")); err != nil || n < 1 {
		t.Errorf("Retry-After: %q", a.head.Get("Retry-After"))
	}
	one.Close()
	h.waiting(1)
	again := h.dial()
	again.send("/longpoll", bob.waitFor(0, g))
	h.waiting(2)
	h.say(bob, g, "x")
	two.want(200, g)
	again.want(200, g)
}

// At the end every waiter gets its empty answer, at once.
func TestLongPoll_Shutdown(t *testing.T) {
	h := build(t, plan{cfg: Config{LongPoll: time.Hour}})
	alice := h.register()
	g := h.group(alice)
	var waiters []*raw
	for range 10 {
		c := h.dial()
		c.send("/longpoll", alice.waitFor(0, g))
		waiters = append(waiters, c)
	}
	h.waiting(10)
	if err := h.srv.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	for _, c := range waiters {
		if c.want(200, "").Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Error("not plain text")
		}
	}
}

// Whoever is let go of in the moment between his place and the bell gets his
// empty answer all the same.
func TestLongPoll_EvictedBeforeTheBell(t *testing.T) {
	p := &poller{}
	p.Evict() // the bell is not there yet to be rung
	if body, ready, err := p.check(); len(body) > 0 || !ready || err != nil {
		t.Errorf("got %q, %t, %v", body, ready, err)
	}
}
