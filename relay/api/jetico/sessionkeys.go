package jetico

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// kindRekeyed is the event, in a conversation's box, that there is another
// session key, of which everybody looks for his own copy.
const kindRekeyed = "rekeyed"

// maxKeys bounds the session keys a conversation keeps a copy of for each.
const maxKeys = 2000

// A keyRow is one person's copy of a session key. The signature covers the plain
// key and is the same for all copies.
type keyRow struct {
	Room       relay.ID   `cbor:"1,keyasint"`
	Account    relay.ID   `cbor:"2,keyasint"`
	UUID       string     `cbor:"3,keyasint"` // as spelled
	Key        string     `cbor:"4,keyasint"`
	Signature  string     `cbor:"5,keyasint"`
	Signer     relay.ID   `cbor:"6,keyasint"`
	SignerPair string     `cbor:"7,keyasint"`
	Created    relay.Time `cbor:"8,keyasint"`
}

var keyRows = relay.NewRecords("jetico session key",
	relay.Index[keyRow]{Name: "room", Key: func(k *keyRow) [][]byte { return [][]byte{append(k.Room[:], k.Account[:]...)} }},
	relay.Index[keyRow]{Name: "holder", Key: func(k *keyRow) [][]byte {
		folded, _ := foldUUID(k.UUID)
		return [][]byte{append(k.Account[:], folded...)}
	}},
).GoesWith("room", nil).GoesWith("holder", nil)

func keyRowID(room relay.ID, uuid string, account relay.ID) relay.ID {
	folded, _ := foldUUID(uuid)
	return recordID(room[:], []byte(folded), account[:])
}

// putKey stores somebody's copy of a session key, signed as v says.
func putKey(tx *relay.Tx, cv *conv, uuid string, to, signer relay.ID, key string, v *keyValueIn, at relay.Time) error {
	return keyRows.Put(tx, keyRowID(cv.Room.ID, uuid, to), &keyRow{
		Room: cv.Room.ID, Account: to, UUID: uuid, Key: key,
		Signature: *v.Signature, Signer: signer, SignerPair: *v.SignerPair, Created: at,
	})
}

// dropKeys removes somebody's copies of a conversation's keys, as many as one
// transaction does; the rest in steps.
func dropKeys(tx *relay.Tx, d keyDrop) error {
	span := relay.Span{Exact: append(d.Room[:], d.Account[:]...), Limit: keyStep}
	var ids []relay.ID
	looked := 0
	for f, err := range keyRows.Scan(tx, "room", span) {
		if err != nil {
			return err
		}
		if looked++; f.Record.Created <= d.UpTo {
			ids = append(ids, f.ID)
		}
	}
	for _, id := range ids {
		if _, err := keyRows.Delete(tx, id); err != nil {
			return err
		}
	}
	if looked < keyStep || len(ids) == 0 {
		return nil
	}
	return dropKeysVerb.Soon(tx, d)
}

// A keyDrop is whose copies go: those made up to a time, since he may be back.
type keyDrop struct {
	Room    relay.ID   `cbor:"1,keyasint"`
	Account relay.ID   `cbor:"2,keyasint"`
	UpTo    relay.Time `cbor:"3,keyasint"`
}

const keyStep = 200

var dropKeysVerb relay.Verb

func init() { // not at its declaration: the step asks for the next one
	dropKeysVerb = relay.NewVerb("jetico drop session keys", func(tx *relay.Tx, arg []byte) error {
		var d keyDrop
		if err := relay.DecodeArg(arg, &d); err != nil {
			return err
		}
		return dropKeys(tx, d)
	})
}

// A sessionKeyOut is somebody's copy of a session key.
type sessionKeyOut struct {
	UUID         string `json:"uuid"`
	Conversation string `json:"conversationUuid"`
	UserID       string `json:"userId"`
	Key          string `json:"keyEncryptedBase64"`
	Signature    string `json:"signatureBase64"`
	SignerUserID string `json:"signerUserId"`
	SignerPair   string `json:"signerKeyPairUuid"`
	Created      int64  `json:"created"`
}

// findKey returns somebody's copy of a session key, nil when he has none.
func findKey(tx *relay.Tx, cv *conv, uuid string, who relay.ID) (*sessionKeyOut, error) {
	k, found, err := keyRows.Get(tx, keyRowID(cv.Room.ID, uuid, who))
	if err != nil || !found {
		return nil, err
	}
	holder, err := userIDOf(tx, who)
	if err != nil {
		return nil, err
	}
	signer, err := userIDOf(tx, k.Signer)
	return &sessionKeyOut{k.UUID, cv.uuid, holder, k.Key, k.Signature, signer, k.SignerPair, int64(k.Created)}, err
}

func currentKey(tx *relay.Tx, cv *conv, who relay.ID) (*sessionKeyOut, error) {
	return findKey(tx, cv, cv.key(), who)
}

