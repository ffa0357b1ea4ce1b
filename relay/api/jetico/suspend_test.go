package jetico

import (
	"bytes"
	"io"
	"testing"

	"github.com/coder/websocket"

	"restante/relay"
)

// The session of somebody who is kept out ends when it next looks: when he asks
// for something, or by itself before that.
func TestSuspend_EndsSessions(t *testing.T) {
	h := build(t, Options{Requests: -1}, relay.Options{}, io.Discard)
	id := hashPhone("+15550001000")
	h.user(id, true)
	bob := h.join(id)
	bob.want("Params", "GetParams", m{})
	if _, err := suspend(h.r, id); err != nil {
		t.Fatal(err)
	}
	f, err := bob.try("GetParams", m{})
	refused := err == nil && f.name == "ResponseStatusMessage" && bytes.Contains(f.body, []byte("not authenticated"))
	if !refused && websocket.CloseStatus(err) != codeDeleted {
		t.Errorf("got %s %s, %v", f.name, f.body, err)
	}
}
