package line

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"time"
)

// buffer is the size of either buffer of a hijacked connection. net/http's are
// eight times that, and larger frames pass them by anyway.
const buffer = 512

// SmallBuffers hands out hijacked connections with small buffers and without
// deadlines.
type SmallBuffers struct {
	http.ResponseWriter
	Raw *net.Conn // set to the connection
}

// Hijack takes the connection from the server.
func (w *SmallBuffers) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	*w.Raw = conn
	early, _ := rw.Reader.Peek(rw.Reader.Buffered()) // of a client that did not wait
	var in io.Reader = conn
	if len(early) > 0 {
		in = io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)
	}
	small := bufio.NewReaderSize(in, max(buffer, len(early)))
	if len(early) > 0 {
		small.Peek(len(early)) // the library asks for what is buffered, then reads the connection itself
	}
	// A deadline of the HTTP phase must not cut the connection off later.
	return conn, bufio.NewReadWriter(small, bufio.NewWriterSize(conn, buffer)), conn.SetDeadline(time.Time{})
}
