package wire

import "net"

// A backdoor is the listener through which connections come back that were hijacked, answered by hand, and now bring their next
// request. They are counted already.
type backdoor struct {
	conns  chan *conn
	closed chan struct{}
}

// Accept returns the next connection handed back.
func (b *backdoor) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.closed:
		return nil, net.ErrClosed
	}
}

// give hands a connection back, or closes it if nobody serves any more.
func (b *backdoor) give(c *conn) {
	select {
	case b.conns <- c:
	case <-b.closed:
		c.Close()
	}
}

// Close does nothing: Shutdown closes the server's channel.
func (b *backdoor) Close() error { return nil }

// Addr is nobody's address.
func (b *backdoor) Addr() net.Addr { return &net.UnixAddr{Net: "unix"} }
