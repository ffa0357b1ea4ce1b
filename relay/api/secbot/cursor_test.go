package secbot

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// The cursor guarantee: while sixteen senders post to groups and mailboxes,
// readers with small pages and one cursor each see everything that was
// acknowledged exactly once and in order, whatever the wall clock does.
func TestCursor(t *testing.T) {
	for _, clock := range []struct {
		name string
		now  func(seed uint64) func() time.Time
	}{
		{"steady", func(uint64) func() time.Time { return time.Now }},
		{"jumping", jumping},
	} {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s/%d", clock.name, seed), func(t *testing.T) {
				h := build(t, plan{cfg: Config{PageEntries: 7}, relay: relay.Options{Now: clock.now(seed)}})
				newTraffic(h, seed).run()
			})
		}
	}
}

// A page may be larger than one scan of the store: the group that was scanned
// to its limit must not be stepped over for the sake of the other.
func TestCursor_LargePage(t *testing.T) {
	const many = 6000
	h := build(t, plan{cfg: Config{PageEntries: 2 * many}})
	u := h.register()
	who, _ := relay.ParseID(u.ID)
	groups := []string{h.group(u), h.group(u)}
	for i, n := range []int{many, 1} {
		id, _ := relay.ParseID(groups[i])
		relaytest.Update(t, h.r, func(tx *relay.Tx) error {
			for range n {
				if _, err := tx.Post(who, id, relay.Draft{Kind: kindMessage, Body: []byte("x")}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if got := h.pollAll(u, 0, groups...); len(got) != many+1 {
		t.Errorf("%d entries, want %d", len(got), many+1)
	}
}

// jumping is a clock that is set every few looks, up to a day back or ahead.
func jumping(seed uint64) func() time.Time {
	var mu sync.Mutex
	rng, off := rand.New(rand.NewPCG(seed, 7)), time.Duration(0)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		if rng.IntN(20) == 0 {
			off = time.Duration(rng.Int64N(int64(48*time.Hour))) - 24*time.Hour
		}
		return time.Now().Add(off)
	}
}

const (
	senders   = 16
	postsEach = 25
)

// A traffic is one run: who sends, where to, and what was acknowledged.
type traffic struct {
	*house
	seed   uint64
	users  []user
	groups []string

	mu    sync.Mutex
	acked map[string][]string // texts by mailbox or group, guarded by mu
}

func newTraffic(h *house, seed uint64) *traffic {
	tr := &traffic{house: h, seed: seed, acked: map[string][]string{}}
	for range 3 {
		u := h.register()
		tr.users = append(tr.users, u)
		tr.groups = append(tr.groups, h.group(u))
	}
	return tr
}

func (tr *traffic) run() {
	var sending, reading sync.WaitGroup
	var readers []*reader
	read := func(path string, u user, boxes ...string) {
		rd := &reader{tr: tr, client: newClient(nil), path: path, u: u, boxes: boxes, seen: map[string]bool{}, last: map[string]int64{}}
		readers = append(readers, rd)
		reading.Go(rd.run)
	}
	read("/pollgroups", tr.users[0], tr.groups...)
	read("/pollgroups", tr.users[1], tr.groups[2], tr.groups[0], tr.groups[2])
	for i, u := range tr.users {
		read("/receive", u, u.ID)
		read("/pollgroup", u, tr.groups[i])
	}
	for i := range senders {
		sending.Go(func() { tr.send(i) })
	}
	sending.Wait()
	for _, u := range tr.users { // the last word everywhere tells readers to stop
		tr.post("/postmsg", u.ID, lastWord)
	}
	for _, g := range tr.groups {
		tr.post("/postgroup", g, lastWord)
	}
	reading.Wait()
	for _, rd := range readers {
		rd.client.CloseIdleConnections()
		rd.check()
	}
}

const lastWord = "good night"

// send posts to one place after the other.
func (tr *traffic) send(n int) {
	rng := rand.New(rand.NewPCG(tr.seed, uint64(n)))
	for i := range postsEach {
		text := fmt.Sprintf("%d/%d", n, i)
		u, g := tr.users[rng.IntN(3)].ID, tr.groups[rng.IntN(3)]
		switch rng.IntN(6) {
		case 0:
			tr.post("/postmsg", u, text)
		case 1:
			tr.post("/connect", u, text)
		case 2:
			tr.post("/connect2", u, text)
		case 3:
			tr.post("/groupinv", u, text)
		default:
			tr.post("/postgroup", g, text)
		}
	}
}

// post sends a text as user 0 and notes it once it is acknowledged.
func (tr *traffic) post(path, to, text string) {
	in := tr.users[0].from(fields{"toId": to, "toUserId": to, "encContent": text, "cryptoData": text,
		"protocol": "p", "algorithm": "a", "groupId": tr.groups[0]})
	a, err := tr.try(tr.client, path, in)
	if err != nil || a.status != 200 {
		tr.t.Errorf("%s: %d %q, %v", path, a.status, a.body, err)
		return
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.acked[to] = append(tr.acked[to], text)
}

// A reader reads boxes with one cursor.
type reader struct {
	tr     *traffic
	client *http.Client
	path   string
	u      user
	boxes  []string
	cursor int64
	seen   map[string]bool  // box and text
	last   map[string]int64 // timestamp by box
}

// run waits and reads until it has heard the last word everywhere.
func (rd *reader) run() {
	places := map[string]bool{}
	for _, b := range rd.boxes {
		places[b] = true
	}
	for heard := 0; heard < len(places); {
		in := rd.u.as(fields{"groupIds": rd.boxes, "groupId": rd.boxes[0], "lastMessageTimestamp": rd.cursor})
		a, err := rd.tr.try(rd.client, "/longpoll", in)
		if err != nil || a.status != 200 || !places[a.body] {
			rd.tr.t.Errorf("%s, longpoll: %d %q, %v", rd.path, a.status, a.body, err)
			return
		}
		a, err = rd.tr.try(rd.client, rd.path, in)
		var p page
		if err != nil || a.status != 200 || json.Unmarshal([]byte(a.body), &p) != nil {
			rd.tr.t.Errorf("%s: %d %q, %v", rd.path, a.status, a.body, err)
			return
		}
		if len(p.all()) == 0 {
			rd.tr.t.Errorf("%s: woken for nothing", rd.path)
			return
		}
		if rd.path != "/receive" && len(p.all()) > 7+len(places) {
			rd.tr.t.Errorf("%s: a page of %d", rd.path, len(p.all()))
		}
		for _, list := range [][]item{p.FriendRequests, p.FriendResponses, p.GroupInvites, p.Messages} {
			heard += rd.take(list)
		}
		for _, i := range p.all() {
			rd.cursor = max(rd.cursor, i.Timestamp)
		}
	}
}

// take checks the entries of one list of an answer, and counts last words.
func (rd *reader) take(list []item) (heard int) {
	before := rd.cursor
	for _, i := range list {
		box := i.ToID
		if rd.path == "/receive" {
			box = rd.u.ID
		}
		switch {
		case i.Timestamp <= rd.cursor:
			rd.tr.t.Errorf("%s: %d is not after the cursor %d", rd.path, i.Timestamp, rd.cursor)
		case i.Timestamp < before:
			rd.tr.t.Errorf("%s: %d comes after %d", rd.path, i.Timestamp, before)
		case i.Timestamp <= rd.last[box] && rd.path != "/receive": // there each list has its own order
			rd.tr.t.Errorf("%s: %d again in one group", rd.path, i.Timestamp)
		case rd.seen[box+" "+i.text()]:
			rd.tr.t.Errorf("%s: %q twice", rd.path, i.text())
		}
		stamp := fmt.Sprint(box, " at ", i.Timestamp)
		if rd.seen[stamp] {
			rd.tr.t.Errorf("%s: two entries at %d", rd.path, i.Timestamp)
		}
		rd.seen[stamp], rd.seen[box+" "+i.text()] = true, true
		before, rd.last[box] = i.Timestamp, i.Timestamp
		if i.text() == lastWord {
			heard++
		}
	}
	return heard
}

// check checks that it saw what was acknowledged, and nothing else.
func (rd *reader) check() {
	want, places := 0, map[string]bool{}
	for _, box := range rd.boxes {
		if places[box] {
			continue
		}
		places[box] = true
		for _, text := range rd.tr.acked[box] {
			want++
			if !rd.seen[box+" "+text] {
				rd.tr.t.Errorf("%s never showed %q", rd.path, text)
			}
		}
	}
	if got := len(rd.seen) / 2; got != want {
		rd.tr.t.Errorf("%s showed %d entries of %d", rd.path, got, want)
	}
}
