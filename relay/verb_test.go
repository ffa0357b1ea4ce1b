package relay_test

import (
	"slices"
	"sync"
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
	counted   steps
	countDown relay.Verb
)

// steps are what was counted down. Hooks add to them while a test looks.
type steps struct {
	mu   sync.Mutex
	left []int
}

func (s *steps) add(left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = append(s.left, left)
}

// forget begins anew.
func (s *steps) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = nil
}

func (s *steps) list() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.left)
}

func init() {
	countDown = relay.NewVerb("test count down", func(tx *relay.Tx, arg []byte) error {
		var c counting
		if err := relay.DecodeArg(arg, &c); err != nil {
			return err
		}
		now := c.Left
		tx.OnCommit(func() { counted.add(now) })
		if c.Left--; c.Left < 0 {
			return nil
		}
		return countDown.Soon(tx, c)
	})
}

func TestVerb_StepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted.forget()
		r := relaytest.New(t, relay.Options{})
		relaytest.Update(t, r, func(tx *relay.Tx) error { return countDown.Soon(tx, counting{2}) })
		synctest.Wait()
		if got := counted.list(); !slices.Equal(got, []int{2, 1, 0}) {
			t.Errorf("steps %v, want [2 1 0]", got)
		}
	})
}

func TestVerb_At(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted.forget()
		r := relaytest.New(t, relay.Options{})
		arg := []byte{0xa1, 1, 0} // {1: 0}
		relaytest.Update(t, r, func(tx *relay.Tx) error {
			_, err := countDown.At(tx, tx.Wall().Add(time.Hour), arg)
			return err
		})
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if got := counted.list(); len(got) != 0 {
			t.Fatalf("ran %v before its time", got)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := counted.list(); len(got) != 1 {
			t.Errorf("ran %d times, want once", len(got))
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

// Whoever moves the clock finds done what is due by it, in the order of its
// times, and nothing else.
func TestRelay_RunDue(t *testing.T) {
	counted.forget()
	var clock relaytest.Clock
	r := relaytest.New(t, relay.Options{Now: clock.Now})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		for _, minutes := range []int{30, 10, 20, 90} {
			arg := []byte{0xa1, 1, byte(minutes % 24)} // {1: minutes}, and as many steps
			if _, err := countDown.At(tx, tx.Wall().Add(time.Duration(minutes)*time.Minute), arg); err != nil {
				return err
			}
		}
		return nil
	})
	clock.Advance(time.Hour)
	if err := r.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := 7 + 11 + 21
	if got := counted.list(); len(got) != want || got[0] != 10 {
		t.Errorf("%d steps, the first %v, want %d", len(got), got[:min(1, len(got))], want)
	}
}
