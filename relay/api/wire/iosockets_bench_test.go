//go:build unix

package wire

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
)

// BenchmarkIOSockets reports what one idle Socket.IO client costs the server, its own half of the connection included, and how
// long one of 5,000 takes to hear of something. The clients' half is bare descriptors outside Go's poller.
func BenchmarkIOSockets(b *testing.B) {
	b.Run("polling", func(b *testing.B) { benchIdle(b, pollRaw) })
	b.Run("websocket", func(b *testing.B) { benchIdle(b, socketRaw) })
}

const idleClients = 5000

// A rawClient is connected, and waits. woken reads one event and waits again.
type rawClient interface{ woken() }

func benchIdle(b *testing.B, dial func(b *testing.B, path string) rawClient) {
	if maxConns() < 2*idleClients+64 {
		b.Skipf("needs %d descriptors", 2*idleClients+128)
	}
	path := filepath.Join(b.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	hub := newHub(b)
	boxes := make(chan relay.BoxID, idleClients)
	var v *IOSockets
	s := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.ServeHTTP(w, r) }), ServeOptions{})
	o := socketio.Options{Engine: engineio.Options{PingInterval: 10 * time.Minute, PingTimeout: time.Minute}}
	v = NewIOSockets(NewSockets(hub, nil, func(string, error) {}), s, o)
	v.Of("/", open(func(s *IOSocket) IOHandler {
		s.Watch().Add(<-boxes)
		return ioStub{pass: tells(s)}
	}))
	go s.Serve(ln)
	defer s.Shutdown(b.Context())
	boxes <- relay.BoxID{}
	dial(b, path) // what the first one costs is no client's
	var clients [idleClients]rawClient
	before := footprint()
	for i := range clients {
		boxes <- box(i)
		clients[i] = dial(b, path)
	}
	time.Sleep(100 * time.Millisecond) // until the last poll is parked
	each := float64(footprint()-before) / idleClients
	i := 0
	for b.Loop() {
		hub.Signal(box(i), relay.Signal{Data: []byte("news")})
		clients[i].woken()
		i = (i + 1) % idleClients
	}
	b.ReportMetric(each, "B/client") // b.Loop forgets what was reported before
}

func box(i int) relay.BoxID { return relay.BoxID{1, byte(i >> 8), byte(i)} }

// A raw connection is a descriptor that blocks.
type raw struct {
	b  *testing.B
	fd int
}

func dialUnix(b *testing.B, path string) raw {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { syscall.Close(fd) })
	return raw{b, fd}
}

func (r raw) write(s string) {
	if _, err := syscall.Write(r.fd, []byte(s)); err != nil {
		r.b.Fatal(err)
	}
}

// until reads until what came holds a text, or ends with an answer that is whole.
func (r raw) until(whole func(got []byte) bool) string {
	var got []byte
	for !whole(got) {
		var buf [1024]byte
		n, err := syscall.Read(r.fd, buf[:])
		if n <= 0 {
			r.b.Fatalf("read: %v after %q", err, got)
		}
		got = append(got, buf[:n]...)
	}
	return string(got)
}

// answer reads one HTTP answer and returns its body.
func (r raw) answer() string {
	got := r.until(func(got []byte) bool {
		head, body, ok := bytes.Cut(got, []byte("\r\n\r\n"))
		if !ok {
			return false
		}
		_, rest, _ := bytes.Cut(head, []byte("Content-Length: "))
		length, _, _ := bytes.Cut(rest, []byte("\r\n"))
		n, err := strconv.Atoi(string(length))
		return err == nil && len(body) >= n
	})
	_, body, _ := strings.Cut(got, "\r\n\r\n")
	return body
}

// A rawPoll is a client that polls on one connection.
type rawPoll struct {
	raw
	get string
}

func pollRaw(b *testing.B, path string) rawClient {
	c := rawPoll{raw: dialUnix(b, path)}
	const target = "/socket.io/?EIO=4&transport=polling"
	c.write("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	sid := strings.Split(c.answer(), `"`)[3]
	c.write(fmt.Sprintf("POST %s&sid=%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n40", target, sid))
	c.answer()
	c.get = fmt.Sprintf("GET %s&sid=%s HTTP/1.1\r\nHost: localhost\r\n\r\n", target, sid)
	c.write(c.get)
	c.answer()
	c.write(c.get)
	return c
}

func (c rawPoll) woken() {
	if got := c.answer(); !strings.HasPrefix(got, "42") {
		c.b.Fatalf("got %q", got)
	}
	c.write(c.get)
}

// A rawSocket is a client on a WebSocket.
type rawSocket struct{ raw }

func socketRaw(b *testing.B, path string) rawClient {
	c := rawSocket{dialUnix(b, path)}
	c.write("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	c.until(func(got []byte) bool { return bytes.Contains(got, []byte("maxPayload")) })
	c.write("\x81\x82\x00\x00\x00\x0040") // masked with nothing
	c.until(func(got []byte) bool { return bytes.Contains(got, []byte("40{")) })
	return c
}

func (c rawSocket) woken() {
	c.until(func(got []byte) bool { return bytes.Contains(got, []byte("news")) })
}
