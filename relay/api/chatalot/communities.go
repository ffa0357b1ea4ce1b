package chatalot

import (
	"cmp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// communityOps are the rows of communities and the invites to them.
func (a *api) communityOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/communities", wire.User, wire.Read(listCommunities), "the caller's communities, by name").NamesNobody(),
		wire.Row("POST /api/communities", wire.User, wire.Write(a.postCommunity), "a new community"),
		wire.Row("GET /api/community-invites/:code", wire.User, wire.Read(getCommunityInvite), "what an invite is to"),
		wire.Row("POST /api/community-invites/:code/accept", wire.User, wire.Write(acceptCommunityInvite), "come into a community by an invite"),
		wire.Row("GET /api/communities/:cid", wire.User, wire.Read(getCommunity), "one community"),
		wire.Row("PATCH /api/communities/:cid", wire.User, wire.Write(patchCommunity), "change a community"),
		wire.Row("DELETE /api/communities/:cid", wire.User, wire.Write(deleteCommunity), "delete a community and all in it"),
		wire.Row("POST /api/communities/:cid/transfer-ownership", wire.User, wire.Write(transferCommunity), "pass a community on to a member"),
		wire.Row("GET /api/communities/:cid/invites", wire.User, wire.Read(listCommunityInvites), "the invites to a community, newest first"),
		wire.Row("POST /api/communities/:cid/invites", wire.User, wire.Write(postCommunityInvite), "a new invite to a community"),
		wire.Row("DELETE /api/communities/:cid/invites/:iid", wire.User, wire.Write(deleteCommunityInvite), "take an invite back"),
		wire.Row("GET /api/communities/:cid/groups", wire.User, wire.Read(listCommunityGroups), "the caller's groups in a community, by name"),
	}
}

// Limits of communities.
const (
	maxDescription = 2048
	maxWelcome     = 2000
)

// Policies say from which role on something is allowed.
const (
	everyone   = "everyone"
	moderators = "moderator"
	admins     = "admin"
)

func policyOf(s string) relay.Policy {
	switch s {
	case everyone:
		return relay.FromEverybody
	case moderators:
		return relay.FromModerators
	}
	return relay.FromAdmins
}

// communityOut is a Community.
type communityOut struct {
	ID           uuid           `json:"id"`
	Name         string         `json:"name"`
	Description  nullable       `json:"description"`
	IconURL      nullable       `json:"icon_url"`
	BannerURL    nullable       `json:"banner_url"`
	OwnerID      uuid           `json:"owner_id"`
	CreatedAt    moment         `json:"created_at"`
	MemberCount  int            `json:"member_count"`
	GroupPolicy  string         `json:"who_can_create_groups"`
	InvitePolicy string         `json:"who_can_create_invites"`
	Discoverable bool           `json:"discoverable"`
	Theme        jsontext.Value `json:"community_theme"`
	Welcome      nullable       `json:"welcome_message"`
}

func newCommunity(r relay.Room, set roomSettings) communityOut {
	theme := jsontext.Value("null")
	if len(set.Theme) > 0 {
		theme = set.Theme
	}
	return communityOut{
		uuid(r.ID), set.Name, nullable(set.Description), nullable(set.Icon), nullable(set.Banner), uuid(set.Owner), moment(r.Created),
		r.Members, cmp.Or(set.GroupPolicy, admins), cmp.Or(set.InvitePolicy, admins), !set.Hidden, theme, nullable(set.Welcome),
	}
}

// directory holds all communities, for who administers the instance.
var directory = relay.NewRecords("chatalot community",
	relay.Index[directoryRow]{Name: "room", Unique: true, Key: func(l *directoryRow) [][]byte { return [][]byte{l.Room[:]} }},
).GoesWith("room", nil)

type directoryRow struct {
	Room relay.ID `cbor:"1,keyasint"`
}

// communitiesOf returns the communities of an account, or all there are, in the
// order of their ids.
func communitiesOf(tx *relay.Tx, who relay.ID, all bool) (ids []relay.ID, err error) {
	if all {
		for f, err := range directory.All(tx, relay.ID{}) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, f.ID)
		}
		return ids, nil
	}
	for acc, err := range roomsOf(tx, who) {
		if err != nil {
			return nil, err
		}
		if isCommunity(acc.Room) {
			ids = append(ids, acc.Room.ID)
		}
	}
	return ids, nil
}