// A keyValueIn is a copy of a session key that the caller made and signed.
type keyValueIn struct {
	Key        *string `json:"keyEncryptedBase64"`
	Signature  *string `json:"signatureBase64"`
	SignerPair *string `json:"signerKeyPairUuid"`
	Signer     *string `json:"signerUserId"`
	UserID     *string `json:"userId"`
}

func (in *keyValueIn) check(path string) error {
	if in == nil {
		return wire.MissingField(path[:len(path)-1])
	}
	return firstOf(
		text(path+"keyEncryptedBase64", in.Key, maxText), text(path+"signatureBase64", in.Signature, maxSign),
		uuid(path+"signerKeyPairUuid", in.SignerPair), user(path+"signerUserId", in.Signer), someone(path+"userId", in.UserID),
	)
}

type getSessionKeyIn struct {
	Conversation *string `json:"conversationUuid"`
	SessionKey   *string `json:"sessionKeyUuid"`
}

func (in *getSessionKeyIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), uuid("sessionKeyUuid", in.SessionKey))
}

type keyByUUIDOut struct {
	SessionKey sessionKeyOut `json:"sessionKey"`
}

func (keyByUUIDOut) reply() string { return "ResponseSessionKeyByUuid" }

// getSessionKey returns the caller's copy of a session key, an old one too.
func (a *api) getSessionKey(c *wire.Call, tx *relay.Tx, in getSessionKeyIn) (keyByUUIDOut, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return keyByUUIDOut{}, err
	}
	k, err := findKey(tx, cv, *in.SessionKey, c.Who.Account)
	if err != nil {
		return keyByUUIDOut{}, err
	}
	if k == nil {
		return keyByUUIDOut{}, errNoSessionKey
	}
	return keyByUUIDOut{*k}, nil
}

type addSessionKeysIn struct {
	Conversation *string       `json:"conversationUuid"`
	Keys         *[]keyValueIn `json:"sessionKeys"`
}

func (in *addSessionKeysIn) Check() error {
	if err := room("conversationUuid", in.Conversation); err != nil {
		return err
	}
	if in.Keys == nil {
		return wire.MissingField("sessionKeys")
	}
	if len(*in.Keys) == 0 || len(*in.Keys) > 2*maxGroup {
		return wire.BadField("sessionKeys")
	}
	for i := range *in.Keys {
		if err := (*in.Keys)[i].check("sessionKeys."); err != nil {
			return err
		}
	}
	return nil
}

type addedSessionKeyOut struct {
	SessionKey string `json:"sessionKeyUuid"`
}

func (addedSessionKeyOut) reply() string { return "ResponseAddedSessionKey" }

// addSessionKeys replaces the session key of a conversation: a copy for each of
// those named, the first where somebody is named twice. Whoever is left out has
// none until the next time.
func (a *api) addSessionKeys(c *wire.Call, tx *relay.Tx, in addSessionKeysIn) (addedSessionKeyOut, error) {
	me, none := c.Who.Account, addedSessionKeyOut{}
	cv, err := findConv(tx, me, *in.Conversation)
	if err != nil {
		return none, err
	}
	if !cv.admin() {
		return none, errAccess
	}
	if keyRows.Count(tx, "room", relay.Span{Exact: append(cv.Room.ID[:], me[:]...), Limit: maxKeys}) >= maxKeys {
		return none, errTooMany
	}
	people, err := cv.people(tx)
	if err != nil {
		return none, err
	}
	accounts := map[string]relay.ID{}
	for _, p := range people {
		accounts[p.user] = p.Account
	}
	uuid, self, now := newUUID(), sessionOf(c).user, relay.Time(tx.Now())
	done := map[relay.ID]bool{}
	for i := range *in.Keys {
		v := &(*in.Keys)[i]
		user, err := userIDFrom(tx, *v.UserID)
		if err != nil && !relay.Is(err, relay.NotFound) {
			return none, err
		}
		to, member := accounts[user]
		switch {
		case *v.Signer != self:
			return none, errAccess
		case !member:
			return none, errNoMember
		case done[to]:
			continue
		}
		done[to] = true
		if err := putKey(tx, cv, uuid, to, me, *v.Key, v, now); err != nil {
			return none, err
		}
	}
	if !done[me] {
		return none, wire.BadField("sessionKeys")
	}
	cv.set.Key, cv.set.KeyAt = uuid, now
	if err := cv.change(tx, me, nil); err != nil {
		return none, err
	}
	d := relay.Draft{Lane: relay.Events, Kind: kindRekeyed, From: me, Extra: pack(uuid)}
	if _, err := tx.Append(cv.Room.Box, d); err != nil {
		return none, err
	}
	return addedSessionKeyOut{uuid}, a.notify(tx, cv, me, relay.NoticeRekeyed, relay.ID{})
}
