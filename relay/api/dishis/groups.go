package dishis

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// What a room of this family is.
const (
	isGroup     = "group"
	isCommunity = "community"
	isChannel   = "channel"
)

// Settings are what this family keeps with its rooms.
type settings struct {
	Is          string     `json:"is"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitzero"`
	Avatar      string     `json:"avatar,omitzero"`
	Cover       string     `json:"cover,omitzero"`
	By          relay.ID   `json:"by"`
	Updated     relay.Time `json:"updated,omitzero"`
	AdminsAdd   bool       `json:"adminsAdd,omitzero"` // groups: only admins add members
	Private     bool       `json:"private,omitzero"`   // communities and channels
	Kind        string     `json:"kind,omitzero"`      // channels: text, voice
	SealedKey   []byte     `json:"key,omitzero"`       // communities: the key that the relay holds, sealed
}

func (s settings) bytes() []byte { return wire.MustEncode(s) }

// updated is when the room was last changed.
func (s settings) updated(r relay.Room) string { return wire.ISO(cmp.Or(s.Updated, r.Created)) }

// settingsOf returns a room's settings. A room of another family, and a direct
// one, is a group of that family's name for it.
func settingsOf(r relay.Room) (s settings, err error) {
	if r.Family != family || r.Direct {
		return settings{Is: isGroup, Name: relay.NameOfRoom(r)}, nil
	}
	return s, wire.Decode(r.Settings, &s)
}

// nameOf returns the name of a room of this family; a direct one has none.
func nameOf(r relay.Room) string {
	if r.Direct {
		return ""
	}
	s, err := settingsOf(r)
	if err != nil {
		return ""
	}
	return s.Name
}

// A group is a room as one of its members sees it, or anybody where that does
// not matter.
type group struct {
	relay.Access
	settings
}

// admin reports whether the group is the member's to rule. Rooms of other
// families are ruled there.
func (g group) admin() bool { return g.Member.Role >= relay.RoleAdmin && g.Room.Family == family }

// findGroup returns a group of which who is a member.
func findGroup(tx *relay.Tx, who relay.ID, s string) (g group, err error) {
	id, ok := parseID(prefixGroup, s)
	if !ok {
		return g, noGroup
	}
	g.Access, err = tx.Reach(who, id)
	if relay.Is(err, relay.NotFound) {
		return g, outsideGroup(tx, id)
	}
	if err != nil {
		return g, err
	}
	if g.settings, err = settingsOf(g.Room); err == nil && (g.Is != isGroup || g.Room.Direct) {
		err = noGroup
	}
	return g, err
}

// outsideGroup is the error for a group that somebody is not in: those of other
// families are not known to outsiders.
func outsideGroup(tx *relay.Tx, id relay.ID) error {
	room, err := tx.Room(id)
	if err != nil {
		return noGroup
	}
	return outsideRoom(room)
}

func outsideRoom(room relay.Room) error {
	s, err := settingsOf(room)
	if err != nil || room.Family != family || s.Is != isGroup || room.Direct {
		return noGroup
	}
	return groupOnly
}

type createGroupIn struct {
	byUser
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Avatar      string   `json:"avatar"`
	Members     []string `json:"members"`
}

func (in *createGroupIn) Check() error {
	if len(in.Members) >= relay.MaxOpening {
		return bad("members")
	}
	return named(in.Name, in.Description, in.Avatar, "")
}

type groupOut struct {
	GroupID      string `json:"groupId"`
	Name         string `json:"name"`
	Description  string `json:"description"`
	CreatedBy    string `json:"createdBy"`
	MembersCount int    `json:"membersCount"`
	CreatedAt    string `json:"createdAt"`
}

func newGroup(tx *relay.Tx, r relay.Room, s settings) (groupOut, error) {
	n, err := 0, error(nil)
	if !r.Open { // which has no members
		n, err = tx.CountMembers(r.ID)
	}
	return groupOut{
		GroupID: prefixGroup + r.ID.String(), Name: s.Name, Description: s.Description,
		CreatedBy: userID(s.By), MembersCount: n, CreatedAt: wire.ISO(r.Created),
	}, err
}

