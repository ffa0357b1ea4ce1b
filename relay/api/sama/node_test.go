package sama

import (
	"os/exec"
	"strings"
	"testing"
)

// A client that knows nothing of this program, with plain fetch and WebSocket,
// from another origin: CORS, the cookie, files, and two tabs. Node has no
// WebSocket of its own before 22; from 20.10 on a flag brings it.
func TestNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node, which is not installed: .ci/run installs it")
	}
	const origin = "https://web.example"
	h := build(t, Options{}, origin)
	args := []string{"testdata/client.mjs", h.url, origin}
	if exec.Command(node, "-e", "WebSocket").Run() != nil {
		args = append([]string{"--experimental-websocket"}, args...)
		if exec.Command(node, args[0], "-e", "WebSocket").Run() != nil {
			t.Skip("needs node 20.10 or later, which has a WebSocket")
		}
	}
	out, err := exec.Command(node, args...).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "ok" {
		t.Errorf("%s (%v)", got, err)
	}
}
