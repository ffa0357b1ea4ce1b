package socketiotest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Modes are the ways in which a client connects: it stays with polling, begins
// on a WebSocket, or moves from one to the other.
var Modes = []string{"polling", "websocket", "upgrading"}

// Check has socket.io-client talk to the [Hall] that is served in "/" and
// "/custom" below url, once for each of the Modes. Without Node or the client
// the test is skipped.
func Check(t *testing.T, url string) {
	for _, mode := range Modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			Node(t, filepath.Join(folder(), "checks.mjs"), url, mode)
		})
	}
}

// Node runs a script, which imports socket.io-client from the folder that this
// package keeps it in: scripts elsewhere name it by the URL in the environment's
// SOCKET_IO_CLIENT. It fails when the script ends with an error, and returns what
// that printed.
func Node(t *testing.T, script string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no node here: checks with socket.io-client are left out")
	}
	module := filepath.Join(folder(), "node_modules", "socket.io-client")
	if _, err := os.Stat(module); err != nil {
		t.Skip("no socket.io-client here (.ci/run client installs it): checks with it are left out")
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "node", append([]string{script}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "SOCKET_IO_CLIENT=file://"+filepath.Join(module, "build", "esm-debug", "index.js"))
	err := cmd.Run()
	if err != nil {
		t.Errorf("%v\n%s", err, out.Bytes())
	} else if testing.Verbose() {
		t.Logf("\n%s", out.Bytes())
	}
	return out.String()
}

// folder is where the client and its checks are.
func folder() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "testdata", "client")
}
