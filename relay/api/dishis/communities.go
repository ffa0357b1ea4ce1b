package dishis

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// findCommunity returns a community, and whether who is a member of it.
func findCommunity(tx *relay.Tx, who relay.ID, s string) (g group, member bool, err error) {
	id, ok := parseID(prefixCommunity, s)
	if !ok {
		return g, false, noCommunity
	}
	if g.Room, err = tx.Room(id); relay.Is(err, relay.NotFound) || err == nil && g.Room.Family != family {
		return g, false, noCommunity
	}
	if err != nil {
		return g, false, err
	}
	if g.settings, err = settingsOf(g.Room); err != nil || g.Is != isCommunity {
		return g, false, first(err, noCommunity)
	}
	acc, err := tx.Access(who, id)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		return g, false, nil
	}
	g.Access = acc
	return g, err == nil, err
}

// ruledCommunity is findCommunity for its admins alone.
func ruledCommunity(tx *relay.Tx, who relay.ID, s, text string) (group, error) {
	g, member, err := findCommunity(tx, who, s)
	if err == nil && (!member || !g.admin()) {
		err = denied(text)
	}
	return g, err
}

// mode says who holds a community's key: "true", only its members; "trusted",
// the relay as well.
func (g group) mode() string {
	if g.Private {
		return "true"
	}
	return "trusted"
}

type createCommunityIn struct {
	byUser
	Name            string `json:"name"`
	Description     string `json:"description"`
	Avatar          string `json:"avatar"`
	CoverImage      string `json:"coverImage"`
	IsPrivate       bool   `json:"isPrivate"`
	EncryptedAESKey string `json:"encryptedAESKey"`
	PlaintextAESKey string `json:"plaintextAESKey"`
}

func (in *createCommunityIn) Check() error {
	switch {
	case in.IsPrivate && in.EncryptedAESKey == "":
		return refused("encryptedAESKey is required for a private community")
	case len(in.EncryptedAESKey) > maxWrapped:
		return bad("encryptedAESKey")
	case len(in.PlaintextAESKey) > maxWrapped:
		return bad("plaintextAESKey")
	}
	return named(in.Name, in.Description, in.Avatar, in.CoverImage)
}

type communityOut struct {
	CommunityID string `json:"communityId"`
	Name        string `json:"name"`
	Description string `json:"description"`
	CreatedBy   string `json:"createdBy"`
	IsPrivate   bool   `json:"isPrivate"`
	E2EEMode    string `json:"e2eeMode"`
	CreatedAt   string `json:"createdAt"`
}

func newCommunity(g group) communityOut {
	return communityOut{
		prefixCommunity + g.Room.ID.String(), g.Name, g.Description, userID(g.By),
		g.Private, g.mode(), wire.ISO(g.Room.Created),
	}
}

type createdCommunityOut struct {
	communityOut
	DefaultChannel string `json:"defaultChannel"`
}

// createCommunity opens a community with its first channel.
func (a *api) createCommunity(c *wire.Call, tx *relay.Tx, in createCommunityIn) (answer, error) {
	who := c.Who.Account
	s := settings{Is: isCommunity, Name: in.Name, Description: in.Description, Avatar: in.Avatar, Cover: in.CoverImage,
		By: who, Private: in.IsPrivate}
	var err error
	if !in.IsPrivate {
		if s.SealedKey, err = holdKey(tx, in.PlaintextAESKey); err != nil {
			return answer{}, err
		}
	}
	room, err := tx.OpenRoom(relay.RoomDraft{By: who, Family: family, Settings: s.bytes(),
		Members: []relay.Seat{{Account: who, Role: relay.RoleAdmin}}})
	if err != nil {
		return answer{}, err
	}
	general := settings{Is: isChannel, Name: "general", Description: "General discussion channel", Kind: "text", By: who}
	channel, err := openPublic(tx, room.ID, general)
	if err != nil {
		return answer{}, err
	}
	if err := setKey(tx, channel.ID, who, in.EncryptedAESKey); err != nil {
		return answer{}, err
	}
	g := group{relay.Access{Room: room}, s}
	return created(createdCommunityOut{newCommunity(g), prefixChannel + channel.ID.String()}), nil
}

type communityDetailsOut struct {
	communityOut
	ChannelIDs   []string             `json:"channelIds"`
	Avatar       string               `json:"avatar"`
	CoverImage   string               `json:"coverImage"`
	MembersCount int                  `json:"membersCount"`
	UpdatedAt    string               `json:"updatedAt"`
	Admins       []communityAdminOut  `json:"admins,omitzero"`
	Members      []communityMemberOut `json:"members,omitzero"`
}

