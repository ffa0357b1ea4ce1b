package wire

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// piece is how much of an answer is written under one deadline. The kernel buffers megabytes: of a large answer written
// at once, a reader that never reads would seem to take them, and earn hours.
const piece = 16 << 10

// headerLine keeps a header's value on its line.
var headerLine = strings.NewReplacer("\r", " ", "\n", " ")

// A pace is the least speed of one message in one direction. It may stand still for patience in all, and beyond that must
// move at rate bytes a second. Only time spent in reads or writes counts: a handler that is slow itself costs the
// caller nothing.
type pace struct {
	patience time.Duration
	rate     int64
	moved    int64
	spent    time.Duration
}

// left is how long the next n bytes may take: what is left for the message, and no more than patience for these.
func (p *pace) left(n int) time.Duration {
	return min(p.patience+p.time(p.moved+int64(n))-p.spent, p.patience+p.time(int64(n)))
}

func (p *pace) time(bytes int64) time.Duration {
	return time.Duration(float64(bytes) / float64(p.rate) * float64(time.Second))
}

func (p *pace) did(n int, since time.Time) {
	p.moved += int64(n)
	p.spent += time.Since(since)
}

// write writes b to a connection at no less than this pace.
func (p *pace) write(c net.Conn, b []byte) error {
	for len(b) > 0 {
		now, part := time.Now(), min(len(b), piece)
		c.SetWriteDeadline(now.Add(p.left(part)))
		n, err := c.Write(b[:part])
		p.did(n, now)
		if err != nil {
			return err
		}
		b = b[part:]
	}
	return nil
}

// An exchange is one request and its answer, kept at their paces: the request's body and the answer's writer in one.
type exchange struct {
	http.ResponseWriter
	c       *conn
	body    io.ReadCloser
	in, out pace
	eof     bool // nothing more to read: the read deadline is not ours any more
	begun   bool // the answer has a write deadline
	taken   bool // hijacked: the deadlines are somebody else's
}

func newExchange(c *conn, w http.ResponseWriter, r *http.Request, o ServeOptions) *exchange {
	p := pace{patience: o.Patience, rate: o.Rate}
	x := &exchange{ResponseWriter: w, c: c, in: p, out: p}
	if r.Body != nil && r.Body != http.NoBody {
		x.body = r.Body
		r.Body = reading{x}
	}
	return x
}

// end bounds what is left to net/http: the rest of a body nobody read, and the last bytes of the answer.
func (x *exchange) end() {
	if x.taken {
		return
	}
	if x.body != nil && !x.eof {
		x.c.SetReadDeadline(time.Now().Add(x.in.left(0)))
	}
	if !x.begun {
		x.due(0)
	}
}

// reading is the exchange's body: a type of its own, since a ResponseWriter does not read.
type reading struct{ x *exchange }

// Read reads on, in time. At the end net/http lifts the deadline, to watch for a hang-up while the request is handled.
func (b reading) Read(buf []byte) (int, error) {
	x := b.x
	if x.eof || x.taken {
		return x.body.Read(buf)
	}
	now := time.Now()
	x.c.SetReadDeadline(now.Add(x.in.left(0)))
	n, err := x.body.Read(buf)
	x.in.did(n, now)
	x.eof = err == io.EOF
	return n, err
}

// Close drops the rest of the body, which takes reading too.
func (b reading) Close() error { return b.x.body.Close() }

// Write writes in pieces, each in time.
func (x *exchange) Write(b []byte) (int, error) {
	done := 0
	for {
		part := b[done:min(done+piece, len(b))]
		now := time.Now()
		x.due(len(part))
		n, err := x.writeWhole(part)
		x.out.did(n, now)
		done += n
		if err != nil || done >= len(b) {
			return done, err
		}
	}
}

// writeWhole writes a piece so that it goes out at once, if it will not stay in
// net/http's buffers.
func (x *exchange) writeWhole(part []byte) (int, error) {
	if x.taken || len(part) < corkSize {
		return x.ResponseWriter.Write(part)
	}
	x.c.cork.in = true
	n, err := x.ResponseWriter.Write(part)
	x.c.cork.in = false
	if x.c.cork.n > 0 {
		_, late := x.c.cork.flush(x.c.Conn, nil)
		err = errors.Join(err, late)
	}
	return n, err
}

// Flush sends what is buffered, in time.
func (x *exchange) Flush() {
	if f, ok := x.ResponseWriter.(http.Flusher); ok {
		x.due(0)
		f.Flush()
	}
}

func (x *exchange) due(n int) {
	x.begun = true
	if !x.taken {
		x.c.SetWriteDeadline(time.Now().Add(x.out.left(n)))
	}
}

// Hijack gives the connection away, without deadlines.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, buf, err := http.NewResponseController(x.ResponseWriter).Hijack()
	x.taken = err == nil
	return nc, buf, err
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
