package chatalot

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Sizes and numbers of keys.
const (
	keyBytes       = 32
	signatureBytes = 64
	maxPrekeys     = 200  // one-time prekeys of one request
	maxUnused      = 1000 // of one account
	fewPrekeys     = 25   // with fewer left, their owner is told
	// usedFor is how long it is remembered that a key was handed out.
	usedFor = 30 * 24 * time.Hour
)

// keyOps are the rows of X3DH key bundles.
func (a *api) keyOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/keys/:user_id/bundle", wire.User, wire.Write(keyBundle), "a user's keys, with a one-time prekey that nobody else gets"),
		wire.Row("POST /api/keys/prekeys/signed", wire.User, wire.Write(putSignedPrekey), "the caller's next signed prekey").NamesNobody(),
		wire.Row("POST /api/keys/prekeys/one-time", wire.User, wire.Write(addPrekeys), "more one-time prekeys of the caller").NamesNobody(),
		wire.Row("GET /api/keys/prekeys/count", wire.User, wire.Read(countPrekeys), "how many one-time prekeys of the caller are left").NamesNobody(),
		wire.Row("POST /api/keys/register", wire.User, wire.Write(registerKeys), "the keys of a new device in place of the old ones").NamesNobody(),
	}
}

// An identity is the lasting keys of an account, under the account's id. Of
// signed prekeys only the newest is ever served, so only that one is kept.
type identity struct {
	Owner     relay.ID `cbor:"1,keyasint"`
	Key       []byte   `cbor:"2,keyasint"`
	SignedID  int32    `cbor:"3,keyasint"`
	Signed    []byte   `cbor:"4,keyasint"`
	Signature []byte   `cbor:"5,keyasint"`
	Epoch     uint32   `cbor:"6,keyasint"` // counts devices: each names its prekeys from 1
	Next      uint64   `cbor:"7,keyasint"` // the next prekey's place in the line
}

var identities = relay.NewRecords("chatalot identity",
	relay.Index[identity]{Name: "owner", Key: func(i *identity) [][]byte { return [][]byte{i.Owner[:]} }},
).GoesWith("owner", nil)

// A prekey is a one-time prekey, or that it was handed out: then its bytes are
// gone, and a digest of them keeps it from coming back.
type prekey struct {
	Owner  relay.ID     `cbor:"1,keyasint"`
	Epoch  uint32       `cbor:"2,keyasint"`
	KeyID  int32        `cbor:"3,keyasint"`
	Place  uint64       `cbor:"4,keyasint"` // first come, first handed out
	Key    []byte       `cbor:"5,keyasint,omitempty"`
	Digest relay.Digest `cbor:"6,keyasint"`
	Used   relay.Time   `cbor:"7,keyasint,omitempty"`
}

var prekeys = relay.NewRecords("chatalot prekey",
	relay.Index[prekey]{Name: "digest", Unique: true, Key: func(k *prekey) [][]byte {
		return [][]byte{append(k.Owner[:], k.Digest[:16]...)}
	}},
	relay.Index[prekey]{Name: "name", Unique: true, Key: func(k *prekey) [][]byte {
		return [][]byte{prekeyName(k.Owner, k.Epoch, k.KeyID)}
	}},
	relay.Index[prekey]{Name: "unused", Key: func(k *prekey) [][]byte {
		if k.Used != 0 {
			return nil
		}
		return [][]byte{binary.BigEndian.AppendUint64(append([]byte(nil), k.Owner[:]...), k.Place)}
	}},
	relay.Index[prekey]{Name: "used", Key: func(k *prekey) [][]byte {
		if k.Used == 0 {
			return nil
		}
		return [][]byte{binary.BigEndian.AppendUint64(append([]byte(nil), k.Owner[:]...), uint64(k.Used))}
	}},
).GoesWith("digest", nil).NotRestored(func(tx *relay.Tx, k *prekey) bool {
	k.take(tx) // each may have been handed out since, and its owner may send it again
	return true
})

// take marks a prekey as handed out.
func (k *prekey) take(tx *relay.Tx) {
	if k.Used == 0 {
		k.Key, k.Used = nil, tx.Wall()
	}
}

func prekeyName(owner relay.ID, epoch uint32, id int32) []byte {
	b := binary.BigEndian.AppendUint32(append([]byte(nil), owner[:]...), epoch)
	return binary.BigEndian.AppendUint32(b, uint32(id))
}

// signedPrekey and oneTimePrekey are the same on the way in and out.
type signedPrekey struct {
	KeyID     int32 `json:"key_id"`
	PublicKey Bytes `json:"public_key"`
	Signature Bytes `json:"signature"`
}

type oneTimePrekey struct {
	KeyID     int32 `json:"key_id"`
	PublicKey Bytes `json:"public_key"`
}

// newKeys are the keys that come with a registration, or with a new device.
type newKeys struct {
	IdentityKey    Bytes           `json:"identity_key"`
	SignedPrekey   signedPrekey    `json:"signed_prekey"`
	OneTimePrekeys []oneTimePrekey `json:"one_time_prekeys"`
}

