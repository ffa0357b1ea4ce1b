package wire

import (
	"net/http"

	"restante/relay"
)

// A Need says who may call an operation.
type Need uint8

const (
	Anyone Need = iota // no token is asked for
	User               // an account of this family, by its token
)

func (n Need) String() string {
	if n == User {
		return "user"
	}
	return "anyone"
}

// An Op is one row of a family's table: the same row serves requests, is
// printed by `restante api`, and has to be reached by a transcript.
type Op struct {
	Name  string // "POST /register"; in a socket family the message's name
	Need  Need
	About string // one line: what it does
	h     Handler
	quiet bool // see NamesNobody
}

// Row makes a row. HTTP families name it by method and path as the protocol's
// document has it, with one parameter name per segment (":id").
func Row(name string, need Need, h Handler, about string) Op {
	return Op{Name: name, Need: need, About: about, h: h}
}

// NamesNobody marks an operation that names nothing but its caller. It works
// on when the caller has used up its hour's misses.
func (o Op) NamesNobody() Op {
	o.quiet = true
	return o
}

// None is the type of an operation's input when it has none (a body is ignored),
// and of its answer when that is empty.
type None struct{}

// A Handler is what a row does. It is made by Read, Write, Free or Raw.
type Handler struct {
	kind   kind
	decode func(c *Call, body []byte) (any, error)
	tx     func(c *Call, tx *relay.Tx, in any) (any, error)
	free   func(c *Call, r *relay.Relay, in any) (any, error)
	raw    func(c *Call, w http.ResponseWriter, r *http.Request) error
}

type kind uint8

const (
	reads kind = iota
	writes
	frees
	raws
)

// Read makes a handler that looks: it runs in a View, together with the check
// of its caller.
func Read[In, Out any](fn func(c *Call, tx *relay.Tx, in In) (Out, error)) Handler {
	return Handler{kind: reads, decode: decodeAs[In], tx: withTx(fn)}
}

// Write makes a handler that changes something: it runs in an Update, and its
// answer goes out after the commit. It may run more than once.
func Write[In, Out any](fn func(c *Call, tx *relay.Tx, in In) (Out, error)) Handler {
	return Handler{kind: writes, decode: decodeAs[In], tx: withTx(fn)}
}

// Free makes a handler that opens its own transactions, for what waits or takes
// long. It ends in its commit and relies on nothing that it saw before.
func Free[In, Out any](fn func(c *Call, r *relay.Relay, in In) (Out, error)) Handler {
	return Handler{kind: frees, decode: decodeAs[In], free: func(c *Call, r *relay.Relay, in any) (any, error) {
		return fn(c, r, *in.(*In))
	}}
}

func withTx[In, Out any](fn func(*Call, *relay.Tx, In) (Out, error)) func(*Call, *relay.Tx, any) (any, error) {
	return func(c *Call, tx *relay.Tx, in any) (any, error) { return fn(c, tx, *in.(*In)) }
}

// A Dialect is the answers that differ between families.
type Dialect struct {
	// Claim reads who the request says it is: from its header, or from what was
	// decoded, as the family has it. Its error is the answer.
	Claim func(c *Call, in any) (relay.Claim, error)
	// ClaimFirst has the caller checked before the body is decoded; in is nil
	// then.
	ClaimFirst bool
	// OK renders what a handler returned, Fail an error. Nil OK is status 200
	// with the value as JSON.
	OK   func(c *Call, out any) Reply
	Fail func(c *Call, err *relay.Error) Reply
	// Arrive is asked first for every request, also those that no row serves: it
	// may set headers that every answer has, and refuse. Its error is the answer.
	Arrive func(c *Call) error
	// Lost answers what no row serves; allowed are the methods that the path
	// has. Nil: 404 or 405 in plain text.
	Lost func(c *Call, allowed []string) Reply
}

// A Family is one message API.
type Family struct {
	Name    string // "secbot"
	About   string // one line
	Ops     []Op   // in the order of its protocol's document
	Dialect Dialect
	MaxBody int64 // bytes of one request's body; beyond: TooLarge
	CORS    *CORS // what web pages may do; nil: nothing

	// FindAccount finds an account for the operator, by the name its family
	// knows it by. Nil: by its id only.
	FindAccount func(tx *relay.Tx, name string) (relay.Account, error)
	// MakeOwner makes an account the instance's owner, where the family has one.
	MakeOwner func(tx *relay.Tx, who relay.ID) error
}

