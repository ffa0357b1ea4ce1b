package wire

import (
	"bufio"
	"net"
	"net/http"

	"restante/relay"
)

// Raw makes a handler that speaks HTTP itself: an upload, a download, an
// upgrade. Its body is not read for it, and the family's MaxBody does not hold;
// an error it returns before it has written anything is answered in the family's
// form. A Raw row for GET serves HEAD, too. Where the row needs a user,
// [Dialect].Claim is asked first, with nothing decoded.
func Raw(fn func(c *Call, w http.ResponseWriter, r *http.Request) error) Handler {
	return Handler{kind: raws, raw: fn}
}

// speak lets a Raw row answer.
func (h *handling) speak(op *Op) {
	w := &begun{ResponseWriter: h.w}
	err := h.s.limits.arrive(h.c)
	if err == nil {
		err = h.claim(op, nil)
	}
	if err == nil {
		err = h.s.Relay.View(h.c.ctx, func(tx *relay.Tx) error { return h.s.enter(h.c, op, tx) })
	}
	if err == nil {
		defer func() { h.sent = h.sent || w.begun }() // also when it panics
		err = h.s.missed(h.c, op.h.raw(h.c, w, h.r))
		h.s.firstCall(h.c)
	}
	switch {
	case w.begun:
		h.s.fault(op.Name, err)
	case err != nil:
		h.answer(nil, err)
	default:
		h.sent = true // net/http answers an empty 200
	}
}

// begun notes that an answer has been begun, so that no second one follows.
type begun struct {
	http.ResponseWriter
	begun bool
}

func (w *begun) WriteHeader(status int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *begun) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

// Hijack gives the connection away, for an upgrade.
func (w *begun) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.begun = w.begun || err == nil
	return nc, rw, err
}

// Unwrap is for http.ResponseController.
func (w *begun) Unwrap() http.ResponseWriter { return w.ResponseWriter }
