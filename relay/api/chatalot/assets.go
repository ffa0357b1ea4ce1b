package chatalot

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// assetOps are the rows of pictures of users, communities and groups.
func (a *api) assetOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/communities/:cid/icon", wire.User, wire.Raw(a.communityPicture("icon")), "a community's icon"),
		wire.Row("POST /api/communities/:cid/banner", wire.User, wire.Raw(a.communityPicture("banner")), "a community's banner"),
		wire.Row("GET /api/community-assets/:filename", wire.Anyone, wire.Raw(serveAsset(dirCommunities)), "a community's picture"),
		wire.Row("POST /api/groups/:id/icon", wire.User, wire.Raw(a.groupPicture("icon")), "a group's icon"),
		wire.Row("POST /api/groups/:id/banner", wire.User, wire.Raw(a.groupPicture("banner")), "a group's banner"),
		wire.Row("POST /api/groups/:id/voice-background", wire.User, wire.Raw(a.groupBackground), "what a group's voice channels show"),
		wire.Row("POST /api/groups/:id/channels/:cid/voice-background", wire.User, wire.Raw(a.channelBackground), "what one voice channel shows"),
		wire.Row("GET /api/group-assets/:filename", wire.Anyone, wire.Raw(serveAsset(dirGroups)), "a group's picture"),
		wire.Row("POST /api/account/avatar", wire.User, wire.Raw(a.accountPicture("avatar", "avatar")), "the caller's picture"),
		wire.Row("POST /api/account/banner", wire.User, wire.Raw(a.accountPicture("banner", "banner")), "the caller's banner"),
		wire.Row("POST /api/account/voice-background", wire.User, wire.Raw(a.accountPicture("background", "voicebg")), "what the caller shows in calls"),
		wire.Row("DELETE /api/account/voice-background", wire.User, wire.Write(dropBackground), "show nothing in calls"),
		wire.Row("GET /api/avatars/:filename", wire.Anyone, wire.Raw(serveAsset(dirAvatars)), "a user's picture"),
	}
}

// maxPicture is how many bytes a picture of somebody or something may have.
const maxPicture = 10 << 20

// Where pictures are served from, under /api/.
const (
	dirAvatars     = "avatars"
	dirCommunities = "community-assets"
	dirGroups      = "group-assets"
)

// An asset is a picture of an account or a room, in its place: the next one
// takes it. Everybody who knows its name may see it, and browsers must without a
// token. It goes with its owner.
type asset struct {
	Owner relay.ID `cbor:"1,keyasint"`
	Name  string   `cbor:"2,keyasint"` // its path under /api/, without the ending
	Type  string   `cbor:"3,keyasint"`
	Blob  relay.ID `cbor:"4,keyasint"`
}

var assets = relay.NewRecords("chatalot asset",
	relay.Index[asset]{Name: "name", Unique: true, Key: func(x *asset) [][]byte { return [][]byte{[]byte(x.Name)} }},
	relay.Index[asset]{Name: "owner", Key: func(x *asset) [][]byte { return [][]byte{x.Owner[:]} }},
).GoesWith("owner", func(tx *relay.Tx, x *asset) error { return withoutBlob(tx, x.Blob) })

// withoutBlob removes a blob; one that is gone is no error.
func withoutBlob(tx *relay.Tx, id relay.ID) error {
	if err := tx.RemoveBlob(id); !relay.Is(err, relay.NotFound) {
		return err
	}
	return nil
}

// assetName is where the picture of something is found; part is what it is, ""
// for the one that needs no name.
func assetName(dir string, owner relay.ID, part string) string {
	name := dir + "/" + uuid(owner).String()
	if part != "" {
		name += "_" + part
	}
	return name
}

// place puts a picture in its place and returns its address, which changes with
// it, so that nobody keeps the old one.
func (x asset) place(tx *relay.Tx) (url string, err error) {
	id, old, found, err := assets.Find(tx, "name", []byte(x.Name))
	if err != nil {
		return "", err
	}
	if !found {
		id = newRecordID(tx)
	} else if err := withoutBlob(tx, old.Blob); err != nil {
		return "", err
	}
	url = "/api/" + x.Name + "." + extensions[x.Type] + "?v=" + strconv.FormatInt(int64(tx.Now())/1000, 10)
	return url, assets.Put(tx, id, &x)
}

// dropAsset removes a picture, if there is one.
func dropAsset(tx *relay.Tx, name string) error {
	id, x, found, err := assets.Find(tx, "name", []byte(name))
	if err != nil || !found {
		return err
	}
	if err := withoutBlob(tx, x.Blob); err != nil {
		return err
	}
	_, err = assets.Delete(tx, id)
	return err
}

