package sama

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxFile is how many bytes a file has at most, if nobody says otherwise.
const maxFile = 100 << 20

// maxFiles is how many files one request names.
const maxFiles = 10

// Addresses are good to the end of a step, so that who asks twice gets the same
// one, which his browser has kept.
const (
	uploadStep   = time.Hour
	downloadStep = 24 * time.Hour
)

// A fileIn is a file to be.
type fileIn struct {
	Name field          `json:"name"`
	Size jsontext.Value `json:"size"`
	Type field          `json:"content_type"`

	size int64
}

type createFilesIn []fileIn

var errFileSize = wrong("Incorrect file size.")

func (in *createFilesIn) Check() error {
	if len(*in) > maxFiles {
		return wrong("You've exceeded the file limit.")
	}
	if len(*in) == 0 {
		return errShape
	}
	for i := range *in {
		f := &(*in)[i]
		switch {
		case !f.Name.within(1, 255):
			return wrong("Incorrect file name.")
		case f.Size.Kind() != '0' || decodeJSON(f.Size, &f.size) != nil || f.size < 0:
			return errFileSize
		case !f.Type.within(1, 255):
			return wrong("Incorrect content type.")
		}
	}
	return nil
}

// A fileExtra is what is kept with a blob.
type fileExtra struct {
	Name string `json:"n"`
	Size int64  `json:"s"` // as it was said: what an address to upload is signed with
}

func extraOfFile(b relay.Blob) (x fileExtra) {
	_ = wire.Decode(b.Extra, &x) // without a name it goes out without one
	return x
}

