package chatalot

import (
	"encoding/binary"

	"restante/relay"
)

// A fileRow is what is kept of an uploaded file beside its blob, under the
// blob's id: a blob is opened by id, and administrators look through all of them.
type fileRow struct {
	Owner       relay.ID     `cbor:"1,keyasint"`
	Name        string       `cbor:"2,keyasint"`
	Type        string       `cbor:"3,keyasint,omitempty"` // as detected; "" for opaque bytes
	Size        int64        `cbor:"4,keyasint"`           // as stored
	Checksum    relay.Digest `cbor:"5,keyasint"`           // of the bytes as they came
	Channel     relay.ID     `cbor:"6,keyasint,omitzero"`
	Thumb       relay.ID     `cbor:"7,keyasint,omitzero"` // the blob of a small picture
	Quarantined relay.Time   `cbor:"8,keyasint,omitempty"`
	By          relay.ID     `cbor:"9,keyasint,omitzero"` // who put it there
	Created     relay.Time   `cbor:"10,keyasint"`
}

var fileRows = relay.NewRecords("chatalot file",
	relay.Index[fileRow]{Name: "time", Key: func(f *fileRow) [][]byte { return [][]byte{timeKey(f.Created)} }},
	relay.Index[fileRow]{Name: "size", Key: func(f *fileRow) [][]byte {
		return [][]byte{append(binary.BigEndian.AppendUint64(nil, uint64(f.Size)), timeKey(f.Created)...)}
	}},
	relay.Index[fileRow]{Name: "owner", Key: func(f *fileRow) [][]byte {
		return [][]byte{append(f.Owner[:], timeKey(f.Created)...)}
	}},
	relay.Index[fileRow]{Name: "channel", Key: func(f *fileRow) [][]byte {
		if f.Channel.IsZero() {
			return nil
		}
		return [][]byte{append(f.Channel[:], timeKey(f.Created)...)}
	}},
)

// removeFile removes a file with its small picture; its owner has the quota
// back. NotFound: file not found.
func removeFile(tx *relay.Tx, id relay.ID) error {
	f, found, err := fileRows.Get(tx, id)
	if err := firstError(err, missing(found, "file")); err != nil {
		return err
	}
	for _, blob := range []relay.ID{id, f.Thumb} {
		if blob.IsZero() {
			continue
		}
		if err := tx.RemoveBlob(blob); err != nil && !relay.Is(err, relay.NotFound) {
			return err
		}
	}
	_, err = fileRows.Delete(tx, id)
	return err
}
