package line

import (
	"slices"
	"testing"
)

// texts empties q and returns what was in it.
func texts(q *Queue) []string {
	var got []string
	for f, ok := q.Pop(); ok; f, ok = q.Pop() {
		got = append(got, string(f.Data))
	}
	return got
}

func TestQueue_SignalsGoFirst(t *testing.T) {
	q := &Queue{MaxFrames: 4, MaxBytes: 100}
	for _, s := range []string{"t1", "t2"} {
		q.Push(Frame{Data: []byte(s), Signal: true})
	}
	for _, s := range []string{"a", "b", "c"} {
		if !q.Push(Frame{Data: []byte(s)}) {
			t.Fatalf("no room for %q although signals could go", s)
		}
	}
	if got, want := texts(q), []string{"t2", "a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("queue holds %q, want %q", got, want)
	}
	if q.bytes != 0 {
		t.Errorf("an empty queue counts %d bytes", q.bytes)
	}
}

func TestQueue_SignalsNeedHalfTheRoom(t *testing.T) {
	q := &Queue{MaxFrames: 4, MaxBytes: 100}
	for _, s := range []string{"a", "b", "c"} {
		q.Push(Frame{Data: []byte(s)})
	}
	if !q.Push(Frame{Data: []byte("typing"), Signal: true}) {
		t.Error("a dropped signal counts as a failure")
	}
	if got, want := texts(q), []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("queue holds %q, want %q", got, want)
	}
}

func TestQueue_Full(t *testing.T) {
	for _, tt := range []struct {
		name string
		q    Queue
		in   []string
		fits bool
	}{
		{"frames", Queue{MaxFrames: 2, MaxBytes: 100}, []string{"a", "b", "c"}, false},
		{"bytes", Queue{MaxFrames: 9, MaxBytes: 4}, []string{"aaa", "bb"}, false},
		{"just enough", Queue{MaxFrames: 2, MaxBytes: 4}, []string{"aa", "bb"}, true},
		{"one larger than everything", Queue{MaxFrames: 2, MaxBytes: 4}, []string{"aaaaaaaa"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fits := true
			for _, s := range tt.in {
				fits = tt.q.Push(Frame{Data: []byte(s)})
			}
			if fits != tt.fits {
				t.Errorf("last of %q fits: got %v, want %v", tt.in, fits, tt.fits)
			}
		})
	}
}
