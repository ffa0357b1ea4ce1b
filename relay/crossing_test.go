package relay_test

import (
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// two registers somebody with a mailbox and somebody with history, of two
// families.
func two(t *testing.T, r *relay.Relay) (mailbox, chatter relay.Account) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if mailbox, err = tx.Register(relay.AccountDraft{Family: "post", Mailbox: true}); err == nil {
			chatter, err = tx.Register(relay.AccountDraft{Family: "chat"})
		}
		return err
	})
	return mailbox, chatter
}

func TestPost_DirectReachesTheMailbox(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	mailbox, chatter := two(t, r)
	var room relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if room, err = tx.DirectRoom(mailbox.ID, chatter.ID); err != nil {
			return err
		}
		_, err = tx.Post(chatter.ID, room.ID, relay.Draft{Kind: "message", Body: []byte("hello")})
		return err
	})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, err := tx.Post(mailbox.ID, room.ID, relay.Draft{Kind: "message", Body: []byte("back")})
		return err
	})
	held := func(b relay.BoxID) (n int) {
		relaytest.View(t, r, func(tx *relay.Tx) error {
			h, err := tx.Holding(b)
			n = h.Entries
			return err
		})
		return n
	}
	if room, mail := held(room.Box), held(mailbox.Box); room != 2 || mail != 1 {
		t.Errorf("%d in the room, %d in the mailbox; want 2 and 1", room, mail)
	}
}

func TestNoCrossing(t *testing.T) {
	dir := t.TempDir()
	var mailbox, chatter relay.Account
	var room relay.Room
	t.Run("open", func(t *testing.T) {
		r := relaytest.Open(t, dir, relay.Options{})
		mailbox, chatter = two(t, r)
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			room, err = tx.OpenRoom(relay.RoomDraft{Family: "chat", By: chatter.ID, Members: []relay.Seat{{Account: chatter.ID}, {Account: mailbox.ID}}})
			return err
		})
	})
	r := relaytest.Open(t, dir, relay.Options{NoCrossing: true})
	for doing, try := range map[string]func(*relay.Tx) error{
		"send":   func(tx *relay.Tx) error { _, err := tx.Send(mailbox.ID, chatter.ID, relay.Draft{}); return err },
		"direct": func(tx *relay.Tx) error { _, err := tx.DirectRoom(chatter.ID, mailbox.ID); return err },
		"meet":   func(tx *relay.Tx) error { return tx.MayMeet(chatter.ID, mailbox) },
	} {
		wantCode(t, doing, attempt(r, try), relay.NotFound, relay.SubjectAccount)
	}
	wantCode(t, "post", attempt(r, func(tx *relay.Tx) error {
		_, err := tx.Post(mailbox.ID, room.ID, relay.Draft{})
		return err
	}), relay.NotFound, relay.SubjectRoom)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, err := tx.Post(chatter.ID, room.ID, relay.Draft{})
		return err
	})
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{"": "", "né": "né", "\xff\x00": "/wA="} {
		if got := relay.Text([]byte(in)); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestNameOf(t *testing.T) {
	relay.DeclareNames("named", relay.Names{Account: func(a relay.Account) string { return string(a.Profile) }})
	id, _ := relay.ParseID("0123456789abcdef0123456789abcdef")
	for want, a := range map[string]relay.Account{
		"ann":      {ID: id, Family: "named", Profile: []byte("ann")},
		"01234567": {ID: id, Family: "named"},
	} {
		if got := relay.NameOf(a); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := relay.NameOf(relay.Account{ID: id, Family: "named", Profile: []byte("ann"), Removed: 1}); got != "01234567" {
		t.Errorf("somebody removed: got %q", got)
	}
	if got := relay.NameOfRoom(relay.Room{ID: id, Family: "nobody's"}); got != "01234567" {
		t.Errorf("a room without a name: got %q", got)
	}
}
