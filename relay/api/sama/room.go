package sama

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// Settings are what a room of this API has beside its members.
type settings struct {
	Name        string     `json:"n,omitempty"`
	Description string     `json:"d,omitempty"`
	Picture     *pictureIn `json:"p,omitempty"`
	Owner       relay.ID   `json:"o,omitzero"` // who opened it; of a group, who rules it now
	Updated     relay.Time `json:"u,omitempty"`
}

// settingsOf returns the settings of a room. One of another family is named by
// its id, as people are.
func settingsOf(r relay.Room) (s settings, err error) {
	if r.Family == family && len(r.Settings) > 0 {
		err = wire.Decode(r.Settings, &s)
	}
	switch {
	case r.Direct && s.Owner.IsZero():
		s.Owner = r.Pair[0]
	case !r.Direct && s.Name == "":
		s.Name = r.ID.String()[:8]
	}
	return s, err
}

const (
	typeDialog = "u"
	typeGroup  = "g"
)

func typeOf(r relay.Room) string {
	if r.Direct {
		return typeDialog
	}
	return typeGroup
}

// peer is the other one of a direct room.
func peer(r relay.Room, who relay.ID) relay.ID {
	if r.Pair[0] == who {
		return r.Pair[1]
	}
	return r.Pair[0]
}

// A conversationOut is how a room is shown.
type conversationOut struct {
	ID           string      `json:"_id"`
	Type         string      `json:"type"`
	Name         string      `json:"name,omitempty"`
	Description  string      `json:"description,omitempty"`
	Picture      *pictureIn  `json:"image_object,omitempty"`
	PictureURL   string      `json:"image_url,omitempty"`
	OwnerID      string      `json:"owner_id"`
	OpponentID   string      `json:"opponent_id,omitempty"`
	Participants []string    `json:"participants,omitzero"`
	LastMessage  *messageOut `json:"last_message,omitempty"`
	Unread       *int        `json:"unread_messages_count,omitzero"`
	CreatedAt    string      `json:"created_at"`
	UpdatedAt    string      `json:"updated_at"`
}

// conversation renders a room.
func (v viewer) conversation(tx *relay.Tx, r relay.Room) (conversationOut, error) {
	s, err := settingsOf(r)
	if err != nil {
		return conversationOut{}, err
	}
	updated, err := updatedAt(tx, r, s)
	if err != nil {
		return conversationOut{}, err
	}
	out := conversationOut{
		ID: shownRoom(r), Type: typeOf(r), Name: s.Name, Description: s.Description, Picture: s.Picture,
		CreatedAt: wire.ISO(r.Created), UpdatedAt: wire.ISO(updated),
	}
	if s.Owner.IsZero() && !r.Open {
		s.Owner, err = ruler(tx, r)
	}
	if out.OwnerID = shown(s.Owner); r.Direct {
		out.OpponentID = shown(peer(r, s.Owner))
	}
	if err == nil && s.Picture != nil {
		out.PictureURL, err = v.pictureURL(tx, s.Picture)
	}
	return out, err
}

// ruler finds who owns a room of another family, among the first of its members.
func ruler(tx *relay.Tx, r relay.Room) (relay.ID, error) {
	members, _, err := tx.Members(r.ID, relay.ID{}, 100)
	for _, m := range members {
		if m.Role == relay.RoleOwner {
			return m.Account, nil
		}
	}
	return relay.ID{}, gone(err)
}

// updatedAt is when a room changed last: its settings, or what it holds.
func updatedAt(tx *relay.Tx, r relay.Room, s settings) (relay.Time, error) {
	last, err := tx.Before(relay.Messages, r.Box, 0, 0, 1)
	if err != nil {
		return 0, err
	}
	t := max(r.Created, s.Updated)
	if len(last) > 0 {
		t = max(t, last[0].ID.Time)
	}
	return t, nil
}

// listed is conversation with what a list shows: the last message that the
// viewer may see, and how many he has not read.
func (v viewer) listed(tx *relay.Tx, r relay.Room) (conversationOut, error) {
	out, err := v.conversation(tx, r)
	if err != nil {
		return out, err
	}
	acc, err := tx.Access(v.who, r.ID)
	if err != nil {
		return out, err
	}
	last, err := v.history(tx, acc, span{}, 1)
	if err != nil {
		return out, err
	}
	if len(last) > 0 {
		m, err := v.message(tx, r, last[0])
		if err != nil {
			return out, err
		}
		m.Status, m.CID, m.CType, m.UpdatedAt = v.status(tx, r, last[0]), "", "", ""
		out.LastMessage = &m
	}
	n, err := tx.Unread(v.who, r.Box, acc.Member.SeesFrom, relay.MaxUnread)
	out.Unread = &n
	return out, err
}

// maxParticipants is how many members of a room of another family are shown.
const maxParticipants = 1000

// participantsOf returns who is in a room, by their ids.
func participantsOf(tx *relay.Tx, r relay.Room) ([]string, error) {
	ids, err := memberIDs(tx, r)
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, shown(id))
	}
	return out, err
}

func memberIDs(tx *relay.Tx, r relay.Room) (ids []relay.ID, err error) {
	if r.Open {
		return nil, nil
	}
	members, _, err := tx.Members(r.ID, relay.ID{}, maxParticipants)
	for _, m := range members {
		ids = append(ids, m.Account)
	}
	return ids, gone(err)
}

// roomOf finds a room by the id that a client names. NotFound: there is none.
// Forbidden: the caller is not in it. An open room is found by its whole id.
func roomOf(tx *relay.Tx, who relay.ID, cid string) (relay.Access, error) {
	p, ok := prefix(cid)
	if !ok {
		acc, err := tx.FindRoom(who, cid)
		if relay.Is(err, relay.NotFound) {
			err = errNoRoom
		}
		return acc, err
	}
	r, err := tx.RoomByPrefix(p)
	if relay.Is(err, relay.NotFound) {
		return relay.Access{}, errNoRoom
	}
	if err != nil {
		return relay.Access{}, err
	}
	acc, err := tx.Access(who, r.ID)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		if r.Family != family {
			return relay.Access{}, errNoRoom // nobody can tell that it exists
		}
		return relay.Access{Room: r}, errForbidden
	}
	return acc, err
}
