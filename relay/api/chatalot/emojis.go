package chatalot

import (
	"net/http"
	"regexp"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// emojiOps are the rows of a community's emoji.
func (a *api) emojiOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/communities/:cid/emojis", wire.User, wire.Read(listEmojis), "the emoji of a community, by shortcode"),
		wire.Row("POST /api/communities/:cid/emojis", wire.User, wire.Raw(a.postEmoji), "a new emoji"),
		wire.Row("DELETE /api/communities/:cid/emojis/:eid", wire.User, wire.Write(deleteEmoji), "delete an emoji"),
		wire.Row("GET /api/emojis/:id", wire.Anyone, wire.Raw(serveEmoji), "the picture of an emoji"),
	}
}

// Bounds of emoji.
const (
	maxEmojis      = 50 // of one community
	maxEmojiBytes  = 256 << 10
	emojiIsKeptFor = 24 * time.Hour // by who loaded it
)

// An emoji is a small picture of a community's own, under a short name.
type emoji struct {
	Community relay.ID   `cbor:"1,keyasint"`
	Shortcode string     `cbor:"2,keyasint"`
	Type      string     `cbor:"3,keyasint"`
	Blob      relay.ID   `cbor:"4,keyasint"`
	By        relay.ID   `cbor:"5,keyasint"`
	Created   relay.Time `cbor:"6,keyasint"`
}

var emojis = relay.NewRecords("chatalot emoji",
	relay.Index[emoji]{Name: "shortcode", Unique: true, Key: func(e *emoji) [][]byte {
		return [][]byte{append(e.Community[:], e.Shortcode...)}
	}},
).GoesWith("shortcode", func(tx *relay.Tx, e *emoji) error { return withoutBlob(tx, e.Blob) })

var shortcode = regexp.MustCompile(`^[A-Za-z0-9_]{2,32}$`)

type emojiOut struct {
	ID          uuid   `json:"id"`
	CommunityID uuid   `json:"community_id"`
	Shortcode   string `json:"shortcode"`
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
	UploadedBy  uuid   `json:"uploaded_by"`
	CreatedAt   moment `json:"created_at"`
}

func newEmoji(tx *relay.Tx, id relay.ID, e *emoji) (emojiOut, error) {
	by, err := lasting(tx, e.By)
	return emojiOut{
		uuid(id), uuid(e.Community), e.Shortcode, "/api/emojis/" + uuid(id).String(), e.Type, uuid(by), moment(e.Created),
	}, err
}

func listEmojis(c *wire.Call, tx *relay.Tx, _ wire.None) ([]emojiOut, error) {
	p, err := pathCommunity(c, tx)
	if err != nil {
		return nil, err
	}
	list := []emojiOut{}
	for f, err := range emojis.Scan(tx, "shortcode", relay.Span{Prefix: p.Room.ID[:]}) {
		if err != nil {
			return nil, err
		}
		out, err := newEmoji(tx, f.ID, f.Record)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}

// postEmoji takes a picture and its name. They may stand in either order in the
// form, so the name is looked at when the picture is on the disk.
func (a *api) postEmoji(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	err := c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		_, err := pathCommunityFor(c, tx, relay.ToEditTop)
		return err
	})
	if err != nil {
		return err
	}
	in, err := a.readPicture(c, r, "file", maxEmojiBytes, typePNG, typeGIF, typeWebP)
	if err != nil {
		return err
	}
	var out emojiOut
	err = keepPicture(c, in, maxEmojiBytes, func(tx *relay.Tx, blob relay.ID) error {
		p, err := pathCommunityFor(c, tx, relay.ToEditTop)
		if err != nil {
			return err
		}
		name := in.form.Fields["shortcode"]
		switch {
		case !shortcode.MatchString(name):
			return bad("shortcode must be 2 to 32 letters, digits and underscores")
		case emojis.Count(tx, "shortcode", relay.Span{Prefix: p.Room.ID[:], Limit: maxEmojis}) >= maxEmojis:
			return bad("a community can have %d emoji", maxEmojis)
		}
		id := newRecordID(tx)
		e := &emoji{p.Room.ID, name, in.kind, blob, p.who, relay.Time(tx.Now())}
		if err := emojis.Put(tx, id, e); relay.Is(err, relay.Conflict) {
			return relay.Errorf(relay.Conflict, relay.SubjectRecord, "an emoji of that shortcode exists")
		} else if err != nil {
			return err
		}
		out, err = newEmoji(tx, id, e)
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, out)
}

func noEmoji() error { return relay.Errorf(relay.NotFound, relay.SubjectRecord, "emoji not found") }

func deleteEmoji(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathCommunityFor(c, tx, relay.ToEditTop)
	if err != nil {
		return none, err
	}
	id, err := pathID(c, "eid")
	if err != nil {
		return none, err
	}
	e, found, err := emojis.Get(tx, id)
	if err == nil && (!found || e.Community != p.Room.ID) {
		err = noEmoji()
	}
	if err != nil {
		return none, err
	}
	if _, err := emojis.Delete(tx, id); err != nil {
		return none, err
	}
	return none, withoutBlob(tx, e.Blob)
}

func serveEmoji(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	var e *emoji
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		var found bool
		var err error
		if e, found, err = emojis.Get(tx, id); err == nil && !found {
			err = noEmoji()
		}
		return err
	})
	if err != nil {
		return err
	}
	return sendBlob(c, w, r, e.Blob, wire.Download{Type: e.Type, MaxAge: emojiIsKeptFor})
}
