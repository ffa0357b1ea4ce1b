package secbot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// post stores something for a target, once: a repeat of the same
// Idempotency-Key by the same caller within 24 hours is a success that stores
// nothing, and with another content a Conflict.
func post(c *wire.Call, tx *relay.Tx, to string, d relay.Draft, deliver func(from, to relay.ID, d relay.Draft) (relay.Entry, error)) error {
	key := c.Header("Idempotency-Key")
	if key != "" {
		if err := checkKey(key); err != nil {
			return err
		}
		name := relay.DigestOf(c.Who.Account[:], []byte(c.Op), []byte(key))
		print := relay.DigestOf([]byte(to), d.Body, d.Extra)
		if again, err := tx.Once(name, print); again || err != nil {
			return err
		}
	}
	_, err := deliver(c.Who.Account, target(to), d)
	return err
}

// checkKey accepts 1 to 128 visible ASCII characters.
func checkKey(key string) error {
	ok := len(key) <= 128
	for i := 0; i < len(key); i++ {
		ok = ok && key[i] > ' ' && key[i] < 0x7f
	}
	if !ok {
		return wire.BadField("Idempotency-Key")
	}
	return nil
}
