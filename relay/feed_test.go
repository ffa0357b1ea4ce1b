package relay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// A session is a feed and what it was told, a word each.
type session struct {
	*relay.Feed
	w    *relay.Watch
	told []string
	last relay.Time
}

func listen(t *testing.T, r *relay.Relay, who relay.ID, o relay.FeedOptions) *session {
	t.Helper()
	w := r.Hub().Watch()
	t.Cleanup(w.Close)
	s := &session{Feed: r.NewFeed(w, who, o), w: w}
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// hear passes until an entry of that kind was told.
func (s *session) hear(t *testing.T, kind string) {
	t.Helper()
	heard := func(w string) bool { return strings.HasSuffix(w, kind) }
	for {
		for s.pass(t, never) {
		}
		if slices.ContainsFunc(s.told, heard) {
			return
		}
		<-s.w.C()
	}
}

func never() bool { return false }

func (s *session) pass(t *testing.T, short func() bool) bool {
	t.Helper()
	more, err := s.Pass(context.Background(), short, func(tx *relay.Tx, told relay.Told) error {
		if told.Entry.ID.Time < s.last {
			t.Errorf("told of %d after %d", told.Entry.ID.Time, s.last)
		}
		s.last = told.Entry.ID.Time
		word := []string{"", "account:", "room:", "open:", "relay:"}[told.Owner.Kind] + told.Entry.Kind
		if told.Own {
			word = "own " + word
		}
		s.told = append(s.told, word)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return more
}

func say(t *testing.T, r *relay.Relay, b relay.BoxID, kind string) (id relay.EntryID) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		e, err := tx.Append(b, relay.Draft{Kind: kind})
		id = e.ID
		return err
	})
	return id
}

func wantTold(t *testing.T, s *session, want ...string) {
	t.Helper()
	if !slices.Equal(s.told, want) {
		t.Errorf("told %q, want %q", s.told, want)
	}
	s.told = nil
}

func TestFeedFollowsItsAccountInAndOut(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	who := people(t, r, 2)
	old := room(t, r, relay.RoomDraft{}, who[0], who[1])
	say(t, r, old.Box, "before")
	s := listen(t, r, who[1], relay.FeedOptions{Relay: true})
	end := func(kind string) {
		t.Helper()
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := tx.Announce(relay.Draft{Kind: kind})
			return err
		})
		s.hear(t, kind)
	}
	say(t, r, old.Box, "hello")
	end("1")
	wantTold(t, s, "room:hello", "relay:1")

	fresh := room(t, r, relay.RoomDraft{}, who[0])
	say(t, r, fresh.Box, "unheard")
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if _, err := tx.Join(fresh.ID, relay.Joining{By: who[0], Seat: relay.Seat{Account: who[1]}}); err != nil {
			return err
		}
		_, err := tx.Append(fresh.Box, relay.Draft{Kind: "notice"})
		return err
	})
	say(t, r, fresh.Box, "welcome")
	end("2")
	slices.Sort(s.told[:2]) // they have one time and a place each; the room's own time may be the lesser
	wantTold(t, s, "account:joined", "room:joined", "room:notice", "room:welcome", "relay:2")

	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveMember(who[0], old.ID, who[1]) })
	say(t, r, old.Box, "gossip")
	end("3")
	wantTold(t, s, "room:removed", "account:removed", "relay:3")
	say(t, r, old.Box, "gossip")
	end("4")
	wantTold(t, s, "relay:4")
}

func TestFeedOfRoomsBelow(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	who := people(t, r, 1)
	above := room(t, r, relay.RoomDraft{}, who[0])
	first := room(t, r, relay.RoomDraft{Parent: above.ID, Inherit: true})
	s := listen(t, r, who[0], relay.FeedOptions{Below: true})
	say(t, r, first.Box, "in the first")
	second := room(t, r, relay.RoomDraft{Parent: above.ID, Inherit: true})
	say(t, r, second.Box, "in the second")
	s.hear(t, "second")
	wantTold(t, s, "room:in the first", "room:opened", "room:opened", "room:in the second") // above, and in itself
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Leave(above.ID, who[0]) })
	say(t, r, first.Box, "gossip")
	say(t, r, second.Box, "gossip")
	mine := relaytest.Account(t, r, who[0])
	say(t, r, mine.Box, "end")
	s.hear(t, "end")
	wantTold(t, s, "room:left", "account:left", "account:end")
}

