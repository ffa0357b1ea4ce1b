package line

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// purse is a budget.
type purse struct{ left int64 }

func (p *purse) Take(n int64) bool {
	if p.left < n {
		return false
	}
	p.left -= n
	return true
}

func (p *purse) Give(n int64) { p.left += n }

func TestPaid(t *testing.T) {
	b := &purse{left: 10}
	p := Paid{Reader: strings.NewReader("12345678"), Budget: b}
	if got, err := io.ReadAll(&p); err != nil || string(got) != "12345678" || b.left != 2 {
		t.Errorf("got %q, %v, and %d are left", got, err, b.left)
	}
	again := Paid{Reader: strings.NewReader("123"), Budget: b}
	if _, err := io.ReadAll(&again); !errors.Is(err, ErrNoBudget) {
		t.Errorf("got %v with 2 left for 3", err)
	}
	again.GiveBack()
	p.GiveBack()
	p.GiveBack()
	if b.left != 10 {
		t.Errorf("%d are left of 10", b.left)
	}
}

func TestQueue_PaysAndGivesBack(t *testing.T) {
	b := &purse{left: 5}
	q := Queue{Budget: b, MaxFrames: 10, MaxBytes: 100}
	if !q.Push(Frame{Data: []byte("123")}) || q.Push(Frame{Data: []byte("456")}) || !q.Push(Frame{Data: []byte("456"), Signal: true}) {
		t.Error("a budget of 5 takes 6, or not 3, or a dropped signal is a failure")
	}
	q.Force(Frame{Data: []byte("free")})
	f, _ := q.Pop()
	q.GiveBack(f)
	q.Clear()
	if b.left != 5 || !q.Empty() {
		t.Errorf("%d are left of 5, empty %v", b.left, q.Empty())
	}
}

// hijacked is a ResponseWriter whose connection can be taken, with bytes that
// came early.
type hijacked struct {
	http.ResponseWriter
	conn  net.Conn
	early string
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	in := bufio.NewReader(io.MultiReader(strings.NewReader(h.early), h.conn))
	in.Peek(len(h.early))
	return h.conn, bufio.NewReadWriter(in, bufio.NewWriter(h.conn)), nil
}

func TestSmallBuffers_KeepWhatCameEarly(t *testing.T) {
	for _, early := range []string{"", "early ", strings.Repeat("early ", 200)} {
		here, there := net.Pipe()
		go func() { there.Write([]byte("late")); there.Close() }()
		var raw net.Conn
		w := SmallBuffers{ResponseWriter: hijacked{conn: here, early: early}, Raw: &raw}
		_, rw, err := w.Hijack()
		if err != nil || raw != here {
			t.Fatalf("got %v, %v", raw, err)
		}
		if n := rw.Reader.Size(); n > max(buffer, len(early)) {
			t.Errorf("the buffer is %d bytes", n)
		}
		if got, err := io.ReadAll(rw); err != nil || string(got) != early+"late" {
			t.Errorf("got %d bytes, %v, want %d", len(got), err, len(early)+4)
		}
	}
}
