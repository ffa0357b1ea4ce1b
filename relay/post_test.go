package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// mailbox makes an account whose messages go into its own box.
func mailbox(t testing.TB, r *relay.Relay) relay.Account {
	t.Helper()
	return register(t, r, relay.AccountDraft{Family: "test", Mailbox: true})
}

func send(r *relay.Relay, from, to relay.ID, body int) error {
	return attempt(r, func(tx *relay.Tx) error {
		_, err := tx.Send(from, to, relay.Draft{Body: make([]byte, body)})
		return err
	})
}

func post(r *relay.Relay, from, room relay.ID, body int) error {
	return attempt(r, func(tx *relay.Tx) error {
		_, err := tx.Post(from, room, relay.Draft{Body: make([]byte, body)})
		return err
	})
}

// holds returns how many messages a box holds.
func holds(t testing.TB, r *relay.Relay, b relay.BoxID) int {
	t.Helper()
	return wantHolding(t, r, b).Entries
}

func TestTx_Send_Mailbox(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	alice, bob := mailbox(t, r), mailbox(t, r)
	if err := send(r, alice.ID, bob.ID, 1); err != nil {
		t.Fatal(err)
	}
	got := since(t, r, relay.Page{Entries: 9, Bytes: 1 << 20}, relay.Reading{Box: bob.Box})
	if len(got) != 1 || got[0].From != alice.ID || holds(t, r, alice.Box) != 0 {
		t.Errorf("bob has %+v", got)
	}
	// No trace of who knows whom but the message.
	wantRows(t, "a message", rows(t, r, nil), "abez")
}

// Where one of the two keeps history, the message is in their direct room; one
// without has it in its mailbox as well.
func TestTx_Send_Direct(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p, bob := people(t, r, 2), mailbox(t, r)
	for i, c := range []struct {
		from, to relay.ID
		mailbox  int // messages in Bob's afterwards
	}{{p[0], p[1], 0}, {p[0], bob.ID, 1}, {bob.ID, p[0], 1}} {
		if err := send(r, c.from, c.to, 1); err != nil {
			t.Fatal(err)
		}
		relaytest.View(t, r, func(tx *relay.Tx) error {
			room, err := tx.FindDirect(c.from, c.to)
			if err != nil {
				return err
			}
			held, err := tx.Holding(room.Box)
			if want := max(i, 1); held.Entries != want { // the third goes where the second went
				t.Errorf("message %d: the room holds %+v, want %d", i, held, want)
			}
			return err
		})
		if n := holds(t, r, bob.Box); n != c.mailbox {
			t.Errorf("message %d: the mailbox holds %d, want %d", i, n, c.mailbox)
		}
	}
}

// Nobody, and somebody who does not want to hear, cannot be told apart.
func TestTx_Send_NotFound(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	alice, bob, gone, p := mailbox(t, r), mailbox(t, r), mailbox(t, r), people(t, r, 2)
	if err := send(r, p[0], p[1], 1); err != nil {
		t.Fatal(err)
	}
	var direct relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		if err = tx.Block(bob.ID, alice.ID); err == nil {
			err = tx.Block(p[1], p[0])
		}
		if err == nil {
			err = tx.RemoveAccount(gone.ID)
		}
		if err == nil {
			direct, err = tx.FindDirect(p[0], p[1])
		}
		return err
	})
	want := send(r, alice.ID, relay.NewID(), 1)
	wantCode(t, "to nobody", want, relay.NotFound, relay.SubjectAccount)
	for name, err := range map[string]error{
		"blocked":           send(r, alice.ID, bob.ID, 1),
		"blocked, direct":   send(r, p[0], p[1], 1),
		"blocked, by room":  post(r, p[0], direct.ID, 1),
		"removed recipient": send(r, alice.ID, gone.ID, 1),
		"removed sender":    send(r, gone.ID, alice.ID, 1),
	} {
		if err == nil || err.Error() != want.Error() {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	for _, err := range []error{send(r, bob.ID, alice.ID, 1), post(r, p[1], direct.ID, 1)} {
		if err != nil {
			t.Errorf("the other way round: %v", err)
		}
	}
}

func TestTx_Post(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 2)
		in := room(t, r, relay.RoomDraft{}, p[0])
		var open relay.Room
		relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
			open, err = tx.OpenFor(p[0], "test")
			return err
		})
		for _, err := range []error{post(r, p[0], in.ID, 1), post(r, p[0], open.ID, 1), post(r, p[1], open.ID, 1)} {
			if err != nil {
				t.Error(err)
			}
		}
		wantCode(t, "not a member", post(r, p[1], in.ID, 1), relay.NotFound, relay.SubjectRoom)
		wantCode(t, "no room", post(r, p[1], relay.NewID(), 1), relay.NotFound, relay.SubjectRoom)
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := tx.Silence(p[0], in.ID, p[0], r.Now().Add(time.Minute))
			return err
		})
		wantCode(t, "silenced", post(r, p[0], in.ID, 1), relay.Forbidden, relay.SubjectMember)
		time.Sleep(time.Minute)
		if err := post(r, p[0], in.ID, 1); err != nil {
			t.Errorf("not silenced any more: %v", err)
		}
		if holds(t, r, in.Box) != 2 || holds(t, r, open.Box) != 2 {
			t.Error("not all of it is there, or too much")
		}
	})
}

