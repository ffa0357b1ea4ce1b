package dishis

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxParts is how many parts an upload has at the most.
const maxParts = 16

// uploadGrace is how long a file whose upload has not come to its end is kept.
const uploadGrace = hour

// downloadAge is how long whoever downloads a file may keep it: its bytes never
// change.
const downloadAge = 24 * time.Hour

// An upload is a form on its way in: its parts come in any order, and its files
// go to the disk as they come. Until the form is whole they are their owner's
// alone, and go by themselves.
type upload struct {
	a     *api
	c     *wire.Call
	owner relay.ID
	files map[string]relay.Blob // "file" and "thumbnail"
	form  map[string]string
}

// upload takes a media file in, with its thumbnail if it has one.
func (a *api) upload(c *wire.Call, w http.ResponseWriter, r *http.Request) (err error) {
	u := &upload{a: a, c: c, owner: c.Who.Account, files: map[string]relay.Blob{}, form: map[string]string{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, u.discard())
		}
	}()
	if err = u.read(r); err != nil {
		return err
	}
	m, err := u.check()
	if err != nil {
		return err
	}
	id, err := u.keep(m)
	if err != nil {
		return err
	}
	out := uploadedOut{prefixFile + id.String(), m.Type, m.MIME, wire.ISO(m.Uploaded)}
	return send(c, w, created(out))
}

type uploadedOut struct {
	FileID     string `json:"fileId"`
	FileType   string `json:"fileType"`
	MimeType   string `json:"mimeType"`
	UploadedAt string `json:"uploadedAt"`
}

// send writes an answer where a handler speaks HTTP itself.
func send(c *wire.Call, w http.ResponseWriter, a answer) error {
	reply := ok(c, a)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(reply.Status)
	_, _ = w.Write(wire.MustEncode(reply.Body)) // whoever is gone does not care
	return nil
}

var notReceived = refused("The form is not whole")

// read reads the form to its end.
func (u *upload) read(r *http.Request) error {
	parts, err := wire.ReadParts(r)
	if err != nil {
		return refused("Not multipart/form-data")
	}
	for range maxParts {
		part, err := parts.Next()
		if relay.Is(err, relay.Invalid) {
			return notReceived
		}
		if err != nil || part == nil {
			return err
		}
		if err := u.part(part); err != nil {
			return err
		}
	}
	return refused("Too many parts")
}

// names under which files come; the API's document lost the first one's.
var fileParts = map[string]string{"file": "file", "encryptedFile": "file", "media": "file", "thumbnail": "thumbnail"}

func (u *upload) part(p *multipart.Part) error {
	name, isFile := fileParts[p.FormName()]
	if isFile {
		return u.file(name, p)
	}
	value, err := io.ReadAll(wire.Limit(p, maxMetadata))
	if err != nil {
		return err
	}
	u.form[p.FormName()] = string(value)
	if p.FormName() == "userId" {
		return u.actor(string(value))
	}
	return nil
}

// actor checks who acts, or where callers are believed, takes it from there.
func (u *upload) actor(id string) error {
	if !u.c.Who.Account.IsZero() {
		if id != "" && !isUser(id, u.c.Who.Account) {
			return otherActing
		}
		return nil
	}
	return u.c.Service.Relay.View(u.c.Context(), func(tx *relay.Tx) error {
		user, err := findUser(tx, id)
		if err == nil && user.Family != family {
			err = noUser
		}
		u.owner = user.ID
		return err
	})
}

// file stores the bytes of one of the form's files.
func (u *upload) file(name string, p *multipart.Part) error {
	if u.owner.IsZero() {
		return missing("userId") // it has to come first where callers are believed
	}
	if _, twice := u.files[name]; twice {
		return bad(name)
	}
	limit := u.a.o.MaxFile
	if name == "thumbnail" {
		limit = u.a.o.MaxThumb
	}
	r := u.c.Service.Relay
	b, err := r.PutBlob(u.c.Context(), relay.BlobDraft{
		Owner: u.owner, Family: family, Type: "application/octet-stream", MaxSize: limit, Expires: r.Now() + uploadGrace,
	}, wire.Limit(p, limit), nil)
	if err == nil {
		u.files[name] = b
	}
	return err
}

// check checks that the form is whole.
func (u *upload) check() (m media, err error) {
	if m, err = readMetadata(u.form["encryptedMetadata"]); err != nil {
		return m, err
	}
	thumb, has := u.files["thumbnail"]
	switch {
	case u.files["file"].Size == 0:
		return m, missing("file")
	case has && thumb.Size == 0, !has && u.form["hasThumbnail"] == "true":
		return m, missing("thumbnail")
	}
	m.Owner, m.File, m.Thumb, m.Uploaded = u.owner, u.files["file"].ID, thumb.ID, u.files["file"].Stored
	return m, nil
}

// keep makes the files stay, and lets whoever knows the id have them.
func (u *upload) keep(m media) (relay.ID, error) {
	id := u.files["file"].ID
	return id, u.c.Update(func(tx *relay.Tx) error {
		for _, b := range u.files {
			if _, err := tx.ChangeBlob(b.ID, relay.Rule{Kind: relay.OpenToAnyone}, 0, nil); err != nil {
				return err
			}
		}
		return medias.Put(tx, id, &m)
	})
}

// discard removes what came of a form that failed. What the caller does not wait
// for goes by itself.
func (u *upload) discard() error {
	for _, b := range u.files {
		err := u.c.Update(func(tx *relay.Tx) error { return tx.RemoveBlob(b.ID) })
		if err != nil && !relay.Is(err, relay.NotFound) && u.c.Context().Err() == nil {
			return err
		}
	}
	return nil
}

// details shows what is kept with a file, or gives the file itself to who asks
// for bytes.
func (a *api) details(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	if err := act(c, nil); err != nil {
		return err
	}
	if wantsBytes(r.Header.Get("Accept")) {
		return a.content(c, w, r)
	}
	thumb, err := wantsThumbnail(c)
	if err != nil {
		return err
	}
	var out answer
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		id, m, err := findMedia(tx, c.Param("fileId"))
		if err != nil {
			return err
		}
		file := newMedia(c.Base(), id, m)
		out = data(file)
		out.File = file.FilePath
		if thumb && file.ThumbnailPath == nil {
			return noFile
		}
		if thumb {
			out.File = *file.ThumbnailPath
		}
		return nil
	})
	if err != nil {
		return err
	}
	return send(c, w, out)
}

// content gives a file's bytes out, or its thumbnail's.
func (a *api) content(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	thumb, err := wantsThumbnail(c)
	if err == nil {
		err = act(c, nil)
	}
	if err != nil {
		return err
	}
	var id relay.ID
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		file, m, err := findMedia(tx, c.Param("fileId"))
		if err != nil {
			return err
		}
		if id = file; thumb {
			id = m.Thumb
		}
		return nil
	})
	if err != nil {
		return err
	}
	f, b, err := c.Service.Relay.OpenBlob(c.Context(), c.Who.Account, id)
	if err != nil {
		return err
	}
	wire.SendBlob(w, r, f, b, wire.Download{MaxAge: downloadAge})
	return nil
}
