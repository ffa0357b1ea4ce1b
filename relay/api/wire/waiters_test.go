package wire

import (
	"sync"
	"sync/atomic"
	"testing"

	"restante/relay"
)

// A guest is a waiter that tells when it is evicted.
type guest struct{ evict func() }

func (g *guest) Evict() {
	if g.evict != nil {
		g.evict()
	}
}

func join(t *testing.T, ws *Waiters, who relay.ID, boxes int, evict func()) (leave func()) {
	t.Helper()
	g := &guest{evict}
	if err := ws.Join(who, boxes, g); err != nil {
		t.Fatal(err)
	}
	return func() { ws.Leave(who, g) }
}

func TestWaiters_TheOldestGoes(t *testing.T) {
	ws, alice := NewWaiters(100), relay.NewID()
	var out []int
	var leave []func()
	for i := range 16 {
		leave = append(leave, join(t, ws, alice, 1, func() { out = append(out, i) }))
	}
	leave[3]() // the seventeenth has room now
	leave[3]()
	join(t, ws, alice, 1, func() { out = append(out, 16) })
	if len(out) != 0 || ws.Waiting() != 16 {
		t.Fatalf("%v went, %d wait", out, ws.Waiting())
	}
	join(t, ws, alice, 1, nil)
	join(t, ws, relay.NewID(), 1, nil)
	if len(out) != 1 || out[0] != 0 || ws.Waiting() != 17 {
		t.Fatalf("%v went, %d wait", out, ws.Waiting())
	}
	leave[0]() // it lost its place already
	if ws.Waiting() != 17 {
		t.Errorf("%d wait", ws.Waiting())
	}
}

func TestWaiters_WatchedBoxes(t *testing.T) {
	ws, alice := NewWaiters(100), relay.NewID()
	out := 0
	for range 4 {
		join(t, ws, alice, 256, func() { out++ })
	}
	if out != 0 {
		t.Fatalf("%d went", out)
	}
	join(t, ws, alice, 1, nil)
	if out != 1 || ws.Waiting() != 4 {
		t.Fatalf("%d went, %d wait", out, ws.Waiting())
	}
}

func TestWaiters_NoRoom(t *testing.T) {
	ws, alice, bob := NewWaiters(2), relay.NewID(), relay.NewID()
	leave := join(t, ws, alice, 1, nil)
	join(t, ws, alice, 1, nil)
	err := ws.Join(bob, 1, &guest{})
	if !relay.Is(err, relay.Busy) || relay.AsError(err).RetryAfter <= 0 {
		t.Fatal(err)
	}
	leave()
	join(t, ws, bob, 1, nil)
	if ws.Waiting() != 2 || len(ws.of) != 2 {
		t.Errorf("%d wait, of %d accounts", ws.Waiting(), len(ws.of))
	}
}

// A full house is no reason to refuse whoever takes the place of his own
// oldest.
func TestWaiters_OwnPlaceInAFullHouse(t *testing.T) {
	ws, alice := NewWaiters(16), relay.NewID()
	out := 0
	for range 17 {
		join(t, ws, alice, 1, func() { out++ })
	}
	if out != 1 || ws.Waiting() != 16 {
		t.Errorf("%d went, %d wait", out, ws.Waiting())
	}
}

func TestWaiters_ManyComeAndGo(t *testing.T) {
	ws := NewWaiters(60)
	var evicted atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		who := relay.NewID()
		all.Go(func() {
			for range 300 {
				g := &guest{func() { evicted.Add(1) }}
				if err := ws.Join(who, 100, g); err == nil {
					defer ws.Leave(who, g)
				}
			}
		})
	}
	all.Wait()
	if ws.Waiting() != 0 || len(ws.of) != 0 {
		t.Errorf("%d wait, of %d accounts", ws.Waiting(), len(ws.of))
	}
	if evicted.Load() == 0 {
		t.Error("nobody lost a place")
	}
}
