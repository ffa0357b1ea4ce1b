package jetico

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"restante/relay"
)

// A ledger is what counters should say: who is in a group since when, and who
// did what to which message.
type ledger struct {
	all  bool         // newcomers see what was before them, and it counts as read
	in   map[int]stay // by user
	said []*said
	stay int // number of the last membership
}

// A stay is one membership: its number, and how many messages were there before.
type stay struct{ number, before int }

// A said is a message, or an event message.
type said struct {
	uuid      string // "" for an event
	author    int
	read      map[int]bool // by number of a membership
	delivered map[int]bool
	deleted   bool
	kept      [2]int // read and delivered when it was deleted
}

func (l *ledger) add(uuid string, author int) {
	l.said = append(l.said, &said{uuid: uuid, author: author, read: map[int]bool{}, delivered: map[int]bool{}})
}

func (l *ledger) enter(user int) {
	l.stay++
	if !l.all {
		l.in[user] = stay{l.stay, len(l.said)}
		return
	}
	l.in[user] = stay{l.stay, 0}
	for _, s := range l.said {
		if !s.deleted {
			s.read[l.stay] = true
		}
	}
}

// counts returns how many people have read and got a message.
func (l *ledger) counts(s *said) (read, delivered int) {
	if s.deleted {
		return min(s.kept[0], len(l.in)), min(s.kept[1], len(l.in))
	}
	for user, st := range l.in {
		r := user == s.author || s.read[st.number]
		if r {
			read++
		}
		if r || s.delivered[st.number] {
			delivered++
		}
	}
	return read, delivered
}

func (l *ledger) visible(user int) []*said { return l.said[l.in[user].before:] }

func (l *ledger) hasRead(user int, s *said) bool {
	return user == s.author || s.read[l.in[user].number]
}

func (l *ledger) unread(user int) (n int) {
	for _, s := range l.visible(user) {
		if !s.deleted && !l.hasRead(user, s) {
			n++
		}
	}
	return n
}

// A crowd is the users of the test, each on a connection; user 0 is the admin.
type crowd struct {
	peers []*peer
	conv  string
	ledger
}

const crowdSize = 5

// The counters agree with the ledger, whatever joins, leaves, receipts and
// deletions there were.
func TestCounts(t *testing.T) { testCounts(t, false) }

// So they do where newcomers see everything.
func TestCounts_HistoryAll(t *testing.T) { testCounts(t, true) }

func testCounts(t *testing.T, all bool) {
	h := build(t, Options{Requests: -1, HistoryAll: all}, relay.Options{}, io.Discard)
	var peers []*peer
	for i := range crowdSize {
		id := hashPhone(fmt.Sprintf("+1555000100%d", i))
		h.user(id, true)
		peers = append(peers, h.join(id))
	}
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		c := &crowd{peers: peers, conv: number(1_000_000 + round), ledger: ledger{all: all, in: map[int]stay{}}}
		c.open(rapid.IntRange(1, crowdSize-1).Draw(rt, "members at first"))
		for i := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			c.step(rt, i)
			c.check(rt, rapid.SampledFrom(c.users()).Draw(rt, "looks"))
		}
		for _, u := range c.users() {
			c.check(rt, u)
		}
		c.peers[0].ok("RequestDeleteConversation", m{"conversationUuid": c.conv})
	})
}

// users returns who is in, in order.
func (c *crowd) users() (list []int) {
	for u := range c.in {
		list = append(list, u)
	}
	slices.Sort(list)
	return list
}

func (c *crowd) key() string { return c.conv[:8] + "-aaaa-4000-8000-000000000000" }

func (c *crowd) open(members int) {
	var ids []string
	for u := range members {
		c.enter(u)
		if u > 0 {
			ids = append(ids, c.peers[u].user)
		}
	}
	c.peers[0].create(c.conv, c.key(), false, nil, ids)
	for range ids {
		c.add("", 0)
	}
}

