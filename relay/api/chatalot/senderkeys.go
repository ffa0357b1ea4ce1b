package chatalot

import (
	"encoding/binary"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxDistribution is how many bytes of JSON the distribution of a sender key may
// have.
const maxDistribution = 16 << 10

// maxSenderKeys is how many are listed: one for each member of a large channel.
const maxSenderKeys = 5000

// senderKeyOps are the rows of sender keys.
func (a *api) senderKeyOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/channels/:id/sender-keys", wire.User, wire.Write(putSenderKey), "the caller's key for what he sends to a channel"),
		wire.Row("GET /api/channels/:id/sender-keys", wire.User, wire.Read(listSenderKeys), "the keys of all who send to a channel"),
	}
}

// A senderKey is the key of one member of a channel. What it holds is the
// clients' and comes back as it was sent.
type senderKey struct {
	Channel      relay.ID   `cbor:"1,keyasint"`
	User         relay.ID   `cbor:"2,keyasint"`
	Chain        int64      `cbor:"3,keyasint"`
	Distribution []byte     `cbor:"4,keyasint"`
	Created      relay.Time `cbor:"5,keyasint"`
}

var senderKeys = relay.NewRecords("chatalot sender key",
	relay.Index[senderKey]{Name: "member", Unique: true, Key: func(k *senderKey) [][]byte {
		return [][]byte{memberValue(k.Channel, k.User)}
	}},
	relay.Index[senderKey]{Name: "channel", Key: func(k *senderKey) [][]byte {
		return [][]byte{binary.BigEndian.AppendUint64(append([]byte(nil), k.Channel[:]...), uint64(k.Created))}
	}},
	relay.Index[senderKey]{Name: "user", Key: func(k *senderKey) [][]byte { return [][]byte{k.User[:]} }},
).GoesWith("channel", nil).GoesWith("user", nil)

// memberValue is an index value that names a room and an account.
func memberValue(room, who relay.ID) []byte {
	return append(append(make([]byte, 0, 32), room[:]...), who[:]...)
}

type senderKeyIn struct {
	ChainID      *int64         `json:"chain_id"`
	Distribution jsontext.Value `json:"distribution"`
}

func (in *senderKeyIn) Check() error {
	switch {
	case in.ChainID == nil:
		return wire.MissingField("chain_id")
	case in.Distribution.Kind() != '{':
		return bad("distribution must be an object")
	case len(in.Distribution) > maxDistribution:
		return bad("distribution must be at most %d bytes", maxDistribution)
	}
	return nil
}

type senderKeyOut struct {
	ID           uuid           `json:"id"`
	ChannelID    uuid           `json:"channel_id"`
	UserID       uuid           `json:"user_id"`
	ChainID      int64          `json:"chain_id"`
	Distribution jsontext.Value `json:"distribution"`
	CreatedAt    moment         `json:"created_at"`
}

func newSenderKey(id relay.ID, k *senderKey) senderKeyOut {
	return senderKeyOut{uuid(id), uuid(k.Channel), uuid(k.User), k.Chain, k.Distribution, moment(k.Created)}
}

// putSenderKey replaces the caller's key of a channel, under a new id, and tells
// the channel.
func putSenderKey(c *wire.Call, tx *relay.Tx, in senderKeyIn) (senderKeyOut, error) {
	acc, err := memberOf(c, tx, "id")
	if err != nil {
		return senderKeyOut{}, err
	}
	if _, err := dropSenderKey(tx, acc.Room.ID, c.Who.Account); err != nil {
		return senderKeyOut{}, err
	}
	id := newRecordID(tx)
	k := &senderKey{acc.Room.ID, c.Who.Account, *in.ChainID, in.Distribution, relay.Time(tx.Now())}
	if err := senderKeys.Put(tx, id, k); err != nil {
		return senderKeyOut{}, err
	}
	return newSenderKey(id, k), tell(tx, acc.Room.Box, c.Who.Account, tellSenderKey, happening{Account: c.Who.Account, Record: id})
}

func listSenderKeys(c *wire.Call, tx *relay.Tx, _ wire.None) ([]senderKeyOut, error) {
	acc, err := memberOf(c, tx, "id")
	if err != nil {
		return nil, err
	}
	list := []senderKeyOut{}
	for f, err := range senderKeys.Scan(tx, "channel", relay.Span{Prefix: acc.Room.ID[:], Limit: maxSenderKeys}) {
		if err != nil {
			return nil, err
		}
		list = append(list, newSenderKey(f.ID, f.Record))
	}
	return list, nil
}

// dropSenderKey removes somebody's key of a channel, and reports whether there
// was one.
func dropSenderKey(tx *relay.Tx, room, who relay.ID) (bool, error) {
	id, _, found, err := senderKeys.Find(tx, "member", memberValue(room, who))
	if err != nil || !found {
		return false, err
	}
	return senderKeys.Delete(tx, id)
}

// Why keys of a channel must be made anew.
const (
	memberRemoved = "member_removed"
	memberLeft    = "member_left"
)

// rotateKeys drops the key of somebody who is in a channel no more, and tells
// those who are to make new ones of their own: he knows the old ones.
func rotateKeys(tx *relay.Tx, r relay.Room, who relay.ID, reason string) error {
	if _, err := dropSenderKey(tx, r.ID, who); err != nil {
		return err
	}
	return tell(tx, r.Box, who, tellRotation, happening{Room: r.ID, Text: reason})
}
