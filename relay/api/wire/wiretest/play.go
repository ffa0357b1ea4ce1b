package wiretest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A world is what a story is told in.
type world struct {
	url      string                    // of the server, without a slash at the end
	watching func() int                // watches open at the bell
	rung     func() error              // returns when everything committed has been rung
	advance  func(time.Duration) error // moves the clock, and what is due then has been done
	invite   func() (string, error)
	code     func(purpose string) (string, error)
	do       func(name string, words []string) (string, error)
	patience time.Duration // for an answer or a message to come
}

// A player tells one story.
type player struct {
	world
	ctx     context.Context // ends with the story
	vars    vars
	clients map[string]*client
	base    int // watches that are not a client's
}

// A client is one of the story's names.
type client struct {
	name    string
	http    *http.Client
	pending *pending // asked, and not heard yet
	socket  *socket  // nil when there is none
}

// play tells st in w. The error names the line that did not come true.
func play(w world, st *story) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &player{world: w, ctx: ctx, vars: vars{}, clients: map[string]*client{}, base: w.watching()}
	defer p.end(cancel)
	for i, s := range st.steps {
		if err := p.step(s, st.steps[i+1:]); err != nil {
			return fmt.Errorf("%s: %w", s.at, err)
		}
	}
	return p.nothingLeft()
}

// end lets go of everything, however the story went.
func (p *player) end(cancel func()) {
	cancel()
	for _, c := range p.clients {
		if c.socket != nil {
			c.socket.conn.CloseNow()
		}
		c.http.CloseIdleConnections()
	}
}

func (p *player) client(name string) *client {
	c := p.clients[name]
	if c == nil {
		c = &client{name: name, http: &http.Client{
			Transport:     &http.Transport{}, // connections of its own
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		p.clients[name] = c
	}
	return c
}

// step tells one line; later is what follows.
func (p *player) step(s step, later []step) error {
	switch s.kind {
	case advance:
		d, err := time.ParseDuration(s.words[0])
		if err == nil {
			err = p.advance(d)
		}
		return err
	case rise:
		return p.rises(s.words)
	case set:
		return p.set(s.words[0][1:], s.words[2])
	case invited:
		code, err := p.invite()
		p.vars[s.words[0][1:]] = value{code, true}
		return err
	case coded:
		code, err := p.code(s.words[3])
		p.vars[s.words[0][1:]] = value{code, true}
		return err
	case done:
		return p.deed(s.words)
	}
	c := p.client(s.client)
	switch s.kind {
	case request:
		return p.ask(c, s, later)
	case answer:
		return p.hear(c, s)
	case connect:
		return p.connect(c, s, later)
	}
	if c.socket == nil {
		return fmt.Errorf("%s has no socket", c.name)
	}
	switch s.kind {
	case message:
		return p.say(c.socket, s.body)
	case frame:
		return p.expectFrame(c.socket, s.body)
	case silence:
		return p.silent(c.socket)
	case closed:
		return p.expectClosed(c, s)
	case leave:
		return p.leave(c)
	}
	return fmt.Errorf("cannot play a %s", s.kind)
}

// deed does what a family has added to what a story may do.
func (p *player) deed(words []string) error {
	var given []string
	for _, w := range words[3:] {
		w, err := p.vars.expand(w)
		if err != nil {
			return err
		}
		given = append(given, w)
	}
	v, err := p.do(words[2], given)
	p.vars[words[0][1:]] = value{v, true}
	return err
}

// rises checks "$a < $b < $c".
func (p *player) rises(words []string) error {
	var last int64
	for i := 0; i < len(words); i += 2 {
		n, err := p.vars.number(words[i])
		if err != nil {
			return err
		}
		if i > 0 && (words[i-1] != "<" || n <= last) {
			return fmt.Errorf("%s: %d is not greater than %d", strings.Join(words, " "), n, last)
		}
		last = n
	}
	return nil
}

func (p *player) set(name, src string) error {
	doc, err := decode([]byte(src))
	if err != nil {
		return fmt.Errorf("want a JSON value, got %s", src)
	}
	return p.vars.matchValue("$"+name, name, doc)
}

// nothingLeft fails if something came that no line expected.
func (p *player) nothingLeft() error {
	for name, c := range p.clients {
		if c.pending != nil {
			return fmt.Errorf("%s: %s asked, and no line has the answer", c.pending.at, name)
		}
		if c.socket == nil {
			continue
		}
		if err := p.silent(c.socket); err != nil {
			return fmt.Errorf("%s: at the end of the story: %w", c.socket.at, err)
		}
	}
	return nil
}

// settle waits until everybody who should wait at the bell does, and nobody
// else: the sockets that are open and the requests that are not answered. A
// request that is answered meanwhile is waited for no more. There is no event
// for "nothing happens any more", so it asks again and again.
func (p *player) settle(doing string) error {
	deadline := time.Now().Add(p.patience)
	for again := time.NewTicker(time.Millisecond); ; <-again.C {
		waiting := p.waiting()
		got := p.watching() - p.base
		if got == waiting && waiting == p.waiting() {
			again.Stop()
			return nil
		}
		if time.Now().After(deadline) {
			again.Stop()
			return fmt.Errorf("%s: %d wait at the bell, want %d", doing, got, waiting)
		}
	}
}

// waiting counts the sockets that are open and the requests that are not
// answered.
func (p *player) waiting() (n int) {
	for _, c := range p.clients {
		if c.socket != nil && c.socket.listens() {
			n++
		}
		if c.pending != nil && !c.pending.answered() {
			n++
		}
	}
	return n
}
