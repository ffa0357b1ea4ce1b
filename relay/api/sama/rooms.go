package sama

import (
	"slices"
	"strings"

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
		CreatedAt: iso(r.Created), UpdatedAt: iso(updated),
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
		m.Status, m.CID, m.CType, m.UpdatedAt = v.status(tx, last[0]), "", "", ""
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
	if id, ok := relay.ParseID(cid); ok {
		acc, err := tx.Reach(who, id)
		if relay.Is(err, relay.NotFound) {
			err = errNoRoom
		}
		return acc, err
	}
	p, ok := prefix(cid)
	if !ok {
		return relay.Access{}, errNoRoom
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
		return relay.Access{Room: r}, errForbidden
	}
	return acc, err
}

type listRoomsIn struct {
	Limit   *int     `json:"limit"`
	Updated span     `json:"updated_at"`
	IDs     []string `json:"ids"`
	Name    field    `json:"name"` // of a search
}

// A dated room is one in a list that is ordered by what changed last.
type dated struct {
	room    relay.Room
	updated relay.Time
	name    string
}

// roomsOf returns the caller's rooms that are asked for, what changed last first.
func (in listRoomsIn) roomsOf(tx *relay.Tx, who relay.ID, keep func(dated) bool) (list []dated, err error) {
	for past := (relay.ID{}); ; {
		rooms, next, err := tx.RoomsOf(who, past, 1000)
		if err != nil {
			return nil, err
		}
		for _, acc := range rooms {
			s, err := settingsOf(acc.Room)
			if err != nil {
				return nil, err
			}
			d := dated{room: acc.Room, name: s.Name}
			if d.updated, err = updatedAt(tx, acc.Room, s); err != nil {
				return nil, err
			}
			if in.Updated.holds(d.updated) && keep(d) {
				list = append(list, d)
			}
		}
		if past = next; next.IsZero() {
			break
		}
	}
	slices.SortFunc(list, func(a, b dated) int {
		if a.updated != b.updated {
			return int(b.updated - a.updated)
		}
		return slices.Compare(b.room.ID[:], a.room.ID[:])
	})
	return list, nil
}

type conversationsOut struct {
	Conversations []conversationOut `json:"conversations"`
}

// listConversations shows the caller's conversations, what changed last first.
func (a *api) listConversations(c *wire.Call, tx *relay.Tx, in listRoomsIn) (conversationsOut, error) {
	out := conversationsOut{[]conversationOut{}}
	limit, err := page(in.Limit, 30)
	if err != nil || len(in.IDs) > 10 {
		return out, errShape
	}
	list, err := in.roomsOf(tx, c.Who.Account, func(d dated) bool {
		return len(in.IDs) == 0 || contains(in.IDs, shownRoom(d.room))
	})
	if err != nil {
		return out, err
	}
	v := viewerOf(c)
	for _, d := range list[:min(limit, len(list))] {
		conv, err := v.listed(tx, d.room)
		if err != nil {
			return out, err
		}
		out.Conversations = append(out.Conversations, conv)
	}
	return out, nil
}

// searchConversations finds the caller's conversations by a part of their name.
func (a *api) searchConversations(c *wire.Call, tx *relay.Tx, in listRoomsIn) (any, error) {
	limit, err := page(in.Limit, 30)
	if err != nil || !in.Name.within(1, 255) {
		return nil, errShape
	}
	what := folded(in.Name.v)
	list, err := in.roomsOf(tx, c.Who.Account, func(d dated) bool { return !d.room.Direct && strings.Contains(strings.ToLower(d.name), what) })
	if err != nil {
		return nil, err
	}
	list = list[:min(limit, len(list))]
	if viewerOf(c).dialect == "sdk" {
		ids := make([]string, len(list))
		for i, d := range list {
			ids[i] = shownRoom(d.room)
		}
		return map[string]any{"conversations": ids}, nil
	}
	type hit struct {
		ID   string `json:"_id"`
		Name string `json:"name"`
	}
	hits := make([]hit, len(list))
	for i, d := range list {
		hits[i] = hit{shownRoom(d.room), d.name}
	}
	return map[string]any{"conversations": hits}, nil
}

type participantsIn struct {
	CIDs []string `json:"cids"`
}

func (in *participantsIn) Check() error {
	if in.CIDs == nil {
		return wrong("'cids' field is required.")
	}
	if len(in.CIDs) > 100 {
		return errShape
	}
	return nil
}

type participantsOut struct {
	Users         []userOut           `json:"users"`
	Conversations map[string][]string `json:"conversations"`
}

// participants shows who is in conversations that the caller is in. Of a dialog
// both sides are shown, also when one has left.
func (a *api) participants(c *wire.Call, tx *relay.Tx, in participantsIn) (participantsOut, error) {
	out := participantsOut{[]userOut{}, map[string][]string{}}
	v, seen := viewerOf(c), map[relay.ID]bool{}
	for _, cid := range in.CIDs {
		acc, err := roomOf(tx, c.Who.Account, cid)
		if err != nil {
			if err = gone(err); err != nil {
				return out, err
			}
			continue
		}
		ids, err := memberIDs(tx, acc.Room)
		if err != nil {
			return out, err
		}
		out.Conversations[cid] = []string{}
		for _, id := range ids {
			out.Conversations[cid] = append(out.Conversations[cid], shown(id))
		}
		if acc.Room.Direct {
			ids = acc.Room.Pair[:]
		}
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			u, err := v.user(tx, id)
			if err == nil {
				out.Users = append(out.Users, u)
			} else if err = gone(err); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}
