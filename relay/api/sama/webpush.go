package sama

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Web push: the body is encrypted for the browser (RFC 8291, over RFC 8188), and
// the push service knows by a signature which server sends it (VAPID, RFC 8292).

const (
	recordSize = 4096
	// maxPayload is what fits into one record beside header, padding mark and tag.
	maxPayload = recordSize - 86 - 1 - 16
	pushTTL    = "86400" // seconds that a push service keeps a message
)

// A recipient is the keys of a browser.
type recipient struct {
	auth []byte
	key  *ecdh.PublicKey
}

// newRecipient reads the keys of a subscription.
func newRecipient(auth, key string) (recipient, error) {
	secret, err := base64Any(auth)
	if err != nil || len(secret) != 16 {
		return recipient{}, errors.New("no secret of 16 bytes")
	}
	point, err := base64Any(key)
	if err != nil {
		return recipient{}, err
	}
	public, err := ecdh.P256().NewPublicKey(point)
	return recipient{secret, public}, err
}

// encrypt seals a payload for a recipient, with a key made for it.
func (r recipient) encrypt(payload []byte) ([]byte, error) {
	own, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, 16)
	rand.Read(salt)
	return r.seal(payload, own, salt)
}

// seal is encrypt with key and salt given.
func (r recipient) seal(payload []byte, own *ecdh.PrivateKey, salt []byte) ([]byte, error) {
	shared, err := own.ECDH(r.key)
	if err != nil {
		return nil, err
	}
	info := append([]byte("WebPush: info\x00"), r.key.Bytes()...)
	info = append(info, own.PublicKey().Bytes()...)
	ikm, err := hkdf.Key(sha256.New, shared, r.auth, string(info), 32)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	id := own.PublicKey().Bytes()
	out := append([]byte(nil), salt...)
	out = binary.BigEndian.AppendUint32(out, recordSize)
	out = append(append(out, byte(len(id))), id...)
	last := append(append([]byte(nil), payload...), 2) // the mark of the last record
	return aead.Seal(out, nonce, last, nil), nil
}

// A vapid is how this server shows push services that it is the same one.
type vapid struct {
	key     *ecdsa.PrivateKey
	public  string // base64url
	subject string
}

// CheckVAPID says what is wrong with a key and a subject, if anything. No key
// is right: nothing is pushed then.
func CheckVAPID(key, subject string) error {
	_, err := newVAPID(key, subject)
	return err
}

func newVAPID(key, subject string) (*vapid, error) {
	if key == "" {
		return nil, nil
	}
	raw, err := base64Any(key)
	if err != nil {
		return nil, errors.New("the VAPID key is not base64")
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, errors.New("the VAPID key is no private key of P-256")
	}
	if u, err := url.Parse(subject); err != nil || u.Scheme != "mailto" && u.Scheme != "https" {
		return nil, errors.New("the VAPID subject is neither mailto: nor https:")
	}
	public, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	return &vapid{private, base64.RawURLEncoding.EncodeToString(public), subject}, nil
}

func mustVAPID(key, subject string) *vapid {
	v, err := newVAPID(key, subject)
	if err != nil {
		panic("sama: " + err.Error())
	}
	return v
}

// vapidFor is how long a signature is good; RFC 8292 has a day at the most.
const vapidFor = 12 * time.Hour

// authorization returns the header by which the push service of an endpoint
// knows us.
func (v *vapid) authorization(endpoint *url.URL, now time.Time) (string, error) {
	enc := base64.RawURLEncoding
	claims := struct {
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
		Subject  string `json:"sub"`
	}{endpoint.Scheme + "://" + endpoint.Host, now.Add(vapidFor).Unix(), v.subject}
	signed := enc.EncodeToString([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + enc.EncodeToString(wire.MustEncode(claims))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, v.key, sum[:])
	if err != nil {
		return "", err
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return fmt.Sprintf("vapid t=%s.%s, k=%s", signed, enc.EncodeToString(sig), v.public), nil
}

// send pushes a payload to a browser, and reports whether its subscription has
// ended.
func (v *vapid) send(ctx context.Context, out *wire.Outgoing, s *subscription, payload []byte) (ended bool, err error) {
	to, err := newRecipient(s.Auth, s.Key)
	if err != nil {
		return true, nil // nothing can be said to it
	}
	body, err := to.encrypt(payload)
	if err != nil {
		return false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint, bytes.NewReader(body))
	if err != nil {
		return true, nil
	}
	auth, err := v.authorization(req.URL, time.Now())
	if err != nil {
		return false, err
	}
	for name, value := range map[string]string{
		"Authorization": auth, "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream", "TTL": pushTTL, "Urgency": "high",
	} {
		req.Header.Set(name, value)
	}
	answer, err := out.Do(req, wire.OutgoingLimits{MaxBody: 4 << 10})
	if err != nil {
		return false, err
	}
	switch {
	case answer.Status == http.StatusNotFound || answer.Status == http.StatusGone:
		return true, nil
	case answer.Status/100 != 2:
		return false, relay.Errorf(relay.Busy, relay.SubjectNone, "the push service answered %d", answer.Status)
	}
	return false, nil
}
