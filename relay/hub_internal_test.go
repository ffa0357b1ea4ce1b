package relay

import (
	"slices"
	"testing"
)

// Whoever begins to watch a box between a commit and its ringing is rung for it,
// or finds that it was rung: also when the commit had nobody watching that box,
// and somebody watching another.
func TestHub_BegunBeforeTheRinger(t *testing.T) {
	watched, other := BoxID{1}, BoxID{2}
	for _, somebody := range []bool{false, true} {
		h := &Hub{links: map[BoxID]*link{}, wake: make(chan struct{}, 1)} // without its ringer
		if somebody {
			h.Watch(watched)
		}
		h.moved([]EntryID{{watched, 5}, {other, 5}})
		h.told(5)
		late := h.Watch(other)
		from := h.Rung()
		h.ring()
		if from < 5 && !slices.Contains(late.Moved(), other) {
			t.Errorf("somebody watches another box: %v; rung up to %d, and not told of what came after", somebody, from)
		}
		if h.Rung() != 5 {
			t.Errorf("rung up to %d", h.Rung())
		}
		if !somebody && len(h.wake) > 0 {
			t.Error("the ringer was woken for nobody")
		}
	}
}
