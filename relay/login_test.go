package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func grant(t testing.TB, r *relay.Relay, secret string, tk relay.Token) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Grant(secret, tk) })
}

func authenticate(t testing.TB, r *relay.Relay, c relay.Claim) (who relay.Caller, err error) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		who, err = tx.Authenticate(c)
		return nil
	})
	return who, err
}

func TestTx_Authenticate(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	a := register(t, r, relay.AccountDraft{Family: "test"})
	grant(t, r, "s", relay.Token{Account: a.ID, Family: "test", Device: "phone", Purpose: "access"})
	for _, c := range []relay.Claim{
		{Secret: "s", Family: "test", Purpose: "access"},
		{Secret: "s", Family: "test", Purpose: "access", Names: true, Named: a.ID, Device: "phone"},
	} {
		got, err := authenticate(t, r, c)
		if err != nil || got != (relay.Caller{Account: a.ID, Box: a.Box, Device: "phone"}) {
			t.Errorf("claim %+v: %+v, %v", c, got, err)
		}
	}
	if n := leaks(t, r, []byte("s\x00")); n != 0 {
		t.Errorf("%d rows have the secret", n)
	}
}

// Where callers are believed, a name is enough, if it is one of the family's.
func TestTx_Authenticate_Believed(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if err := tx.Suspend(p[1]); err != nil {
			return err
		}
		return tx.RemoveAccount(p[2])
	})
	claim := func(family string, who relay.ID) (relay.Caller, error) {
		return authenticate(t, r, relay.Claim{Believed: true, Family: family, Names: true, Named: who})
	}
	if got, err := claim("test", p[0]); err != nil || got.Account != p[0] || got.Box.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, who := range map[string]relay.ID{"suspended": p[1], "removed": p[2], "nobody": {}} {
		_, err := claim("test", who)
		wantCode(t, name, err, relay.NotFound, relay.SubjectAccount)
	}
	_, err := claim("other", p[0])
	wantCode(t, "of another family", err, relay.NotFound, relay.SubjectAccount)
	if got, err := authenticate(t, r, relay.Claim{Believed: true, Family: "test"}); err != nil || got != (relay.Caller{}) {
		t.Errorf("a claim that names nobody is %+v, %v", got, err)
	}
}

// Everything that is wrong with a claim is answered alike.
func TestTx_Authenticate_Unauthorized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 4)
		tk := relay.Token{Account: p[0], Family: "test", Device: "phone", Purpose: "access"}
		grant(t, r, "good", tk)
		tk.Expires = r.Now().Add(time.Minute)
		grant(t, r, "expires", tk)
		tk.Expires = 0
		for i, secret := range []string{"", "suspended", "removed", "nobody's"} {
			if i > 0 {
				tk.Account = p[i]
				grant(t, r, secret, tk)
			}
		}
		grant(t, r, "gone", relay.Token{Account: relay.NewID(), Family: "test", Purpose: "access"})
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			if err := tx.Suspend(p[1]); err != nil {
				return err
			}
			return tx.RemoveAccount(p[2])
		})
		good := relay.Claim{Secret: "good", Family: "test", Purpose: "access"}
		if _, err := authenticate(t, r, relay.Claim{Secret: "expires", Family: "test", Purpose: "access"}); err != nil {
			t.Errorf("before it expires: %v", err)
		}
		time.Sleep(time.Minute)
		var want error
		for name, change := range map[string]func(*relay.Claim){
			"unknown":   func(c *relay.Claim) { c.Secret = "other" },
			"empty":     func(c *relay.Claim) { c.Secret = "" },
			"named":     func(c *relay.Claim) { c.Names, c.Named = true, p[1] },
			"nobody":    func(c *relay.Claim) { c.Names = true },
			"family":    func(c *relay.Claim) { c.Family = "other" },
			"purpose":   func(c *relay.Claim) { c.Purpose = "refresh" },
			"device":    func(c *relay.Claim) { c.Device = "tablet" },
			"expired":   func(c *relay.Claim) { c.Secret = "expires" },
			"suspended": func(c *relay.Claim) { c.Secret = "suspended" },
			"removed":   func(c *relay.Claim) { c.Secret = "removed" },
			"gone":      func(c *relay.Claim) { c.Secret = "gone" },
		} {
			c := good
			change(&c)
			got, err := authenticate(t, r, c)
			wantCode(t, name, err, relay.Unauthorized, relay.SubjectToken)
			if want == nil {
				want = err
			}
			if fmt.Sprint(err) != fmt.Sprint(want) || got != (relay.Caller{}) {
				t.Errorf("%s: %+v, %v, others %v", name, got, err, want)
			}
		}
		if _, err := authenticate(t, r, good); err != nil {
			t.Errorf("the right one: %v", err)
		}
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Unsuspend(p[1]) })
		if _, err := authenticate(t, r, relay.Claim{Secret: "suspended", Family: "test", Purpose: "access"}); err != nil {
			t.Errorf("not suspended any more: %v", err)
		}
	})
}

// A device has sixteen tokens; the oldest goes first.
func TestTx_Grant_Limit(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	id := people(t, r, 1)[0]
	for i := range 20 {
		grant(t, r, fmt.Sprint("secret", i), relay.Token{Account: id, Family: "test", Device: "phone"})
	}
	grant(t, r, "another", relay.Token{Account: id, Family: "test", Device: "tablet"})
	for i := range 20 {
		_, err := authenticate(t, r, relay.Claim{Secret: fmt.Sprint("secret", i), Family: "test"})
		if (err == nil) != (i >= 4) {
			t.Errorf("token %d: %v", i, err)
		}
	}
	if got := rows(t, r, nil); got['t'] != 17 || got['d'] != 2 {
		t.Errorf("rows %v", got)
	}
}

