package wiretest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// A socket is a client's WebSocket. A goroutine reads it into a list, so that
// what comes when nobody looks is found at the end.
type socket struct {
	at   string
	conn *websocket.Conn
	io   bool // it speaks Socket.IO, and comes to the bell when it is let in

	mu    sync.Mutex
	inbox []incoming    // guarded by mu
	err   error         // guarded by mu: why nothing comes any more
	let   bool          // guarded by mu: a Socket.IO client has been let in
	news  chan struct{} // holds one: inbox or err has changed
}

type incoming struct {
	data   []byte
	binary bool
}

// connect opens a socket, or keeps the refusal for the next line if that is
// what it expects.
func (p *player) connect(c *client, s step, later []step) error {
	if c.socket != nil {
		return fmt.Errorf("%s has a socket already", c.name)
	}
	path, err := p.vars.expand(s.path)
	if err != nil {
		return err
	}
	headers, err := p.headers(s)
	if err != nil {
		return err
	}
	conn, resp, err := websocket.Dial(p.ctx, p.url+path, &websocket.DialOptions{HTTPClient: c.http, HTTPHeader: headers})
	refused := len(later) > 0 && later[0].client == s.client && later[0].kind == answer
	switch {
	case err == nil && refused:
		conn.CloseNow()
		return fmt.Errorf("the socket opened, want status %d", later[0].status)
	case err == nil:
		c.socket = &socket{at: s.at, conn: conn, io: strings.Contains(path, "EIO="), news: make(chan struct{}, 1)}
		conn.SetReadLimit(-1)
		go c.socket.read(p.ctx)
		return p.settle("open " + s.path)
	case resp == nil || !refused:
		return err
	}
	q := &pending{at: s.at, done: make(chan struct{}), resp: resp}
	q.body, q.err = io.ReadAll(resp.Body)
	close(q.done)
	c.pending = q
	return nil
}

func (k *socket) read(ctx context.Context) {
	for {
		kind, data, err := k.conn.Read(ctx)
		k.mu.Lock()
		if err != nil {
			k.err = err
		} else {
			k.inbox = append(k.inbox, incoming{data, kind == websocket.MessageBinary})
			k.let = k.let || strings.HasPrefix(string(data), "40")
		}
		k.mu.Unlock()
		select {
		case k.news <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// listens reports whether the socket should be waiting at the bell.
func (k *socket) listens() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err == nil && (k.let || !k.io)
}

// next takes the oldest message, waiting for one. The error is why none comes.
func (k *socket) next(patience time.Duration) (incoming, error) {
	deadline := time.After(patience)
	for {
		k.mu.Lock()
		in, err, n := incoming{}, k.err, len(k.inbox)
		if n > 0 {
			in, k.inbox, err = k.inbox[0], k.inbox[1:], nil
		}
		k.mu.Unlock()
		if n > 0 || err != nil {
			return in, err
		}
		select {
		case <-k.news:
		case <-deadline:
			return in, fmt.Errorf("no message within %v", patience)
		}
	}
}

func (p *player) say(k *socket, b body) error {
	text, err := p.vars.expand(b.text)
	if err != nil {
		return err
	}
	kind := websocket.MessageText
	switch b.form {
	case bytes_:
		kind = websocket.MessageBinary
	case event:
		text = packetEvent + text
	}
	return k.conn.Write(p.ctx, kind, []byte(text))
}

func (p *player) expectFrame(k *socket, want body) error {
	in, err := k.next(p.patience)
	if err != nil {
		return err
	}
	if in.binary != (want.form == bytes_) {
		return fmt.Errorf("got binary %v, want %v: %s", in.binary, !in.binary, quote(string(in.data)))
	}
	if want.form == event {
		packet, ok := strings.CutPrefix(string(in.data), packetEvent)
		if !ok {
			return fmt.Errorf("got %s, want an event", quote(string(in.data)))
		}
		return p.vars.matchJSON(want.text, []byte(packet))
	}
	if err := p.matchBody(want, in.data); err != nil || !k.io {
		return err
	}
	return p.settle("be let in")
}

// packetEvent begins an event of Socket.IO.
const packetEvent = "42"

// silent checks that nothing has come. The pong follows everything that was due
// when the ping was sent, and the reader sees them in that order.
func (p *player) silent(k *socket) error {
	if err := p.rung(); err != nil {
		return err
	}
	if k.io {
		return p.silentIO(k)
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.patience)
	defer cancel()
	err := k.conn.Ping(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.inbox) > 0 {
		return fmt.Errorf("got %s, want nothing", quote(string(k.inbox[0].data)))
	}
	if k.err != nil {
		return fmt.Errorf("the socket is closed: %w", k.err)
	}
	return err
}

// silentIO does that with an event that nobody knows: it has its turn behind what
// is due, and is acknowledged.
func (p *player) silentIO(k *socket) error {
	const ask, answer = `42999["nothing new?"]`, "43999"
	if err := k.conn.Write(p.ctx, websocket.MessageText, []byte(ask)); err != nil {
		return err
	}
	in, err := k.next(p.patience)
	if err == nil && !strings.HasPrefix(string(in.data), answer) {
		err = fmt.Errorf("got %s, want nothing", quote(string(in.data)))
	}
	return err
}

func (p *player) expectClosed(c *client, s step) error {
	in, err := c.socket.next(p.patience)
	if err == nil {
		return fmt.Errorf("got %s, want the socket closed", quote(string(in.data)))
	}
	var e websocket.CloseError
	if !errors.As(err, &e) {
		return fmt.Errorf("got %w, want close code %d", err, s.status)
	}
	if int(e.Code) != s.status || s.reason != nil && *s.reason != e.Reason {
		return fmt.Errorf("closed with %d %q, want %d", e.Code, e.Reason, s.status)
	}
	c.socket = nil
	return p.settle("be closed")
}

// leave closes the socket, and returns when the server has noticed.
func (p *player) leave(c *client) error {
	if err := c.socket.conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		return err
	}
	c.socket = nil
	return p.settle("close the socket")
}
