package wire

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// A connection that is kept waits in the set each time, and is out of it in between.
func TestPark_KeptConnectionInTheSet(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	inSet := func() int { return len(waitsInSet()) }
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

// waitsInSet are the waits that lie in the set.
func waitsInSet() (waits []*sleeper) {
	w := watching()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sl := range w.sleepers {
		if _, ok := sl.owner.(*parked); ok {
			waits = append(waits, sl)
		}
	}
	return waits
}

// asleepInSet tells whether somebody sleeps in the set, and not in a goroutine.
func asleepInSet() bool {
	for _, sl := range waitsInSet() {
		sl.mu.Lock()
		defer sl.mu.Unlock()
		return sl.asleep && sl.watched
	}
	return false
}

// lying counts the connections of a server that lie in the set, asleep or not.
func lying(s *served) (n int) {
	w := watching()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, sl := range w.sleepers {
		if sl.c.door.s == s.Server {
			n++
		}
	}
	return n
}

// Who is between two requests has no goroutine.
func TestIdle_InTheSet(t *testing.T) {
	s, b := parkTest(t, ServeOptions{})
	s.each(func(t *testing.T, a net.Addr) {
		before := runtime.NumGoroutine()
		callers := idlers(s, b, a, 100)
		waitFor(t, func() bool { return lying(s) == 100 && runtime.NumGoroutine() < before+20 })
		for i, c := range callers {
			c.send("G") // whose it is is net/http's now
			waitFor(t, func() bool { return lying(s) == 99-i })
		}
		for _, c := range callers {
			c.Close()
		}
		waitFor(t, func() bool { return s.Conns() == 0 })
	})
}
