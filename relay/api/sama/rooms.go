package sama

import (
	"slices"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

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
