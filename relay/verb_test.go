package relay_test

import (
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

type counting struct {
	Left int `cbor:"1,keyasint"`
}

var (
	counted   []int
	countDown relay.Verb
)

func init() {
	countDown = relay.NewVerb("test count down", func(tx *relay.Tx, arg []byte) error {
		var c counting
		if err := relay.DecodeArg(arg, &c); err != nil {
			return err
		}
		now := c.Left
		tx.OnCommit(func() { counted = append(counted, now) })
		if c.Left--; c.Left < 0 {
			return nil
		}
		return countDown.Soon(tx, c)
	})
}

func TestVerb_StepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted = nil
		r := relaytest.New(t, relay.Options{})
		relaytest.Update(t, r, func(tx *relay.Tx) error { return countDown.Soon(tx, counting{2}) })
		synctest.Wait()
		if len(counted) != 3 || counted[0] != 2 || counted[2] != 0 {
			t.Errorf("steps %v, want [2 1 0]", counted)
		}
	})
}

func TestVerb_At(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted = nil
		r := relaytest.New(t, relay.Options{})
		arg := []byte{0xa1, 1, 0} // {1: 0}
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := countDown.At(tx, tx.Wall().Add(time.Hour), arg)
			return err
		})
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if len(counted) != 0 {
			t.Fatalf("ran %v before its time", counted)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(counted) != 1 {
			t.Errorf("ran %d times, want once", len(counted))
		}
	})
}

func TestNewVerb_Twice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a name was given twice")
		}
	}()
	relay.NewVerb("test count down", func(*relay.Tx, []byte) error { return nil })
}
