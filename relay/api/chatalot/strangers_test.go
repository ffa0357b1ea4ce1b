package chatalot

import (
	"fmt"
	"net/http"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// Who has no invite is not told who is here.
func TestRegistrable_InviteFirst(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	person(t, r, "alice")
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if err := newAPI(Options{}).registrable(tx, profile{Username: "alice", Email: "a@b.c"}, "no such"); err != noInvite {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

// What is read whole is paid for: where there is no memory, nobody gets any.
func TestUpload_PaysForDrawings(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.user("alice")
	s.svc.Purse = wire.NewPurse(1)
	taken := s.svc.Purse.Size() - 1<<20
	s.svc.Purse.Take(taken)
	if _, status := s.upload(alice, typeSVG, []byte("<svg/>")); status != http.StatusServiceUnavailable {
		t.Errorf("a drawing: %d", status)
	}
	feedback := []byte(`{"title":"t","description":"d","category":"bug"}`)
	if resp, _ := s.ask("POST", "/api/feedback", alice, "application/json", feedback); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("feedback: %d", resp.StatusCode)
	}
	s.svc.Purse.Give(taken)
	if _, status := s.upload(alice, typeSVG, []byte("<svg/>")); status != http.StatusOK {
		t.Errorf("a drawing with room for it: %d", status)
	}
	if n := s.svc.Purse.Taken(); n != 0 {
		t.Errorf("%d bytes were not given back", n)
	}
}

// Feedback may go to another server, so nobody gives it without end.
func TestFeedback_Rate(t *testing.T) {
	s := serve(t, Options{})
	alice := s.user("alice")
	for i := range 11 {
		in := fmt.Appendf(nil, `{"title":"t%d","description":"d","category":"bug"}`, i)
		want := map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i < 10]
		if resp, got := s.ask("POST", "/api/feedback", alice, "application/json", in); resp.StatusCode != want {
			t.Errorf("feedback %d: %d %s", i, resp.StatusCode, got)
		}
	}
}

// Somebody without prekeys can be asked for them all day, and nothing is stored
// for it.
func TestKeyBundle_StoresNothing(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.user("alice")
	id := s.idOfUser("alice")
	relaytest.Update(t, s.r, func(tx *relay.Tx) error { return putKeys(tx, id, someKeys(t, 1, 0)) })
	for range 3 {
		s.want(http.StatusOK, "GET", "/api/keys/"+uuid(id).String()+"/bundle", alice, nil, nil)
	}
	relaytest.View(t, s.r, func(tx *relay.Tx) error {
		acc, err := tx.Account(id)
		if err != nil {
			return err
		}
		got, err := tx.Since(relay.Events, []relay.Reading{{Box: acc.Box}}, relay.Page{Entries: 9, Bytes: 1 << 20})
		for _, e := range got {
			if e.Kind == tellKeysLow {
				t.Error("an event is stored")
			}
		}
		return err
	})
}

// A channel has so many polls and no more.
func TestPostPoll_Bounded(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.user("alice")
	id := s.channel("text", "alice")
	room, _ := parseID(id)
	relaytest.Update(t, s.r, func(tx *relay.Tx) error {
		for range maxPolls - 1 {
			if err := polls.Put(tx, newRecordID(tx), &poll{Channel: room}); err != nil {
				return err
			}
		}
		return nil
	})
	in := map[string]any{"question": "q", "options": []string{"a", "b"}}
	s.want(http.StatusOK, "POST", "/api/channels/"+id+"/polls", alice, in, nil)
	s.want(http.StatusBadRequest, "POST", "/api/channels/"+id+"/polls", alice, in, nil)
}