func listCommunities(c *wire.Call, tx *relay.Tx, _ wire.None) ([]communityOut, error) {
	limit, err := queryInt(c, "limit", 100, 1, 500)
	if err != nil {
		return nil, err
	}
	offset, err := queryInt(c, "offset", 0, 0, maxListed)
	if err != nil {
		return nil, err
	}
	list := []communityOut{}
	for acc, err := range roomsOf(tx, c.Who.Account) {
		if err != nil {
			return nil, err
		}
		set, err := settingsOf(acc.Room)
		if err != nil {
			return nil, err
		}
		if set.Kind == roomCommunity {
			list = append(list, newCommunity(acc.Room, set))
		}
	}
	slices.SortFunc(list, func(a, b communityOut) int {
		return cmp.Or(strings.Compare(fold(a.Name), fold(b.Name)), cmp.Compare(a.CreatedAt, b.CreatedAt))
	})
	list = list[min(offset, len(list)):]
	return list[:min(limit, len(list))], nil
}

type communityIn struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

func (in *communityIn) Check() (err error) {
	if in.Name, err = sized(in.Name, "name", 1, maxName); err != nil {
		return err
	}
	in.Description, err = sized(in.Description, "description", 0, maxDescription)
	return err
}

func (a *api) postCommunity(c *wire.Call, tx *relay.Tx, in communityIn) (communityOut, error) {
	who := c.Who.Account
	rank, err := rankOf(tx, who)
	if err != nil {
		return communityOut{}, err
	}
	if a.o.Communities != "open" && !(relay.Standing{Rank: rank}).May(relay.ToFoundTop) {
		return communityOut{}, forbidden("only administrators can create communities")
	}
	set := roomSettings{Kind: roomCommunity, Name: in.Name, Description: in.Description, Owner: who}
	r, err := tx.OpenRoom(relay.RoomDraft{
		By: who, Family: family, Settings: set.bytes(), Members: []relay.Seat{{Account: who, Role: relay.RoleOwner}},
	})
	if err != nil {
		return communityOut{}, err
	}
	return newCommunity(r, set), directory.Put(tx, r.ID, &directoryRow{r.ID})
}

// pathCommunity is the community in the path, through its gate.
func pathCommunity(c *wire.Call, tx *relay.Tx) (place, error) {
	id, err := pathID(c, "cid")
	if err != nil {
		return place{}, err
	}
	return communityAt(tx, c.Who.Account, id)
}

// pathCommunityFor is pathCommunity for an action.
func pathCommunityFor(c *wire.Call, tx *relay.Tx, a relay.Action) (place, error) {
	p, err := pathCommunity(c, tx)
	if err == nil {
		err = p.permit(a)
	}
	return p, err
}

func getCommunity(c *wire.Call, tx *relay.Tx, _ wire.None) (communityOut, error) {
	p, err := pathCommunity(c, tx)
	return newCommunity(p.Room, p.set), err
}

// communityPatch is what can be changed of a community.
type communityPatch struct {
	Name         Maybe[string]         `json:"name"`
	Description  Maybe[string]         `json:"description"`
	IconURL      Maybe[string]         `json:"icon_url"`
	BannerURL    Maybe[string]         `json:"banner_url"`
	GroupPolicy  Maybe[string]         `json:"who_can_create_groups"`
	InvitePolicy Maybe[string]         `json:"who_can_create_invites"`
	Discoverable Maybe[bool]           `json:"discoverable"`
	Theme        Maybe[jsontext.Value] `json:"community_theme"`
	Welcome      Maybe[string]         `json:"welcome_message"`
}

func (in communityPatch) apply(set *roomSettings) (err error) {
	err = firstError(
		rename(&set.Name, in.Name, "name", maxName),
		patch(&set.Description, in.Description, "description", maxDescription),
		patchURL(&set.Icon, in.IconURL, "icon_url"),
		patchURL(&set.Banner, in.BannerURL, "banner_url"),
		patch(&set.Welcome, in.Welcome, "welcome_message", maxWelcome),
	)
	for to, m := range map[*string]Maybe[string]{&set.GroupPolicy: in.GroupPolicy, &set.InvitePolicy: in.InvitePolicy} {
		if err == nil && m.Has() {
			*to, err = m.Value, oneOf(m.Value, "policy", everyone, moderators, admins)
		}
	}
	flag(&set.Hidden, in.Discoverable, false)
	switch {
	case err != nil || !in.Theme.Given:
	case in.Theme.Null:
		set.Theme = nil
	default:
		set.Theme, err = cleanTheme(in.Theme.Value)
	}
	return err
}

func patchCommunity(c *wire.Call, tx *relay.Tx, in communityPatch) (communityOut, error) {
	p, err := pathCommunityFor(c, tx, relay.ToEditTop)
	if err != nil {
		return communityOut{}, err
	}
	if err := in.apply(&p.set); err != nil {
		return communityOut{}, err
	}
	return p.storeCommunity(tx)
}

