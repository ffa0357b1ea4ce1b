package secbot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// post stores something for a target, once: a repeat of the same
// Idempotency-Key by the same caller within 24 hours is a success that stores
// nothing, and with another content a Conflict. find reads the target's id.
func post(c *wire.Call, tx *relay.Tx, to string, d relay.Draft, find func(string) relay.ID,
	deliver func(from, to relay.ID, d relay.Draft) (relay.Entry, error)) error {
	if keys := c.Headers("Idempotency-Key"); len(keys) > 0 {
		if err := checkKeys(keys); err != nil {
			return err
		}
		name := relay.DigestOf(c.Who.Account[:], []byte(c.Op), []byte(keys[0]))
		print := relay.DigestOf([]byte(to), d.Body, d.Extra)
		if again, err := tx.Once(name, print); again || err != nil {
			return err
		}
	}
	_, err := deliver(c.Who.Account, find(to), d)
	return err
}

// checkKeys accepts one key of 1 to 128 visible ASCII characters.
func checkKeys(keys []string) error {
	key := keys[0]
	ok := len(keys) == 1 && key != "" && len(key) <= 128
	for i := 0; i < len(key); i++ {
		ok = ok && key[i] > ' ' && key[i] < 0x7f
	}
	if !ok {
		return wire.BadField("Idempotency-Key")
	}
	return nil
}
