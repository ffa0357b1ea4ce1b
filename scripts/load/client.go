package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// A conn is one keep-alive connection that speaks just enough HTTP/1.1. Client and server share the machine's cores,
// so whatever the client saves is the server's: net/http's client would cost more than the server that is measured.
type conn struct {
	nc   *net.TCPConn
	r    *bufio.Reader
	body []byte // of the last reply; used again for the next
}

// patience bounds a whole connection: a server that hangs ends the run with an error, not with silence.
const patience = 3 * time.Minute

func dial(addr string) (*conn, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	return &conn{nc: nc.(*net.TCPConn), r: bufio.NewReader(nc)}, nil
}

func (c *conn) close() {
	// Nothing that was measured can fail any more.
	_ = c.nc.Close()
}

// reset closes with RST, which leaves no port in TIME_WAIT: thousands at a time are closed here.
func (c *conn) reset() {
	// Without SO_LINGER the ports only come back later.
	_ = c.nc.SetLinger(0)
	c.close()
}

// request writes out a POST once, to be sent many times.
func request(path string, body []byte, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n", path)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return b.Bytes()
}

func (c *conn) send(req []byte) error {
	_, err := c.nc.Write(req)
	return err
}

// do sends a request and reads its reply. The body is good until the next call.
func (c *conn) do(req []byte) ([]byte, error) {
	if err := c.send(req); err != nil {
		return nil, err
	}
	return c.reply()
}

// reply reads one reply and returns its body; any status but 200 is an error.
func (c *conn) reply() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("read status: %w", err)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return nil, fmt.Errorf("not HTTP/1.1: %q", line)
	}
	ok := string(line[9:12]) == "200"
	status := ""
	if !ok {
		status = string(bytes.TrimSpace(line[9:]))
	}
	length, err := c.headers()
	if err != nil {
		return nil, err
	}
	if err := c.readBody(length); err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("%s: %s", status, bytes.TrimSpace(c.body))
	}
	return c.body, nil
}

// Lengths of a body that are none.
const (
	chunked = -1
	untold  = -2
)

// headers reads up to the empty line and returns how long the body is.
func (c *conn) headers() (int, error) {
	length := untold
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, fmt.Errorf("read headers: %w", err)
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if v, ok := value(line, "Content-Length"); ok {
			n, err := strconv.ParseUint(string(v), 10, 31)
			if err != nil {
				return 0, err
			}
			length = int(n)
		}
		if v, ok := value(line, "Transfer-Encoding"); ok && string(v) == "chunked" {
			length = chunked
		}
	}
	if length == untold {
		return 0, errors.New("a reply without a length")
	}
	return length, nil
}

// value returns what follows the name in a header line.
func value(line []byte, name string) ([]byte, bool) {
	if len(line) <= len(name) || line[len(name)] != ':' || !bytes.EqualFold(line[:len(name)], []byte(name)) {
		return nil, false
	}
	return bytes.TrimSpace(line[len(name)+1:]), true
}

func (c *conn) readBody(length int) error {
	c.body = c.body[:0]
	if length != chunked {
		return c.take(length)
	}
	for {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 31)
		if err != nil {
			return err
		}
		if err := c.take(int(n)); err != nil {
			return err
		}
		if _, err := c.r.Discard(len("\r\n")); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// take appends the next n bytes to the body.
func (c *conn) take(n int) error {
	from := len(c.body)
	c.body = append(c.body, make([]byte, n)...)
	_, err := io.ReadFull(c.r, c.body[from:])
	return err
}

// readable tells, without reading, whether something (or the end) has arrived.
func (c *conn) readable() bool {
	raw, err := c.nc.SyscallConn()
	if err != nil {
		return true
	}
	waiting := false
	err = raw.Control(func(fd uintptr) {
		_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		waiting = errors.Is(err, unix.EAGAIN)
	})
	return err != nil || !waiting
}
