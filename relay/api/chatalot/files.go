package chatalot

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"restante/relay"
	"restante/relay/api/wire"
)

// fileOps are the rows of files.
func (a *api) fileOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/files/upload", wire.User, wire.Raw(a.upload), "a file, of a channel or the caller's own"),
		wire.Row("GET /api/files/:file_id", wire.User, wire.Raw(a.download), "its bytes, or a range of them"),
		wire.Row("DELETE /api/files/:file_id", wire.User, wire.Write(a.deleteFile), "delete a file; its uploader has the quota back"),
		wire.Row("GET /api/files/:file_id/meta", wire.User, wire.Read(fileMeta), "name, size, type and checksum of a file"),
		wire.Row("GET /api/files/:file_id/thumb", wire.User, wire.Raw(a.downloadThumb), "the small picture of a file"),
	}
}

func noFile() error { return relay.Errorf(relay.NotFound, relay.SubjectBlob, "file not found") }

// openable returns a file that somebody may open: a member of its channel, or
// where it has none any more, its uploader; administrators open all, and they
// alone what is in quarantine. NotFound, or Forbidden.
func openable(tx *relay.Tx, who, id relay.ID) (*fileRow, error) {
	f, found, err := fileRows.Get(tx, id)
	if err == nil && !found {
		err = noFile()
	}
	if err != nil {
		return nil, err
	}
	rank, err := rankOf(tx, who)
	switch {
	case err != nil:
		return nil, err
	case (relay.Standing{Rank: rank}).May(relay.ToAdminister):
		return f, nil
	case f.Quarantined != 0:
		return nil, forbidden("this file is in quarantine")
	}
	if !f.Channel.IsZero() {
		_, err := channelFor(tx, who, f.Channel, relay.ToRead)
		if !relay.Is(err, relay.NotFound) {
			return f, err
		}
	}
	if f.Owner != who {
		return nil, forbidden("this file is not yours")
	}
	return f, nil
}

// download sends a file.
func (a *api) download(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	return sendFile(c, w, r, func(id relay.ID, f *fileRow) (relay.ID, wire.Download) {
		return id, wire.Download{Type: f.Type, Name: f.Name}
	})
}

// downloadThumb sends the small picture of a file.
func (a *api) downloadThumb(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	return sendFile(c, w, r, func(_ relay.ID, f *fileRow) (relay.ID, wire.Download) {
		return f.Thumb, wire.Download{Type: typeJPEG, MaxAge: time.Hour}
	})
}

func sendFile(c *wire.Call, w http.ResponseWriter, r *http.Request, which func(relay.ID, *fileRow) (relay.ID, wire.Download)) error {
	id, err := pathID(c, "file_id")
	if err != nil {
		return err
	}
	var f *fileRow
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) (err error) {
		f, err = openable(tx, c.Who.Account, id)
		return err
	})
	if err != nil {
		return err
	}
	blob, d := which(id, f)
	return sendBlob(c, w, r, blob, d)
}

// sendBlob sends bytes that the caller may have.
func sendBlob(c *wire.Call, w http.ResponseWriter, r *http.Request, id relay.ID, d wire.Download) error {
	if id.IsZero() {
		return noFile()
	}
	file, b, err := c.Service.Relay.OpenSignedBlob(c.Context(), id) // the caller was asked for above
	if err != nil {
		return err
	}
	wire.SendBlob(w, r, file, b, d)
	return nil
}

type fileMetaOut struct {
	ID            uuid     `json:"id"`
	UploaderID    uuid     `json:"uploader_id"`
	EncryptedName string   `json:"encrypted_name"`
	SizeBytes     int64    `json:"size_bytes"`
	ContentType   nullable `json:"content_type"`
	Checksum      string   `json:"checksum"`
	CreatedAt     moment   `json:"created_at"`
}

func fileMeta(c *wire.Call, tx *relay.Tx, _ wire.None) (fileMetaOut, error) {
	id, err := pathID(c, "file_id")
	if err != nil {
		return fileMetaOut{}, err
	}
	f, err := openable(tx, c.Who.Account, id)
	if err != nil {
		return fileMetaOut{}, err
	}
	by, err := lasting(tx, f.Owner)
	return fileMetaOut{uuid(id), uuid(by), f.Name, f.Size, nullable(f.Type), hex.EncodeToString(f.Checksum[:]), moment(f.Created)}, err
}

func (a *api) deleteFile(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, err := pathID(c, "file_id")
	if err != nil {
		return wire.None{}, err
	}
	f, found, err := fileRows.Get(tx, id)
	if err == nil && !found {
		err = noFile()
	}
	if err == nil && f.Owner != c.Who.Account && administers(c, tx) != nil {
		err = forbidden("this file is not yours")
	}
	if err == nil {
		err = removeFile(tx, id)
	}
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, a.audit(c, tx, c.Who.Account, "file_deleted", map[string]any{"file_id": uuid(id), "uploader_id": uuid(f.Owner)})
}

// writeJSON answers a row that speaks HTTP itself.
func writeJSON(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // whoever is gone does not care
	return nil
}

// makeThumb makes the small picture of a file that was just stored. That there
// is none is no failure of the upload.
func (a *api) makeThumb(c *wire.Call, id relay.ID) {
	ctx, r := context.WithoutCancel(c.Context()), c.Service.Relay
	f, _, err := r.OpenSignedBlob(ctx, id)
	if err != nil {
		return
	}
	defer f.Close()
	small, ok := a.decodeOne(c.Service.Purse, f)
	if !ok {
		return
	}
	_, err = a.putPicture(ctx, r, picture{typeJPEG, small, relay.OpenToOwner}, func(tx *relay.Tx, thumb relay.ID) error {
		row, found, err := fileRows.Get(tx, id)
		if err == nil && !found {
			err = noFile() // deleted meanwhile: the picture goes with it
		}
		if err != nil {
			return err
		}
		row.Thumb = thumb
		return fileRows.Put(tx, id, row)
	})
	if err != nil && !relay.Is(err, relay.NotFound) {
		c.Service.Log.Warn().Err(err).Msg("no small picture of a file")
	}
}

// decodeOne is thumbnail for one picture at a time. Decoders are given what
// strangers made: one that panics must not keep the others out.
func (a *api) decodeOne(purse *wire.Purse, f io.ReadSeeker) ([]byte, bool) {
	a.decoding.Lock()
	defer a.decoding.Unlock()
	return thumbnail(purse, f)
}