func TestFeedGone(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	who := people(t, r, 2)
	s := listen(t, r, who[0], relay.FeedOptions{})
	say(t, r, relaytest.Account(t, r, who[0]).Box, "here")
	s.hear(t, "here")
	if s.Gone() {
		t.Error("gone while it is there")
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.RemoveAccount(who[0]) })
	for !s.Gone() {
		<-s.w.C()
		s.pass(t, never)
	}
}

func TestFeedOwnAndShort(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	who := people(t, r, 1)
	a := room(t, r, relay.RoomDraft{}, who[0])
	s := listen(t, r, who[0], relay.FeedOptions{})
	s.Own(say(t, r, a.Box, "one"))
	say(t, r, a.Box, "two")
	say(t, r, a.Box, "three")
	for s.told == nil { // until the bell has rung for all of them
		<-s.w.C()
		if r.Hub().Rung() >= relaytest.Now(t, r) {
			n := 0
			if more := s.pass(t, func() bool { n++; return n > 2 }); !more {
				t.Error("a pass that was cut short has nothing more to tell")
			}
		}
	}
	wantTold(t, s, "own room:one", "room:two")
	s.hear(t, "three")
	wantTold(t, s, "room:three")
}

// TestFeedLosesNothing has writers in many rooms, some of which the reader joins
// on the way, and a reader that passes all the time, cut short now and then.
func TestFeedLosesNothing(t *testing.T) {
	const writers, each = 8, 60
	r := relaytest.New(t, relay.Options{})
	who := people(t, r, 2)
	var rooms []relay.Room
	for i := range writers {
		members := []relay.ID{who[0], who[1]}
		rooms = append(rooms, room(t, r, relay.RoomDraft{}, members[:1+i%2]...))
	}
	s := listen(t, r, who[1], relay.FeedOptions{})
	var writing sync.WaitGroup
	for i, room := range rooms {
		writing.Go(func() {
			for n := range each {
				if n == each/2 && i%2 == 0 {
					relaytest.Update(t, r, func(tx *relay.Tx) error {
						_, err := tx.Join(room.ID, relay.Joining{By: who[0], Seat: relay.Seat{Account: who[1]}})
						return err
					})
				}
				say(t, r, room.Box, fmt.Sprintf("%d/%d", i, n))
			}
		})
	}
	done := make(chan struct{})
	go func() { writing.Wait(); say(t, r, relaytest.Account(t, r, who[1]).Box, "end"); close(done) }()
	for pass := 0; ; pass++ {
		n := 0
		short := func() bool { n++; return pass%3 == 0 && n > 2 }
		if s.pass(t, short) {
			continue
		}
		if slices.Contains(s.told, "account:end") {
			break
		}
		<-s.w.C()
	}
	<-done
	for i := range rooms {
		for n := range each {
			want := 1
			if i%2 == 0 && n < each/2 {
				want = 0
			}
			got := 0
			for _, w := range s.told {
				if w == fmt.Sprintf("room:%d/%d", i, n) {
					got++
				}
			}
			if got != want {
				t.Errorf("message %d of room %d: told %d times, want %d", n, i, got, want)
			}
		}
	}
}

func TestPresence(t *testing.T) {
	var p relay.Presence
	who := relay.NewID()
	if !p.Enter(who) || p.Enter(who) || !p.Present(who) || p.Count() != 1 {
		t.Error("the first session is the first, and no other")
	}
	if p.Exit(who) || !p.Exit(who) || p.Present(who) || p.Count() != 0 {
		t.Error("the last session is the last, and no other")
	}
}
