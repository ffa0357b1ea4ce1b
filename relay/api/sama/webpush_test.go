package sama

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// The example of RFC 8291, section 5.
func TestRecipient_Seal_RFC8291(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := base64Any(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	to, err := newRecipient("BTBZMqHH6r4Tts7J_aSIgg", "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdh.P256().NewPrivateKey(unhex("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := to.seal([]byte("When I grow up, I want to be a watermelon"), own, unhex("DGv6ra1nlYgDCS1FRnbzlw"))
	if err != nil {
		t.Fatal(err)
	}
	want := "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if enc := base64.RawURLEncoding.EncodeToString(got); enc != want {
		t.Errorf("got  %s\nwant %s", enc, want)
	}
}

func TestCheckVAPID(t *testing.T) {
	key, _ := newVAPIDKey(t)
	for _, c := range []struct {
		name, key, subject string
		right              bool
	}{
		{"none", "", "", true},
		{"right", key, "mailto:a@example.org", true},
		{"no subject", key, "", false},
		{"another subject", key, "ftp://example.org", false},
		{"short", "AAAA", "mailto:a@example.org", false},
		{"no base64", "?", "mailto:a@example.org", false},
		{"zero", strings.Repeat("A", 43), "mailto:a@example.org", false},
	} {
		if err := CheckVAPID(c.key, c.subject); (err == nil) != c.right {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func newVAPIDKey(t *testing.T) (key string, public *ecdsa.PublicKey) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(raw), &k.PublicKey
}

// A browser is a push endpoint and the keys it was subscribed with.
type browser struct {
	t    *testing.T
	key  *ecdh.PrivateKey
	auth []byte
	url  string
	got  chan pushed
}

type pushed struct {
	header http.Header
	body   []byte
}

// newBrowser runs a push service for one browser, that answers with a status.
func newBrowser(t *testing.T, status int) *browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, key: key, auth: make([]byte, 16), got: make(chan pushed, 100)}
	rand.Read(b.auth)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		b.got <- pushed{r.Header.Clone(), body}
	}))
	t.Cleanup(srv.Close)
	b.url = srv.URL + "/push/secret"
	return b
}

// subscribe has a client subscribe with keys in the other alphabet of base64.
func (b *browser) subscribe(c *client) {
	b.t.Helper()
	c.ask("push_subscription_create", map[string]any{
		"platform": "web", "device_udid": "browser", "web_endpoint": b.url,
		"web_key_auth":   base64.StdEncoding.EncodeToString(b.auth),
		"web_key_p256dh": base64.StdEncoding.EncodeToString(b.key.PublicKey().Bytes()),
	})
}

// next opens the next push, and checks who signed it.
func (b *browser) next(public *ecdsa.PublicKey) map[string]any {
	b.t.Helper()
	var p pushed
	select {
	case p = <-b.got:
	case <-time.After(patience):
		b.t.Fatal("nothing was pushed")
	}
	b.checkVAPID(p.header.Get("Authorization"), public)
	if p.header.Get("Content-Encoding") != "aes128gcm" || p.header.Get("TTL") == "" {
		b.t.Errorf("headers are %v", p.header)
	}
	var got map[string]any
	if err := json.Unmarshal(b.open(p.body), &got); err != nil {
		b.t.Fatal(err)
	}
	return got
}

// open decrypts a body as a browser does.
func (b *browser) open(body []byte) []byte {
	b.t.Helper()
	salt, sender, sealed := body[:16], body[21:21+int(body[20])], body[21+int(body[20]):]
	from, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		b.t.Fatal(err)
	}
	shared, err := b.key.ECDH(from)
	if err != nil {
		b.t.Fatal(err)
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		out, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			b.t.Fatal(err)
		}
		return out
	}
	ikm := derive(shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender), 32)
	block, err := aes.NewCipher(derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		b.t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		b.t.Fatal(err)
	}
	plain, err := aead.Open(nil, derive(ikm, salt, "Content-Encoding: nonce\x00", 12), sealed, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return bytes.TrimSuffix(plain, []byte{2})
}

