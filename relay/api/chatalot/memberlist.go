package chatalot

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// memberOut is a CommunityMember, GroupMember or ChannelMember.
type memberOut struct {
	UserID      uuid      `json:"user_id"`
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name"`
	AvatarURL   nullable  `json:"avatar_url"`
	Role        string    `json:"role"`
	Nickname    *nullable `json:"nickname,omitzero"` // of a community
	JoinedAt    moment    `json:"joined_at"`
}

// A seat is somebody's place in the order of a list of members.
type seat struct {
	who    relay.ID
	role   relay.Role
	joined relay.Time
	nick   string
}

// listMembers gives out a part of the members of a room, by rank, then by how
// long they have been there. The rows lie in another order, so all are looked
// at, in slices, each with the right to see them asked again; names are looked
// up for those that are given out.
func listMembers(c *wire.Call, r *relay.Relay, find func(*relay.Tx) (place, error)) ([]memberOut, error) {
	limit, err := queryInt(c, "limit", 200, 1, 500)
	if err != nil {
		return nil, err
	}
	offset, err := queryInt(c, "offset", 0, 0, maxListed)
	if err != nil {
		return nil, err
	}
	var seats []seat
	var next relay.ID
	for more := true; more && len(seats) < maxListed; {
		err := r.View(c.Context(), func(tx *relay.Tx) error {
			p, err := find(tx)
			if err != nil {
				return err
			}
			var some []seat
			some, next, err = p.seats(tx, next)
			seats, more = append(seats, some...), !next.IsZero()
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(seats, func(a, b seat) int {
		return cmp.Or(cmp.Compare(b.role, a.role), cmp.Compare(a.joined, b.joined), slices.Compare(a.who[:], b.who[:]))
	})
	seats = seats[min(offset, len(seats)):]
	return named(c, r, seats[:min(limit, len(seats))], find)
}

// seats returns some members of a room, from the one after after, with their
// roles in this very room.
func (p place) seats(tx *relay.Tx, after relay.ID) ([]seat, relay.ID, error) {
	members, next, err := tx.Members(p.Room.ID, after, membersAtOnce)
	list := make([]seat, 0, len(members))
	for _, m := range members {
		s := seat{who: m.Account, joined: m.Joined, nick: p.rest(m).Nick}
		if m.Room == p.Room.ID {
			s.role = m.Role
		}
		list = append(list, s)
	}
	return list, next, err
}

// named looks up who it is that sits there.
func named(c *wire.Call, r *relay.Relay, seats []seat, find func(*relay.Tx) (place, error)) (list []memberOut, err error) {
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		list = []memberOut{}
		p, err := find(tx)
		if err != nil {
			return err
		}
		for _, s := range seats {
			_, who, err := stub(tx, s.who)
			if err != nil {
				return err
			}
			out := memberOut{
				UserID: uuid(s.who), Username: who.Username, DisplayName: who.DisplayName, AvatarURL: nullable(who.AvatarURL),
				Role: roleNames[s.role], JoinedAt: moment(s.joined),
			}
			if p.kind() == roomCommunity {
				nick := nullable(s.nick)
				out.Nickname = &nick
			}
			list = append(list, out)
		}
		return nil
	})
	return list, err
}
