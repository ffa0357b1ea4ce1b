package dishis

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/relaytest"
)

// Nothing that a client sends, and no id, gets into the log, at any level; and
// no token into the store.
func TestSecrets(t *testing.T) {
	log := &relaytest.Log{}
	dir := t.TempDir()
	h := build(t, dir, relay.Options{})
	h.svc.Log = zerolog.New(log).Level(zerolog.TraceLevel)
	anna, bert := h.register("planted name"), h.register("bert")
	const planted = "planted 7f3a"
	id := h.must(anna, "POST", "/api/messages/send", fields{"recipientId": bert.id, "encryptedContent": strings.ReplaceAll(sealed, `"m"`, `"`+planted+`"`)})["messageId"].(string)
	l := h.listen(anna)
	h.must(bert, "POST", "/api/messages/react", fields{"messageId": id, "reaction": planted})
	l.next(`42["message_reaction"`)
	g := h.must(anna, "POST", "/api/groups/create", fields{"name": planted, "members": []string{bert.id}})["groupId"].(string)
	h.must(anna, "POST", "/api/statuses/create", fields{"type": "text", "content": planted})
	for _, u := range []user{anna, {anna.id, "dsh_" + planted}, {}} {
		for _, path := range []string{"/api/groups/" + g, "/api/status/" + id, "/api/media/" + planted, "/api/" + id, "/api/messages/" + bert.id + "/" + anna.id} {
			req, _ := http.NewRequest("GET", h.url+strings.ReplaceAll(path, " ", "%20"), nil)
			req.Header.Set("Authorization", "Bearer "+u.token)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
	}
	h.ask(anna, "POST", "/api/messages/send", fields{"recipientId": planted, "encryptedContent": planted})
	h.svc.Log.Trace().Msg("the log is open")
	text := log.String()
	if !strings.Contains(text, "the log is open") {
		t.Fatal("nothing was logged")
	}
	for _, secret := range []string{planted, anna.id, bert.id, anna.token, id, g, "planted name", strings.TrimPrefix(g, prefixGroup)} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %s", secret)
		}
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), strings.TrimPrefix(anna.token, "dsh_")) {
			t.Errorf("%s has a token", d.Name())
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
