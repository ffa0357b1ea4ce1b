package dishis

import (
	"encoding/binary"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// A view is that somebody saw a status update, the first time.
type view struct {
	Status relay.ID   `cbor:"1,keyasint"`
	Viewer relay.ID   `cbor:"2,keyasint"`
	At     relay.Time `cbor:"3,keyasint"`
}

const byStatus = "status"

var views = relay.NewRecords[view]("dishis view", relay.Index[view]{
	Name: byStatus,
	Key: func(v *view) [][]byte {
		return [][]byte{binary.BigEndian.AppendUint64(v.Status[:], uint64(v.At))}
	},
})

func viewID(status, viewer relay.ID) relay.ID {
	d := relay.DigestOf([]byte("dishis view"), status[:], viewer[:])
	return relay.ID(d[:16])
}

// maxViews is how many views of a status update are counted and listed.
const maxViews = 5000

type shownStatusOut struct {
	StatusID        string  `json:"statusId"`
	UserID          string  `json:"userId"`
	Type            string  `json:"type"`
	Content         string  `json:"content"`
	MediaID         *string `json:"mediaId"`
	BackgroundColor string  `json:"backgroundColor"`
	FontStyle       string  `json:"fontStyle"`
	VisibleTo       string  `json:"visibleTo"`
	EncryptedKey    *string `json:"encryptedKey"`
	CreatedAt       string  `json:"createdAt"`
	ExpiresAt       string  `json:"expiresAt"`
}

func newShownStatus(tx *relay.Tx, id relay.ID, s *status, viewer relay.ID) (shownStatusOut, error) {
	key, err := keyOf(tx, id, viewer)
	return shownStatusOut{
		prefixStatus + id.String(), userID(s.Owner), s.Type, string(s.Content), s.Media, s.Background, s.Font, s.Visible,
		key, wire.ISO(s.Created), wire.ISO(s.Expires),
	}, err
}

// statusesOf lists the status updates of a user that the caller may see, the
// newest first. What is shown counts as seen.
func (a *api) statusesOf(c *wire.Call, r *relay.Relay, _ wire.None) (answer, error) {
	var list []shownStatusOut
	var seen []relay.ID
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		list, seen = []shownStatusOut{}, nil
		owner, err := findUser(tx, c.Param("userId"))
		if err != nil {
			return err
		}
		for f, err := range statusRecords.Scan(tx, byOwner, relay.Span{Prefix: owner.ID[:], Reverse: true, Limit: maxStatuses}) {
			if err != nil {
				return err
			}
			if f.Record.Expires <= tx.Wall() {
				continue
			}
			if may, err := maySee(tx, f.Record, c.Who.Account); err != nil || !may {
				if err != nil {
					return err
				}
				continue
			}
			out, err := newShownStatus(tx, f.ID, f.Record, c.Who.Account)
			if err != nil {
				return err
			}
			list, seen = append(list, out), unseen(tx, seen, f.ID, f.Record, c.Who.Account)
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	return data(list), saw(c, seen)
}

// unseen appends a status update to those that a viewer sees for the first time.
func unseen(tx *relay.Tx, list []relay.ID, id relay.ID, s *status, viewer relay.ID) []relay.ID {
	if _, found, err := views.Get(tx, viewID(id, viewer)); err != nil || found || s.Owner == viewer {
		return list
	}
	return append(list, id)
}

// saw notes that the caller saw status updates, unless they are gone meanwhile.
func saw(c *wire.Call, list []relay.ID) error {
	if len(list) == 0 {
		return nil
	}
	return c.Update(func(tx *relay.Tx) error {
		for _, id := range list {
			_, there, err := statusRecords.Get(tx, id)
			if err != nil {
				return err
			}
			name := viewID(id, c.Who.Account)
			_, already, err := views.Get(tx, name)
			if err == nil && there && !already {
				err = views.Put(tx, name, &view{id, c.Who.Account, relay.Time(tx.Stamp(name[:]))})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

type statusDetailsOut struct {
	shownStatusOut
	SpecificUsers []string          `json:"specificUsers"`
	ExcludedUsers []string          `json:"excludedUsers"`
	EncryptedKeys map[string]string `json:"encryptedKeys"`
	ViewCount     *int              `json:"viewCount,omitzero"`
}

// statusDetails shows a status update. Whom else it is for, its owner alone is
// told.
func (a *api) statusDetails(c *wire.Call, r *relay.Relay, _ wire.None) (answer, error) {
	var out statusDetailsOut
	var seen []relay.ID
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		id, s, err := findStatus(tx, c.Param("statusId"))
		if err != nil {
			return err
		}
		may, err := maySee(tx, s, c.Who.Account)
		if err == nil && !may {
			err = denied("You may not view this status")
		}
		if err != nil {
			return err
		}
		seen = unseen(tx, nil, id, s, c.Who.Account)
		out, err = newStatusDetails(tx, id, s, c.Who.Account)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	return data(out), saw(c, seen)
}

func newStatusDetails(tx *relay.Tx, id relay.ID, s *status, viewer relay.ID) (out statusDetailsOut, err error) {
	out = statusDetailsOut{SpecificUsers: []string{}, ExcludedUsers: []string{}, EncryptedKeys: map[string]string{}}
	if out.shownStatusOut, err = newShownStatus(tx, id, s, viewer); err != nil {
		return out, err
	}
	if viewer != s.Owner {
		if slices.Contains(s.Specific, viewer) {
			out.SpecificUsers = append(out.SpecificUsers, userID(viewer))
		}
		if out.EncryptedKey != nil {
			out.EncryptedKeys[userID(viewer)] = *out.EncryptedKey
		}
		return out, nil
	}
	for _, who := range s.Specific {
		out.SpecificUsers = append(out.SpecificUsers, userID(who))
	}
	for _, who := range s.Excluded {
		out.ExcludedUsers = append(out.ExcludedUsers, userID(who))
	}
	for f, err := range wrappedKeys.Scan(tx, byScope, relay.Span{Prefix: id[:]}) {
		if err != nil {
			return out, err
		}
		out.EncryptedKeys[userID(f.Record.Account)] = f.Record.Key
	}
	n := views.Count(tx, byStatus, relay.Span{Prefix: id[:], Limit: maxViews})
	out.ViewCount = &n
	return out, nil
}

type viewersOut struct {
	StatusID  string      `json:"statusId"`
	ViewCount int         `json:"viewCount"`
	Viewers   []viewerOut `json:"viewers"`
}

type viewerOut struct {
	UserID   string `json:"userId"`
	Username string `json:"username"`
	ViewedAt string `json:"viewedAt"`
}

// viewers lists who saw a status update, the first one first, to its owner.
func (a *api) viewers(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	id, s, err := findStatus(tx, c.Param("statusId"))
	if err == nil && s.Owner != c.Who.Account {
		err = denied("Only the owner may do this")
	}
	if err != nil {
		return answer{}, err
	}
	out := viewersOut{StatusID: prefixStatus + id.String(), Viewers: []viewerOut{}}
	for f, err := range views.Scan(tx, byStatus, relay.Span{Prefix: id[:], Limit: maxViews}) {
		if err != nil {
			return answer{}, err
		}
		p, err := profileBy(tx, f.Record.Viewer)
		if err != nil {
			return answer{}, err
		}
		out.Viewers = append(out.Viewers, viewerOut{userID(f.Record.Viewer), p.Username, wire.ISO(f.Record.At)})
	}
	out.ViewCount = len(out.Viewers)
	return data(out), nil
}