// Two hundred at once into one box, from whomever, then fifty a second.
func TestTx_Send_Pace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		alice, carol, bob := mailbox(t, r), mailbox(t, r), mailbox(t, r)
		burst := func() (n int) {
			for ; n < 10*relay.PaceBurst; n++ {
				err := send(r, []relay.ID{alice.ID, carol.ID}[n%2], bob.ID, 1)
				if relay.Is(err, relay.TooMany) {
					if wait := relay.AsError(err).RetryAfter; wait <= 0 || wait > time.Second {
						t.Errorf("come again in %v", wait)
					}
					return n
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			return n
		}
		if n := burst(); n != relay.PaceBurst {
			t.Errorf("%d at once, want %d", n, relay.PaceBurst)
		}
		time.Sleep(time.Second)
		if n := burst(); n != relay.PacePerSecond {
			t.Errorf("%d a second later, want %d", n, relay.PacePerSecond)
		}
		if err := send(r, bob.ID, alice.ID, 1); err != nil {
			t.Errorf("another box: %v", err)
		}
		if n := holds(t, r, bob.Box); n != relay.PaceBurst+relay.PacePerSecond {
			t.Errorf("the box holds %d", n)
		}
	})
}

// untilTooMany sends until a share is used up, slowly enough for the pace, and returns
// how many went through.
func untilTooMany(t testing.TB, most int, one func(i int) error) int {
	t.Helper()
	for i := range most {
		if i%relay.PaceBurst == relay.PaceBurst-1 {
			time.Sleep(4 * time.Second)
		}
		err := one(i)
		if relay.Is(err, relay.TooMany) {
			if wait := relay.AsError(err).RetryAfter; wait < time.Hour || wait > 24*time.Hour {
				t.Errorf("come again in %v", wait)
			}
			return i
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return most
}

// What one sender may put into one mailbox in a day; others may still, and so
// may the same one elsewhere, and a day later.
func TestTx_Send_Share(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		alice, carol, bob := mailbox(t, r), mailbox(t, r), mailbox(t, r)
		one := func(int) error { return send(r, alice.ID, bob.ID, 1) }
		if n := untilTooMany(t, relay.MailboxEntries+1, one); n != relay.MailboxEntries {
			t.Errorf("%d entries in a day, want %d", n, relay.MailboxEntries)
		}
		for _, err := range []error{send(r, carol.ID, bob.ID, 1), send(r, alice.ID, carol.ID, 1)} {
			if err != nil {
				t.Errorf("somebody else: %v", err)
			}
		}
		time.Sleep(24 * time.Hour)
		if err := one(0); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

func TestTx_Send_ShareOfBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		alice, bob := mailbox(t, r), mailbox(t, r)
		n := untilTooMany(t, 100, func(int) error { return send(r, alice.ID, bob.ID, 1<<20) })
		if n != relay.MailboxBytes>>20 {
			t.Errorf("%d MiB in a day, want %d", n, relay.MailboxBytes>>20)
		}
	})
}