// storeCommunity keeps changed settings of a community and tells it.
func (p place) storeCommunity(tx *relay.Tx) (communityOut, error) {
	r, err := tx.ChangeRoom(p.who, p.Room.ID, p.set.bytes(), changed)
	return newCommunity(r, p.set), err
}

// deleteCommunity makes a community unreachable, and all below it. What it held
// goes in steps after that.
func deleteCommunity(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathCommunityFor(c, tx, relay.ToCloseTop)
	if err != nil {
		return none, err
	}
	return none, tx.CloseRoom(p.who, p.Room.ID, []byte(roomCommunity))
}

func transferCommunity(c *wire.Call, tx *relay.Tx, in newOwnerIn) (none wire.None, err error) {
	p, err := pathCommunityFor(c, tx, relay.ToCloseTop)
	if err != nil {
		return none, err
	}
	if err := p.passOn(tx, p.set.Owner, in.NewOwner.id()); err != nil {
		return none, err
	}
	p.set.Owner = in.NewOwner.id()
	_, err = p.storeCommunity(tx)
	return none, err
}

func listCommunityInvites(c *wire.Call, tx *relay.Tx, _ wire.None) ([]roomInviteOut, error) {
	p, err := pathCommunityFor(c, tx, relay.ToEditTop)
	if err != nil {
		return nil, err
	}
	return invitesTo(tx, p.Room.ID, maxInvitesListed)
}

func postCommunityInvite(c *wire.Call, tx *relay.Tx, in roomInviteIn) (roomInviteOut, error) {
	p, err := pathCommunity(c, tx)
	if err != nil {
		return roomInviteOut{}, err
	}
	if !p.Meets(policyOf(p.set.InvitePolicy)) {
		return roomInviteOut{}, forbidden("you may not invite into this community")
	}
	return makeInvite(tx, p, in)
}

func deleteCommunityInvite(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathCommunityFor(c, tx, relay.ToEditTop)
	if err != nil {
		return none, err
	}
	id, err := pathID(c, "iid")
	if err != nil {
		return none, err
	}
	return none, dropInvite(tx, p.Room.ID, id)
}

type communityInviteInfo struct {
	Name        string   `json:"community_name"`
	Description nullable `json:"community_description"`
	MemberCount int      `json:"member_count"`
	Code        string   `json:"code"`
}

// getCommunityInvite says what an invite is to. Of a community that is not to be
// found it says no more than that it is one.
func getCommunityInvite(c *wire.Call, tx *relay.Tx, _ wire.None) (out communityInviteInfo, err error) {
	_, i, r, set, err := findInvite(c, tx, false)
	if err != nil {
		return out, err
	}
	if err := i.good(tx); err != nil {
		return out, err
	}
	out = communityInviteInfo{set.Name, nullable(set.Description), r.Members, c.Param("code")}
	if set.Hidden {
		out.Name, out.Description = "Private Community", ""
	}
	return out, nil
}

type communityAccepted struct {
	CommunityID   uuid   `json:"community_id"`
	CommunityName string `json:"community_name"`
}

// acceptCommunityInvite lets the caller into a community and its public groups,
// all with one commit.
func acceptCommunityInvite(c *wire.Call, tx *relay.Tx, _ wire.None) (out communityAccepted, err error) {
	id, i, r, set, err := findInvite(c, tx, false)
	if err != nil {
		return out, err
	}
	if err := i.good(tx); err != nil {
		return out, err
	}
	who := c.Who.Account
	_, err = tx.Join(r.ID, relay.Joining{By: i.By, Came: true, Seat: relay.Seat{Account: who}})
	switch {
	case relay.Is(err, relay.Conflict):
		return out, relay.Errorf(relay.Conflict, relay.SubjectMember, "you are already a member of this community")
	case relay.Is(err, relay.Forbidden):
		return out, forbidden("you are banned from this community")
	case err != nil:
		return out, err
	}
	if err := enterPublicGroups(tx, r.ID, i.By, who); err != nil {
		return out, err
	}
	return communityAccepted{uuid(r.ID), set.Name}, i.spend(tx, id)
}

func enterPublicGroups(tx *relay.Tx, community, by, who relay.ID) error {
	groups, err := tx.Children(community, relay.ID{}, maxGroups)
	if err != nil {
		return err
	}
	for _, r := range groups {
		set, err := settingsOf(r)
		if err != nil {
			return err
		}
		if set.Kind != roomGroup || set.Private {
			continue
		}
		if err := enterGroup(tx, r, set, by, who); err != nil {
			return err
		}
	}
	return nil
}

func listCommunityGroups(c *wire.Call, tx *relay.Tx, _ wire.None) ([]groupOut, error) {
	p, err := pathCommunity(c, tx)
	if err != nil {
		return nil, err
	}
	return groupsOf(tx, p.who, p.Room.ID)
}
