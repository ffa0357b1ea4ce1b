package relay_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func once(t testing.TB, r *relay.Relay, name, print string) (again bool, err error) {
	t.Helper()
	err = attempt(r, func(tx *relay.Tx) (err error) {
		again, err = tx.Once(relay.DigestOf([]byte(name)), relay.DigestOf([]byte(print)))
		return err
	})
	return again, err
}

func wantOnce(t testing.TB, r *relay.Relay, name string, want bool) {
	t.Helper()
	if again, err := once(t, r, name, "p"); err != nil || again != want {
		t.Errorf("%s: again %v, %v, want %v", name, again, err, want)
	}
}

func TestTx_Once(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	wantOnce(t, r, "a", false)
	wantOnce(t, r, "a", true)
	wantOnce(t, r, "b", false)
	_, err := once(t, r, "a", "other")
	wantCode(t, "another print", err, relay.Conflict, relay.SubjectMessage)
	wantOnce(t, r, "a", true)
}

func TestTx_Once_Failed(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	err := attempt(r, func(tx *relay.Tx) error {
		if _, err := tx.Once(relay.DigestOf([]byte("a")), relay.DigestOf([]byte("p"))); err != nil {
			return err
		}
		return relay.Errorf(relay.Full, relay.SubjectNone, "fails")
	})
	wantCode(t, "the closure", err, relay.Full, relay.SubjectNone)
	wantOnce(t, r, "a", false)
}

// Twenty-four hours, whatever the time of day, and not a millisecond more.
func TestTx_Once_Forgotten(t *testing.T) {
	day := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, at := range []time.Duration{0, time.Millisecond, 12 * time.Hour, 24*time.Hour - time.Millisecond} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			clock := clockAt(day.Add(at).UnixMilli())
			r := relaytest.New(t, relay.Options{Now: clock.now})
			wantOnce(t, r, "a", false)
			clock.ms.Add(relay.OnceFor.Milliseconds() - 1)
			wantOnce(t, r, "a", true)
			relaytest.Update(t, r, func(tx *relay.Tx) error { tx.ForgetOnce(10); return nil })
			wantOnce(t, r, "a", true)
			clock.ms.Add(1)
			wantOnce(t, r, "a", false)
			wantOnce(t, r, "a", true)
		})
	}
}

// A clock that is set back does not make the relay forget.
func TestTx_Once_ClockSetBack(t *testing.T) {
	clock := clockAt(1_700_000_000_000)
	r := relaytest.New(t, relay.Options{Now: clock.now})
	wantOnce(t, r, "a", false)
	clock.ms.Store(1000)
	wantOnce(t, r, "a", true)
	wantOnce(t, r, "b", false)
	wantOnce(t, r, "b", true)
}

func TestRelay_Sweep_Once(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := relaytest.New(t, relay.Options{})
		for range 3 {
			relaytest.Update(t, r, func(tx *relay.Tx) error {
				for range relay.StepKeys {
					id := relay.NewID()
					if _, err := tx.Once(relay.DigestOf(id[:]), relay.Digest{}); err != nil {
						return err
					}
				}
				return nil
			})
		}
		for _, want := range []int{3000, 0} {
			if got := rows(t, r, nil)['q']; got != want {
				t.Errorf("%d once-keys, want %d", got, want)
			}
			time.Sleep(3 * 24 * time.Hour)
			synctest.Wait()
		}
	})
}
