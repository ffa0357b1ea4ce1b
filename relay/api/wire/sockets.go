package wire

import (
	"context"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/api/wire/line"
)

// Sockets are the open WebSockets of a server. They outlive the handlers that
// accepted them, so whoever stops the server stops them here.
type Sockets struct {
	hub   *relay.Hub
	purse *Purse
	fault func(doing string, err error)
	once  sync.Once // follows the server

	mu       sync.Mutex
	open     map[*Socket]struct{} // guarded by mu
	io       []*IOSockets         // guarded by mu
	stopping bool                 // guarded by mu
	running  sync.WaitGroup       // every goroutine of every socket
}

// NewSockets returns an empty set whose sockets listen to hub and pay for their
// bytes from purse. fault is told of panics in handlers; what it is told has
// nothing private in it.
func NewSockets(hub *relay.Hub, purse *Purse, fault func(doing string, err error)) *Sockets {
	return &Sockets{hub: hub, purse: purse, fault: fault, open: map[*Socket]struct{}{}}
}

// Len returns how many sockets are open.
func (g *Sockets) Len() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.open)
}

// Serve makes a WebSocket of the request, or answers why not, and returns. The
// socket lives on: open is called once, in its first turn, and returns who
// serves it. open may send already. When the [Server] that the request came
// through shuts down, so do the sockets.
func (g *Sockets) Serve(w http.ResponseWriter, r *http.Request, o *SocketOptions, open func(*Socket) SocketHandler) {
	s := newSocket(g, o)
	g.follow(r)
	if !g.add(s) {
		w.Header().Set("Retry-After", "5")
		Refuse(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	conn, err := websocket.Accept(&line.SmallBuffers{ResponseWriter: w, Raw: &s.raw}, r, &websocket.AcceptOptions{
		// Host and Origin were checked before routing, against the names of
		// this relay and the list of the family; a second opinion that knows
		// neither would only refuse the family's own web client.
		InsecureSkipVerify: true,
		// Compressing secrets beside what a stranger chose tells lengths, and
		// a window a socket is more memory than the rest of it.
		CompressionMode: websocket.CompressionDisabled,
		OnPingReceived:  s.pinged,
		OnPongReceived:  func(context.Context, []byte) { s.heard() },
	})
	if err != nil { // Accept has answered
		g.remove(s)
		g.running.Done()
		return
	}
	s.start(conn, open)
}

// add counts s and its reader in, unless the server stops.
func (g *Sockets) add(s *Socket) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.enterLocked() {
		return false
	}
	g.open[s] = struct{}{}
	return true
}

// enter counts one more thing that runs, unless the server stops.
func (g *Sockets) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.enterLocked()
}

func (g *Sockets) enterLocked() bool {
	if !g.stopping {
		g.running.Add(1)
	}
	return !g.stopping
}

func (g *Sockets) remove(s *Socket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, s)
}

// all returns the open sockets.
func (g *Sockets) all() []*Socket {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := make([]*Socket, 0, len(g.open))
	for s := range g.open {
		list = append(list, s)
	}
	return list
}

// follow ends the sockets when the server begins to shut down, which waits for
// them and cuts off what is left.
func (g *Sockets) follow(r *http.Request) {
	g.once.Do(func() {
		if c := connOf(r); c != nil {
			go func() {
				<-c.door.s.Quiet()
				g.goAway()
			}()
		}
	})
}

// goAway refuses new sockets and ends the open ones.
func (g *Sockets) goAway() {
	g.mu.Lock()
	g.stopping = true
	io := g.io
	g.mu.Unlock()
	for _, v := range io {
		v.server.Engine().Quit()
	}
	for _, s := range g.all() {
		s.End(Ending{Code: int(websocket.StatusGoingAway), Reason: "stopping"})
	}
}

// Stop refuses new sockets, ends the open ones with "going away" and waits for
// them. When ctx ends first, the rest is cut off.
func (g *Sockets) Stop(ctx context.Context) {
	g.goAway()
	done := make(chan struct{})
	g.mu.Lock()
	io := g.io
	g.mu.Unlock()
	go func() {
		for _, v := range io {
			v.server.Shutdown(ctx)
		}
		g.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return
	case <-ctx.Done():
	}
	for _, s := range g.all() {
		s.cutOff()
	}
	<-done
}
