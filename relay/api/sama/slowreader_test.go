//go:build unix

package sama

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// A reader that stops reading is cut off; whoever sends never waits for it, and
// the others of the group go on.
func TestSession_SlowReader(t *testing.T) {
	h := build(t, Options{WriteWithin: 200 * time.Millisecond})
	alice, bob, lazy := h.enter("alice"), h.enter("bob"), h.enter("lazy")
	cid := alice.group(bob, lazy)
	lazy.conn.CloseNow()
	lazy = h.narrow(lazy)
	const n = 3000 // megabytes, of which the narrow connection takes little
	var reads sync.WaitGroup
	reads.Go(func() {
		for range n {
			bob.event("message")
		}
	})
	longest := time.Duration(0)
	for i := range n {
		began := time.Now()
		alice.say(cid, fmt.Sprintf("%-1000d", i))
		longest = max(longest, time.Since(began))
	}
	reads.Wait()
	if longest > time.Second {
		t.Errorf("a receipt took %v", longest)
	}
	who := h.account(lazy).ID
	until(t, func() bool { return !h.r.Presence().Present(who) })
	// It comes back and finds everything.
	lazy = h.again(lazy)
	list := lazy.ask("conversation_list", map[string]any{})["conversations"].([]any)
	if n := list[0].(map[string]any)["unread_messages_count"]; n != 999.0 {
		t.Errorf("%v unread, want 999, which is as far as anybody counts", n)
	}
}

// narrow is another connection of a client, whose machine takes no more than a
// few kilobytes that nobody reads.
func (h *house) narrow(c *client) *client {
	h.t.Helper()
	d := &net.Dialer{Control: func(_, _ string, raw syscall.RawConn) (err error) {
		cerr := raw.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
		return errors.Join(err, cerr)
	}}
	conn, _, err := websocket.Dial(h.t.Context(), h.url+"/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: d.DialContext}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.CloseNow() })
	n := &client{t: h.t, conn: conn, id: c.id, token: c.token, login: c.login}
	n.connect()
	return n
}