// checkVAPID verifies a signature of RFC 8292.
func (b *browser) checkVAPID(header string, public *ecdsa.PublicKey) {
	b.t.Helper()
	token, key, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	parts := strings.Split(token, ".")
	if !ok || len(parts) != 3 {
		b.t.Fatalf("the header is %q", header)
	}
	raw, err := public.Bytes()
	if err != nil || key != base64.RawURLEncoding.EncodeToString(raw) {
		b.t.Errorf("the key is %q", key)
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || len(sig) != 64 {
		b.t.Fatalf("the signature is %q", parts[2])
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		b.t.Error("the signature is another's")
	}
	var claims struct {
		Aud, Sub string
		Exp      int64
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil {
		b.t.Fatalf("the claims are %q", text)
	}
	in := time.Until(time.Unix(claims.Exp, 0))
	if claims.Aud+"/push/secret" != b.url || claims.Sub != "mailto:op@example.org" || in <= 0 || in > 24*time.Hour {
		b.t.Errorf("the claims are %s", text)
	}
}

// Whoever is away is pushed to: messages, notices, and what becomes of groups;
// whoever is there is not, and a browser that is gone is forgotten.
func TestPush(t *testing.T) {
	key, public := newVAPIDKey(t)
	h := build(t, Options{VAPIDKey: key, VAPIDSubject: "mailto:op@example.org", PlainPush: true})
	alice, bob, carol := h.enter("alice"), h.enter("bob"), h.enter("carol")
	here, away, gone := newBrowser(t, 201), newBrowser(t, 201), newBrowser(t, 410)
	here.subscribe(alice)
	away.subscribe(bob)
	dialog := bob.dialog(alice.id)
	bob.say(dialog, "alice is here, and is not pushed to")
	bob.leave(h)

	want := func(b *browser, title, body, cid string) {
		t.Helper()
		got := b.next(public)
		if got["title"] != title || got["body"] != body || got["cid"] != cid {
			t.Errorf("pushed %v, want %q %q %q", got, title, body, cid)
		}
	}
	alice.say(dialog, "hey how is going?")
	want(away, "alice", "hey how is going?", dialog)

	group := alice.group(bob, carol)
	want(away, "group", "alice created a new conversation", group)
	alice.say(group, "all of you")
	want(away, "alice | group", "all of you", group)
	alice.ask("conversation_update", map[string]any{"id": group, "participants": map[string]any{"remove": []string{bob.id}}})
	want(away, "group", "alice removed you from conversation", group)
	alice.ask("conversation_update", map[string]any{"id": group, "participants": map[string]any{"add": []string{bob.id}}})
	added, notice := away.next(public), away.next(public)
	if added["body"] == "bob has been added to the group" {
		added, notice = notice, added // two pushers at work
	}
	if added["body"] != "alice added you to conversation" || notice["title"] != "alice | group" || notice["body"] != "bob has been added to the group" {
		t.Errorf("pushed %v and %v", added, notice)
	}

	// A push is cut to what one may hold; a file goes along as an address.
	file := alice.ask("create_files", []map[string]any{{"name": "a.png", "size": 3, "content_type": "image/png"}})["files"].([]any)[0].(map[string]any)
	req, err := http.NewRequest(http.MethodPut, file["upload_url"].(string), strings.NewReader("png"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	alice.send(map[string]any{"message": map[string]any{
		"id": "x", "cid": dialog, "body": strings.Repeat("ü", 60_000), "attachments": []any{map[string]any{"file_id": file["_id"]}},
	}})
	alice.until("ask")
	got := away.next(public)
	if body := got["body"].(string); len(body) < 1000 || strings.Trim(body, "ü") != "" {
		t.Errorf("the body has %d bytes", len(body))
	}
	resp, err := http.Get(got["firstAttachmentUrl"].(string))
	if err != nil || resp.StatusCode != 200 {
		t.Error(resp, err)
	}

	// What a client pushes reaches whoever is there, too, but not who has blocked it.
	carol.ask("push_event_create", map[string]any{"recipients_ids": []string{alice.id, bob.id}, "message": map[string]any{"title": "T", "own": 1}})
	for _, b := range []*browser{here, away} {
		if got := b.next(public); got["title"] != "T" || got["own"] != 1.0 {
			t.Errorf("pushed %v", got)
		}
	}
	alice.ask("block_user", map[string]any{"ids": []string{carol.id}})
	carol.ask("push_event_create", map[string]any{"recipients_ids": []string{alice.id, bob.id}, "message": map[string]any{"title": "T2"}})
	if got := away.next(public); got["title"] != "T2" {
		t.Errorf("pushed %v", got)
	}
	if len(here.got) > 0 {
		t.Error("pushed to somebody who is there, or has blocked")
	}

	// 410: the subscription has ended.
	gone.subscribe(carol)
	carol.leave(h)
	alice.say(group, "anybody?")
	away.next(public)
	gone.next(public)
	until(t, func() bool {
		n := 0
		relaytest.View(t, h.r, func(tx *relay.Tx) error {
			acc, err := accountOf(tx, carol.id)
			if err != nil {
				return err
			}
			list, err := subscriptionsOf(tx, acc.ID)
			n = len(list)
			return err
		})
		return n == 0
	})
	h.clean("/push/secret", alice.id, "hey how")
}

// leave closes a connection, and returns when the server knows.
func (c *client) leave(h *house) {
	c.t.Helper()
	who := h.account(c).ID
	c.conn.CloseNow()
	until(c.t, func() bool { return !h.r.Presence().Present(who) })
}

// until waits for something that has no event of its own.
func until(t testing.TB, true func() bool) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !true() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatal("did not come true")
		}
	}
}
