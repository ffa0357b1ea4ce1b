//go:build unix

package wire

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// BenchmarkPark_IdleWaiters reports what one idle waiter costs the server: heap and stacks, its own half of the connection
// included, the caller's half being bare descriptors outside Go's poller.
func BenchmarkPark_IdleWaiters(b *testing.B) { costOf(b, time.Minute) }

// BenchmarkPark_IdleAfterAnswer is the same between two requests: the wait was answered.
func BenchmarkPark_IdleAfterAnswer(b *testing.B) { costOf(b, 0) }

func costOf(b *testing.B, patience time.Duration) {
	const waiters = 5000
	path := filepath.Join(b.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	if maxConns() < 2*waiters+64 {
		b.Skipf("needs %d descriptors", 2*waiters+128)
	}
	armed, sent := make(chan struct{}, waiters), make(chan struct{}, waiters)
	var s *Server
	s = NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connOf(r).markKnown()
		io.Copy(io.Discard, r.Body)
		s.Park(w, r, &Wait{
			Until: time.Now().Add(patience),
			Arm:   func(func()) { armed <- struct{}{} },
			Check: func() ([]byte, bool, error) { return nil, false, nil },
			Done:  func() {},
			Sent:  func(error) { sent <- struct{}{} },
		})
	}), ServeOptions{})
	go s.Serve(ln)
	defer s.Shutdown(b.Context())
	for i := 0; b.Loop(); i++ {
		fds := make([]int, 0, waiters)
		before := footprint()
		for range waiters {
			fds = append(fds, callRaw(b, path))
			<-armed
			if patience == 0 {
				<-sent
			}
		}
		if i == 0 { // later rounds find memory the first one left
			b.ReportMetric(float64(footprint()-before)/waiters, "B/waiter")
		}
		for _, fd := range fds {
			syscall.Close(fd)
		}
		for s.Conns() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func callRaw(b *testing.B, path string) int {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		b.Fatal(err)
	}
	const req = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
	if _, err := syscall.Write(fd, []byte(req)); err != nil {
		b.Fatal(err)
	}
	return fd
}

// footprint is heap, stacks and the runtime's own structures in use.
func footprint() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse + m.MSpanInuse + m.OtherSys
}

// BenchmarkPark_RingToAnswer is a whole cycle on one kept connection: request, park, ring, answer by hand, hand back.
func BenchmarkPark_RingToAnswer(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	bells := make(chan func(), 1)
	var s *Server
	s = NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Park(w, r, &Wait{
			Until: time.Now().Add(time.Minute),
			Arm:   func(ring func()) { bells <- ring },
			Check: func() ([]byte, bool, error) { return nil, true, nil },
			Done:  func() {},
		})
	}), ServeOptions{})
	go s.Serve(ln)
	defer s.Shutdown(b.Context())
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	c := &caller{nc, b, bufio.NewReader(nc)}
	b.ReportAllocs()
	for b.Loop() {
		c.get("/")
		(<-bells)()
		c.answer()
	}
}
