package chatalot

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"restante/relay"
	"restante/relay/relaytest"
)

// Only what this relay has signed for this API is a token: one algorithm, one
// key, one audience, and not for longer than it says.
func TestReadAccess(t *testing.T) {
	c := &relaytest.Clock{}
	r := relaytest.New(t, relay.Options{Now: c.Now})
	a := newAPI(Options{})
	who, session := relay.NewID(), newV4().String()
	good, err := a.newAccess(r, who, profile{Username: "alice", Admin: true}, session)
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.readAccess(r, good)
	if err != nil || got.Named != who || got.Device != session || got.Family != family || !got.Proved || !got.Names {
		t.Fatalf("got %+v, %v", got, err)
	}
	head, rest, _ := strings.Cut(good, ".")
	body, _, _ := strings.Cut(rest, ".")
	claims, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"aud":"chatalot"`, `"sub":"` + uuid(who).String(), `"username":"alice"`, `"is_admin":true`, `"is_owner":false`, `"jti":`, `"sid":"` + session} {
		if !strings.Contains(string(claims), want) {
			t.Errorf("no %s in %s", want, claims)
		}
	}

	key, err := a.keys.of(r)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(m jwt.SigningMethod, with any, change func(jwt.MapClaims)) string {
		mc := jwt.MapClaims{"sub": uuid(who).String(), "aud": audience, "exp": r.Now().Time().Add(time.Minute).Unix(), "sid": session}
		change(mc)
		s, err := jwt.NewWithClaims(m, mc).SignedString(with)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	same := func(jwt.MapClaims) {}
	if _, err := a.readAccess(r, sign(jwt.SigningMethodEdDSA, key, same)); err != nil {
		t.Fatalf("the measure itself: %v", err)
	}
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"empty":          "",
		"cut":            good[:len(good)-2],
		"no signature":   head + "." + body + ".",
		"alg none":       sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"HMAC":           sign(jwt.SigningMethodHS256, []byte(key.Public().(ed25519.PublicKey)), same),
		"another key":    sign(jwt.SigningMethodEdDSA, foreign, same),
		"other audience": sign(jwt.SigningMethodEdDSA, key, func(m jwt.MapClaims) { m["aud"] = "dishis" }),
		"no audience":    sign(jwt.SigningMethodEdDSA, key, func(m jwt.MapClaims) { delete(m, "aud") }),
		"no expiry":      sign(jwt.SigningMethodEdDSA, key, func(m jwt.MapClaims) { delete(m, "exp") }),
		"expired":        sign(jwt.SigningMethodEdDSA, key, func(m jwt.MapClaims) { m["exp"] = r.Now().Time().Add(-accessSlip - time.Second).Unix() }),
		"no session":     sign(jwt.SigningMethodEdDSA, key, func(m jwt.MapClaims) { delete(m, "sid") }),
		"no subject":     sign(jwt.SigningMethodEdDSA, key, func(m jwt.MapClaims) { m["sub"] = "alice" }),
	} {
		if _, err := a.readAccess(r, token); !relay.Is(err, relay.Unauthorized) {
			t.Errorf("%s: %v, want Unauthorized", name, err)
		}
	}
	c.Advance(accessFor + accessSlip + time.Second)
	if _, err := a.readAccess(r, good); !relay.Is(err, relay.Unauthorized) {
		t.Errorf("after its time: %v, want Unauthorized", err)
	}

	// The key is the relay's: another relay takes none of these.
	other := relaytest.New(t, relay.Options{Now: c.Now})
	fresh, err := a.newAccess(other, who, profile{}, session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.readAccess(r, fresh); !relay.Is(err, relay.Unauthorized) {
		t.Errorf("another relay's: %v, want Unauthorized", err)
	}
}
