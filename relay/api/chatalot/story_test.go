package chatalot

import (
	"context"
	"crypto/ed25519"
	"encoding/base32"
	"encoding/base64"
	"errors"

	"restante/relay"
	"restante/relay/api/wire/wiretest"
)

// deeds are what stories may do beside asking:
//
//	! $token = user alice         an account with that name, and an access token of it
//	! $token = token alice        another session of it
//	! $a = owner alice            the operator makes it the owner of the instance
//	! $ik = keys identity         of a key pair that is always the same: its identity key,
//	! $sk = keys signed           a signed prekey,
//	! $sig = keys signature       and its signature, in base64
//	! $code = totp $secret        the code of an authenticator, now
func (a *api) deeds(s *wiretest.Settings) {
	s.Do("user", func(r *relay.Relay, words ...string) (string, error) { return a.tokenFor(r, words[0], true) })
	s.Do("token", func(r *relay.Relay, words ...string) (string, error) { return a.tokenFor(r, words[0], false) })
	s.Do("owner", func(r *relay.Relay, words ...string) (string, error) {
		return words[0], r.Update(context.Background(), func(tx *relay.Tx) error {
			acc, err := findAccount(tx, words[0])
			if err != nil {
				return err
			}
			return makeOwner(tx, acc.ID)
		})
	})
	s.Do("keys", func(_ *relay.Relay, words ...string) (string, error) {
		k := storyKeys()
		b := map[string]Bytes{"identity": k.IdentityKey, "signed": k.SignedPrekey.PublicKey, "signature": k.SignedPrekey.Signature}
		return base64.StdEncoding.EncodeToString(b[words[0]]), nil
	})
	s.Do("totp", func(r *relay.Relay, words ...string) (string, error) {
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(words[0])
		return totpCode(secret, int64(r.Now())/1000/totpStep), err
	})
}

// tokenFor returns an access token of a new session of an account, which it
// makes first if asked to. It has no password, for hashing takes long.
func (a *api) tokenFor(r *relay.Relay, name string, fresh bool) (token string, err error) {
	var acc relay.Account
	var p profile
	session := newV4().String()
	err = r.Update(context.Background(), func(tx *relay.Tx) (err error) {
		if fresh {
			p := profile{Username: name, Email: name + "@example.com", DisplayName: name}
			if acc, err = tx.Register(relay.AccountDraft{Family: family, Profile: pack(p), Logins: p.logins()}); err != nil {
				return err
			}
			if err := putKeys(tx, acc.ID, storyKeys()); err != nil {
				return err
			}
		}
		if acc, err = tx.FindLogin(family, relay.Login{Kind: loginName, Folded: fold(name)}); err != nil {
			return err
		}
		if p, err = profileOf(acc); err != nil {
			return err
		}
		s := session0(tx)
		return errors.Join(
			tx.PutDevice(acc.ID, relay.Device{Name: session, Info: pack(s), Seen: tx.Wall()}),
			tx.Grant(newRefresh(), relay.Token{Account: acc.ID, Family: family, Device: session, Purpose: tokenRefresh, Expires: s.Expires}),
		)
	})
	if err != nil {
		return "", err
	}
	return a.newAccess(r, acc.ID, p, session)
}

func session0(tx *relay.Tx) session { return session{Expires: tx.Wall().Add(refreshFor)} }

// storyKeys are keys that are good, and always the same.
func storyKeys() newKeys {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	signed := make([]byte, keyBytes)
	return newKeys{
		IdentityKey:  Bytes(key.Public().(ed25519.PublicKey)),
		SignedPrekey: signedPrekey{KeyID: 1, PublicKey: signed, Signature: ed25519.Sign(key, signed)},
	}
}