// A Reply is an answer before it is written: no body for nil, plain text for a
// string, bytes of Type as they are, JSON for anything else.
type Reply struct {
	Status int
	Body   any
	Type   string // of bytes
}

// Do runs one operation that came by another way than HTTP: the caller is in
// c.Who already, body is its JSON. It is what a socket does with a frame.
func (s *Service) Do(c *Call, op *Op, body []byte) (any, error) {
	if s.Reached != nil {
		s.Reached(op.Name)
	}
	in, err := op.h.decode(c, body)
	if err != nil {
		return nil, err
	}
	return s.run(c, op, in)
}

// run runs the handler with its caller checked, in the transaction its kind
// asks for.
func (s *Service) run(c *Call, op *Op, in any) (out any, err error) {
	switch op.h.kind {
	case reads:
		err = s.Relay.View(c.ctx, func(tx *relay.Tx) (err error) {
			if out, err = nil, s.enter(c, op, tx); err == nil {
				out, err = op.h.tx(c, tx, in)
			}
			return err
		})
	case writes:
		out, err = s.write(c, op, in)
	case frees:
		if err = s.Relay.View(c.ctx, func(tx *relay.Tx) error { return s.enter(c, op, tx) }); err == nil {
			out, err = op.h.free(c, s.Relay, in)
		}
	}
	if err != nil {
		return nil, s.missed(c, err)
	}
	return out, nil
}

// write looks first, which refuses cheaply, and decides again in the
// transaction that acts.
func (s *Service) write(c *Call, op *Op, in any) (out any, err error) {
	if c.recall() {
		err = s.limits.admit(c, op)
	} else {
		err = s.Relay.View(c.ctx, func(tx *relay.Tx) error { return s.enter(c, op, tx) })
	}
	if err != nil {
		return nil, err
	}
	err = c.Update(func(tx *relay.Tx) (err error) {
		out, err = op.h.tx(c, tx, in)
		return err
	})
	c.remember(!relay.Is(err, relay.Unauthorized))
	return out, err
}

// Update runs fn in a transaction, as a Write row's handler runs: when it is
// the account's turn, and with the caller checked again in the transaction that
// acts. Free rows that act for their caller use it.
func (c *Call) Update(fn func(*relay.Tx) error) error {
	release, ok := c.Service.turns.Turn(string(c.Who.Account[:]))
	if !ok {
		return relay.Later(retrySoon, "too many writes at once")
	}
	defer release()
	var wrote []relay.EntryID
	err := c.Service.Relay.Update(c.ctx, func(tx *relay.Tx) error {
		if err := c.identify(tx); err != nil {
			return err
		}
		err := fn(tx)
		wrote = tx.Wrote()
		return err
	})
	if err == nil {
		c.wrote = append(c.wrote, wrote...)
	}
	return err
}

// Wrote returns the entries that this call's transactions have appended: a
// session that asked for them may not want to be told of them again.
func (c *Call) Wrote() []relay.EntryID { return c.wrote }

// enter lets a caller in: it is who it says, within its rates, and counted as
// having called.
func (s *Service) enter(c *Call, op *Op, tx *relay.Tx) error {
	if err := c.identify(tx); err != nil {
		return err
	}
	if op.Need == Anyone {
		return nil
	}
	c.conn.markKnown()
	return s.limits.admit(c, op)
}

// identify finds the caller of a request that claims to be somebody.
func (c *Call) identify(tx *relay.Tx) (err error) {
	switch {
	case c.claim != nil:
		c.Who, err = tx.Authenticate(*c.claim)
	case c.prove != nil:
		c.Who, err = c.prove(tx)
	}
	return err
}

// firstCall notes that an account is in use, once; the calls after it write
// nothing. Whatever becomes of it, the call stands as it is: a post that is
// stored must not be answered with an error, and the next call notes it again.
func (s *Service) firstCall(c *Call) {
	if !c.Who.Unused {
		return
	}
	err := s.Relay.Update(c.ctx, func(tx *relay.Tx) error { return tx.FirstUse(c.Who.Account) })
	if err != nil && c.ctx.Err() == nil {
		s.Log.Warn().Str("op", c.Op).Err(err).Msg("first use not noted")
	}
}