// A refused message costs its sender nothing.
func TestTx_Send_ShareOfFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		alice, bob := mailbox(t, r), mailbox(t, r)
		for range 2 * relay.PaceBurst {
			err := attempt(r, func(tx *relay.Tx) error {
				if _, err := tx.Send(alice.ID, bob.ID, relay.Draft{Body: make([]byte, 1<<20)}); err != nil {
					return err
				}
				return errDiscarded
			})
			if relay.Is(err, relay.TooMany) {
				t.Fatal(err)
			}
		}
	})
}

// A closure that runs twice before it is committed is charged once.
func TestTx_Send_ShareOfRunTwice(t *testing.T) {
	r := relaytest.Over(t, t.TempDir(), relay.Options{}, func(e storage.Engine) storage.Engine { return discarded{e} })
	alice, bob := mailbox(t, r), mailbox(t, r)
	for i := range relay.MailboxBytes >> 20 {
		if err := send(r, alice.ID, bob.ID, 1<<20); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	wantCode(t, "one too many", send(r, alice.ID, bob.ID, 1<<20), relay.TooMany, relay.SubjectNone)
}

func TestTx_Post_Share(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{BoxEntries: 400, BoxBytes: 8 << 20})
		p := people(t, r, 3)
		in := room(t, r, relay.RoomDraft{}, p...)
		if n := untilTooMany(t, 400, func(int) error { return post(r, p[0], in.ID, 1) }); n != 100 {
			t.Errorf("%d entries, want a quarter of 400", n)
		}
		time.Sleep(4 * time.Second)
		if n := untilTooMany(t, 400, func(int) error { return post(r, p[1], in.ID, 256<<10) }); n != 8 {
			t.Errorf("%d entries of 256 KiB, want a quarter of 8 MiB", n)
		}
		if err := post(r, p[2], in.ID, 1); err != nil {
			t.Errorf("somebody else: %v", err)
		}
	})
}

// What one account may write in a day, over all boxes.
func TestTx_Send_Writes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		alice := mailbox(t, r)
		var to []relay.ID
		for range 10 {
			to = append(to, mailbox(t, r).ID)
		}
		one := func(i int) error { return send(r, alice.ID, to[i%len(to)], 1) }
		if n := untilTooMany(t, relay.AccountWrites+1, one); n != relay.AccountWrites {
			t.Errorf("%d in a day, want %d", n, relay.AccountWrites)
		}
	})
}

// Without limits there are no rates and no shares, and the same quotas.
func TestTx_Send_NoLimits(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true, BoxEntries: 6000})
	alice, bob := mailbox(t, r), mailbox(t, r)
	for range 6 {
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			for range 1000 {
				if _, err := tx.Send(alice.ID, bob.ID, relay.Draft{}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	wantCode(t, "one too many", send(r, alice.ID, bob.ID, 1), relay.Full, relay.SubjectRoom)
}

// The less is free on the disk, the less is let in.
func TestRelay_Space(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := int64(1 << 40)
		r := relaytest.New(t, relay.Options{Free: func() int64 { return free }, Reserve: 1000})
		alice, bob := mailbox(t, r), mailbox(t, r)
		p := people(t, r, 3)
		in := room(t, r, relay.RoomDraft{}, p[0])
		if err := send(r, p[0], p[1], 1); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			free                           int64
			founding, stranger, known, any bool
		}{
			{4000, true, true, true, true}, {3999, false, true, true, true}, {2000, false, true, true, true},
			{1999, false, false, true, true}, {1000, false, false, true, true}, {999, false, false, false, true}, {0, false, false, false, true},
			{4000, true, true, true, true},
		} {
			free = c.free
			time.Sleep(3 * time.Second) // a look is good for two
			es := since(t, r, relay.Page{Entries: 1, Bytes: 1}, relay.Reading{Box: in.Box})
			for name, x := range map[string]struct {
				err  error
				want bool
			}{
				"founding":  {r.Founding(), c.founding},
				"open room": {attempt(r, func(tx *relay.Tx) error { _, err := tx.OpenFor(p[0], "test"); return err }), c.founding},
				"stranger":  {send(r, alice.ID, bob.ID, 1), c.stranger},
				"known":     {send(r, p[0], p[1], 1), c.known},
				"member":    {post(r, p[0], in.ID, 1), c.known},
				"erase": {attempt(r, func(tx *relay.Tx) error {
					if len(es) == 0 {
						return nil
					}
					return tx.Erase(es[0].ID)
				}), c.any},
			} {
				if (x.err == nil) != x.want || x.err != nil && !relay.Is(x.err, relay.Full) {
					t.Errorf("%d bytes free, %s: %v", c.free, name, x.err)
				}
			}
		}
	})
}

