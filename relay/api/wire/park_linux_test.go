package wire

import (
	"io"
	"net"
	"testing"
	"time"
)

// A connection that is kept waits in the set each time, and is out of it in between.
func TestPark_KeptConnectionInTheSet(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	inSet := func() int {
		w := watching()
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.waiters)
	}
	s.each(func(t *testing.T, a net.Addr) {
		c := s.call(a)
		for n := range 5 {
			b.set(n)
			c.get("/" + string(rune('0'+n)))
			<-b.parked
			// It has been rung once already, and may be about to lie down again.
			for start := time.Now(); inSet() != 1 || !asleepInSet(); time.Sleep(time.Millisecond) {
				if time.Since(start) > 10*time.Second {
					t.Fatalf("round %d: %d in the set", n, inSet())
				}
			}
			b.set(n + 1)
			io.Copy(io.Discard, c.want(200, string(rune('1'+n))).Body)
			<-b.done
			if inSet() != 0 {
				t.Fatalf("round %d: %d left in the set", n, inSet())
			}
		}
	})
}

// asleepInSet tells whether somebody sleeps in the set, and not in a goroutine.
func asleepInSet() bool {
	w := watching()
	w.mu.Lock()
	var one *parked
	for _, p := range w.waiters {
		one = p
	}
	w.mu.Unlock()
	if one == nil {
		return false
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	return one.asleep && one.watched
}
