package command_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// admin asks the relay's admin socket.
func (r *running) admin(path string) (int, string) {
	r.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", filepath.Join(r.state, "admin.sock"))
		}}}
	answer, err := client.Get("http://restante" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// stats returns the relay's numbers by name.
func (r *running) stats() map[string]int64 {
	r.t.Helper()
	_, body := r.admin("/stats")
	var all []struct {
		Name  string
		Value int64
	}
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		r.t.Fatalf("%v in %s", err, body)
	}
	values := map[string]int64{}
	for _, m := range all {
		values[m.Name] = m.Value
	}
	return values
}

func TestAdmin(t *testing.T) {
	r := start(t, newState(t))
	r.register()
	if info, err := os.Stat(filepath.Join(r.state, "admin.sock")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v; want 0600", info, err)
	}
	status, body := r.admin("/metrics")
	if status != http.StatusOK || !strings.Contains(body, "# TYPE restante_requests_total counter\nrestante_requests_total 1\n") {
		t.Errorf("metrics: %d\n%s", status, body)
	}
	if status, body := r.admin("/debug/pprof/goroutine?debug=1"); status != http.StatusOK || !strings.Contains(body, "goroutine profile") {
		t.Errorf("pprof: %d\n%.200s", status, body)
	}
}

func TestStats(t *testing.T) {
	r := start(t, newState(t))
	r.register()
	if out := must(t, "stats", "--state", r.state); !strings.Contains(out, "requests since the start") || !strings.Contains(out, "MiB") {
		t.Errorf("stats prints\n%s", out)
	}
	var values map[string]int64
	if err := json.Unmarshal([]byte(must(t, "stats", "--state", r.state, "--json")), &values); err != nil || values["requests_total"] != 1 {
		t.Errorf("stats --json: %v, %v", values, err)
	}
}

func TestNotRunning(t *testing.T) {
	state := newState(t)
	for _, command := range []string{"stats", "invite"} {
		_, stderr, status := call(t, command, "--state", state)
		if status != 1 || !strings.Contains(stderr, "no relay is running in "+state) {
			t.Errorf("%s: status %d, %s", command, status, stderr)
		}
	}
	for _, args := range [][]string{{"check"}, {"compact"}, {"backup", filepath.Join(t.TempDir(), "copy.db")}} {
		_, stderr, status := call(t, append(args, "--state", state)...)
		if status != 1 || !strings.Contains(stderr, "there is no relay in "+state) {
			t.Errorf("%s: status %d, %s", args[0], status, stderr)
		}
	}
	if _, err := os.Stat(state); err == nil {
		t.Error("a command that only looks made a state directory")
	}
}

func TestBackup(t *testing.T) {
	r := start(t, newState(t))
	alice := r.register()
	r.send(alice, alice, "in every copy")
	copies := t.TempDir()
	file := filepath.Join(copies, "copy.db")

	must(t, "backup", "--state", r.state, file)
	restored(t, file, alice)
	r.stop()
	must(t, "backup", file, "--state", r.state) // the second replaces the first
	restored(t, file, alice)

	if _, stderr, status := call(t, "backup", filepath.Join(r.state, "restante.db"), "--state", r.state); status != 1 {
		t.Errorf("a backup over the store itself: status %d, %s", status, stderr)
	}
	left, err := os.ReadDir(copies)
	if err != nil || len(left) != 1 {
		t.Errorf("beside the backup lie %v, %v", left, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v; want 0600", info, err)
	}
}

func TestBackup_LeftUnfinished(t *testing.T) {
	state := newState(t)
	left := filepath.Join(state, "copy-123")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, state)
	if _, err := os.Stat(left); err == nil {
		t.Error("a copy that a killed relay left is still there")
	}
}

// restored serves from a backup and looks for the message in it.
func restored(t *testing.T, file string, u user) {
	t.Helper()
	state := newState(t)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "restante.db"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "check", "--state", state)
	if got := start(t, state).receive(u); !strings.Contains(got, "in every copy") {
		t.Errorf("the backup holds %s", got)
	}
}

func TestCompact(t *testing.T) {
	r := start(t, newState(t))
	alice := r.register()
	r.send(alice, alice, "still here")
	r.stop()
	if out := must(t, "compact", "--state", r.state); !strings.Contains(out, "before") {
		t.Errorf("compact prints %s", out)
	}
	must(t, "check", "--state", r.state)
	if got := start(t, r.state).receive(alice); !strings.Contains(got, "still here") {
		t.Errorf("after compacting: %s", got)
	}
}

