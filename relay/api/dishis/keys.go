package dishis

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	"restante/relay"
)

// A wrappedKey is a key sealed for one user: of a channel, or of a status
// update.
type wrappedKey struct {
	Scope   relay.ID `cbor:"1,keyasint"`
	Account relay.ID `cbor:"2,keyasint"`
	Key     string   `cbor:"3,keyasint"`
}

const (
	byScope  = "scope"
	byHolder = "holder"
)

var wrappedKeys = relay.NewRecords[wrappedKey]("dishis key",
	relay.Index[wrappedKey]{Name: byScope, Key: func(k *wrappedKey) [][]byte {
		return [][]byte{append(k.Scope[:], k.Account[:]...)}
	}},
	relay.Index[wrappedKey]{Name: byHolder, Key: func(k *wrappedKey) [][]byte {
		return [][]byte{append(k.Account[:], k.Scope[:]...)}
	}},
).GoesWith(byScope, nil).GoesWith(byHolder, nil)

func keyID(scope, who relay.ID) relay.ID {
	d := relay.DigestOf([]byte("dishis key"), scope[:], who[:])
	return relay.ID(d[:16])
}

// setKey keeps a user's wrapped key. An empty one is none.
func setKey(tx *relay.Tx, scope, who relay.ID, key string) error {
	if key == "" {
		return nil
	}
	return wrappedKeys.Put(tx, keyID(scope, who), &wrappedKey{scope, who, key})
}

// setKeys keeps the wrapped keys of a client's map. Of users that there are not,
// none are kept.
func setKeys(tx *relay.Tx, scope relay.ID, keys map[string]string) error {
	for s, key := range keys {
		user, err := findUser(tx, s)
		if relay.Is(err, relay.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if err := setKey(tx, scope, user.ID, key); err != nil {
			return err
		}
	}
	return nil
}

// keyOf returns a user's wrapped key, nil when there is none.
func keyOf(tx *relay.Tx, scope, who relay.ID) (*string, error) {
	k, found, err := wrappedKeys.Get(tx, keyID(scope, who))
	if err != nil || !found {
		return nil, err
	}
	return &k.Key, nil
}

// sealContext is under what the keys of communities that the relay holds are
// sealed.
const sealContext = "dishis community key"

// holdKey seals the key of a public community; an empty one is made up.
func holdKey(tx *relay.Tx, plain string) ([]byte, error) {
	if plain == "" {
		var b [32]byte
		rand.Read(b[:])
		plain = base64.StdEncoding.EncodeToString(b[:])
	}
	return tx.Seal(sealContext, []byte(plain))
}

// maxModulus is how large a key is wrapped for, in bits: larger ones take long.
const maxModulus = 8192

// wrap encrypts the key of a public community for a user, with RSA-OAEP under
// SHA-256, nil when he has no key that does for that.
func wrap(tx *relay.Tx, sealed []byte, who relay.ID) (*string, error) {
	a, err := tx.Account(who)
	if err != nil {
		return nil, err
	}
	p, err := profileOf(a)
	if err != nil {
		return nil, err
	}
	key := parseKey(p.PublicKey)
	if key == nil {
		return nil, nil
	}
	plain, err := tx.Unseal(sealContext, sealed)
	if err != nil {
		return nil, err
	}
	out, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, key, plain, nil)
	if err != nil {
		return nil, nil // too small for the key, or no good: as if it were none
	}
	s := base64.StdEncoding.EncodeToString(out)
	return &s, nil
}

// parseKey reads an RSA key: PEM, or its DER in base64. Nil when it is none.
func parseKey(text string) *rsa.PublicKey {
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der, err = block.Bytes, nil
	}
	if err != nil {
		return nil
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok || key.N.BitLen() > maxModulus {
		return nil
	}
	return key
}