func (c *crowd) step(rt *rapid.T, i int) {
	u := rapid.SampledFrom(c.users()).Draw(rt, "user")
	p := c.peers[u]
	switch rapid.SampledFrom([]string{"say", "say", "join", "leave", "kick", "get", "read", "read", "all", "delete"}).Draw(rt, "does") {
	case "say":
		uuid := fmt.Sprintf("%s-bbbb-4000-8000-%012d", c.conv[:8], i)
		p.say(c.conv, c.key(), uuid, false)
		c.add(uuid, u)
	case "join":
		other := rapid.IntRange(1, crowdSize-1).Draw(rt, "joins")
		if _, in := c.in[other]; in {
			return
		}
		c.peers[0].ok("RequestAddMember", m{
			"conversationUuid": c.conv, "sessionKeyUuid": c.key(), "sessionKeyValue": c.peers[0].value(c.peers[other].user),
		})
		c.enter(other)
		c.add("", 0)
	case "leave":
		if u == 0 {
			return
		}
		p.ok("RequestLeaveConversation", m{"conversationUuid": c.conv})
		delete(c.in, u)
		c.add("", u)
	case "kick":
		if u == 0 {
			return
		}
		c.peers[0].ok("RequestKickUser", m{"conversationUuid": c.conv, "userId": p.user})
		delete(c.in, u)
		c.add("", 0)
	case "get":
		if s := c.pick(rt, u); s != nil {
			p.ok("MessageDelivered", m{"conversationUuid": c.conv, "messageUuid": s.uuid})
			c.mark(s, u, s.delivered)
		}
	case "read":
		var uuids []string
		for range rapid.IntRange(1, 3).Draw(rt, "messages") {
			if s := c.pick(rt, u); s != nil {
				uuids = append(uuids, s.uuid)
				c.mark(s, u, s.read)
			}
		}
		p.ok("RequestMessagesReaded", m{"conversationUuid": c.conv, "messageUuids": append(uuids, number(5))})
	case "all":
		p.ok("RequestMarkAllReaded", m{"conversationUuid": c.conv})
		for _, s := range c.visible(u) {
			c.mark(s, u, s.read)
		}
	case "delete":
		if s := c.pick(rt, u); s != nil && s.author == u {
			p.ok("RequestDeleteMessage", m{"conversationUuid": c.conv, "uuid": s.uuid})
			if !s.deleted {
				s.kept[0], s.kept[1] = c.counts(s)
				s.deleted = true
			}
		}
	}
}

// mark notes what a user did to a message; a deleted one stays as it was.
func (c *crowd) mark(s *said, user int, marks map[int]bool) {
	if !s.deleted {
		marks[c.in[user].number] = true
	}
}

// pick returns a message with a uuid that the user sees, or nil.
func (c *crowd) pick(rt *rapid.T, user int) *said {
	var list []*said
	for _, s := range c.visible(user) {
		if s.uuid != "" {
			list = append(list, s)
		}
	}
	if list == nil {
		return nil
	}
	return rapid.SampledFrom(list).Draw(rt, "message")
}

// check compares what a user is shown with the ledger.
func (c *crowd) check(rt *rapid.T, user int) {
	p := c.peers[user]
	p.news = nil
	f := p.ask("RequestGetMessages", m{"conversationUuid": c.conv, "size": 200})
	var page struct{ Messages []messageOut }
	if err := json.Unmarshal(f.body, &page); err != nil || f.name != "ResponseGetMessages" {
		rt.Fatalf("user %d: %s %s", user, f.name, f.body)
	}
	want := c.visible(user)
	if len(page.Messages) != len(want) {
		rt.Fatalf("user %d sees %d messages, want %d", user, len(page.Messages), len(want))
	}
	for i, got := range page.Messages {
		s := want[len(want)-1-i]
		read, delivered := c.counts(s)
		if got.Members != len(c.in) || got.ReadBy != read || got.DeliveredTo != delivered || got.Deleted != s.deleted {
			rt.Fatalf("user %d, message %d: members %d, read %d, delivered %d, deleted %v; want %d, %d, %d, %v",
				user, i, got.Members, got.ReadBy, got.DeliveredTo, got.Deleted, len(c.in), read, delivered, s.deleted)
		}
		if !s.deleted && got.Read != c.hasRead(user, s) {
			rt.Fatalf("user %d, message %d: read %v", user, i, got.Read)
		}
	}
	var full struct{ Conversation conversationOut }
	f = p.ask("RequestGetConversationFull", m{"conversationUuid": c.conv})
	if err := json.Unmarshal(f.body, &full); err != nil {
		rt.Fatal(err)
	}
	if want := c.unread(user); full.Conversation.Unread != want {
		rt.Fatalf("user %d: %d unread, want %d", user, full.Conversation.Unread, want)
	}
}
