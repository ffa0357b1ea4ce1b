package dishis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"restante/relay"
)

// The key of a public community reaches each member wrapped for his own key, in
// both forms that keys have, and lies in the store sealed.
func TestCommunityKey_Wrapped(t *testing.T) {
	dir := t.TempDir()
	h := build(t, dir, relay.Options{})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	const plain = "planted community key MDEyMzQ1Njc4OWFi"
	maker := h.register("maker")
	c := h.must(maker, "POST", "/api/communities/create", fields{"name": "c", "plaintextAESKey": plain})["communityId"]
	for name, text := range map[string]string{
		"der": base64.StdEncoding.EncodeToString(der),
		"pem": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	} {
		data := h.must(user{}, "POST", "/api/users/register", fields{"username": name, "deviceId": "d", "publicKey": text})
		u := user{data["userId"].(string), data["authToken"].(string)}
		h.must(u, "POST", "/api/communities/join", fields{"communityId": c})
		channel := h.must(u, "GET", "/api/communities/"+c.(string)+"/channels", nil)["list"].([]any)[0].(map[string]any)
		wrapped, err := base64.StdEncoding.DecodeString(channel["encryptedKey"].(string))
		if err != nil {
			t.Fatal(err)
		}
		got, err := rsa.DecryptOAEP(sha256.New(), nil, key, wrapped, nil)
		if err != nil || string(got) != plain {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if raw, err := os.ReadFile(f); err == nil && strings.Contains(string(raw), plain) {
			t.Errorf("%s has the key in clear", filepath.Base(f))
		}
	}
}

// Keys that cannot be wrapped for are none.
func TestParseKey_None(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&curve.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "key", "AAAA", "-----BEGIN PUBLIC KEY-----", base64.StdEncoding.EncodeToString(der)} {
		if parseKey(text) != nil {
			t.Errorf("%q is a key", text)
		}
	}
}
