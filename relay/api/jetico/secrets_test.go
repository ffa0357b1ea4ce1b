package jetico

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// What must not be found: a phone number, an application's uuid, the token by
// which it is pushed to. Not in the state directory, in whatever form, nor in
// the log.
func TestSecrets(t *testing.T) {
	const number, app, push = "+15550099887", "planted-application-uuid", "planted-device-token"
	log, dir := &relaytest.Log{}, t.TempDir()
	h := build(t, Options{}, relay.Options{Dir: dir}, log)
	id := hashPhone(number)
	p := h.connect()
	p.ok("RequestRegisterApplication", m{"applicationType": "android", "openUserId": number, "userId": id, "uuid": app})
	codes := h.svc.Codes.Pending(h.r.Now().Time())
	p.ok("RequestConfirmRegistration", m{"smsCode": codes[0].Code, "userId": id, "uuid": app})
	p.ok("RequestAuthenticationByApplication", m{"userId": id, "uuid": app})
	p.ok("RequestUpdateDeviceTokenByApplication", m{"token": push, "userId": id, "uuid": app})
	p.ok("RequestAddUserKeys", m{"metaDataKeyEncryptedBase64": "m", "nick": "planted-nick", "privateKeyEncryptedBase64": "p", "publicKeyBase64": "k"})
	p.ok("RequestUpdateUserKeys", m{"metaDataKeyEncryptedBase64": "m", "nick": "n", "privateKeyEncryptedBase64": "p", "openUserId": number})
	p.ok("RequestDeleteUser", m{"openUserId": number})
	p.ask("RequestAddMember", m{"conversationUuid": app})
	second := h.connect()
	second.ok("RequestRegisterApplication", m{"applicationType": "android", "openUserId": number, "userId": id, "uuid": app + "-2"})
	for _, uuid := range []string{app, "other"} {
		resp := h.http("GET", "/avatar/user_"+strings.ReplaceAll(id, "/", "_")+"?"+uuid, uuid, nil, 0)
		if resp.StatusCode != 401 {
			t.Errorf("a user %q: %s", uuid, resp.Status)
		}
	}

	// Others of the owner's sessions do not see it either.
	if _, err := enroll(h.r, false, number, "third"); err != nil {
		t.Fatal(err)
	}
	third := h.connect()
	third.ok("RequestAuthenticationByApplication", m{"userId": id, "uuid": "third"})
	for _, f := range [][]byte{
		third.want("ResponseApplicationsFull", "RequestGetApplicationsFull", m{"confirmed": false}),
		p.told("AuthenticationByApplicationNotification"),
	} {
		if bytes.Contains(f, []byte(app)) || bytes.Contains(f, []byte("third")) && !bytes.Contains(f, []byte(push)) {
			t.Errorf("shown: %s", f)
		}
	}

	secrets := map[string][]byte{}
	for _, s := range []string{number, number[1:], app, push} {
		secrets[s] = []byte(s)
		secrets["hex of "+s] = []byte(hex.EncodeToString([]byte(s)))
		secrets["base64 of "+s] = []byte(base64.StdEncoding.EncodeToString([]byte(s)))
	}
	secrets["a code"] = []byte(codes[0].Code + "\n")
	for name, secret := range secrets {
		if strings.Contains(log.String(), string(secret)) {
			t.Errorf("%s is in the log", name)
		}
	}
	if log.String() != "" && strings.Contains(log.String(), id) {
		t.Error("a userId is in the log")
	}
	seen := false // that what is stored is looked at
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		seen = seen || bytes.Contains(b, []byte("planted-nick"))
		for name, secret := range secrets {
			if bytes.Contains(b, secret) {
				t.Errorf("%s is in %s", name, filepath.Base(path))
			}
		}
		return err
	})
	if err != nil || !seen {
		t.Fatalf("the state directory was not searched: %v", err)
	}
}

// Frames of any kind are parsed or refused, and what is answered is one frame
// with the same id.
func FuzzParseFrame(f *testing.F) {
	for _, seed := range []string{
		`{"RequestPing":{"when":1},"id":"17"}`, `{"type":"RequestPing","id":17}`, `{"a":1,"b":2}`, `{}`, `[]`, `{"id":1e5,"x":null}`,
		`{"type":5,"id":"\u0000"}`, "\xff", `{"type":"x","type":"y"}`, `{"` + strings.Repeat("ü", 60) + `":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fr, malformed, err := parseFrame(data)
		if malformed && err == nil {
			t.Error("malformed, and no error")
		}
		if err == nil && fr.body == nil {
			t.Error("no body")
		}
		answer := render(fr.form, "ResponseStatusMessage", fr.id, failed(fr.name, errInternal))
		var back map[string]any
		if err := wire.Decode(answer, &back); err != nil {
			t.Errorf("the answer %s: %v", answer, err)
		}
		if _, there := back["id"]; there != (fr.id != nil) {
			t.Errorf("the answer %s has an id: %v", answer, there)
		}
	})
}
