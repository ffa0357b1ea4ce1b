package command_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the relay is told in confidence stands in no log line, at any level, and
// in no number; tokens do not stand in the store either.
func TestSecrets(t *testing.T) {
	const body = "planted-body-5b1c"
	r := start(t, newState(t), "--log-level", "debug")
	alice, bob := r.register(), r.register()
	r.send(alice, bob, body)
	r.receive(bob)
	misuse(t, r, alice, body)
	_, metrics := r.admin("/metrics")
	copyFile := filepath.Join(t.TempDir(), "copy.db")
	must(t, "backup", "--state", r.state, copyFile)
	r.stop()

	if !strings.Contains(r.logged(), "/postmsg") {
		t.Fatalf("the log at level debug does not even name operations:\n%s", r.logged())
	}
	// The first lines name the listeners, which are the operator's own.
	lines := strings.Split(r.logged(), "\n")
	for _, place := range []struct{ name, text string }{{"log", strings.Join(lines[1:], "\n")}, {"metrics", metrics}} {
		for _, secret := range []string{alice.ID, bob.ID, alice.Token, bob.Token, body, "127.0.0.1"} {
			if strings.Contains(place.text, secret) {
				t.Errorf("the %s holds %q:\n%s", place.name, secret, place.text)
			}
		}
	}
	for _, path := range []string{filepath.Join(r.state, "restante.db"), copyFile} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), body) {
			t.Fatalf("%s does not hold the sealed message, so this test looks in the wrong place", path)
		}
		for _, token := range []string{alice.Token, bob.Token} {
			if strings.Contains(string(data), token) {
				t.Errorf("%s holds a token", path)
			}
		}
	}
}

// misuse makes the relay say no in every way a client can provoke.
func misuse(t *testing.T, r *running, u user, body string) {
	t.Helper()
	for _, test := range []struct {
		path string
		in   map[string]any
		want int
	}{
		{"/postmsg", map[string]any{"fromUserId": u.ID, "authToken": strings.Repeat("0", 64), "toId": u.ID, "encContent": body}, http.StatusUnauthorized},
		{"/postmsg", map[string]any{"fromUserId": u.ID, "authToken": u.Token, "toId": strings.Repeat("0", 32), "encContent": body}, http.StatusNotFound},
		{"/postmsg", map[string]any{"fromUserId": u.ID, "authToken": u.Token, "toId": u.ID}, http.StatusBadRequest},
		{"/postmsg", map[string]any{"fromUserId": u.ID, "authToken": u.Token, "toId": u.ID, "encContent": strings.Repeat(body, 1<<17)}, http.StatusRequestEntityTooLarge},
		{"/" + u.ID, map[string]any{"authToken": u.Token}, http.StatusNotFound},
	} {
		status, answer := r.post(test.path, test.in)
		if status != test.want {
			t.Errorf("%s: %d %s, want %d", test.path, status, answer, test.want)
		}
		if strings.Contains(answer, body) || strings.Contains(answer, u.Token) {
			t.Errorf("%s answers with what it was told: %s", test.path, answer)
		}
	}
}
