package jetico

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// uploadWindow is how long after a message its files may come.
const uploadWindow = 24 * time.Hour

var noLength = problem(relay.Invalid, "missing field: Content-Length")

// upload stores a file of one of the caller's messages.
func (a *api) upload(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	p, err := placeOf(c)
	if err != nil {
		return err
	}
	f, err := fileIn(r, p)
	if err != nil {
		return err
	}
	if err := fits(r, a.o.MaxFile); err != nil {
		return err
	}
	me := c.Who.Account
	var message, conversation string
	post := c.Service.Relay
	err = post.View(c.Context(), func(tx *relay.Tx) error {
		_, _, err := a.takesFile(tx, me, p, f)
		return err
	})
	if err != nil {
		return err
	}
	draft := relay.BlobDraft{
		Owner: me, Family: family, Type: f.Type, MaxSize: r.ContentLength, Quota: a.o.FileQuota,
		Rule: relay.Rule{Kind: relay.OpenToMembers, Room: f.Room},
	}
	_, err = post.PutBlob(c.Context(), draft, wire.Limit(r.Body, r.ContentLength), func(tx *relay.Tx, b relay.Blob) error {
		cv, e, err := a.takesFile(tx, me, p, f)
		if err != nil {
			return err
		}
		f.Blob, f.Size, f.Place = b.ID, b.Size, relay.Time(tx.Now())
		id := fileID(f.Room, f.Entry, f.Name)
		if err := files.Put(tx, id, f); err != nil {
			return err
		}
		conversation = cv.uuid
		if message, err = messageUUID(tx, e); err != nil {
			return err
		}
		_, err = tx.Append(cv.Room.Box, relay.Draft{Lane: relay.Events, Kind: kindFile, From: me, Extra: pack(id)})
		return err
	})
	if err != nil {
		return err
	}
	respond(w, http.StatusCreated, newFile(c.Base(), conversation, message, f))
	return nil
}

// takesFile finds the message that a file is for, and fails unless it is the
// caller's, wants files, and may get another one of that name.
func (a *api) takesFile(tx *relay.Tx, me relay.ID, p place, f *file) (*conv, relay.Entry, error) {
	cv, err := findConv(tx, me, p.conversation)
	if err != nil {
		return nil, relay.Entry{}, err
	}
	e, err := cv.findMessage(tx, p.message)
	if err != nil {
		return nil, e, err
	}
	x, _, err := extraOf(tx, e)
	if err != nil {
		return nil, e, err
	}
	f.Room, f.Entry = cv.Room.ID, e.ID.Time
	list, err := filesOf(tx, f.Room, f.Entry)
	if err != nil {
		return nil, e, err
	}
	_, taken, err := files.Get(tx, fileID(f.Room, f.Entry, f.Name))
	switch {
	case err != nil:
	case e.From != me || e.Erased || !x.HasFiles:
		err = errAccess
	case tx.Wall() > e.ID.Time.Add(uploadWindow):
		err = errWindow
	case taken:
		err = errHasFile
	case len(list) >= maxFiles:
		err = errTooManyFiles
	}
	return cv, e, err
}

// fits checks the length of a body, which has to be said beforehand.
func fits(r *http.Request, max int64) error {
	switch {
	case r.ContentLength < 0:
		return noLength
	case r.ContentLength > max:
		return errFileTooLarge
	}
	return nil
}

// fileIn reads what a request says of the file that it brings.
func fileIn(r *http.Request, p place) (*file, error) {
	q := r.URL.Query()
	f := &file{Name: p.name, Width: -1, Height: -1, Type: cmp.Or(r.Header.Get("Content-Type"), opaque)}
	if len(f.Type) > maxType {
		return nil, wire.BadField("mimeType")
	}
	var duration int64
	for name, v := range map[string]*int64{"width": &f.Width, "height": &f.Height, "duration": &duration} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.ParseInt(q.Get(name), 10, 32)
		if err != nil || n < -1 || n == -1 && name == "duration" {
			return nil, wire.BadField(name)
		}
		*v = n
	}
	if q.Has("duration") {
		f.Duration = &duration
	}
	if q.Has("preview") {
		preview := strings.ReplaceAll(q.Get("preview"), " ", "+") // of who did not escape it
		if len(preview) > maxFileName {
			return nil, wire.BadField("preview")
		}
		f.Preview = &preview
	}
	return f, nil
}

// respond writes a JSON answer of a Raw row.
func respond(w http.ResponseWriter, status int, body any) {
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(wire.MustEncode(body)) // to somebody who is gone; it is done all the same
}
