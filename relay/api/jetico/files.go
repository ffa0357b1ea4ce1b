package jetico

import (
	"net/http"
	"net/url"
	"os"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// kindFile is the event, in a conversation's box, that a file of a message is
// there; its extra is the file's record.
const kindFile = "file"

// Limits of files.
const (
	maxFiles    = 20 // of one message
	maxFileName = 1 << 10
	maxType     = 128
	opaque      = "application/octet-stream"
)

// A file is one of a message's. The name is sealed; so are the bytes.
type file struct {
	Room     relay.ID   `cbor:"1,keyasint"`
	Entry    relay.Time `cbor:"2,keyasint"`
	Blob     relay.ID   `cbor:"3,keyasint"`
	Name     string     `cbor:"4,keyasint"`
	Width    int64      `cbor:"5,keyasint"` // -1: not known
	Height   int64      `cbor:"6,keyasint"`
	Duration *int64     `cbor:"7,keyasint,omitempty"`
	Size     int64      `cbor:"8,keyasint"`
	Preview  *string    `cbor:"9,keyasint,omitempty"` // name of the file that is its preview
	Type     string     `cbor:"10,keyasint"`
	Place    relay.Time `cbor:"11,keyasint"` // when it came
}

var files = relay.NewRecords("jetico file",
	relay.Index[file]{Name: "room", Key: func(f *file) [][]byte {
		return [][]byte{append(append(f.Room[:], timeKey(f.Entry)...), timeKey(f.Place)...)}
	}},
).GoesWith("room", func(tx *relay.Tx, f *file) error { return unless(tx.RemoveBlob(f.Blob), relay.NotFound) })

func fileID(room relay.ID, entry relay.Time, name string) relay.ID {
	return recordID(room[:], timeKey(entry), []byte(name))
}

// filesOf returns the records of a message's files, in the order in which they
// came.
func filesOf(tx *relay.Tx, room relay.ID, entry relay.Time) (found []relay.Found[file], err error) {
	span := relay.Span{Prefix: append(room[:], timeKey(entry)...), Limit: 2 * maxFiles}
	for f, err := range files.Scan(tx, "room", span) {
		if err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

// dropFiles removes the files of a message.
func dropFiles(tx *relay.Tx, id relay.EntryID) error {
	box, err := tx.Box(id.Box)
	if err != nil {
		return err
	}
	list, err := filesOf(tx, box.Owner.ID, id.Time)
	if err != nil {
		return err
	}
	for _, f := range list {
		if _, err := files.Delete(tx, f.ID); err != nil {
			return err
		}
		if err := unless(tx.RemoveBlob(f.Record.Blob), relay.NotFound); err != nil {
			return err
		}
	}
	return nil
}

// A fileOut is a file of a message.
type fileOut struct {
	Name     string  `json:"fileNameEncrypted"`
	URL      string  `json:"downloadUrl"`
	Width    int64   `json:"width"`
	Height   int64   `json:"height"`
	Duration *int64  `json:"duration"`
	Size     int64   `json:"size"`
	Preview  *string `json:"previewFileNameEncrypted"`
	Type     string  `json:"mimeType"`
}

// newFile shows a file; base is where the family is reached from.
func newFile(base, conversation, message string, f *file) fileOut {
	return fileOut{
		f.Name, downloadURL(base, conversation, message, f.Name), f.Width, f.Height, f.Duration, f.Size, f.Preview, f.Type,
	}
}

// downloadURL is the address of a file: base64 has no underscore, so it can
// stand for the slash. Plus and equals sign stay as they are.
func downloadURL(base, conversation, message, name string) string {
	u := url.URL{Path: "/download/conversation_" + conversation + "/" + message + "_" + strings.ReplaceAll(name, "/", "_")}
	return base + u.EscapedPath()
}

type filesOut struct {
	Files []fileOut `json:"files"`
}

func (filesOut) reply() string { return "ResponseFiles" }

// getFilesFast lists the files of a message.
func (a *api) getFilesFast(c *wire.Call, tx *relay.Tx, in messageIn) (filesOut, error) {
	out := filesOut{[]fileOut{}}
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return out, err
	}
	e, err := cv.findMessage(tx, *in.Message)
	if err != nil {
		return out, err
	}
	message, err := messageUUID(tx, e)
	if err != nil {
		return out, err
	}
	list, err := filesOf(tx, cv.Room.ID, e.ID.Time)
	for _, f := range list {
		out.Files = append(out.Files, newFile(c.Base(), cv.uuid, message, f.Record))
	}
	return out, err
}

// getFiles lists the files of a message that are really on the disk, with the
// size they have there.
func (a *api) getFiles(c *wire.Call, r *relay.Relay, in messageIn) (filesOut, error) {
	var all filesOut
	var blobs []relay.ID
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		var err error
		if all, err = a.getFilesFast(c, tx, in); err != nil {
			return err
		}
		cv, err := findConv(tx, c.Who.Account, *in.Conversation)
		if err != nil {
			return err
		}
		e, err := cv.findMessage(tx, *in.Message)
		if err != nil {
			return err
		}
		list, err := filesOf(tx, cv.Room.ID, e.ID.Time)
		blobs = nil
		for _, f := range list {
			blobs = append(blobs, f.Record.Blob)
		}
		return err
	})
	out := filesOut{[]fileOut{}}
	if err != nil {
		return out, err
	}
	for i, id := range blobs {
		f, _, err := r.OpenBlob(c.Context(), c.Who.Account, id)
		if relay.Is(err, relay.NotFound) {
			continue
		}
		if err != nil {
			return out, err
		}
		info, err := f.Stat()
		f.Close()
		if err != nil {
			return out, relay.Errorf(relay.Internal, relay.SubjectBlob, "a file cannot be looked at")
		}
		all.Files[i].Size = info.Size()
		out.Files = append(out.Files, all.Files[i])
	}
	return out, nil
}

