package engineio

import (
	"net/http"
	"time"

	"restante/relay/api/wire/line"
)

// Options are what a server settles. Zero values mean the defaults in brackets.
type Options struct {
	PingInterval   time.Duration // between a pong, or the handshake, and the next ping (25 s)
	PingTimeout    time.Duration // for the pong (20 s)
	UpgradeTimeout time.Duration // for the whole of an upgrade (10 s)
	Linger         time.Duration // what is queued can still be polled after Close (10 s)

	MaxPayload  int64 // bytes of one body or WebSocket message that comes in (1,000,000)
	MaxPackets  int   // packets of one body (64)
	MaxSessions int   // sessions; a quarter of them may be unknown (10,000)

	QueuePackets int // what waits to be sent to one client: packets (1,000)
	QueueBytes   int // and bytes (4 MiB)

	ReadWithin  time.Duration // a WebSocket message once begun has come by then, and a second per KiB (30 s)
	WriteWithin time.Duration // one has gone by then, and a second per KiB (30 s)

	// Budget pays for the bytes that wait in either direction; nil: bottomless.
	Budget line.Budget
	// Park answers a poll when its wait is over; nil: on the request's goroutine.
	Park func(w http.ResponseWriter, r *http.Request, wait *Wait)
	// Keep returns what a session remembers of its first request ([Session.Kept]):
	// the request itself would be several KiB for each client.
	Keep func(r *http.Request) any
	// Mark returns a function that notes that the request's connection belongs to
	// a known client. It must not hold on to the request. Nil: nobody asks.
	Mark func(r *http.Request) func()
	// Fault is told of panics in handlers, which end the session and nothing
	// else. What it is told has no data in it.
	Fault func(doing string, err error)
}

func (o Options) withDefaults() Options {
	time_ := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	number := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	time_(&o.PingInterval, 25*time.Second)
	time_(&o.PingTimeout, 20*time.Second)
	time_(&o.UpgradeTimeout, 10*time.Second)
	time_(&o.Linger, 10*time.Second)
	time_(&o.ReadWithin, 30*time.Second)
	time_(&o.WriteWithin, 30*time.Second)
	number(&o.MaxPackets, 64)
	number(&o.MaxSessions, 10_000)
	number(&o.QueuePackets, 1000)
	number(&o.QueueBytes, 4<<20)
	if o.MaxPayload <= 0 {
		o.MaxPayload = 1_000_000
	}
	if o.Park == nil {
		o.Park = block
	}
	if o.Keep == nil {
		o.Keep = func(*http.Request) any { return nil }
	}
	if o.Mark == nil {
		o.Mark = func(*http.Request) func() { return func() {} }
	}
	if o.Fault == nil {
		o.Fault = func(string, error) {}
	}
	return o
}

// A Wait is a poll that waits for something to send. Its functions do not hold
// on to the request.
type Wait struct {
	Until       time.Time // ends with Empty; the session has ended long before
	ContentType string
	Empty       []byte

	// Arm is called once, with a function that does not block and may be called
	// by any goroutine, any number of times, during Arm and after Done.
	Arm func(ring func())
	// Check looks, after each ring. Not ready: the wait goes on.
	Check func() (body []byte, ready bool)
	// Done is called once, when the outcome is known and before it is written, or
	// when the caller hung up.
	Done func()
	// Sent is called once after Check was ready: the body has been written, or
	// could not be.
	Sent func(err error)
}

// block waits on the request's own goroutine.
func block(w http.ResponseWriter, r *http.Request, wt *Wait) {
	bell := make(chan struct{}, 1)
	out := time.NewTimer(time.Until(wt.Until))
	defer out.Stop()
	wt.Arm(func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	})
	body, ready := wt.Empty, false
	for !ready {
		select {
		case <-bell:
			if body, ready = wt.Check(); ready {
				continue
			}
		case <-r.Context().Done():
			wt.Done()
			return
		case <-out.C:
			wt.Done()
			_ = writeText(w, wt.Empty) // the session has ended anyway
			return
		}
	}
	wt.Done()
	wt.Sent(writeText(w, body))
}
