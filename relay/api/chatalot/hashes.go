package chatalot

import (
	"cmp"
	"encoding/hex"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// hashOps are the rows of the blocklist of files.
func (a *api) hashOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/admin/blocked-hashes", wire.User, wire.Read(listHashes), "the files that nobody may upload, by their hashes"),
		wire.Row("POST /api/admin/blocked-hashes", wire.User, wire.Write(a.blockHash), "keep a file from being uploaded"),
		wire.Row("DELETE /api/admin/blocked-hashes/:id", wire.User, wire.Write(a.unblockHash), "let it be uploaded again"),
	}
}

// A blockedHash is a file that nobody may upload, known by the SHA-256 of its
// bytes as they come.
type blockedHash struct {
	Hash    relay.Digest `cbor:"1,keyasint"`
	Reason  string       `cbor:"2,keyasint,omitempty"`
	By      relay.ID     `cbor:"3,keyasint"`
	Created relay.Time   `cbor:"4,keyasint"`
}

var blockedHashes = relay.NewRecords("chatalot blocked hash",
	relay.Index[blockedHash]{Name: "hash", Unique: true, Key: func(h *blockedHash) [][]byte { return [][]byte{h.Hash[:]} }},
	relay.Index[blockedHash]{Name: "time", Key: func(h *blockedHash) [][]byte { return [][]byte{timeKey(h.Created)} }},
)

// hashBlocked reports whether a file of that SHA-256 may not be uploaded.
func hashBlocked(tx *relay.Tx, sum relay.Digest) (bool, error) {
	_, _, found, err := blockedHashes.Find(tx, "hash", sum[:])
	return found, err
}

// blockSum adds a hash to the list, or gives the one that is there another
// reason if there is one.
func blockSum(tx *relay.Tx, by relay.ID, sum relay.Digest, reason string) (relay.ID, *blockedHash, error) {
	id, h, found, err := blockedHashes.Find(tx, "hash", sum[:])
	if err != nil {
		return id, nil, err
	}
	if !found {
		id, h = newRecordID(tx), &blockedHash{Hash: sum, By: by, Created: relay.Time(tx.Now())}
	}
	h.Reason = cmp.Or(reason, h.Reason)
	return id, h, blockedHashes.Put(tx, id, h)
}

// hashOut is a BlockedHash.
type hashOut struct {
	ID        uuid     `json:"id"`
	Hash      string   `json:"hash"`
	Reason    nullable `json:"reason"`
	By        uuid     `json:"blocked_by"`
	CreatedAt moment   `json:"created_at"`
}

func newHash(tx *relay.Tx, id relay.ID, h *blockedHash) (hashOut, error) {
	by, err := lasting(tx, h.By)
	return hashOut{uuid(id), hex.EncodeToString(h.Hash[:]), nullable(h.Reason), uuid(by), moment(h.Created)}, err
}

func listHashes(c *wire.Call, tx *relay.Tx, _ wire.None) ([]hashOut, error) {
	if err := administers(c, tx); err != nil {
		return nil, err
	}
	p, err := pageQuery(c)
	if err != nil {
		return nil, err
	}
	rows, _, err := turnTo(tx, blockedHashes, "time", relay.Span{Reverse: true}, p.offset(), p.PerPage)
	out := []hashOut{}
	for _, r := range rows {
		v, err := newHash(tx, r.ID, r.Record)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, err
}

type blockHashIn struct {
	Hash   string `json:"hash"`
	Reason string `json:"reason"`
}

func (a *api) blockHash(c *wire.Call, tx *relay.Tx, in blockHashIn) (hashOut, error) {
	err := administers(c, tx)
	if err != nil {
		return hashOut{}, err
	}
	sum, err := hex.DecodeString(strings.TrimSpace(in.Hash))
	if err != nil || len(sum) != len(relay.Digest{}) {
		return hashOut{}, bad("hash must be 64 hex digits")
	}
	if in.Reason, err = sized(in.Reason, "reason", 0, 500); err != nil {
		return hashOut{}, err
	}
	id, h, err := blockSum(tx, c.Who.Account, relay.Digest(sum), in.Reason)
	if err != nil {
		return hashOut{}, err
	}
	meta := map[string]any{"hash_id": uuid(id), "hash": hex.EncodeToString(sum), "reason": h.Reason}
	if err := a.audit(c, tx, c.Who.Account, "admin_block_hash", meta); err != nil {
		return hashOut{}, err
	}
	return newHash(tx, id, h)
}

func (a *api) unblockHash(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, err := pathID(c, "id")
	if err == nil {
		err = administers(c, tx)
	}
	if err != nil {
		return wire.None{}, err
	}
	found, err := blockedHashes.Delete(tx, id)
	if err := firstError(err, missing(found, "hash")); err != nil {
		return wire.None{}, err
	}
	return wire.None{}, a.audit(c, tx, c.Who.Account, "admin_unblock_hash", map[string]any{"hash_id": uuid(id)})
}