func TestCheck_Damaged(t *testing.T) {
	r := start(t, newState(t))
	alice := r.register()
	r.send(alice, alice, "soon lost")
	r.stop()
	path := filepath.Join(r.state, "restante.db")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 2 * os.Getpagesize(); i < len(data); i++ { // after the two meta pages
		data[i] ^= 0x55
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, status := call(t, "check", "--state", r.state); status != 1 || strings.Contains(stdout, "sound") {
		t.Errorf("check of a damaged store: status %d\n%s%s", status, stdout, stderr)
	}
}

func TestAccount(t *testing.T) {
	r := start(t, newState(t))
	u := r.register()
	change := func(do string) int {
		t.Helper()
		_, _, status := call(t, "account", "--state", r.state, "secbot", u.ID, do)
		return status
	}
	receive := func() int {
		t.Helper()
		status, _ := r.post("/receive", map[string]string{"userId": u.ID, "authToken": u.Token})
		return status
	}
	for _, step := range []struct {
		do           string
		exit, status int
	}{
		{"show", 0, 200}, {"suspend", 0, 401}, {"restore", 0, 200}, {"owner", 1, 200}, {"eat", 2, 200}, {"remove", 0, 401}, {"show", 1, 401},
	} {
		if exit := change(step.do); exit != step.exit {
			t.Errorf("account %s: exit status %d, want %d", step.do, exit, step.exit)
		}
		if status := receive(); status != step.status {
			t.Errorf("a call after %s: %d, want %d", step.do, status, step.status)
		}
	}
	if out := must(t, "codes", "--state", r.state); out != "" {
		t.Errorf("codes that wait: %q", out)
	}
}

// A code is shown to the operator until it is used.
func TestCodes(t *testing.T) {
	r := start(t, newState(t))
	j, s := &jeticoUser{client: client{t: t}}, &samaUser{client: client{t: t}}
	j.join(r) // which uses its code
	s.join(r)
	s.listen()
	s.do("user_edit", map[string]any{"email": "s@example.org", "current_password": "secret"})
	if out := must(t, "codes", "--state", r.state); out != "" {
		t.Errorf("after a registration codes prints\n%s", out)
	}
	s.do("user_send_otp", map[string]any{"email": "s@example.org", "device_id": "d"})
	code := regexp.MustCompile(`(?m)^sama .* (\d{6}) `).FindStringSubmatch(must(t, "codes", "--state", r.state))
	if code == nil {
		t.Fatal("no code is shown")
	}
	s.do("user_reset_password", map[string]any{"email": "s@example.org", "device_id": "d", "token": code[1], "new_password": "another"})
	if out := must(t, "codes", "--state", r.state); out != "" {
		t.Errorf("after a new password codes prints\n%s", out)
	}
}

func TestInvite(t *testing.T) {
	r := start(t, newState(t), "--registration", "invite")
	if status, _ := r.post("/register", nil); status != http.StatusForbidden {
		t.Errorf("without an invite: %d, want 403", status)
	}
	code := strings.TrimSpace(must(t, "invite", "--state", r.state, "--uses", "2", "--expires", "1d"))
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusForbidden} {
		q, err := http.NewRequest(http.MethodPost, r.url+"/register", nil)
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+code)
		answer, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("use %d of an invite for two: %d, want %d", i+1, answer.StatusCode, want)
		}
	}
	r.stop()
	data, err := os.ReadFile(filepath.Join(r.state, "restante.db"))
	if err != nil || strings.Contains(string(data), code) {
		t.Errorf("the code stands in the store (%v)", err)
	}
}

func TestAPI(t *testing.T) {
	all, one := must(t, "api"), must(t, "api", "secbot")
	if n := strings.Count(one, "\n"); n != 11 {
		t.Errorf("secbot has %d operations, want 11\n%s", n, one)
	}
	if !strings.Contains(all, "POST /longpoll") {
		t.Errorf("api prints\n%s", all)
	}
	if _, _, status := call(t, "api", "nobody"); status != 2 {
		t.Errorf("api of an unknown family: status %d, want 2", status)
	}
}

func TestVersion(t *testing.T) {
	if out := must(t, "version"); !strings.HasPrefix(out, "restante ") || !strings.Contains(out, "go1.") {
		t.Errorf("version prints %s", out)
	}
}

func TestHelp(t *testing.T) {
	all := must(t, "help")
	for _, args := range [][]string{{"--help"}, {"-h"}, {"serve", "--help"}, {"help", "serve"}} {
		if out := must(t, args...); out != all {
			t.Errorf("restante %s is not restante help:\n%s", strings.Join(args, " "), out)
		}
	}
	if out := must(t, "help", "invite"); !strings.Contains(out, "--uses") || !strings.Contains(out, "7d") {
		t.Errorf("help invite prints\n%s", out)
	}
}

func TestCalledWrongly(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"dance"}, `"dance"`},
		{[]string{"--max-body", "many"}, `--max-body: "many"`},
		{[]string{"--state", "/x", "check"}, "a command comes before its flags"},
		{[]string{"backup"}, "backup takes FILE"},
		{[]string{"--trust-proxy", "127.0.0.1:9"}, "--trust-proxy"},
		{[]string{"--max-body", "1KiB"}, "--max-content"},
		{[]string{"invite", "--uses", "0"}, `--uses: "0"`},
	} {
		stdout, stderr, status := call(t, test.args...)
		if status != 2 || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("restante %s: status %d\n%s%s", strings.Join(test.args, " "), status, stdout, stderr)
		}
	}
}
