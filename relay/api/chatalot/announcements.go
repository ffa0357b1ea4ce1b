package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// announcementOps are the rows of announcements, the users' and the
// administrators'.
func (a *api) announcementOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/announcements", wire.User, wire.Read(listAnnouncements), "what was announced and the caller has not put away").NamesNobody(),
		wire.Row("POST /api/announcements/:id/dismiss", wire.User, wire.Write(dismiss), "put an announcement away"),
		wire.Row("GET /api/account/announcements", wire.User, wire.Read(listAnnouncements), "the same as /announcements").NamesNobody(),
		wire.Row("POST /api/account/announcements/:id/dismiss", wire.User, wire.Write(dismiss), "the same as above"),
		wire.Row("POST /api/admin/announcements", wire.User, wire.Write(a.announce), "announce something to everybody"),
		wire.Row("GET /api/admin/announcements", wire.User, wire.Read(allAnnouncements), "what was announced, newest first"),
	}
}

// An announcement is what an administrator told everybody.
type announcement struct {
	Title   string     `cbor:"1,keyasint"`
	Body    string     `cbor:"2,keyasint"`
	By      relay.ID   `cbor:"3,keyasint"`
	Created relay.Time `cbor:"4,keyasint"`
}

var announcements = relay.NewRecords("chatalot announcement",
	relay.Index[announcement]{Name: "time", Key: func(n *announcement) [][]byte { return [][]byte{timeKey(n.Created)} }},
)

// A dismissal says that somebody put an announcement away. Its id is made of
// both.
type dismissal struct {
	Who          relay.ID `cbor:"1,keyasint"`
	Announcement relay.ID `cbor:"2,keyasint"`
}

var dismissals = relay.NewRecords("chatalot dismissal",
	relay.Index[dismissal]{Name: "who", Key: func(d *dismissal) [][]byte { return [][]byte{d.Who[:]} }},
).GoesWith("who", nil)

func (d dismissal) id() relay.ID {
	sum := relay.DigestOf(d.Who[:], d.Announcement[:])
	return relay.ID(sum[:16])
}

const (
	shownAnnouncements = 50
	adminAnnouncements = 100
	// maxAnnouncements is how many are kept; the oldest goes when another comes.
	maxAnnouncements = 500
)

// announcementOut is an Announcement.
type announcementOut struct {
	ID        uuid   `json:"id"`
	Title     string `json:"title"`
	Body      string `json:"body"`
	By        uuid   `json:"created_by"`
	CreatedAt moment `json:"created_at"`
}

func newAnnouncement(tx *relay.Tx, id relay.ID, n *announcement) (announcementOut, error) {
	by, err := lasting(tx, n.By)
	return announcementOut{uuid(id), n.Title, n.Body, uuid(by), moment(n.Created)}, err
}

// listAnnouncements lists what the caller has not put away, newest first.
func listAnnouncements(c *wire.Call, tx *relay.Tx, _ wire.None) ([]announcementOut, error) {
	return announced(tx, shownAnnouncements, func(id relay.ID) (bool, error) {
		_, away, err := dismissals.Get(tx, dismissal{c.Who.Account, id}.id())
		return !away, err
	})
}

func allAnnouncements(c *wire.Call, tx *relay.Tx, _ wire.None) ([]announcementOut, error) {
	if err := administers(c, tx); err != nil {
		return nil, err
	}
	return announced(tx, adminAnnouncements, func(relay.ID) (bool, error) { return true, nil })
}

func announced(tx *relay.Tx, limit int, keep func(relay.ID) (bool, error)) ([]announcementOut, error) {
	out := []announcementOut{}
	for f, err := range announcements.Scan(tx, "time", relay.Span{Reverse: true, Limit: maxAnnouncements}) {
		if err != nil {
			return nil, err
		}
		if ok, err := keep(f.ID); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		v, err := newAnnouncement(tx, f.ID, f.Record)
		if err != nil {
			return nil, err
		}
		if out = append(out, v); len(out) == limit {
			break
		}
	}
	return out, nil
}

func dismiss(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return wire.None{}, err
	}
	_, found, err := announcements.Get(tx, id)
	if err := firstError(err, missing(found, "announcement")); err != nil {
		return wire.None{}, err
	}
	d := dismissal{c.Who.Account, id}
	return wire.None{}, dismissals.Put(tx, d.id(), &d)
}

type announceIn struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}

// announce tells everybody, by the relay's own box.
func (a *api) announce(c *wire.Call, tx *relay.Tx, in announceIn) (announcementOut, error) {
	err := administers(c, tx)
	if err == nil {
		in.Title, err = sized(in.Title, "title", 1, 200)
	}
	if err == nil {
		in.Body, err = sized(in.Body, "body", 1, 5000)
	}
	if err != nil {
		return announcementOut{}, err
	}
	if announcements.Count(tx, "time", relay.Span{Limit: maxAnnouncements}) == maxAnnouncements {
		if err := dropBefore(tx, announcements, "time", tx.Wall(), 1); err != nil {
			return announcementOut{}, err
		}
	}
	id, n := newRecordID(tx), announcement{in.Title, in.Body, c.Who.Account, relay.Time(tx.Now())}
	if err := announcements.Put(tx, id, &n); err != nil {
		return announcementOut{}, err
	}
	d := relay.Draft{Lane: relay.Events, Kind: tellAnnouncement, From: c.Who.Account, Extra: pack(happening{Record: id})}
	if _, err := tx.Announce(d); err != nil {
		return announcementOut{}, err
	}
	if err := a.audit(c, tx, c.Who.Account, "admin_create_announcement", nil); err != nil {
		return announcementOut{}, err
	}
	return newAnnouncement(tx, id, &n)
}
