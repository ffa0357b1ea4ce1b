package socketio_test

import (
	"testing"
	"time"

	"restante/relay/api/wire/socketio"
)

// A client that is told that it is in has a handler: it misses nothing that
// happens from then on. What the handler sent at once comes behind that.
func TestConnect_HandlerFirst(t *testing.T) {
	in := make(chan struct{})
	s := serve(t, patient, func(*socketio.Handshake) (socketio.Open, error) {
		return func(io *socketio.Socket) socketio.Handler {
			io.Emit("early", 1)
			select {
			case <-in:
				t.Error("let in before the handler was there")
			case <-time.After(100 * time.Millisecond): // an answer that came too soon would be there by now
			}
			return app{io}
		}, nil
	})
	c := s.socket()
	c.say("40")
	c.matches(`40{"sid":".+"}`)
	close(in)
	c.expect(`42["early",1]`)
}