// Open rooms are counted on who makes them: so many a day, so many ever.
func TestTx_OpenFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{UnusedAfter: 1000 * 24 * time.Hour})
		p := people(t, r, 2)
		open := func(who relay.ID) error {
			return attempt(r, func(tx *relay.Tx) error { _, err := tx.OpenFor(who, "test"); return err })
		}
		time.Sleep(13 * time.Hour)
		total := 0
		for day := range relay.OpeningsEver / relay.OpeningsADay {
			n := 0
			for ; n < 100 && open(p[0]) == nil; n++ {
			}
			if total += n; n != relay.OpeningsADay {
				t.Fatalf("%d on day %d", n, day)
			}
			if wait := relay.AsError(open(p[0])).RetryAfter; total < relay.OpeningsEver && wait != 11*time.Hour && day == 0 {
				t.Errorf("come again in %v", wait)
			}
			time.Sleep(24 * time.Hour)
		}
		wantCode(t, "ever", open(p[0]), relay.TooMany, relay.SubjectNone)
		if err := open(p[1]); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		wantCode(t, "nobody", open(relay.NewID()), relay.NotFound, relay.SubjectAccount)
	})
}

// A message that goes into a mailbox too is returned as it lies in the room, and
// the copy names nothing of the room.
func TestTx_Send_BothReturnsRoom(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	alice, bob := people(t, r, 1)[0], mailbox(t, r)
	var e relay.Entry
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		e, err = tx.Send(alice, bob.ID, relay.Draft{Body: []byte("b"), Reply: 7})
		return err
	})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		room, err := tx.FindDirect(alice, bob.ID)
		if err != nil || e.ID.Box != room.Box || e.Reply != 7 {
			t.Errorf("got %+v, the room is %+v, %v", e, room, err)
		}
		return err
	})
	got := since(t, r, relay.Page{Entries: 9, Bytes: 1 << 20}, relay.Reading{Box: bob.Box})
	if len(got) != 1 || got[0].Reply != 0 {
		t.Errorf("the mailbox has %+v", got)
	}
}

// Where only some write, the others are refused, and nothing is stored.
func TestTx_Post_Writers(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 2)
	var room relay.Room
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		room, err = tx.OpenRoom(relay.RoomDraft{By: p[0], Family: "test", Members: []relay.Seat{
			{Account: p[0], Role: relay.RoleAdmin}, {Account: p[1]}}})
		return err
	})
	writers := func(least relay.Role) {
		t.Helper()
		relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.SetWriters(room.ID, least); return err })
	}
	writers(relay.RoleAdmin)
	if err := post(r, p[0], room.ID, 1); err != nil {
		t.Error(err)
	}
	wantCode(t, "a plain member", post(r, p[1], room.ID, 1), relay.Forbidden, relay.SubjectMember)
	writers(relay.RoleMember)
	if err := post(r, p[1], room.ID, 1); err != nil || holds(t, r, room.Box) != 2 {
		t.Errorf("%v, the room holds %d", err, holds(t, r, room.Box))
	}
}
