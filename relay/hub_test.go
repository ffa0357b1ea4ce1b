package relay_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"restante/relay"
	"restante/relay/relaytest"
)

// inBubble runs a test of a hub alone.
func inBubble(t *testing.T, fn func(t *testing.T, h *relay.Hub)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := relay.NewHub()
		defer h.Close()
		fn(t, h)
	})
}

func wantMoved(t testing.TB, w *relay.Watch, want ...relay.BoxID) {
	t.Helper()
	synctest.Wait()
	if got := w.Moved(); !slices.Equal(got, want) {
		t.Errorf("moved: %v, want %v", got, want)
	}
}

func rung(c <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-c:
		return true
	default:
		return false
	}
}

var a, b, c = relay.BoxID{1}, relay.BoxID{2}, relay.BoxID{3}

func TestWatch_Moved(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w, other := h.Watch(a, b, a), h.Watch(c)
		defer w.Close()
		defer other.Close()
		h.Commit(1, b)
		h.Commit(2, c, a, b)
		h.Commit(3, a)
		wantMoved(t, w, b, a)
		wantMoved(t, w)
		wantMoved(t, other, c)
		h.Commit(4, b)
		wantMoved(t, w, b)
		if n := h.Watching(); n != 2 {
			t.Errorf("%d are watching", n)
		}
	})
}

// What moved in a commit that is not told of whole is not rung yet: whoever is
// rung finds it at or before the time up to which all is rung.
func TestHub_Rung_InParts(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a, b)
		defer w.Close()
		h.CommitInParts(5, func() {
			h.Wake() // an earlier one wakes the ringer
			wantMoved(t, w)
		}, a)
		wantMoved(t, w, a)
		if got := h.Rung(); got != 5 {
			t.Errorf("rung up to %d, want 5", got)
		}
	})
}

func TestHub_Rung(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a)
		defer w.Close()
		for i, want := range []relay.Time{5, 9, 9} {
			h.Commit([]relay.Time{5, 9, 7}[i], a)
			synctest.Wait()
			if got := h.Rung(); got != want {
				t.Errorf("rung up to %d, want %d", got, want)
			}
		}
	})
}

// Rung follows every commit, also those that move nothing, and begins where the
// file ends.
func TestHub_Rung_Relay(t *testing.T) {
	dir := t.TempDir()
	var last relay.Time
	for range 2 {
		t.Run("open", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := relaytest.Open(t, dir, relay.Options{})
				if got := r.Hub().Rung(); got < last {
					t.Errorf("opened, rung up to %d, want %d", got, last)
				}
				e := group(t, r, 1, box(t, r), box(t, r))
				synctest.Wait()
				if last = r.Hub().Rung(); last != e[1].ID.Time {
					t.Errorf("rung up to %d, want %d", last, e[1].ID.Time)
				}
			})
		})
	}
}

func TestWatch_C(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a)
		defer w.Close()
		h.Commit(1, a) // before anybody asked for the channel
		synctest.Wait()
		ring := w.C()
		for i, want := range []bool{true, false} {
			if got := rung(ring); got != want {
				t.Errorf("look %d: rung %v, want %v", i, got, want)
			}
		}
		wantMoved(t, w, a)
		h.Commit(2, b)
		if rung(ring) {
			t.Error("rung for another's box")
		}
		h.Commit(3, a)
		h.Commit(4, a)
		if !rung(ring) || rung(ring) {
			t.Error("two commits must be one token")
		}
	})
}

func TestWatch_Arm(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a)
		n := 0
		h.Commit(1, a)
		synctest.Wait()
		w.Arm(func() { n++ }) // the bell has rung before
		if n != 1 {
			t.Errorf("armed after a ring: told %d times, want once", n)
		}
		h.Commit(2, a)
		synctest.Wait()
		if n != 2 {
			t.Errorf("told %d times, want 2", n)
		}
		w.Moved()
		w.Arm(func() { n = 100 })
		if n != 2 {
			t.Error("told though there is nothing new")
		}
		w.Close()
		h.Commit(3, a)
		synctest.Wait()
		w.Arm(func() { n = 200 })
		if n != 2 {
			t.Errorf("told after it was closed: %d", n)
		}
	})
}