// check looks at what can be seen without the store: sizes, numbers, and that
// the identity key has signed the prekey.
func (k *newKeys) check() error {
	if len(k.IdentityKey) != keyBytes {
		return bad("identity_key must be %d bytes", keyBytes)
	}
	if err := checkSigned(k.IdentityKey, k.SignedPrekey); err != nil {
		return err
	}
	return checkPrekeys(k.OneTimePrekeys)
}

func checkSigned(identity []byte, s signedPrekey) error {
	switch {
	case len(s.PublicKey) != keyBytes:
		return bad("signed prekey must be %d bytes", keyBytes)
	case len(s.Signature) != signatureBytes:
		return bad("signature of the signed prekey must be %d bytes", signatureBytes)
	case !ed25519.Verify(identity, s.PublicKey, s.Signature):
		return bad("invalid signature of the signed prekey")
	}
	return nil
}

func checkPrekeys(list []oneTimePrekey) error {
	if len(list) > maxPrekeys {
		return bad("at most %d one-time prekeys at once", maxPrekeys)
	}
	for _, k := range list {
		if len(k.PublicKey) != keyBytes {
			return bad("one-time prekeys must be %d bytes each", keyBytes)
		}
	}
	return nil
}

// Check is for POST /keys/register.
func (k *newKeys) Check() error { return k.check() }

// putKeys makes k, which was checked, the keys of an account in place of what it
// had. What was signed by the old identity is never served again; one-time
// prekeys of it go if new ones have come.
func putKeys(tx *relay.Tx, who relay.ID, k newKeys) error {
	i, _, err := identities.Get(tx, who)
	if err != nil {
		return err
	}
	i.Owner, i.Key, i.SignedID = who, k.IdentityKey, k.SignedPrekey.KeyID
	i.Signed, i.Signature = k.SignedPrekey.PublicKey, k.SignedPrekey.Signature
	if len(k.OneTimePrekeys) > 0 {
		i.Epoch++
		if _, err := prekeys.DropOwned(tx, "unused", who, maxUnused, nil); err != nil {
			return err
		}
	}
	if err := putPrekeys(tx, i, k.OneTimePrekeys); err != nil {
		return err
	}
	return identities.Put(tx, who, i)
}

// putPrekeys adds one-time prekeys at the end of the line, which the caller
// keeps in i. A key_id that is taken, or a key that was there before, even if it
// is used up, is passed over.
func putPrekeys(tx *relay.Tx, i *identity, list []oneTimePrekey) error {
	left := maxUnused - prekeys.Count(tx, "unused", relay.Span{Prefix: i.Owner[:], Limit: maxUnused})
	for _, k := range list {
		p := prekey{Owner: i.Owner, Epoch: i.Epoch, KeyID: k.KeyID, Place: i.Next, Key: k.PublicKey, Digest: relay.DigestOf(k.PublicKey)}
		if _, _, taken, err := prekeys.Find(tx, "name", prekeyName(p.Owner, p.Epoch, p.KeyID)); err != nil || taken {
			if err != nil {
				return err
			}
			continue
		}
		if _, _, seen, err := prekeys.Find(tx, "digest", append(bytes.Clone(p.Owner[:]), p.Digest[:16]...)); err != nil || seen {
			if err != nil {
				return err
			}
			continue
		}
		if left--; left < 0 {
			return bad("at most %d one-time prekeys are kept", maxUnused)
		}
		if err := prekeys.Put(tx, relay.NewID(), &p); err != nil {
			return err
		}
		i.Next++
	}
	return forgetUsed(tx, i.Owner)
}

