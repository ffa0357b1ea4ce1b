package command_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A cron job with curl tells somebody who reads with another API's client, once
// for as long as the disk is full.
func TestAlert(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl")
	}
	r := start(t, newState(t), "--limits", "off")
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			reader := f.make(client{t: t})
			reader.join(r)
			reader.listen()
			home := t.TempDir()
			alert := func(full string) {
				t.Helper()
				cmd := exec.Command("../../scripts/alert.sh")
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "ALERT_RELAY=" + r.url, "ALERT_TO=" + reader.id(), "ALERT_FULL=" + full}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			alert("101")
			alert("0")
			alert("0")
			account, err := os.ReadFile(filepath.Join(home, ".local/state/restante-alert/account"))
			if err != nil {
				t.Fatal(err)
			}
			cron := &mailer{client: client{t: t, r: r, who: strings.Fields(string(account))[0]}}
			told := func() (n int) {
				for _, body := range reader.read(cron) {
					if strings.Contains(body, "/ is ") && strings.Contains(body, " % full") {
						n++
					}
				}
				return n
			}
			if j, ok := reader.(*jeticoUser); ok {
				j.note(cron, at(j.until(func(f map[string]any) bool {
					return str(f, "NotificationAddedMessageToConversation", "message", "bodyEncryptedBase64") != ""
				}), "NotificationAddedMessageToConversation", "message"))
			}
			if n := told(); n != 1 {
				t.Errorf("told %d times, want once", n)
			}
			alert("101")
			alert("0")
			if n := told(); n != 2 {
				t.Errorf("told %d times after it had room again, want twice", n)
			}
		})
	}
}