// A ring of one's own tells one watch, moves nothing, and is kept until somebody
// listens.
func TestWatch_Ring(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w, other := h.Watch(a), h.Watch(a)
		n := 0
		w.Ring()
		w.Arm(func() { n++ })
		if n != 1 {
			t.Errorf("armed after a ring: told %d times, want once", n)
		}
		w.Ring()
		other.Arm(func() { t.Error("told of another's ring") })
		if n != 2 || len(w.Moved()) != 0 {
			t.Errorf("told %d times, want 2; or something moved", n)
		}
		w.Close()
		w.Ring()
		if n != 2 {
			t.Error("told after it was closed")
		}
	})
}

// A watch that is part of something else serves again when it was closed, and
// knows nothing of what it was.
func TestHub_Begin(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		var part struct{ w relay.Watch }
		h.Begin(&part.w, a, b)
		part.w.C()
		h.Commit(1, a, b)
		synctest.Wait()
		part.w.Close()
		h.Begin(&part.w, c)
		h.Commit(2, a, b)
		synctest.Wait()
		if moved := part.w.Moved(); len(moved) != 0 || rung(part.w.C()) {
			t.Errorf("%v moved, which it does not watch any more; or the bell rang", moved)
		}
		h.Commit(3, c)
		synctest.Wait()
		if moved := part.w.Moved(); len(moved) != 1 || moved[0] != c {
			t.Errorf("moved: got %v, want %v", moved, c)
		}
		part.w.Close()
		if n := h.Watching(); n != 0 {
			t.Errorf("%d are watching still", n)
		}
	})
}

// A watch that is cleared forgets its boxes and what moved, and serves on.
func TestWatch_Clear(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a, b)
		defer w.Close()
		h.Commit(1, a)
		h.Signal(b, relay.Signal{Box: b})
		synctest.Wait()
		w.Clear()
		h.Commit(2, a, b)
		synctest.Wait()
		if moved, signals := w.Moved(), w.Signals(); len(moved)+len(signals) > 0 {
			t.Errorf("%v moved and %d signals came, which it does not watch any more", moved, len(signals))
		}
		w.Add(b)
		h.Commit(3, a, b)
		synctest.Wait()
		if moved := w.Moved(); len(moved) != 1 || moved[0] != b {
			t.Errorf("moved: got %v, want %v", moved, b)
		}
	})
}

// Whichever of its boxes a watch lets go of, it hears of the others and not of
// that one; and of one taken in its place.
func TestWatch_RemoveAnyOfThem(t *testing.T) {
	for i := range 3 {
		inBubble(t, func(t *testing.T, h *relay.Hub) {
			boxes := []relay.BoxID{{1}, {2}, {3}}
			w := h.Watch(boxes...)
			w.Remove(boxes[i])
			h.Commit(1, boxes...)
			synctest.Wait()
			if moved := w.Moved(); len(moved) != 2 || slices.Contains(moved, boxes[i]) {
				t.Errorf("without %v: moved %v", boxes[i], moved)
			}
			w.Add(boxes[i])
			w.Add(relay.BoxID{4})
			h.Commit(2, relay.BoxID{4}, boxes[i])
			synctest.Wait()
			if moved := w.Moved(); len(moved) != 2 {
				t.Errorf("with %v again and a fourth: moved %v", boxes[i], moved)
			}
			w.Close()
			h.Commit(3, boxes...)
			synctest.Wait()
			if moved := w.Moved(); len(moved) != 0 || h.Watching() != 0 {
				t.Errorf("closed: moved %v, %d are watching", moved, h.Watching())
			}
		})
	}
}

func TestWatch_Add(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a)
		w.Add(b)
		w.Add(b)
		w.Add(a)
		h.Commit(1, b, a)
		wantMoved(t, w, b, a)
		h.Commit(2, b, a)
		synctest.Wait()
		w.Remove(b)
		w.Remove(b)
		w.Remove(c)
		h.Commit(3, b)
		wantMoved(t, w, a)
		h.Commit(4, a)
		synctest.Wait()
		w.Remove(a)
		w.Add(a)
		h.Commit(5, a)
		wantMoved(t, w, a)
		w.Close()
		w.Close()
		w.Add(c)
		h.Commit(6, a, b, c)
		wantMoved(t, w)
		if n := h.Watching(); n != 0 {
			t.Errorf("%d are watching", n)
		}
	})
}

