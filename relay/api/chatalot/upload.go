package chatalot

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"math"
	"net/http"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// formBytes is what a form may have besides its file.
const formBytes = 64 << 10

type fileOut struct {
	ID        uuid   `json:"id"`
	SizeBytes int64  `json:"size_bytes"`
	CreatedAt moment `json:"created_at"`
}

// An incoming file is on its way from a form to the disk.
type incoming struct {
	form *wire.Form
	head *bufio.Reader // the file's bytes, counted in sum as they come
	sum  hash.Hash
	kind string // as its bytes say; "" for opaque ones
	size int64  // what it can have at most

	name    string // known when the form has been read whole
	channel relay.ID
}

// upload takes a file (sheet 9.9). Its bytes go to the disk as they come; what
// stands behind them in the form is read before they are committed, and that
// commit decides.
func (a *api) upload(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	if err := often(a.limits.uploads, c.Who.Account, "too many uploads"); err != nil {
		return err
	}
	in, err := a.readUpload(r)
	if err != nil {
		return err
	}
	if in.kind == typeSVG {
		if !c.Service.Purse.Take(svgMemory) {
			return busy()
		}
		defer c.Service.Purse.Give(svgMemory)
	}
	body, err := in.body()
	if err != nil {
		return err
	}
	draft := relay.BlobDraft{
		Owner: c.Who.Account, Family: family, Type: cmp.Or(in.kind, typeOpaque), MaxSize: in.size, Quota: a.reserve(in.size, r.ContentLength < 0),
	}
	b, err := c.Service.Relay.PutBlob(c.Context(), draft, body, func(tx *relay.Tx, b relay.Blob) error { return a.keepFile(c, tx, in, b) })
	if err != nil {
		return err
	}
	if _, picture := extensions[in.kind]; picture {
		a.makeThumb(c, b.ID)
	}
	return writeJSON(w, fileOut{uuid(b.ID), b.Size, moment(b.Stored)})
}

// busy is the error where there is no memory for what somebody brings now.
func busy() error {
	return &relay.Error{Code: relay.Busy, Text: "busy", RetryAfter: time.Second}
}

// readUpload reads a form up to its file, and the beginning of that.
func (a *api) readUpload(r *http.Request) (*incoming, error) {
	if r.ContentLength > a.o.MaxFile+formBytes {
		return nil, relay.Errorf(relay.TooLarge, relay.SubjectBlob, "file too large")
	}
	form, err := wire.ReadForm(r, a.o.MaxFile)
	switch {
	case err != nil:
		return nil, err
	case form.File == nil || form.Field != "file":
		return nil, bad("no file")
	}
	in := &incoming{form: form, sum: sha256.New(), size: a.o.MaxFile}
	if r.ContentLength >= 0 {
		in.size = min(in.size, r.ContentLength)
	}
	in.head = bufio.NewReaderSize(io.TeeReader(form.File, in.sum), sniffBytes)
	head, err := in.head.Peek(sniffBytes)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case len(head) == 0:
		return nil, bad("the file is empty")
	}
	if t := form.FileType; t != "" && t != typeOpaque { // what was sealed by the client says nothing
		in.kind, err = sniff(head)
		if err != nil {
			return nil, err
		}
	}
	return in, nil
}

// body returns the file as it is stored: pictures without what they tell of
// their maker. At its end the rest of the form is read.
func (in *incoming) body() (io.Reader, error) {
	if in.kind != typeSVG {
		return &untilEnd{strip(in.kind, in.head), in.fields}, nil
	}
	src, err := io.ReadAll(io.LimitReader(in.head, maxSVG+1))
	switch {
	case err != nil:
		return nil, err
	case len(src) > maxSVG:
		return nil, relay.Errorf(relay.TooLarge, relay.SubjectBlob, "drawing too large")
	}
	clean, err := cleanSVG(src)
	in.size = int64(len(clean))
	return &untilEnd{bytes.NewReader(clean), in.fields}, err
}

// untilEnd calls end once, at the end of what is read.
type untilEnd struct {
	io.Reader
	end func() error
}

func (u *untilEnd) Read(b []byte) (int, error) {
	n, err := u.Reader.Read(b)
	if errors.Is(err, io.EOF) && u.end != nil {
		end := u.end
		u.end = nil
		if failed := end(); failed != nil {
			return n, failed
		}
	}
	return n, err
}

// fields reads the rest of the form, and what it says.
func (in *incoming) fields() (err error) {
	if err := in.form.Rest(); err != nil {
		return err
	}
	if in.name, err = sized(in.form.Fields["name"], "name", 0, 512); err != nil {
		return err
	}
	in.name = cmp.Or(in.name, "unnamed")
	if s := in.form.Fields["channel_id"]; s != "" {
		id, ok := parseID(s)
		if !ok {
			return bad("invalid channel_id")
		}
		in.channel = id
	}
	return nil
}

// reserve is the quota under which room is made for a file whose size is known
// roughly, or not at all: what it has in the end is counted when it is there.
func (a *api) reserve(size int64, unknown bool) int64 {
	switch quota := a.quota(); {
	case quota > math.MaxInt64-size-formBytes:
		return math.MaxInt64
	case unknown:
		return quota + size
	default:
		return quota + formBytes
	}
}

// quota is how many bytes the files of one user may have.
func (a *api) quota() int64 {
	if a.o.UploadQuota < 0 {
		return math.MaxInt64
	}
	return a.o.UploadQuota
}

// keepFile decides, with the bytes on the disk, whether they stay: the uploader
// is in the channel, has room, and the file is not one that nobody may upload.
func (a *api) keepFile(c *wire.Call, tx *relay.Tx, in *incoming, b relay.Blob) error {
	who := c.Who.Account
	rule := relay.Rule{Kind: relay.OpenToOwner}
	if !in.channel.IsZero() {
		if _, err := channelFor(tx, who, in.channel, relay.ToRead); err != nil {
			return err
		}
		rule = relay.Rule{Kind: relay.OpenToMembers, Room: in.channel}
	}
	used, _, err := tx.UsedBy(who)
	if err == nil && used > a.quota() {
		err = relay.Errorf(relay.Full, relay.SubjectBlob, "upload quota exceeded")
	}
	if err != nil {
		return err
	}
	sum := relay.Digest(in.sum.Sum(nil))
	blocked, err := hashBlocked(tx, sum)
	if err == nil && blocked {
		err = bad("this file is blocked")
	}
	if err != nil {
		return err
	}
	if _, err := tx.ChangeBlob(b.ID, rule, 0, nil); err != nil {
		return err
	}
	return fileRows.Put(tx, b.ID, &fileRow{
		Owner: who, Name: in.name, Type: in.kind, Size: b.Size, Checksum: sum, Channel: in.channel, Created: relay.Time(tx.Now()),
	})
}

// A picture is one that was read whole.
type picture struct {
	kind string
	data []byte
	rule relay.RuleKind // small ones of files are opened by the file's rule alone
}

// putPicture stores a picture that is nobody's quota: a small one of a file, an
// avatar, an emoji. then runs in its commit.
func (a *api) putPicture(ctx context.Context, r *relay.Relay, p picture, then func(*relay.Tx, relay.ID) error) (relay.ID, error) {
	d := relay.BlobDraft{
		Family: family, Type: p.kind, MaxSize: int64(len(p.data)), Quota: math.MaxInt64, Rule: relay.Rule{Kind: p.rule},
	}
	b, err := r.PutBlob(ctx, d, bytes.NewReader(p.data), func(tx *relay.Tx, b relay.Blob) error { return then(tx, b.ID) })
	return b.ID, err
}
