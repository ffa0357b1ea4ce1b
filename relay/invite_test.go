package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func invite(t testing.TB, r *relay.Relay, uses int, expires time.Duration) (code string) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		code, err = tx.NewInvite(uses, expires)
		return err
	})
	return code
}

func spend(r *relay.Relay, code string) error {
	return attempt(r, func(tx *relay.Tx) error { return tx.SpendInvite(code) })
}

func TestTx_SpendInvite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		twice, once, short := invite(t, r, 2, 0), invite(t, r, 1, time.Hour), invite(t, r, 5, time.Minute)
		want := spend(r, "unknown")
		wantCode(t, "unknown", want, relay.Forbidden, relay.SubjectInvite)
		refused := func(what, code string) {
			t.Helper()
			if err := spend(r, code); err == nil || err.Error() != want.Error() {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
		for _, code := range []string{twice, once, short, twice} {
			if err := spend(r, code); err != nil {
				t.Error(err)
			}
		}
		refused("used up", once)
		refused("used up twice", twice)
		time.Sleep(time.Minute)
		refused("expired", short)
		synctest.Wait()
		if got := rows(t, r, nil)['s']; got != 0 {
			t.Errorf("%d invites are left", got)
		}
		time.Sleep(time.Hour) // the timer of one that is gone already
		synctest.Wait()
	})
}

// A closure that fails has spent nothing; the code itself is kept nowhere.
func TestTx_SpendInvite_Failed(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	code := invite(t, r, 1, 0)
	_ = attempt(r, func(tx *relay.Tx) error {
		if err := tx.SpendInvite(code); err != nil {
			t.Error(err)
		}
		return errDiscarded
	})
	if err := spend(r, code); err != nil {
		t.Error(err)
	}
	if n := leaks(t, r, []byte(invite(t, r, 1, 0))); n != 0 {
		t.Errorf("%d rows have the code", n)
	}
}

func TestTx_NewInvite_Invalid(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	for _, uses := range []int{0, -1, 10_001} {
		err := attempt(r, func(tx *relay.Tx) error { _, err := tx.NewInvite(uses, 0); return err })
		wantCode(t, "invite", err, relay.Invalid, relay.SubjectInvite)
	}
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.NewInvite(1, -1); return err })
	wantCode(t, "invite into the past", err, relay.Invalid, relay.SubjectInvite)
}