func TestHub_Signal(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w, other := h.Watch(a, b), h.Watch(b)
		defer w.Close()
		defer other.Close()
		ring := w.C()
		h.Signal(a, relay.Signal{Kind: "typing", Box: a})
		h.Signal(c, relay.Signal{Kind: "typing", Box: c})
		if !rung(ring) {
			t.Error("a signal does not ring")
		}
		if got := w.Signals(); len(got) != 1 || got[0].Box != a {
			t.Errorf("signals %+v", got)
		}
		if len(w.Signals()) != 0 || len(other.Signals()) != 0 {
			t.Error("a signal came twice, or to the wrong one")
		}
		wantMoved(t, w)
	})
}

// Whoever does not look loses signals, never more than it holds, and no ring.
func TestHub_Signal_Limits(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a)
		defer w.Close()
		for range 2 {
			for range 2 * relay.MaxSignals {
				h.Signal(a, relay.Signal{})
			}
			if n := len(w.Signals()); n != relay.MaxSignals {
				t.Errorf("%d signals waited, want %d", n, relay.MaxSignals)
			}
			half := bytes.Repeat([]byte{1}, relay.MaxSignalBytes/2)
			for range 5 {
				h.Signal(a, relay.Signal{Data: half})
			}
			h.Signal(a, relay.Signal{Data: []byte{2}})
			h.Commit(1, a)
			wantMoved(t, w, a)
			if n := len(w.Signals()); n != 2 {
				t.Errorf("%d signals waited, want 2", n)
			}
		}
	})
}

// A commit after the hub has closed rings nobody and breaks nothing.
func TestHub_Close(t *testing.T) {
	inBubble(t, func(t *testing.T, h *relay.Hub) {
		w := h.Watch(a)
		h.Close()
		h.Close()
		h.Commit(1, a)
		h.Signal(a, relay.Signal{})
		wantMoved(t, w)
		w.Close()
	})
}

// Whoever watches first and reads after misses nothing, whatever comes in
// between: each reader waits until it has seen the last entry, and would wait
// for ever after a missed one.
func TestHub_NoMissedWakeUp(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	boxes := manyBoxes(t, r, 4)
	const posts = 60
	var wg sync.WaitGroup
	for _, b := range boxes {
		wg.Go(func() {
			for range posts {
				if err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Append(b, relay.Draft{}); return err }); err != nil {
					t.Error(err)
				}
			}
		})
		for range 4 {
			wg.Go(func() {
				for at, seen := relay.Time(0), 0; seen < posts; {
					w := r.Hub().Watch(b)
					es := since(t, r, relay.Page{Entries: 5, Bytes: 1 << 20}, relay.Reading{Box: b, After: at})
					if len(es) == 0 {
						<-w.C()
					} else {
						seen, at = seen+len(es), es[len(es)-1].ID.Time
					}
					w.Close()
				}
			})
		}
	}
	wg.Wait()
	if n := r.Hub().Watching(); n != 0 {
		t.Errorf("%d are watching still", n)
	}
}

// Everything at once, for the race detector: watches that come, change and go
// while bells and signals ring; and a hub that closes in the middle of it.
func TestHub_Storm(t *testing.T) {
	h := relay.NewHub()
	pick := func(rnd *rand.Rand) relay.BoxID { return relay.BoxID{byte(rnd.IntN(8))} }
	var wg sync.WaitGroup
	for g := range uint64(8) {
		rnd := rand.New(rand.NewPCG(7, g))
		wg.Go(func() {
			for range 300 {
				w := h.Watch(pick(rnd), pick(rnd))
				ring := w.C()
				w.Arm(func() {})
				for range rnd.IntN(5) {
					w.Add(pick(rnd))
					w.Remove(pick(rnd))
					select {
					case <-ring:
					default:
					}
					got := w.Moved()
					slices.SortFunc(got, func(x, y relay.BoxID) int { return bytes.Compare(x[:], y[:]) })
					if len(slices.Compact(got)) != len(got) {
						t.Error("a box moved twice in one look")
					}
					w.Signals()
				}
				w.Close()
			}
		})
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(8, g))
			for i := range 500 {
				h.Commit(relay.Time(i), pick(rnd), pick(rnd))
				h.Signal(pick(rnd), relay.Signal{Data: []byte{1}})
				if g == 0 && i == 400 {
					h.Close()
				}
			}
		})
	}
	wg.Wait()
	if n := h.Watching(); n != 0 {
		t.Errorf("%d are watching still", n)
	}
}
