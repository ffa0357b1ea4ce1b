package dishis

import (
	"net/url"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxMetadata is how long what comes with a file may be, in bytes.
const maxMetadata = 16 << 10

// A media is what is kept with a file, under the file's id. Its key is sealed.
type media struct {
	Owner    relay.ID   `cbor:"1,keyasint"`
	Type     string     `cbor:"2,keyasint"`
	Name     string     `cbor:"3,keyasint,omitempty"` // only ever shown
	Size     float64    `cbor:"4,keyasint,omitempty"` // as declared
	MIME     string     `cbor:"5,keyasint"`
	IV       string     `cbor:"6,keyasint"`
	ThumbIV  *string    `cbor:"7,keyasint,omitempty"`
	Key      string     `cbor:"8,keyasint"`
	Thumb    relay.ID   `cbor:"9,keyasint,omitzero"`
	Uploaded relay.Time `cbor:"10,keyasint"`
	File     relay.ID   `cbor:"11,keyasint"`
}

var medias = relay.NewRecords[media]("dishis media", relay.Index[media]{
	Name: byOwner,
	Key:  func(m *media) [][]byte { return [][]byte{m.Owner[:]} },
}).GoesWith(byOwner, func(tx *relay.Tx, m *media) error {
	for _, id := range []relay.ID{m.File, m.Thumb} {
		if err := tx.RemoveBlob(id); err != nil && !relay.Is(err, relay.NotFound) {
			return err
		}
	}
	return nil
})

// metadataIn is the form's field encryptedMetadata.
type metadataIn struct {
	FileType     string   `json:"fileType"`
	OriginalName string   `json:"originalName"`
	Size         *float64 `json:"size"`
	MimeType     string   `json:"mimeType"`
	IV           string   `json:"iv"`
	ThumbnailIV  *string  `json:"thumbnailIv"`
	EncryptedKey string   `json:"encryptedKey"`
}

// readMetadata reads what comes with a file.
func readMetadata(s string) (m media, err error) {
	if s == "" {
		return m, missing("encryptedMetadata")
	}
	var in metadataIn
	if len(s) > maxMetadata || wire.Decode([]byte(s), &in) != nil || in.Size == nil || !(*in.Size >= 0) {
		return m, bad("encryptedMetadata")
	}
	err = required("fileType", in.FileType, "mimeType", in.MimeType, "iv", in.IV, "encryptedKey", in.EncryptedKey)
	return media{
		Type: in.FileType, Name: in.OriginalName, Size: *in.Size, MIME: in.MimeType,
		IV: in.IV, ThumbIV: in.ThumbnailIV, Key: in.EncryptedKey,
	}, err
}

type mediaOut struct {
	FileID          string  `json:"fileId"`
	FileType        string  `json:"fileType"`
	MimeType        string  `json:"mimeType"`
	Size            float64 `json:"size"`
	OriginalName    string  `json:"originalName"`
	ThumbnailPath   *string `json:"thumbnailPath"`
	FilePath        string  `json:"filePath"`
	FileIV          string  `json:"fileIv"`
	ThumbIV         *string `json:"thumbIv"`
	EncryptedAESKey string  `json:"encryptedAESKey"`
	UserID          string  `json:"userId"`
	UploadedAt      string  `json:"uploadedAt"`
	ExpiresAt       *string `json:"expiresAt"`
}

// newMedia shows a media file to a caller under base: its addresses are those at
// which he finds it, without the host.
func newMedia(base string, id relay.ID, m *media) mediaOut {
	path := "/api/media/" + prefixFile + id.String() + "/content"
	if u, err := url.Parse(base); err == nil {
		path = strings.TrimSuffix(u.Path, "/") + path
	}
	out := mediaOut{
		FileID: prefixFile + id.String(), FileType: m.Type, MimeType: m.MIME, Size: m.Size, OriginalName: m.Name,
		FilePath: path, FileIV: m.IV, ThumbIV: m.ThumbIV, EncryptedAESKey: m.Key, UserID: userID(m.Owner),
		UploadedAt: wire.ISO(m.Uploaded),
	}
	if !m.Thumb.IsZero() {
		thumb := path + "?thumbnail=true"
		out.ThumbnailPath = &thumb
	}
	return out
}

// findMedia returns a media file. Whoever knows its id may have it: the bytes are
// sealed, and their key travels sealed as well.
func findMedia(tx *relay.Tx, s string) (relay.ID, *media, error) {
	id, ok := parseID(prefixFile, s)
	if !ok {
		return id, nil, noFile
	}
	m, found, err := medias.Get(tx, id)
	if err == nil && !found {
		err = noFile
	}
	return id, m, err
}

// wantsBytes reports whether a request for a file's details asks for the file
// itself.
func wantsBytes(accept string) bool {
	return strings.Contains(accept, "application/octet-stream") && !strings.Contains(accept, "json")
}

// wantsThumbnail reads the query's flag.
func wantsThumbnail(c *wire.Call) (bool, error) {
	switch c.Query("thumbnail") {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, bad("thumbnail")
}