type communityAdminOut struct {
	UserID   string `json:"userId"`
	Username string `json:"username"`
}

type communityMemberOut struct {
	UserID   string `json:"userId"`
	Username string `json:"username"`
	Role     string `json:"role"`
	JoinedAt string `json:"joinedAt"`
}

// maxListed is how many members of a community are listed; their number is told
// beside.
const maxListed = 1024

// communityDetails shows a community: a private one to its members alone.
func (a *api) communityDetails(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	g, member, err := findCommunity(tx, c.Who.Account, c.Param("communityId"))
	if err == nil && g.Private && !member {
		err = communalOnly
	}
	if err != nil {
		return answer{}, err
	}
	out := communityDetailsOut{communityOut: newCommunity(g), ChannelIDs: []string{}, Avatar: g.Avatar, CoverImage: g.Cover,
		MembersCount: g.Room.Members, UpdatedAt: g.updated(g.Room)}
	if !member {
		return data(out), nil
	}
	err = eachChannel(tx, g, c.Who.Account, func(ch channel) error {
		if ch.open {
			out.ChannelIDs = append(out.ChannelIDs, prefixChannel+ch.Room.ID.String())
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	out.Admins, out.Members, err = listMembers(tx, g.Room)
	return data(out), err
}

// listMembers lists the members of a community, admins apart as well, in the
// order in which they came.
func listMembers(tx *relay.Tx, room relay.Room) ([]communityAdminOut, []communityMemberOut, error) {
	admins, members := []communityAdminOut{}, []communityMemberOut{}
	err := eachMember(tx, room.ID, func(m relay.Member) error {
		if len(members) == maxListed && m.Role < relay.RoleAdmin {
			return nil
		}
		p, err := profileBy(tx, m.Account)
		if m.Role >= relay.RoleAdmin {
			admins = append(admins, communityAdminOut{userID(m.Account), p.Username})
		}
		if len(members) < maxListed {
			members = append(members, communityMemberOut{userID(m.Account), p.Username, roleName(m.Role), wire.ISO(m.Joined)})
		}
		return err
	})
	slices.SortStableFunc(members, func(a, b communityMemberOut) int { return compare(a.JoinedAt, b.JoinedAt) })
	return admins, members, err
}

type listedCommunityOut struct {
	CommunityID string `json:"communityId"`
	Name        string `json:"name"`
	Description string `json:"description"`
	IsPrivate   bool   `json:"isPrivate"`
	CreatedAt   string `json:"createdAt"`
	Avatar      string `json:"avatar"`
	CoverImage  string `json:"coverImage"`
	UpdatedAt   string `json:"updatedAt"`
	Role        string `json:"role"`
}

// communitiesOf lists the caller's communities, the newest first.
func (a *api) communitiesOf(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	list := []listedCommunityOut{}
	err := roomsOf(tx, c.Who.Account, func(g group) error {
		if g.Is == isCommunity {
			list = append(list, listedCommunityOut{prefixCommunity + g.Room.ID.String(), g.Name, g.Description, g.Private,
				wire.ISO(g.Room.Created), g.Avatar, g.Cover, g.updated(g.Room), roleName(g.Member.Role)})
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b listedCommunityOut) int { return compare(b.CreatedAt, a.CreatedAt) })
	return data(list), err
}

type communityRoleIn struct {
	byUser
	CommunityID string `json:"communityId"`
	MemberID    string `json:"memberId"`
	NewRole     string `json:"newRole"`
}

func (in *communityRoleIn) Check() error {
	return first(required("communityId", in.CommunityID, "memberId", in.MemberID), checkRole(in.NewRole))
}

type communityRoleOut struct {
	CommunityID string `json:"communityId"`
	MemberID    string `json:"memberId"`
	NewRole     string `json:"newRole"`
}

// setCommunityRole makes a member of a community an admin, or an admin a member.
func (a *api) setCommunityRole(c *wire.Call, tx *relay.Tx, in communityRoleIn) (answer, error) {
	g, err := ruledCommunity(tx, c.Who.Account, in.CommunityID, "Only admins may change roles")
	if err != nil {
		return answer{}, err
	}
	m, err := memberOf(tx, g.Room, in.MemberID)
	if err != nil {
		return answer{}, err
	}
	out := communityRoleOut{prefixCommunity + g.Room.ID.String(), userID(m.Account), in.NewRole}
	return said("Member role updated").of(out), changeRole(tx, c.Who.Account, g.Room, m, in.NewRole)
}
