package dishis

import (
	"cmp"
	"encoding/binary"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// Limits of status updates.
const (
	maxStatuses    = 500       // of one account, at a time
	maxStatusLists = 1024      // users named in one
	maxStatusBytes = 192 << 10 // of a content: it lies in one record with the lists
	maxStatusHours = 168
)

// Who may see a status update, besides its owner.
const (
	visibleAll      = "all" // as contacts
	visibleContacts = "contacts"
	visibleSpecific = "specific"
)

// A status is an update that its owner shows for some hours.
type status struct {
	Owner      relay.ID      `cbor:"1,keyasint"`
	Type       string        `cbor:"2,keyasint"`
	Content    []byte        `cbor:"3,keyasint,omitempty"`
	Media      *string       `cbor:"4,keyasint,omitempty"`
	Background string        `cbor:"5,keyasint,omitempty"`
	Font       string        `cbor:"6,keyasint,omitempty"`
	Visible    string        `cbor:"7,keyasint"`
	Specific   []relay.ID    `cbor:"8,keyasint,omitempty"`
	Excluded   []relay.ID    `cbor:"9,keyasint,omitempty"`
	Created    relay.Time    `cbor:"10,keyasint"`
	Expires    relay.Time    `cbor:"11,keyasint"`
	Timer      relay.TimerID `cbor:"12,keyasint,omitzero"`
}

const byOwner = "owner"

var statusRecords = relay.NewRecords[status]("dishis status", relay.Index[status]{
	Name: byOwner,
	Key: func(s *status) [][]byte {
		return [][]byte{binary.BigEndian.AppendUint64(s.Owner[:], uint64(s.Created))}
	},
}).GoesWith(byOwner, nil)

const verbStatusGone = "dishis status gone"

// goneStatus removes a status update whose time is over, a step at a time.
var goneStatus = relay.NewVerb(verbStatusGone, func(tx *relay.Tx, arg []byte) error {
	id := relay.ID(arg)
	if _, err := statusRecords.Delete(tx, id); err != nil {
		return err
	}
	left, err := wrappedKeys.DropOwned(tx, byScope, id, relay.StepKeys/4, nil)
	if err == nil && !left {
		left, err = views.DropOwned(tx, byStatus, id, relay.StepKeys/4, nil)
	}
	if err == nil && left {
		_, err = tx.SetTimer(tx.Wall(), verbStatusGone, arg)
	}
	return err
})

type createStatusIn struct {
	byUser
	Type            string            `json:"type"`
	Content         string            `json:"content"`
	MediaID         *string           `json:"mediaId"`
	BackgroundColor string            `json:"backgroundColor"`
	FontStyle       string            `json:"fontStyle"`
	VisibleTo       string            `json:"visibleTo"`
	SpecificUsers   []string          `json:"specificUsers"`
	ExcludedUsers   []string          `json:"excludedUsers"`
	ExpiresAt       *float64          `json:"expiresAt"` // hours
	ExpiresIn       *float64          `json:"expiresIn"` // another name of the same
	EncryptedKeys   map[string]string `json:"encryptedKeys"`
}

func (in *createStatusIn) Check() error {
	in.FontStyle, in.VisibleTo = cmp.Or(in.FontStyle, "default"), cmp.Or(in.VisibleTo, visibleAll)
	if in.ExpiresAt == nil {
		in.ExpiresAt = in.ExpiresIn
	}
	if in.ExpiresAt == nil {
		in.ExpiresAt = new(float64)
		*in.ExpiresAt = 24
	}
	switch {
	case in.Type == "":
		return missing("type")
	case !slices.Contains([]string{"text", "image", "video", "audio"}, in.Type):
		return bad("type")
	case in.Type == "text" && in.Content == "":
		return missing("content")
	case in.Type != "text" && (in.MediaID == nil || *in.MediaID == ""):
		return missing("mediaId")
	case in.MediaID != nil && len(*in.MediaID) > maxMedia:
		return bad("mediaId")
	case !(*in.ExpiresAt > 0 && *in.ExpiresAt <= maxStatusHours):
		return bad("expiresAt")
	case len(in.Content) > maxStatusBytes:
		return relay.Errorf(relay.TooLarge, relay.SubjectNone, "Payload too large")
	}
	return first(atMost("backgroundColor", in.BackgroundColor, maxName), atMost("fontStyle", in.FontStyle, maxName),
		wrapped("encryptedKeys", in.EncryptedKeys), in.checkVisible())
}

func (in *createStatusIn) checkVisible() error {
	switch {
	case !slices.Contains([]string{visibleAll, visibleContacts, visibleSpecific}, in.VisibleTo):
		return bad("visibleTo")
	case len(in.SpecificUsers) > maxStatusLists:
		return bad("specificUsers")
	case len(in.ExcludedUsers) > maxStatusLists:
		return bad("excludedUsers")
	case in.VisibleTo != visibleSpecific:
		in.SpecificUsers, in.EncryptedKeys = nil, nil
		return nil
	case len(in.SpecificUsers) == 0:
		return missing("specificUsers")
	}
	for _, s := range in.SpecificUsers {
		if in.EncryptedKeys[s] == "" {
			return missing("encryptedKeys")
		}
	}
	return nil
}

type createdStatusOut struct {
	StatusID  string `json:"statusId"`
	Type      string `json:"type"`
	CreatedAt string `json:"createdAt"`
	ExpiresAt string `json:"expiresAt"`
}

// createStatus shows a status update to some, or to whom the caller knows, for
// some hours.
func (a *api) createStatus(c *wire.Call, tx *relay.Tx, in createStatusIn) (answer, error) {
	if err := a.checkStatusMedia(tx, c.Who.Account, in); err != nil {
		return answer{}, err
	}
	specific, err := usersNamed(tx, in.SpecificUsers, bad("specificUsers"))
	if err != nil {
		return answer{}, err
	}
	excluded, err := usersNamed(tx, in.ExcludedUsers, nil)
	if err != nil {
		return answer{}, err
	}
	if statusRecords.Count(tx, byOwner, relay.Span{Prefix: c.Who.Account[:], Limit: maxStatuses}) == maxStatuses {
		return answer{}, refused("Too many statuses")
	}
	// The clock of commits gives no time twice: the order of two is theirs.
	id, now := relay.NewID(), relay.Time(tx.Stamp(c.Who.Account[:]))
	s := &status{
		Owner: c.Who.Account, Type: in.Type, Content: []byte(in.Content), Media: in.MediaID, Background: in.BackgroundColor,
		Font: in.FontStyle, Visible: in.VisibleTo, Specific: specific, Excluded: excluded,
		Created: now, Expires: now + relay.Time(*in.ExpiresAt*float64(hour)),
	}
	if s.Timer, err = goneStatus.At(tx, s.Expires, id[:]); err != nil {
		return answer{}, err
	}
	if err := statusRecords.Put(tx, id, s); err != nil {
		return answer{}, err
	}
	if err := setKeys(tx, id, in.EncryptedKeys); err != nil {
		return answer{}, err
	}
	out := createdStatusOut{prefixStatus + id.String(), s.Type, wire.ISO(s.Created), wire.ISO(s.Expires)}
	return created(out), announce(c, tx, id, s)
}

// checkStatusMedia: a picture's, video's or audio's file is the owner's own. A
// text's is whatever the client says.
func (a *api) checkStatusMedia(tx *relay.Tx, owner relay.ID, in createStatusIn) error {
	if in.Type == "text" {
		return nil
	}
	if err := findFile(tx, *in.MediaID); err != nil {
		return err
	}
	id, _ := parseID(prefixFile, *in.MediaID)
	b, err := tx.Blob(id)
	if err == nil && b.Owner != owner {
		err = noFile
	}
	return err
}

// usersNamed returns the accounts of user ids. Unknown ones are left out, or are
// the error that is given.
func usersNamed(tx *relay.Tx, list []string, unknown error) (ids []relay.ID, err error) {
	for _, s := range list {
		user, err := findUser(tx, s)
		if relay.Is(err, relay.NotFound) {
			if unknown != nil {
				return nil, unknown
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(ids, user.ID) {
			ids = append(ids, user.ID)
		}
	}
	return ids, nil
}

// signalStatus tells of a new status update whoever listens where its owner is.
// Each session looks for itself whether its user may see it.
const signalStatus = "dishis status"

// announce rings for a new status update once it is committed: at the users it
// names, else in all rooms of its owner.
func announce(c *wire.Call, tx *relay.Tx, id relay.ID, s *status) error {
	var boxes []relay.BoxID
	for _, who := range s.Specific {
		if a, err := tx.Account(who); err == nil {
			boxes = append(boxes, a.Box)
		}
	}
	if s.Visible != visibleSpecific {
		err := allRoomsOf(tx, s.Owner, func(acc relay.Access) error {
			boxes = append(boxes, acc.Room.Box)
			return nil
		})
		if err != nil {
			return err
		}
	}
	hub := c.Service.Relay.Hub()
	tx.OnCommit(func() {
		for _, b := range boxes {
			hub.Signal(b, relay.Signal{Kind: signalStatus, Box: b, From: s.Owner, Data: id[:]})
		}
	})
	return nil
}

type statusIn struct {
	byUser
	StatusID string `json:"statusId"`
}

func (in *statusIn) Check() error { return required("statusId", in.StatusID) }

type deletedStatusOut struct {
	StatusID string `json:"statusId"`
}

// deleteStatus takes a status update back.
func (a *api) deleteStatus(c *wire.Call, tx *relay.Tx, in statusIn) (answer, error) {
	id, s, err := findStatus(tx, in.StatusID)
	if err == nil && s.Owner != c.Who.Account {
		err = denied("Only the owner may do this")
	}
	if err != nil {
		return answer{}, err
	}
	tx.CancelTimer(s.Timer)
	if _, err := statusRecords.Delete(tx, id); err != nil {
		return answer{}, err
	}
	_, err = goneStatus.At(tx, tx.Wall(), id[:])
	return said("Status deleted successfully").of(deletedStatusOut{prefixStatus + id.String()}), err
}

// findStatus returns a status update that is not over.
func findStatus(tx *relay.Tx, text string) (id relay.ID, s *status, err error) {
	id, ok := parseID(prefixStatus, text)
	if !ok {
		return id, nil, noStatus
	}
	s, found, err := statusRecords.Get(tx, id)
	if err == nil && (!found || s.Expires <= tx.Wall()) {
		err = noStatus
	}
	return id, s, err
}

// maySee reports whether somebody may see a status update.
func maySee(tx *relay.Tx, s *status, who relay.ID) (bool, error) {
	switch {
	case who == s.Owner:
		return true, nil
	case slices.Contains(s.Excluded, who), tx.Blocked(s.Owner, who), tx.Blocked(who, s.Owner):
		return false, nil
	case s.Visible == visibleSpecific:
		return slices.Contains(s.Specific, who), nil
	}
	return acquainted(tx, s.Owner, who)
}

// acquainted reports whether two have written to each other, or have a group or
// community in common.
func acquainted(tx *relay.Tx, a, b relay.ID) (bool, error) {
	for r, err := range tx.CommonRooms(a, b) {
		if err != nil {
			return false, err
		}
		if r.Direct {
			said, err := tx.Before(relay.Messages, r.Box, 0, 0, 1)
			if err != nil || len(said) > 0 {
				return len(said) > 0, err
			}
			continue
		}
		s, err := settingsOf(r)
		if err != nil || s.Is != isChannel {
			return err == nil, err
		}
	}
	return false, nil
}