// createGroup opens a group with its first members. Who cannot be added is left
// out.
func (a *api) createGroup(c *wire.Call, tx *relay.Tx, in createGroupIn) (answer, error) {
	if len(in.Members) >= a.o.MaxMembers {
		return answer{}, bad("members")
	}
	seats := []relay.Seat{{Account: c.Who.Account, Role: relay.RoleAdmin}}
	err := addable(tx, c.Who.Account, in.Members, func(who relay.ID) error {
		if !slices.ContainsFunc(seats, func(s relay.Seat) bool { return s.Account == who }) {
			seats = append(seats, relay.Seat{Account: who})
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	s := settings{Is: isGroup, Name: in.Name, Description: in.Description, Avatar: in.Avatar, By: c.Who.Account}
	room, err := tx.OpenRoom(relay.RoomDraft{By: c.Who.Account, Family: family, Settings: s.bytes(), Members: seats})
	if err != nil {
		return answer{}, err
	}
	out, err := newGroup(tx, room, s)
	return created(out), err
}

// addable calls each for the users of a list whom by may add to a room: those
// that exist and have not blocked him. The others are passed over silently.
func addable(tx *relay.Tx, by relay.ID, ids []string, each func(relay.ID) error) error {
	for _, s := range ids {
		user, err := findUser(tx, s)
		if relay.Is(err, relay.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if user.ID == by || tx.Blocked(user.ID, by) {
			continue
		}
		if err := each(user.ID); err != nil {
			return err
		}
	}
	return nil
}

type groupDetailsOut struct {
	groupOut
	Avatar    string           `json:"avatar"`
	Settings  groupSettingsOut `json:"settings"`
	Members   []groupMemberOut `json:"members"`
	UpdatedAt string           `json:"updatedAt"`
}

type groupSettingsOut struct {
	OnlyAdminsCanSend       bool `json:"onlyAdminsCanSend"`
	OnlyAdminsCanAddMembers bool `json:"onlyAdminsCanAddMembers"`
}

func newGroupSettings(g group) groupSettingsOut {
	return groupSettingsOut{g.Room.Writers >= relay.RoleAdmin, g.AdminsAdd}
}

type groupMemberOut struct {
	UserID   string `json:"userId"`
	Username string `json:"username"`
	Role     string `json:"role"`
	AddedAt  string `json:"addedAt"`
}

func roleName(r relay.Role) string {
	if r >= relay.RoleAdmin {
		return "admin"
	}
	return "member"
}

// groupDetails shows a group to its members.
func (a *api) groupDetails(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	g, err := a.findShown(c, tx, c.Param("groupId"))
	if err != nil {
		return answer{}, err
	}
	out := groupDetailsOut{Avatar: g.Avatar, Settings: newGroupSettings(g), Members: []groupMemberOut{}, UpdatedAt: g.updated(g.Room)}
	if out.groupOut, err = newGroup(tx, g.Room, g.settings); err != nil || g.Room.Open {
		return data(out), err
	}
	err = eachMember(tx, g.Room.ID, func(m relay.Member) error {
		p, err := profileBy(tx, m.Account)
		out.Members = append(out.Members, groupMemberOut{userID(m.Account), p.Username, roleName(m.Role), wire.ISO(m.Joined)})
		return err
	})
	slices.SortStableFunc(out.Members, func(a, b groupMemberOut) int {
		return compare(a.AddedAt, b.AddedAt)
	})
	return data(out), err
}

// findShown is findGroup, for anybody where callers are believed and this one
// names nobody.
func (a *api) findShown(c *wire.Call, tx *relay.Tx, s string) (g group, err error) {
	if !c.Who.Account.IsZero() {
		return findGroup(tx, c.Who.Account, s)
	}
	id, _ := parseID(prefixGroup, s)
	if g.Room, err = tx.Room(id); err != nil || outsideRoom(g.Room) != groupOnly {
		return g, noGroup
	}
	g.settings, err = settingsOf(g.Room)
	return g, err
}

// eachMember calls each for the members of a room.
func eachMember(tx *relay.Tx, room relay.ID, each func(relay.Member) error) error {
	for after := (relay.ID{}); ; {
		members, next, err := tx.Members(room, after, 1000)
		if err != nil {
			return err
		}
		for _, m := range members {
			if err := each(m); err != nil {
				return err
			}
		}
		if after = next; next.IsZero() {
			return nil
		}
	}
}

// roomsOf calls each for the rooms of an account that are no direct ones, up to
// maxRooms.
func roomsOf(tx *relay.Tx, who relay.ID, each func(group) error) error {
	return allRoomsOf(tx, who, func(acc relay.Access) error {
		if acc.Room.Direct {
			return nil
		}
		s, err := settingsOf(acc.Room)
		if err != nil {
			return err
		}
		return each(group{acc, s})
	})
}

// maxRooms is how many rooms of an account are looked through.
const maxRooms = 10_000

func allRoomsOf(tx *relay.Tx, who relay.ID, each func(relay.Access) error) error {
	for after, n := (relay.ID{}), 0; n < maxRooms; n += 1000 {
		rooms, next, err := tx.RoomsOf(who, after, 1000)
		if err != nil {
			return err
		}
		for _, acc := range rooms {
			if err := each(acc); err != nil {
				return err
			}
		}
		if after = next; next.IsZero() {
			break
		}
	}
	return nil
}

type listedGroupOut struct {
	groupOut
	Avatar    string `json:"avatar"`
	UpdatedAt string `json:"updatedAt"`
	Role      string `json:"role"`
}

// groupsOf lists the caller's groups, the newest first.
func (a *api) groupsOf(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	list := []listedGroupOut{}
	err := roomsOf(tx, c.Who.Account, func(g group) error {
		if g.Is != isGroup {
			return nil
		}
		out, err := newGroup(tx, g.Room, g.settings)
		list = append(list, listedGroupOut{out, g.Avatar, g.updated(g.Room), roleName(g.Member.Role)})
		return err
	})
	slices.SortStableFunc(list, func(a, b listedGroupOut) int { return compare(b.CreatedAt, a.CreatedAt) })
	return data(list), err
}

// groupKeys shows the keys of a group's members to its members.
func (a *api) groupKeys(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	g, err := findGroup(tx, c.Who.Account, c.Param("groupId"))
	if err != nil {
		return answer{}, err
	}
	list := []userOut{}
	if g.Room.Open {
		return data(list), nil
	}
	err = eachMember(tx, g.Room.ID, func(m relay.Member) error {
		account, err := tx.Stub(m.Account)
		if err != nil {
			return err
		}
		out, err := newUser(account)
		list = append(list, out)
		return err
	})
	return data(list), err
}