// forgetUsed forgets, some at a time, which keys were handed out long ago.
func forgetUsed(tx *relay.Tx, owner relay.ID) error {
	until := tx.Wall().Add(-usedFor)
	if until <= 0 {
		return nil
	}
	span := relay.Span{Prefix: owner[:], To: binary.BigEndian.AppendUint64(bytes.Clone(owner[:]), uint64(until)), Limit: maxPrekeys}
	var old []relay.ID
	for f, err := range prekeys.Scan(tx, "used", span) {
		if err != nil {
			return err
		}
		old = append(old, f.ID)
	}
	for _, id := range old {
		if _, err := prekeys.Delete(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// registerKeys replaces the caller's keys: it has a new device.
func registerKeys(c *wire.Call, tx *relay.Tx, in newKeys) (wire.None, error) {
	return wire.None{}, putKeys(tx, c.Who.Account, in)
}

func ownIdentity(c *wire.Call, tx *relay.Tx) (*identity, error) {
	i, found, err := identities.Get(tx, c.Who.Account)
	if err == nil && !found {
		err = bad("no identity key is registered")
	}
	return i, err
}

// putSignedPrekey is what is served from now on.
func putSignedPrekey(c *wire.Call, tx *relay.Tx, in signedPrekey) (wire.None, error) {
	i, err := ownIdentity(c, tx)
	if err == nil {
		err = checkSigned(i.Key, in)
	}
	if err != nil {
		return wire.None{}, err
	}
	i.SignedID, i.Signed, i.Signature = in.KeyID, in.PublicKey, in.Signature
	return wire.None{}, identities.Put(tx, c.Who.Account, i)
}

type prekeysIn []oneTimePrekey

func (in *prekeysIn) Check() error { return checkPrekeys(*in) }

func addPrekeys(c *wire.Call, tx *relay.Tx, in prekeysIn) (wire.None, error) {
	i, err := ownIdentity(c, tx)
	if err == nil {
		err = putPrekeys(tx, i, in)
	}
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, identities.Put(tx, c.Who.Account, i)
}

type countOut struct {
	Count int `json:"count"`
}

func countPrekeys(c *wire.Call, tx *relay.Tx, _ wire.None) (countOut, error) {
	return countOut{unusedPrekeys(tx, c.Who.Account)}, nil
}

func unusedPrekeys(tx *relay.Tx, who relay.ID) int {
	return prekeys.Count(tx, "unused", relay.Span{Prefix: who[:], Limit: maxUnused})
}

type keyBundleOut struct {
	IdentityKey   Bytes          `json:"identity_key"`
	SignedPrekey  signedPrekey   `json:"signed_prekey"`
	OneTimePrekey *oneTimePrekey `json:"one_time_prekey"`
}

// keyBundle gives the keys with which a session to somebody is begun. The
// oldest one-time prekey goes with them and is nobody else's from then on, ever.
func keyBundle(c *wire.Call, tx *relay.Tx, _ wire.None) (keyBundleOut, error) {
	who, err := pathID(c, "user_id")
	if err == nil {
		err = mayFetchKeys(tx, c.Who.Account, who)
	}
	if err != nil {
		return keyBundleOut{}, err
	}
	i, found, err := identities.Get(tx, who)
	if err == nil && !found {
		err = relay.Errorf(relay.NotFound, relay.SubjectAccount, "no keys of this user")
	}
	if err != nil {
		return keyBundleOut{}, err
	}
	out := keyBundleOut{IdentityKey: i.Key, SignedPrekey: signedPrekey{i.SignedID, i.Signed, i.Signature}}
	out.OneTimePrekey, err = claimPrekey(tx, c.Who.Account, who)
	if err == nil && out.OneTimePrekey == nil {
		err = ringNoPrekeys(c, tx, who)
	}
	return out, err
}

// ringNoPrekeys tells somebody that he was asked for a prekey and has none. He may
// be asked all day, so nothing of that is stored.
func ringNoPrekeys(c *wire.Call, tx *relay.Tx, who relay.ID) error {
	acc, err := tx.Account(who)
	if err != nil {
		return err
	}
	s := relay.Signal{Kind: signalFrame, Box: acc.Box, From: c.Who.Account, Data: wire.MustEncode(keysLow(0))}
	hub := c.Service.Relay.Hub()
	tx.OnCommit(func() { hub.Signal(acc.Box, s) })
	return nil
}

func keysLow(left int) any { return map[string]any{"type": "keys_low", "remaining": left} }

// claimPrekey takes the oldest one-time prekey of somebody, nil if he has none,
// and tells him when few are left.
func claimPrekey(tx *relay.Tx, by, who relay.ID) (*oneTimePrekey, error) {
	var first *relay.Found[prekey]
	for f, err := range prekeys.Scan(tx, "unused", relay.Span{Prefix: who[:], Limit: 1}) {
		if err != nil {
			return nil, err
		}
		first = &f
	}
	if first == nil {
		return nil, nil
	}
	k := first.Record
	out := &oneTimePrekey{k.KeyID, k.Key}
	k.take(tx)
	if err := prekeys.Put(tx, first.ID, k); err != nil {
		return nil, err
	}
	left := unusedPrekeys(tx, who)
	if left >= fewPrekeys {
		return out, nil
	}
	owner, err := tx.Account(who)
	if err != nil {
		return nil, err
	}
	return out, tell(tx, owner.Box, by, tellKeysLow, happening{Count: left})
}

// mayFetchKeys says whether somebody may have keys of another: of himself, of
// whom he may see, and of whom he shares a room with. Whoever else could come
// would only use up prekeys. NotFound: user not found.
func mayFetchKeys(tx *relay.Tx, who, target relay.ID) error {
	acc, err := tx.Account(target)
	if _, err = tx.Among(family, acc, err); relay.Is(err, relay.NotFound) {
		return noUser()
	} else if err != nil || who == target {
		return err
	}
	_, _, err = visible(tx, who, target)
	if !relay.Is(err, relay.NotFound) {
		return err
	}
	for _, err := range tx.CommonRooms(who, target) {
		return err // one is enough
	}
	return noUser()
}

// roomsAtOnce is how many rooms of an account are looked up in one go.
const roomsAtOnce = 500
