package socketio_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"restante/relay/api/wire/socketio"
)

// A client that is told that it is in has a handler: it misses nothing that
// happens from then on. What the handler sent at once comes behind that.
func TestConnect_HandlerFirst(t *testing.T) {
	var there atomic.Bool
	s := serve(t, patient, func(*socketio.Handshake) (socketio.Open, error) {
		return func(io *socketio.Socket) socketio.Handler {
			io.Emit("early", 1)
			for range 10_000 {
				runtime.Gosched() // time for an answer that comes too soon
			}
			there.Store(true)
			return app{io}
		}, nil
	})
	c := s.socket()
	c.say("40")
	c.matches(`40{"sid":".+"}`)
	if !there.Load() {
		t.Error("let in before the handler was there")
	}
	c.expect(`42["early",1]`)
}
