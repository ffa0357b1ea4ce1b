package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// register makes an account from a draft.
func register(t testing.TB, r *relay.Relay, d relay.AccountDraft) (a relay.Account) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		a, err = tx.Register(d)
		return err
	})
	return a
}

// account looks an account up.
func account(t testing.TB, r *relay.Relay, id relay.ID) (a relay.Account, err error) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		a, err = tx.Account(id)
		return nil
	})
	return a, err
}

func TestTx_Register(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	a := register(t, r, relay.AccountDraft{
		Family: "test", Profile: []byte("p"), Logins: []relay.Login{{Kind: "name", Folded: "anna"}, {Kind: "phone", Folded: "1\x002"}},
	})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for _, l := range []relay.Login{{Kind: "name", Folded: "anna"}, {Kind: "phone", Folded: "1\x002"}} {
			if got, err := tx.FindLogin("test", l); err != nil || got.ID != a.ID || string(got.Profile) != "p" {
				t.Errorf("login %v: %+v, %v", l, got, err)
			}
		}
		for _, l := range []relay.Login{{Kind: "phone", Folded: "anna"}, {Kind: "name", Folded: "ann"}, {Kind: "name", Folded: "anna2"}} {
			_, err := tx.FindLogin("test", l)
			wantCode(t, "a login nobody has", err, relay.NotFound, relay.SubjectAccount)
		}
		_, err := tx.FindLogin("other", relay.Login{Kind: "name", Folded: "anna"})
		wantCode(t, "a login of another family", err, relay.NotFound, relay.SubjectAccount)
		if got, err := tx.AccountByPrefix([12]byte(a.ID[:])); err != nil || got.ID != a.ID {
			t.Errorf("by prefix: %+v, %v", got, err)
		}
		_, err = tx.AccountByPrefix([12]byte{1})
		wantCode(t, "a prefix nobody has", err, relay.NotFound, relay.SubjectAccount)
		b, err := tx.Box(a.Box)
		if b.Owner != (relay.Owner{Kind: relay.OwnerAccount, ID: a.ID}) {
			t.Errorf("the box is %+v's", b.Owner)
		}
		return err
	})
}

func TestTx_Register_LoginTaken(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	d := relay.AccountDraft{Family: "test", Logins: []relay.Login{{Kind: "name", Folded: "anna"}}}
	a := register(t, r, d)
	before := rows(t, r, nil)
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Register(d); return err })
	wantCode(t, "register twice", err, relay.Conflict, relay.SubjectLogin)
	for kind, n := range rows(t, r, nil) {
		if n != before[kind] {
			t.Errorf("%d rows of kind %q, were %d", n, kind, before[kind])
		}
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.SetLogin(a, d.Logins[0]) }) // it has it
	d.Family = "other"
	register(t, r, d)
	relaytest.Update(t, r, func(tx *relay.Tx) error { tx.DropLogin(a, d.Logins[0]); return nil })
	d.Family = "test"
	b := register(t, r, d)
	relaytest.Update(t, r, func(tx *relay.Tx) error { tx.DropLogin(a, d.Logins[0]); return nil }) // not its any more
	relaytest.View(t, r, func(tx *relay.Tx) error {
		got, err := tx.FindLogin("test", d.Logins[0])
		if got.ID != b.ID {
			t.Errorf("found %v, want %v", got.ID, b.ID)
		}
		return err
	})
}

func TestTx_Suspend(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	id := people(t, r, 1)[0]
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Suspend(id) })
	if a, err := account(t, r, id); err != nil || a.Suspended == 0 {
		t.Errorf("got %+v, %v", a, err)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Unsuspend(id) })
	if a, err := account(t, r, id); err != nil || a.Suspended != 0 {
		t.Errorf("got %+v, %v", a, err)
	}
	err := attempt(r, func(tx *relay.Tx) error { return tx.Suspend(relay.NewID()) })
	wantCode(t, "suspend nobody", err, relay.NotFound, relay.SubjectAccount)
}