// A fileOut is how a file is shown.
type fileOut struct {
	ID        string `json:"_id"`
	ObjectID  string `json:"object_id"` // what attachments and pictures name it by
	Name      string `json:"name"`
	Size      int64  `json:"size"`
	Type      string `json:"content_type"`
	UserID    string `json:"user_id"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	UploadURL string `json:"upload_url"`
}

type filesOut struct {
	Files []fileOut `json:"files"`
}

// createFiles reserves room for files and says where to put them. Whoever knows
// the id of a file may download it.
func (a *api) createFiles(c *wire.Call, tx *relay.Tx, in createFilesIn) (filesOut, error) {
	out := filesOut{[]fileOut{}}
	v := viewerOf(c)
	for _, f := range in {
		if f.size > a.o.MaxFile {
			return out, errFileSize
		}
		b, err := tx.ReserveBlob(relay.BlobDraft{
			Owner: c.Who.Account, Family: family, Type: f.Type.v, MaxSize: f.size, Quota: a.o.FileQuota,
			Rule: relay.Rule{Kind: relay.OpenToAnyone}, Extra: wire.MustEncode(fileExtra{f.Name.v, f.size}),
		})
		if err != nil {
			return out, err
		}
		to, err := v.address(http.MethodPut, b, tx.Wall())
		if err != nil {
			return out, err
		}
		out.Files = append(out.Files, fileOut{
			ID: shown(b.ID), ObjectID: shown(b.ID), Name: f.Name.v, Size: f.size, Type: f.Type.v, UserID: shown(c.Who.Account),
			CreatedAt: wire.ISO(b.Created), UpdatedAt: wire.ISO(b.Created), UploadURL: to,
		})
	}
	return out, nil
}

// address returns a signed URL to put or get a file.
func (v viewer) address(method string, b relay.Blob, now relay.Time) (string, error) {
	u := relay.BlobURL{Method: method, ID: b.ID}
	op := "get"
	if method == http.MethodPut {
		op, u.Size, u.Type = "put", extraOfFile(b).Size, b.Type
		u.Expires = stepUp(now.Add(v.a.o.UploadFor), uploadStep)
	} else {
		u.Expires = stepUp(now.Add(v.a.o.DownloadFor), downloadStep)
	}
	sig, err := v.r.SignBlobURL(u)
	if err != nil {
		return "", err
	}
	q := url.Values{
		"op": {op}, "exp": {strconv.FormatInt(int64(u.Expires)/1000, 10)},
		"sig": {base64.RawURLEncoding.EncodeToString(sig[:relay.MinSignature])},
	}
	return v.base + "/files/" + shown(b.ID) + "?" + q.Encode(), nil
}

// pictureURL returns where a picture is downloaded; empty if there is none, or
// not yet.
func (v viewer) pictureURL(tx *relay.Tx, p *pictureIn) (string, error) {
	b, err := fileOf(tx, p.FileID)
	if err != nil || b.Stored == 0 {
		return "", gone(err)
	}
	return v.address(http.MethodGet, b, tx.Wall())
}

// fileOf finds a file by its id; NotFound (blob).
func fileOf(tx *relay.Tx, s string) (relay.Blob, error) {
	p, ok := prefix(s)
	if !ok {
		return relay.Blob{}, relay.Errorf(relay.NotFound, relay.SubjectBlob, "no such file")
	}
	b, err := tx.BlobByPrefix(p)
	if err == nil && b.Family != family {
		err = relay.Errorf(relay.NotFound, relay.SubjectBlob, "no such file")
	}
	return b, err
}

type fileIDsIn struct {
	IDs []string `json:"file_ids"`
}

func (in *fileIDsIn) Check() error {
	switch {
	case len(in.IDs) == 0:
		return wrong("File IDS missed.")
	case len(in.IDs) > maxFiles:
		return wrong("File IDs for get download url exceeded.")
	}
	return nil
}

// fileURLs says where files are downloaded: by id, or in the order in which they
// were asked for, as the client's dialect has it.
func (a *api) fileURLs(c *wire.Call, tx *relay.Tx, in fileIDsIn) (any, error) {
	v := viewerOf(c)
	byID, list := map[string]string{}, make([]*string, len(in.IDs))
	for i, id := range in.IDs {
		b, err := fileOf(tx, id)
		if err != nil {
			if err = gone(err); err != nil {
				return nil, err
			}
			continue
		}
		to, err := v.address(http.MethodGet, b, tx.Wall())
		if err != nil {
			return nil, err
		}
		byID[id], list[i] = to, &to
	}
	if v.dialect == "sdk" {
		return map[string]any{"file_urls": byID}, nil
	}
	return map[string]any{"file_urls": list}, nil
}

// signed finds the file of an address, if its signature is ours and still good.
// Of one that is not, nothing is said, not even whether there is such a file.
func (a *api) signed(c *wire.Call, r *http.Request, op string) (b relay.Blob, until relay.Time, err error) {
	refused := said(relay.Forbidden, "The address is not valid any more.")
	q := r.URL.Query()
	exp, err := strconv.ParseInt(q.Get("exp"), 10, 48)
	sig, serr := base64.RawURLEncoding.DecodeString(q.Get("sig"))
	if err != nil || serr != nil || q.Get("op") != op {
		return b, 0, refused
	}
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) (err error) {
		b, err = fileOf(tx, c.Param("id"))
		return err
	})
	if relay.Is(err, relay.NotFound) {
		return b, 0, refused
	}
	if err != nil {
		return b, 0, err
	}
	until = relay.Time(exp) * 1000
	u := relay.BlobURL{Method: http.MethodGet, ID: b.ID, Expires: until}
	if op == "put" {
		u.Method, u.Size, u.Type = http.MethodPut, extraOfFile(b).Size, b.Type
	}
	if c.Service.Relay.VerifyBlobURL(u, sig) != nil {
		return b, 0, refused
	}
	return b, until, nil
}

// putFile takes the bytes of a file, once.
func (a *api) putFile(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	b, _, err := a.signed(c, r, "put")
	if err != nil {
		return err
	}
	if r.ContentLength > b.Size {
		return said(relay.TooLarge, "The file is larger than was said.")
	}
	_, err = c.Service.Relay.FillBlob(c.Context(), b.ID, wire.Limit(r.Body, b.Size), nil)
	switch {
	case relay.Is(err, relay.TooLarge):
		err = said(relay.TooLarge, "The file is larger than was said.")
	case relay.Is(err, relay.Conflict):
		err = said(relay.Conflict, "The file is stored already.")
	}
	if err == nil {
		w.WriteHeader(http.StatusOK)
	}
	return err
}

// getFile gives the bytes of a file.
func (a *api) getFile(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	b, until, err := a.signed(c, r, "get")
	if err != nil {
		return err
	}
	f, b, err := c.Service.Relay.OpenSignedBlob(c.Context(), b.ID)
	if relay.Is(err, relay.NotFound) {
		err = said(relay.NotFound, "File not found.")
	}
	if err != nil {
		return err
	}
	age := time.Duration(until-c.Service.Relay.Now()) * time.Millisecond
	wire.SendBlob(w, r, f, b, wire.Download{Type: b.Type, Name: extraOfFile(b).Name, MaxAge: age})
	return nil
}