// serveAsset sends the pictures of a directory to anybody.
func serveAsset(dir string) func(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	return func(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
		name := c.Param("filename")
		if strings.Contains(name, "..") || strings.ContainsAny(name, `/\`) {
			return bad("invalid file name")
		}
		base, ending, _ := strings.Cut(name, ".")
		var x *asset
		err := c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
			var found bool
			var err error
			_, x, found, err = assets.Find(tx, "name", []byte(dir+"/"+base))
			if err == nil && (!found || extensions[x.Type] != ending) {
				err = noFile()
			}
			return err
		})
		if err != nil {
			return err
		}
		return sendBlob(c, w, r, x.Blob, wire.Download{Type: x.Type, MaxAge: time.Hour})
	}
}

// A coming picture is one in a form.
type coming struct {
	form *wire.Form
	body io.Reader
	kind string
}

// readPicture reads a form up to a picture in a field, which is of one of the
// types, by its own word and by its bytes.
func (a *api) readPicture(c *wire.Call, r *http.Request, field string, max int64, types ...string) (*coming, error) {
	if err := often(a.limits.uploads, c.Who.Account, "too many uploads"); err != nil {
		return nil, err
	}
	form, err := wire.ReadForm(r, max)
	switch {
	case err != nil:
		return nil, err
	case form.File == nil || form.Field != field:
		return nil, bad("no picture in field %s", field)
	}
	if err := oneOf(form.FileType, "type of the picture", types...); err != nil {
		return nil, err
	}
	head := bufio.NewReaderSize(form.File, sniffBytes)
	first, err := head.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	kind, err := sniff(first)
	if err != nil || kind != form.FileType {
		return nil, bad("the picture is not of the type it says")
	}
	return &coming{form, &untilEnd{strip(kind, head), form.Rest}, kind}, nil
}

// pictures are the types that pictures of people and rooms may have.
var pictures = []string{typePNG, typeJPEG, typeWebP, typeGIF}

// keepPicture stores a picture as nobody's quota; then decides in its commit
// where it goes, and whether it may.
func keepPicture(c *wire.Call, in *coming, max int64, then func(*relay.Tx, relay.ID) error) error {
	d := relay.BlobDraft{
		Family: family, Type: in.kind, MaxSize: max, Quota: math.MaxInt64, Rule: relay.Rule{Kind: relay.OpenToAnyone},
	}
	_, err := c.Service.Relay.PutBlob(c.Context(), d, in.body, func(tx *relay.Tx, b relay.Blob) error { return then(tx, b.ID) })
	return err
}

// communityPicture takes a picture of a community.
func (a *api) communityPicture(part string) func(*wire.Call, http.ResponseWriter, *http.Request) error {
	return func(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
		may := func(tx *relay.Tx) error { _, err := pathCommunityFor(c, tx, relay.ToEditTop); return err }
		in, err := a.admitPicture(c, r, part, may)
		if err != nil {
			return err
		}
		var out communityOut
		err = keepPicture(c, in, maxPicture, func(tx *relay.Tx, blob relay.ID) error {
			p, err := pathCommunityFor(c, tx, relay.ToEditTop)
			if err != nil {
				return err
			}
			x := asset{p.Room.ID, assetName(dirCommunities, p.Room.ID, part), in.kind, blob}
			if err := x.into(tx, part, &p.set); err != nil {
				return err
			}
			out, err = p.storeCommunity(tx)
			return err
		})
		if err != nil {
			return err
		}
		return writeJSON(w, out)
	}
}

// into puts a picture in its place and its address into settings.
func (x asset) into(tx *relay.Tx, part string, set *roomSettings) error {
	url, err := x.place(tx)
	switch part {
	case "icon":
		set.Icon = url
	case "banner":
		set.Banner = url
	default:
		set.VoiceBackground = url
	}
	return err
}

// admitPicture asks first whether the caller may, then reads on.
func (a *api) admitPicture(c *wire.Call, r *http.Request, field string, may func(*relay.Tx) error) (*coming, error) {
	if err := c.Service.Relay.View(c.Context(), may); err != nil {
		return nil, err
	}
	return a.readPicture(c, r, field, maxPicture, pictures...)
}

// mayEditGroup is what every picture of a group, and of its channels, asks for.
func mayEditGroup(c *wire.Call) func(tx *relay.Tx) error {
	return func(tx *relay.Tx) error { _, err := pathGroup(c, tx, relay.ToEditMiddle); return err }
}

// groupPicture takes a picture of a group.
func (a *api) groupPicture(part string) func(*wire.Call, http.ResponseWriter, *http.Request) error {
	return func(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
		in, err := a.admitPicture(c, r, part, mayEditGroup(c))
		if err != nil {
			return err
		}
		var out groupOut
		err = keepPicture(c, in, maxPicture, func(tx *relay.Tx, blob relay.ID) error {
			g, err := pathGroup(c, tx, relay.ToEditMiddle)
			if err != nil {
				return err
			}
			x := asset{g.Room.ID, assetName(dirGroups, g.Room.ID, part), in.kind, blob}
			if err := x.into(tx, part, &g.set); err != nil {
				return err
			}
			out, err = g.store(tx)
			return err
		})
		if err != nil {
			return err
		}
		return writeJSON(w, out)
	}
}

// backgroundOut is a group, and what its voice channels show.
type backgroundOut struct {
	groupOut
	VoiceBackground string `json:"voice_background"`
}

// groupBackground takes what the voice channels of a group show that have nothing
// of their own; with channel_id, what that one shows.
func (a *api) groupBackground(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	in, err := a.admitPicture(c, r, "background", mayEditGroup(c))
	if err != nil {
		return err
	}
	var out any
	err = keepPicture(c, in, maxPicture, func(tx *relay.Tx, blob relay.ID) error {
		g, err := pathGroup(c, tx, relay.ToEditMiddle)
		if err != nil {
			return err
		}
		if s := in.form.Fields["channel_id"]; s != "" {
			id, ok := parseID(s)
			if !ok {
				return bad("invalid channel_id")
			}
			out, err = g.background(tx, id, in.kind, blob)
			return err
		}
		x := asset{g.Room.ID, assetName(dirGroups, g.Room.ID, "voicebg"), in.kind, blob}
		if err := x.into(tx, "voicebg", &g.set); err != nil {
			return err
		}
		group, err := g.store(tx)
		out = backgroundOut{group, g.set.VoiceBackground}
		if err != nil {
			return err
		}
		return g.repaint(tx)
	})
	if err != nil {
		return err
	}
	return writeJSON(w, out)
}

// repaint tells the voice channels of a group that show what the group shows.
func (g groupPlace) repaint(tx *relay.Tx) error {
	rooms, err := tx.Children(g.Room.ID, relay.ID{}, maxInGroup)
	if err != nil {
		return err
	}
	for _, r := range rooms {
		set, err := settingsOf(r)
		if err != nil {
			return err
		}
		if set.Kind != roomVoice || set.VoiceBackground != "" {
			continue
		}
		if _, err := tx.ChangeRoom(g.who, r.ID, r.Settings, changed); err != nil {
			return err
		}
	}
	return nil
}

// background gives one channel of a group a background of its own.
func (g groupPlace) background(tx *relay.Tx, channel relay.ID, kind string, blob relay.ID) (channelOut, error) {
	p, found, err := at(tx, g.who, channel)
	if err == nil && (!found || p.Parent != g.Room.ID) {
		err = noChannel()
	}
	if err != nil {
		return channelOut{}, err
	}
	x := asset{channel, assetName(dirGroups, channel, "voicebg"), kind, blob}
	if err := x.into(tx, "voicebg", &p.set); err != nil {
		return channelOut{}, err
	}
	r, err := tx.ChangeRoom(p.who, channel, p.set.bytes(), changed)
	if err != nil {
		return channelOut{}, err
	}
	return newChannel(tx, r)
}

func (a *api) channelBackground(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(c, "cid")
	if err != nil {
		return err
	}
	in, err := a.admitPicture(c, r, "background", mayEditGroup(c))
	if err != nil {
		return err
	}
	var out channelOut
	err = keepPicture(c, in, maxPicture, func(tx *relay.Tx, blob relay.ID) error {
		g, err := pathGroup(c, tx, relay.ToEditMiddle)
		if err != nil {
			return err
		}
		out, err = g.background(tx, id, in.kind, blob)
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, out)
}

// accountPicture takes a picture of the caller. Of a background the client wants
// the address alone.
func (a *api) accountPicture(field, part string) func(*wire.Call, http.ResponseWriter, *http.Request) error {
	return func(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
		in, err := a.readPicture(c, r, field, maxPicture, pictures...)
		if err != nil {
			return err
		}
		name := assetName(dirAvatars, c.Who.Account, map[bool]string{true: "", false: part}[part == "avatar"])
		var out any
		err = keepPicture(c, in, maxPicture, func(tx *relay.Tx, blob relay.ID) error {
			acc, p, err := account(tx, c.Who.Account)
			if err != nil {
				return err
			}
			url, err := asset{acc.ID, name, in.kind, blob}.place(tx)
			if err != nil {
				return err
			}
			out = struct {
				URL string `json:"url"`
			}{url}
			switch part {
			case "avatar":
				p.AvatarURL = url
			case "banner":
				p.BannerURL = url
			default:
				p.VoiceBackground = url
				return showProfile(tx, acc, p)
			}
			out = newUser(acc, p, a.status(c.Service.Relay, acc.ID))
			return showProfile(tx, acc, p)
		})
		if err != nil {
			return err
		}
		return writeJSON(w, out)
	}
}

func dropBackground(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	acc, p, err := account(tx, c.Who.Account)
	if err != nil {
		return none, err
	}
	if err := dropAsset(tx, assetName(dirAvatars, acc.ID, "voicebg")); err != nil {
		return none, err
	}
	p.VoiceBackground = ""
	return none, showProfile(tx, acc, p)
}