func TestTx_Revoke(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	id := people(t, r, 1)[0]
	for _, s := range []string{"a", "b"} {
		grant(t, r, s, relay.Token{Account: id, Family: "test", Device: "phone"})
	}
	for range 2 { // the second time is no error
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Revoke("a") })
	}
	_, err := authenticate(t, r, relay.Claim{Secret: "a", Family: "test"})
	wantCode(t, "a revoked token", err, relay.Unauthorized, relay.SubjectToken)
	if _, err := authenticate(t, r, relay.Claim{Secret: "b", Family: "test"}); err != nil {
		t.Errorf("the other one: %v", err)
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		d, err := tx.Device(id, "phone")
		if len(d.Tokens) != 1 {
			t.Errorf("the device has %d tokens", len(d.Tokens))
		}
		return err
	})
}

func TestTx_DropDevice(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	id := people(t, r, 1)[0]
	for _, device := range []string{"phone", "tablet"} {
		grant(t, r, device, relay.Token{Account: id, Family: "test", Device: device})
	}
	for range 2 {
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.DropDevice(id, "phone") })
	}
	_, err := authenticate(t, r, relay.Claim{Secret: "phone", Family: "test"})
	wantCode(t, "its token", err, relay.Unauthorized, relay.SubjectToken)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		_, err := tx.Device(id, "phone")
		wantCode(t, "the device", err, relay.NotFound, relay.SubjectDevice)
		ds, err := tx.Devices(id, 10)
		if len(ds) != 1 || ds[0].Name != "tablet" {
			t.Errorf("devices %+v", ds)
		}
		return err
	})
}

func TestTx_SetCredential(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	id := people(t, r, 1)[0]
	for _, value := range [][]byte{[]byte("one"), []byte("two"), {}, nil} {
		relaytest.Update(t, r, func(tx *relay.Tx) error { tx.SetCredential(id, "password", value); return nil })
		relaytest.View(t, r, func(tx *relay.Tx) error {
			if got := tx.Credential(id, "password"); string(got) != string(value) || (got == nil) != (value == nil) {
				t.Errorf("got %q, want %q", got, value)
			}
			if got := tx.Credential(id, "pass"); got != nil {
				t.Errorf("another name has %q", got)
			}
			return nil
		})
	}
}

// Blocks that are switched off keep nothing away, and lose nothing either.
func TestTx_HoldBlocks(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	p := people(t, r, 3)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Block(p[0], p[1]) })
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Block(p[1], p[0]) })
	hold := func(hold bool) {
		t.Helper()
		for range 2 {
			relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.HoldBlocks(p[0], hold) })
		}
	}
	check := func(when string, first, second bool) {
		t.Helper()
		relaytest.View(t, r, func(tx *relay.Tx) error {
			if got := tx.Blocked(p[0], p[1]); got != first {
				t.Errorf("%s: the first is blocked %v, want %v", when, got, first)
			}
			if got := tx.Blocked(p[0], p[2]); got != second {
				t.Errorf("%s: the second is blocked %v, want %v", when, got, second)
			}
			if !tx.Blocked(p[1], p[0]) {
				t.Errorf("%s: another's block does not hold", when)
			}
			return nil
		})
	}
	hold(false)
	check("off", false, false)
	if err := send(r, p[1], p[0], 1); err != nil {
		t.Errorf("to who holds no blocks: %v", err)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if err := tx.Block(p[0], p[1]); err != nil { // it is there
			return err
		}
		return tx.Block(p[0], p[2])
	})
	check("off, and one more", false, false)
	relaytest.View(t, r, func(tx *relay.Tx) error {
		ids, _, err := tx.Blocks(p[0], relay.ID{}, 10)
		if len(ids) != 2 {
			t.Errorf("blocks %v", ids)
		}
		return err
	})
	hold(true)
	check("on", true, true)
	wantCode(t, "on", send(r, p[1], p[0], 1), relay.NotFound, relay.SubjectAccount)
	hold(false)
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if !tx.Unblock(p[0], p[1]) {
			t.Error("a block that does not hold was not there")
		}
		return nil
	})
	hold(true)
	check("on, and one less", false, true)
}

func TestTx_Block(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		p := people(t, r, 4)
		for range 2 {
			relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Block(p[0], p[1]) })
			time.Sleep(time.Second)
		}
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Block(p[0], p[2]) })
		relaytest.View(t, r, func(tx *relay.Tx) error {
			if !tx.Blocked(p[0], p[1]) || tx.Blocked(p[1], p[0]) || tx.Blocked(p[0], p[3]) {
				t.Error("blocked the wrong way round")
			}
			ids, since, err := tx.Blocks(p[0], relay.ID{}, 10)
			if len(ids) != 2 || since[0] == since[1] {
				t.Errorf("blocks %v since %v", ids, since)
			}
			if len(ids) == 2 {
				rest, _, _ := tx.Blocks(p[0], ids[0], 10)
				if len(rest) != 1 || rest[0] != ids[1] {
					t.Errorf("after the first: %v", rest)
				}
			}
			return err
		})
		for _, want := range []bool{true, false} {
			relaytest.Update(t, r, func(tx *relay.Tx) error {
				if was := tx.Unblock(p[0], p[1]); was != want {
					t.Errorf("unblock: %v, want %v", was, want)
				}
				return nil
			})
		}
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Mute(p[0], p[1], r.Now().Add(time.Minute)) })
		for _, want := range []bool{true, false} {
			relaytest.View(t, r, func(tx *relay.Tx) error {
				got, err := tx.Muted(p[0], p[1])
				if got != want || tx.Blocked(p[0], p[1]) {
					t.Errorf("muted: %v, want %v", got, want)
				}
				return err
			})
			time.Sleep(time.Minute)
		}
	})
}