// An account that nobody calls with goes, and all of it; one call keeps it.
func TestTx_FirstUse(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.Open(t, dir, relay.Options{UnusedAfter: 48 * time.Hour})
		d := relay.AccountDraft{Family: "test", Expires: true}
		used := register(t, r, d)
		d.Logins = []relay.Login{{Kind: "name", Folded: "anna"}}
		unused := register(t, r, d)
		grant(t, r, "used", relay.Token{Account: used.ID, Family: "test"})
		grant(t, r, "unused", relay.Token{Account: unused.ID, Family: "test"})
		for i, want := range []bool{true, false} {
			relaytest.Update(t, r, func(tx *relay.Tx) error {
				c, err := tx.Authenticate(relay.Claim{Secret: "used", Family: "test"})
				if err != nil || c.Unused != want {
					t.Errorf("call %d: %+v, %v", i, c, err)
				}
				return tx.FirstUse(c.Account)
			})
		}
		time.Sleep(48*time.Hour - time.Millisecond)
		if _, err := account(t, r, unused.ID); err != nil {
			t.Errorf("before its time: %v", err)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if _, err := account(t, r, used.ID); err != nil {
			t.Errorf("the used one: %v", err)
		}
		relaytest.View(t, r, func(tx *relay.Tx) error {
			_, err := tx.Stub(unused.ID)
			wantCode(t, "the unused one", err, relay.NotFound, relay.SubjectAccount)
			return nil
		})
		wantRows(t, "an unused account", rows(t, r, unused.ID[:]), "")
		wantRows(t, "an unused account", rows(t, r, unused.Box[:]), "")
		wantRows(t, "all", rows(t, r, nil), "abtdz")
		if got := rows(t, r, nil); got['t'] != 1 || got['d'] != 1 {
			t.Errorf("rows %v", got)
		}
	})
}

func TestTx_RemoveAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		login := relay.Login{Kind: "name", Folded: "anna"}
		a := register(t, r, relay.AccountDraft{Family: "test", Logins: []relay.Login{login, {Kind: "mail", Folded: "a@b"}}, Profile: []byte("p")})
		other := people(t, r, 1)[0]
		in := room(t, r, relay.RoomDraft{}, other, a.ID)
		for i := range 150 { // more than a step of devices
			device := string(rune('a' + i))
			grant(t, r, "secret"+device, relay.Token{Account: a.ID, Family: "test", Device: device})
		}
		fill(t, r, a.Box, 5)
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			tx.SetCredential(a.ID, "password", []byte("hash"))
			if _, err := tx.MoveCursor(a.ID, in.Box, 99); err != nil {
				return err
			}
			if err := tx.HoldBlocks(a.ID, false); err != nil {
				return err
			}
			return tx.Block(a.ID, other)
		})
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			if err := tx.RemoveAccount(a.ID); err != nil {
				return err
			}
			// Its name is free at once.
			_, err := tx.Register(relay.AccountDraft{Family: "test", Logins: []relay.Login{login}})
			return err
		})
		_, err := account(t, r, a.ID)
		wantCode(t, "a removed account", err, relay.NotFound, relay.SubjectAccount)
		synctest.Wait()
		wantRows(t, "remove an account", rows(t, r, a.ID[:]), "a")
		wantRows(t, "remove an account", rows(t, r, a.Box[:]), "")
		if got := rows(t, r, nil); got['t'] != 0 || got['d'] != 0 || got['l'] != 1 || got['L'] != 1 || got['x'] != 0 || got['c'] != 0 || got['k'] != 0 {
			t.Errorf("rows %v", got)
		}
		relaytest.View(t, r, func(tx *relay.Tx) error {
			stub, err := tx.Stub(a.ID)
			if stub.Removed == 0 || stub.Family != "test" || stub.Profile != nil || !stub.Box.IsZero() {
				t.Errorf("the stub is %+v", stub)
			}
			if got, err := tx.FindLogin("test", login); err != nil || got.ID == a.ID {
				t.Errorf("its name: %v, %v", got.ID, err)
			}
			return err
		})
		wantCount(t, r, in.ID, 1)
		err = attempt(r, func(tx *relay.Tx) error { return tx.RemoveAccount(a.ID) })
		wantCode(t, "remove it twice", err, relay.NotFound, relay.SubjectAccount)
	})
}
