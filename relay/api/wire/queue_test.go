package wire

import (
	"slices"
	"testing"
)

// texts empties q and returns what was in it.
func texts(q *queue) []string {
	var got []string
	for f, ok := q.pop(); ok; f, ok = q.pop() {
		got = append(got, string(f.data))
	}
	return got
}

func TestQueue_SignalsGoFirst(t *testing.T) {
	q := &queue{maxFrames: 4, maxBytes: 100}
	for _, s := range []string{"t1", "t2"} {
		q.push(frame{data: []byte(s), signal: true})
	}
	for _, s := range []string{"a", "b", "c"} {
		if !q.push(frame{data: []byte(s)}) {
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
	q := &queue{maxFrames: 4, maxBytes: 100}
	for _, s := range []string{"a", "b", "c"} {
		q.push(frame{data: []byte(s)})
	}
	if !q.push(frame{data: []byte("typing"), signal: true}) {
		t.Error("a dropped signal counts as a failure")
	}
	if got, want := texts(q), []string{"a", "b", "c"}; !slices.Equal(got, want) {
		t.Errorf("queue holds %q, want %q", got, want)
	}
}

func TestQueue_Full(t *testing.T) {
	for _, tt := range []struct {
		name string
		q    queue
		in   []string
		fits bool
	}{
		{"frames", queue{maxFrames: 2, maxBytes: 100}, []string{"a", "b", "c"}, false},
		{"bytes", queue{maxFrames: 9, maxBytes: 4}, []string{"aaa", "bb"}, false},
		{"just enough", queue{maxFrames: 2, maxBytes: 4}, []string{"aa", "bb"}, true},
		{"one larger than everything", queue{maxFrames: 2, maxBytes: 4}, []string{"aaaaaaaa"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fits := true
			for _, s := range tt.in {
				fits = tt.q.push(frame{data: []byte(s)})
			}
			if fits != tt.fits {
				t.Errorf("last of %q fits: got %v, want %v", tt.in, fits, tt.fits)
			}
		})
	}
}
