package jetico

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// kindPeerKey is the event, in the boxes of those whom it concerns, that the
// sender has another public key.
const kindPeerKey = "peer key"

// maxTold bounds how many people are told of a new key at once; the others see
// it when they next ask.
const maxTold = 2000

type addUserKeysIn struct {
	Meta    *string `json:"metaDataKeyEncryptedBase64"`
	Nick    *string `json:"nick"`
	Private *string `json:"privateKeyEncryptedBase64"`
	Public  *string `json:"publicKeyBase64"`
}

func (in *addUserKeysIn) Check() error {
	err := firstOf(
		text("metaDataKeyEncryptedBase64", in.Meta, maxText), text("nick", in.Nick, maxText),
		text("privateKeyEncryptedBase64", in.Private, maxPEM), text("publicKeyBase64", in.Public, maxPEM),
	)
	if err == nil && *in.Public == "" {
		err = wire.BadField("publicKeyBase64")
	}
	return err
}

// addUserKeys stores the caller's first keys.
func (a *api) addUserKeys(c *wire.Call, tx *relay.Tx, in addUserKeysIn) (wire.None, error) {
	k, err := keysOf(tx, c.Who.Account)
	if err == nil && k.Public != "" {
		err = errHasKeys
	}
	if err != nil {
		return wire.None{}, err
	}
	k.Public, k.Private, k.Meta, k.Nick = *in.Public, *in.Private, *in.Meta, in.Nick
	k.Pair, k.Updated = newUUID(), relay.Time(tx.Now())
	if err := keyRings.Put(tx, c.Who.Account, k); err != nil {
		return wire.None{}, err
	}
	return wire.None{}, announceKey(tx, c.Who.Account)
}

// announceKey tells those whom it concerns that an account has another public
// key: its own sessions, who shares a conversation with it, and who has it
// among the contacts; each once.
func announceKey(tx *relay.Tx, who relay.ID) error {
	told := map[relay.ID]bool{}
	tell := func(id relay.ID) error {
		if told[id] || len(told) >= maxTold {
			return nil
		}
		told[id] = true
		acc, err := tx.Account(id)
		if err != nil || acc.Family != family {
			return unless(err, relay.NotFound)
		}
		_, err = tx.Append(acc.Box, relay.Draft{Lane: relay.Events, Kind: kindPeerKey, From: who})
		return err
	}
	if err := tell(who); err != nil {
		return err
	}
	if err := eachHolder(tx, who, tell); err != nil {
		return err
	}
	for after := (relay.ID{}); ; {
		rooms, next, err := tx.RoomsOf(who, after, 100)
		if err != nil {
			return err
		}
		for _, acc := range rooms {
			members, _, err := tx.Members(acc.Room.ID, relay.ID{}, maxPeople)
			if err != nil {
				return err
			}
			for _, m := range members {
				if err := tell(m.Account); err != nil {
					return err
				}
			}
		}
		if after = next; next.IsZero() || len(told) >= maxTold {
			return nil
		}
	}
}

// pendingKeys are the keys that wait for a code.
type pendingKeys struct {
	Owner   relay.ID `cbor:"1,keyasint"`
	Public  *string  `cbor:"2,keyasint,omitempty"` // nil: it stays, only the passphrase changes
	Private string   `cbor:"3,keyasint"`
	Meta    string   `cbor:"4,keyasint"`
	Nick    string   `cbor:"5,keyasint"`
}

var keysToBe = relay.NewRecords("jetico pending keys",
	relay.Index[pendingKeys]{Name: "owner", Key: func(k *pendingKeys) [][]byte { return [][]byte{k.Owner[:]} }},
).GoesWith("owner", nil)

type updateUserKeysIn struct {
	SMSToken   *string `json:"androidSmsToken"`
	Meta       *string `json:"metaDataKeyEncryptedBase64"`
	Nick       *string `json:"nick"`
	OpenUserID *string `json:"openUserId"`
	Private    *string `json:"privateKeyEncryptedBase64"`
	Public     *string `json:"publicKeyBase64"`
}

func (in *updateUserKeysIn) Check() error {
	err := firstOf(
		textOrNil("androidSmsToken", in.SMSToken, 64), text("metaDataKeyEncryptedBase64", in.Meta, maxText),
		text("nick", in.Nick, maxText), phone("openUserId", in.OpenUserID),
		text("privateKeyEncryptedBase64", in.Private, maxPEM), textOrNil("publicKeyBase64", in.Public, maxPEM),
	)
	if err == nil && in.Public != nil && *in.Public == "" {
		in.Public = nil
	}
	return err
}

// updateUserKeys holds other keys, or the old under another passphrase, until
// the code that it sends comes back.
func (a *api) updateUserKeys(c *wire.Call, r *relay.Relay, in updateUserKeysIn) (wire.None, error) {
	s := sessionOf(c)
	if hashPhone(*in.OpenUserID) != s.user {
		return wire.None{}, errWrongPhone
	}
	err := c.Update(func(tx *relay.Tx) error {
		k, err := keysOf(tx, c.Who.Account)
		if err == nil && k.Public == "" {
			err = errNoKeys
		}
		if err != nil {
			return err
		}
		return keysToBe.Put(tx, c.Who.Account, &pendingKeys{c.Who.Account, in.Public, *in.Private, *in.Meta, *in.Nick})
	})
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, a.sendCode(c, r, codeFor(purposeUpdateKeys, s.user, c.Who.Device), delivery{
		phone: *in.OpenUserID, smsToken: deref(in.SMSToken),
	})
}

type confirmUpdateUserKeysIn struct {
	Code *string `json:"smsCode"`
}

func (in *confirmUpdateUserKeysIn) Check() error { return text("smsCode", in.Code, 64) }

// confirmUpdateUserKeys makes the keys that were held the caller's.
func (a *api) confirmUpdateUserKeys(c *wire.Call, r *relay.Relay, in confirmUpdateUserKeysIn) (wire.None, error) {
	s := sessionOf(c)
	var wrote []relay.EntryID
	err := useCode(c, r, codeFor(purposeUpdateKeys, s.user, c.Who.Device), *in.Code, func(tx *relay.Tx) error {
		if err := mayCall(tx, c.Who); err != nil {
			return err
		}
		err := applyKeys(tx, c.Who.Account)
		wrote = tx.Wrote()
		return err
	})
	if err == nil {
		s.own(wrote)
	}
	return wire.None{}, err
}

// applyKeys replaces the keys of an account by those that were held.
func applyKeys(tx *relay.Tx, who relay.ID) error {
	next, found, err := keysToBe.Get(tx, who)
	if err == nil && !found {
		err = errNoPending
	}
	if err != nil {
		return err
	}
	k, err := keysOf(tx, who)
	if err != nil {
		return err
	}
	k.Private, k.Meta, k.Nick, k.Updated = next.Private, next.Meta, &next.Nick, relay.Time(tx.Now())
	another := next.Public != nil && *next.Public != k.Public
	if another {
		k.Public, k.Pair = *next.Public, newUUID()
	}
	if err := keyRings.Put(tx, who, k); err != nil {
		return err
	}
	if _, err := keysToBe.Delete(tx, who); err != nil || !another {
		return err
	}
	return announceKey(tx, who)
}
