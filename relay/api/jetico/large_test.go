package jetico

import (
	"crypto/sha256"
	"io"
	"runtime"
	"testing"

	"restante/relay"
)

const large = 50 << 20

// A stream is so many bytes, made as they are read. It notes how much memory the
// process had at its largest meanwhile.
type stream struct {
	left int64
	n    byte
	peak uint64
}

func (s *stream) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	if int64(len(b)) > s.left {
		b = b[:s.left]
	}
	for i := range b {
		b[i] = s.n
		s.n = s.n*31 + 7
	}
	s.left -= int64(len(b))
	if s.left&(4<<20-1) < int64(len(b)) {
		s.peak = max(s.peak, inUse())
	}
	return len(b), nil
}

// inUse returns how many bytes of the heap are in use.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A file of 50 MiB goes up and comes down again in a few of them.
func TestLargeFile(t *testing.T) {
	h := build(t, Options{}, relay.Options{}, io.Discard)
	h.user(exampleMe, true)
	me := h.join(exampleMe)
	me.create(number(1), number(2), false, nil, nil)
	me.say(number(1), number(2), number(3), true)
	const path = "/conversation_00000001-0000-4000-8000-000000000000/00000003-0000-4000-8000-000000000000_large"
	want := sha256.New()
	io.Copy(want, &stream{left: large})

	before := inUse()
	up := &stream{left: large}
	resp := h.http("PUT", "/upload"+path, exampleMe, up, large)
	if resp.StatusCode != 201 {
		body, _ := io.ReadAll(resp.Body)
		t.Fatalf("upload: %s %s", resp.Status, body)
	}
	resp = h.http("GET", "/download"+path, exampleMe, nil, 0)
	got, peak, n := sha256.New(), up.peak, int64(0)
	for {
		k, err := io.CopyN(got, resp.Body, 4<<20)
		n, peak = n+k, max(peak, inUse())
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if n != large || string(got.Sum(nil)) != string(want.Sum(nil)) {
		t.Errorf("%d bytes came back, or others", n)
	}
	if grown := int64(peak) - int64(before); grown > 4<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}