// A place is what the path of a file names.
type place struct{ conversation, message, name string }

// placeOf reads "conversation_{uuid}" and "{uuid}_{name}".
func placeOf(c *wire.Call) (p place, err error) {
	var ok bool
	if p.conversation, ok = conversationOf(c.Param("conversation")); !ok {
		return p, errNoConversation
	}
	rest := c.Param("file")
	if len(rest) < 38 || rest[36] != '_' {
		return p, errNoFile
	}
	p.message, p.name = rest[:36], strings.ReplaceAll(rest[37:], "_", "/")
	if _, ok = foldUUID(p.message); !ok {
		return p, errNoMessage
	}
	if len(p.name) > maxFileName {
		return p, wire.BadField("fileNameEncrypted")
	}
	return p, nil
}

func conversationOf(segment string) (uuid string, ok bool) {
	if uuid, ok = strings.CutPrefix(segment, "conversation_"); ok {
		_, ok = foldUUID(uuid)
	}
	return uuid, ok
}

// download sends a file, or the part of it that was asked for.
func (a *api) download(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	p, err := placeOf(c)
	if err != nil {
		return err
	}
	var blob relay.ID
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		room, entry, err := a.place(tx, c.Who.Account, p)
		if err != nil {
			return err
		}
		f, found, err := files.Get(tx, fileID(room, entry, p.name))
		if err == nil && !found {
			err = errNoFile
		}
		blob = f.Blob
		return err
	})
	if err != nil {
		return err
	}
	return a.send(c, w, r, blob)
}

// place finds the message of a file. Where downloads are open nobody is asked
// who he is.
func (a *api) place(tx *relay.Tx, who relay.ID, p place) (room relay.ID, entry relay.Time, err error) {
	if a.o.OpenDownloads {
		id, named := tx.IDNamed(roomAlias(p.conversation))
		if !named {
			return room, 0, errNoConversation
		}
		e, named := tx.EntryNamed(messageAlias(id, p.message))
		if !named {
			return room, 0, errNoMessage
		}
		return id, e.Time, nil
	}
	cv, err := findConv(tx, who, p.conversation)
	if err != nil {
		return room, 0, err
	}
	e, err := cv.findMessage(tx, p.message)
	return cv.Room.ID, e.ID.Time, err
}

// send sends the bytes of a blob, which are nothing a browser should look into.
func (a *api) send(c *wire.Call, w http.ResponseWriter, r *http.Request, blob relay.ID) error {
	post := c.Service.Relay
	var f *os.File
	var b relay.Blob
	var err error
	if c.Who.Account.IsZero() { // only where downloads are open
		f, b, err = post.OpenSignedBlob(c.Context(), blob)
	} else {
		f, b, err = post.OpenBlob(c.Context(), c.Who.Account, blob)
	}
	if err != nil {
		return err
	}
	wire.SendBlob(w, r, f, b, wire.Download{Type: opaque})
	return nil
}
