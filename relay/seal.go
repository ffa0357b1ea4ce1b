package relay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A keyring seals what must be given back in clear (a second factor's secret,
// a client's own id) and signs what comes back through strangers (addresses of
// blobs, ids). Its one key lies in a file beside the store, so that a backup of
// the store alone opens nothing. Each context has a key of its own.
type keyring struct{ root []byte }

const (
	keyFile  = "key"
	keyBytes = 32
	sealedV1 = 1 // first byte of what was sealed with the key as it is now
)

// openKeyring reads the key file of a state directory, or makes it. Without a
// directory the key lives as long as the process.
func openKeyring(dir string) (*keyring, error) {
	if dir == "" {
		return &keyring{newKeyBytes()}, nil
	}
	path := filepath.Join(dir, keyFile)
	root, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		root = newKeyBytes()
		err = writeAside(path, root)
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if len(root) != keyBytes {
		return nil, fmt.Errorf("key file: %d bytes instead of %d", len(root), keyBytes)
	}
	// A restored copy may have lost its mode.
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	return &keyring{root}, nil
}

func newKeyBytes() []byte {
	b := make([]byte, keyBytes)
	rand.Read(b)
	return b
}

// writeAside writes a small file under another name, syncs it and renames it,
// so that it is there whole or not at all.
func writeAside(path string, data []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

// syncDir makes a rename in a directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// subkey returns the key of one use in one context.
func (k *keyring) subkey(use, context string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.root, nil, "restante "+use+" "+context, keyBytes)
}

func (k *keyring) aead(context string) (cipher.AEAD, error) {
	key, err := k.subkey("seal", context)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal encrypts what must be kept and given back, so that the store without
// the key file does not tell it: AES-256-GCM under the key of a context. Only
// Unseal with the same context opens it. 29 bytes longer than plain.
func (r *Relay) Seal(context string, plain []byte) ([]byte, error) {
	aead, err := r.keys.aead(context)
	if err != nil {
		return nil, err
	}
	return aead.Seal([]byte{sealedV1}, nil, plain, nil), nil
}

// Unseal returns what Seal was given. Invalid: it was not sealed here in this
// context, or was changed since.
func (r *Relay) Unseal(context string, sealed []byte) ([]byte, error) {
	aead, err := r.keys.aead(context)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 1 || sealed[0] != sealedV1 {
		return nil, Errorf(Invalid, SubjectNone, "not sealed here")
	}
	plain, err := aead.Open(nil, nil, sealed[1:], nil)
	if err != nil {
		return nil, Errorf(Invalid, SubjectNone, "not sealed here")
	}
	return plain, nil
}

// MinSignature is how many bytes of a signature Verify insists on.
const MinSignature = 16

// Sign returns a keyed hash of the parts, HMAC-SHA-256 under the key of a
// context; no two lists of parts share one. Its first MinSignature bytes, or
// more, do for a signature.
func (r *Relay) Sign(context string, parts ...[]byte) (Digest, error) {
	key, err := r.keys.subkey("sign", context)
	if err != nil {
		return Digest{}, err
	}
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		mac.Write(n[:])
		mac.Write(p)
	}
	return Digest(mac.Sum(nil)), nil
}

// Verify reports, in constant time, whether signature is what Sign returns for
// the parts, or begins it and has at least MinSignature bytes.
func (r *Relay) Verify(signature []byte, context string, parts ...[]byte) bool {
	if len(signature) < MinSignature || len(signature) > len(Digest{}) {
		return false
	}
	want, err := r.Sign(context, parts...)
	return err == nil && hmac.Equal(signature, want[:len(signature)])
}

// Seal is [Relay.Seal], inside a transaction.
func (tx *Tx) Seal(context string, plain []byte) ([]byte, error) { return tx.r.Seal(context, plain) }

// Unseal is [Relay.Unseal], inside a transaction.
func (tx *Tx) Unseal(context string, sealed []byte) ([]byte, error) {
	return tx.r.Unseal(context, sealed)
}

// Sign is [Relay.Sign], inside a transaction.
func (tx *Tx) Sign(context string, parts ...[]byte) (Digest, error) {
	return tx.r.Sign(context, parts...)
}

// Verify is [Relay.Verify], inside a transaction.
func (tx *Tx) Verify(signature []byte, context string, parts ...[]byte) bool {
	return tx.r.Verify(signature, context, parts...)
}
