package secbot

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// What is told in confidence stands in no log line at any level; what proves a
// right stands in the file as its hash only.
func TestSecrets(t *testing.T) {
	const body, key = "planted-body-9b2f", "planted-key-9b2f"
	var log relaytest.Log
	logger := zerolog.New(&log).Level(zerolog.TraceLevel)
	dir := t.TempDir()
	h := build(t, plan{
		dir: dir, log: logger, rates: wire.DefaultRates(), cfg: Config{MaxContent: 1000},
		relay: relay.Options{BoxEntries: 4, Fault: func(doing string, err error) { logger.Error().Err(err).Msg(doing) }},
	})
	alice, bob := h.register(), h.register()
	code := h.invite(2)
	carol := h.invited(code)
	secretGroup, invitedGroup := h.group(alice), h.group(alice)
	everything(h, alice, bob, secretGroup, invitedGroup, body, key)
	h.tell(carol, bob, body)
	h.want(200, "/groupinv", whole(carol, bob.ID, invitedGroup)) // names the group in bob's mailbox
	told := [][]byte{[]byte(body), []byte(key), []byte("127.0.0.1"), []byte(strings.TrimPrefix(code, "Bearer "))}
	for _, u := range []user{alice, bob, carol} {
		told = append(told, spellings(u.Token)...)
		told = append(told, spellings(u.ID)...)
	}
	told = append(append(told, spellings(secretGroup)...), spellings(invitedGroup)...)
	logged := []byte(log.String())
	for _, row := range []string{"/postmsg", "/longpoll", "/pollgroups"} {
		if !bytes.Contains(logged, []byte(row)) {
			t.Fatalf("the log does not even name %s:\n%s", row, logged)
		}
	}
	for _, secret := range told {
		if bytes.Contains(logged, secret) {
			t.Errorf("the log has %q", secret)
		}
	}

	var file []byte // the store's, and those of its journal
	for _, name := range []string{"restante.db", "restante.db.journal-a", "restante.db.journal-b"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		file = append(file, data...)
	}
	for _, u := range []user{alice, bob, carol} {
		if sum := sha256.Sum256([]byte(u.Token)); !bytes.Contains(file, sum[:]) {
			t.Error("the file has no hash of a token: this looks in the wrong place")
		}
		for _, s := range spellings(u.Token) {
			if bytes.Contains(file, s) {
				t.Errorf("the file has a token as %q", s)
			}
		}
	}
	if !bytes.Contains(file, []byte(invitedGroup)) {
		t.Error("the file does not have the group of an invitation: this looks in the wrong place")
	}
	for _, s := range append(spellings(secretGroup), []byte(key), []byte(strings.TrimPrefix(code, "Bearer "))) {
		if bytes.Contains(file, s) {
			t.Errorf("the file has %q", s)
		}
	}
}

func (h *house) invited(code string) user {
	h.t.Helper()
	var u struct{ UserID, AuthToken string }
	h.read(h.want(200, "/register", fields{}, "Authorization", code), &u)
	return user{u.UserID, u.AuthToken}
}

// spellings returns the ways in which a token or id in hex may be written.
func spellings(s string) (all [][]byte) {
	b, _ := hex.DecodeString(s)
	all = append(all, []byte(s), []byte(strings.ToUpper(s)), b)
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for _, raw := range [][]byte{b, []byte(s)} {
			text := enc.EncodeToString(raw)
			all = append(all, []byte(text[:len(text)-1])) // the last letter depends on what follows
		}
	}
	return append(all, []byte(hex.EncodeToString([]byte(s))))
}

// everything goes through all that the API does, and all that it refuses.
func everything(h *house, alice, bob user, secretGroup, invitedGroup, body, key string) {
	in := func(u user, group string, more fields) fields {
		f := whole(u, bob.ID, group)
		f["cryptoData"], f["encContent"], f["protocol"], f["algorithm"] = body, body, body, body
		for k, v := range more {
			f[k] = v
		}
		return f
	}
	for _, path := range []string{"/connect", "/connect2", "/postmsg"} {
		h.want(200, path, in(alice, secretGroup, nil), onceHeader, key)
	}
	h.want(409, "/postmsg", in(alice, secretGroup, fields{"toId": alice.ID}), onceHeader, key)
	h.want(200, "/groupinv", in(alice, invitedGroup, nil), onceHeader, key)
	h.want(507, "/postmsg", in(alice, secretGroup, nil))
	h.want(200, "/postgroup", in(alice, secretGroup, fields{"toId": secretGroup}), onceHeader, key)
	for _, path := range []string{"/receive", "/pollgroup", "/pollgroups", "/longpoll"} {
		h.want(200, path, in(bob, secretGroup, nil))
	}
	waiter := h.dial()
	waiter.send("/longpoll", alice.waitFor(0, alice.ID))
	h.waiting(1)
	h.want(200, "/postmsg", in(bob, secretGroup, fields{"toId": alice.ID}))
	waiter.want(200, alice.ID)
	h.want(200, "/receive", bob.as(fields{"forgetUntil": maxCursor}))
	for _, path := range paths {
		h.want(401, path, in(user{alice.ID, bob.Token}, secretGroup, nil))
		h.want(400, path, []byte(`{"userId":"`+alice.ID+`","`+body+`":"`+alice.Token+`"`))
		h.want(400, path, in(alice, secretGroup, fields{"object": body}))
		h.want(413, path, []byte(strings.Repeat(body, 10_000)))
	}
	h.want(413, "/postmsg", in(alice, secretGroup, fields{"encContent": strings.Repeat(body, 60)}))
	for range 61 { // until missing costs
		h.ask("/postgroup", in(bob, secretGroup, fields{"toId": bob.ID}))
	}
	h.want(429, "/postgroup", in(bob, secretGroup, fields{"toId": bob.ID}))
	h.want(404, "/"+alice.ID, in(alice, secretGroup, nil))
	h.svc.Log.Trace().Err(errors.New("the log is open at this level")).Send()
}
