package chatalot

import (
	"cmp"
	"slices"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// groupOps are the rows of groups.
func (a *api) groupOps() []wire.Op {
	return append([]wire.Op{
		wire.Row("GET /api/groups", wire.User, wire.Read(listGroups), "the caller's groups, by name").NamesNobody(),
		wire.Row("POST /api/groups", wire.User, wire.Write(postGroup), "a new group in a community"),
		wire.Row("GET /api/groups/discover", wire.User, wire.Read(discoverGroups), "groups that the caller is in or may join").NamesNobody(),
		wire.Row("GET /api/groups/:id", wire.User, wire.Read(getGroup), "one group"),
		wire.Row("PATCH /api/groups/:id", wire.User, wire.Write(patchGroup), "change a group"),
		wire.Row("DELETE /api/groups/:id", wire.User, wire.Write(a.deleteGroup), "delete a group and its channels"),
		wire.Row("POST /api/groups/:id/transfer-ownership", wire.User, wire.Write(transferGroup), "pass a group on to a member"),
		wire.Row("POST /api/groups/:id/join", wire.User, wire.Write(joinGroup), "come into a group"),
		wire.Row("POST /api/groups/:id/leave", wire.User, wire.Write(leaveGroup), "leave a group"),
		wire.Row("GET /api/groups/:id/members", wire.User, wire.Free(listGroupMembers), "who is in a group, by rank"),
	}, a.groupInviteOps()...)
}

// groupOut is a Group.
type groupOut struct {
	ID           uuid     `json:"id"`
	Name         string   `json:"name"`
	Description  nullable `json:"description"`
	OwnerID      uuid     `json:"owner_id"`
	CommunityID  uuid     `json:"community_id"`
	CreatedAt    moment   `json:"created_at"`
	MemberCount  int      `json:"member_count"`
	Visibility   string   `json:"visibility"`
	Discoverable bool     `json:"discoverable"`
	Assigned     uuid     `json:"assigned_member_id"`
	AllowInvites bool     `json:"allow_invites"`
	IconURL      nullable `json:"icon_url"`
	BannerURL    nullable `json:"banner_url"`
	Accent       nullable `json:"accent_color"`
}

const (
	public  = "public"
	private = "private"
)

func newGroup(tx *relay.Tx, r relay.Room, set roomSettings) (groupOut, error) {
	assigned, err := lasting(tx, set.Assigned)
	out := groupOut{
		uuid(r.ID), set.Name, nullable(set.Description), uuid(set.Owner), uuid(r.Parent), moment(r.Created), r.Members,
		public, !set.Hidden, uuid(assigned), set.AllowInvites, nullable(set.Icon), nullable(set.Banner), nullable(set.Accent),
	}
	if set.Private {
		out.Visibility = private
	}
	return out, err
}

func byName(a, b groupOut) int {
	return cmp.Or(strings.Compare(fold(a.Name), fold(b.Name)), cmp.Compare(a.CreatedAt, b.CreatedAt))
}

// groupsOf lists the groups that somebody has a row in, of one community or
// (zero) of all, by name.
func groupsOf(tx *relay.Tx, who, community relay.ID) ([]groupOut, error) {
	list := []groupOut{}
	for acc, err := range roomsOf(tx, who) {
		if err != nil {
			return nil, err
		}
		set, err := settingsOf(acc.Room)
		if err != nil {
			return nil, err
		}
		if set.Kind != roomGroup || !community.IsZero() && acc.Room.Parent != community {
			continue
		}
		out, err := newGroup(tx, acc.Room, set)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	slices.SortFunc(list, byName)
	return list, nil
}

func listGroups(c *wire.Call, tx *relay.Tx, _ wire.None) ([]groupOut, error) {
	return groupsOf(tx, c.Who.Account, relay.ID{})
}

// Bounds of discovering.
const (
	maxDiscovered = 200
	maxLookedAt   = 2000 // groups looked at
)

// discoverGroups lists the groups of the caller's communities that everybody may
// find, or that he is in; for the owner of the instance those of all
// communities.
func discoverGroups(c *wire.Call, tx *relay.Tx, _ wire.None) ([]groupOut, error) {
	who := c.Who.Account
	rank, err := rankOf(tx, who)
	if err != nil {
		return nil, err
	}
	all := (relay.Standing{Rank: rank}).May(relay.ToSeeEverybody)
	communities, err := communitiesOf(tx, who, all)
	if err != nil {
		return nil, err
	}
	list := []groupOut{}
	looked := 0
	for _, id := range communities {
		groups, err := tx.Children(id, relay.ID{}, maxGroups)
		if err != nil {
			return nil, err
		}
		if looked += len(groups); looked > maxLookedAt {
			break
		}
		for _, r := range groups {
			out, ok, err := discovered(tx, r, who, all)
			if err != nil {
				return nil, err
			}
			if ok {
				list = append(list, out)
			}
		}
	}
	slices.SortFunc(list, byName)
	return list[:min(len(list), maxDiscovered)], nil
}

// discovered shows a group to somebody who may find it.
func discovered(tx *relay.Tx, r relay.Room, who relay.ID, all bool) (out groupOut, ok bool, err error) {
	set, err := settingsOf(r)
	if err != nil || set.Kind != roomGroup {
		return out, false, err
	}
	if !all && (set.Private || set.Hidden) {
		_, err := tx.Access(who, r.ID)
		if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
			return out, false, nil
		}
		if err != nil {
			return out, false, err
		}
	}
	out, err = newGroup(tx, r, set)
	return out, true, err
}

// pathGroup is the group in the path, for an action.
func pathGroup(c *wire.Call, tx *relay.Tx, a relay.Action) (groupPlace, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return groupPlace{}, err
	}
	return groupFor(tx, c.Who.Account, id, a)
}

func getGroup(c *wire.Call, tx *relay.Tx, _ wire.None) (groupOut, error) {
	g, err := pathGroup(c, tx, relay.ToEnterMiddle)
	if err != nil {
		return groupOut{}, err
	}
	return newGroup(tx, g.Room, g.set)
}

// groupPatch is what can be changed of a group.
type groupPatch struct {
	Name         Maybe[string] `json:"name"`
	Description  Maybe[string] `json:"description"`
	Visibility   Maybe[string] `json:"visibility"`
	Discoverable Maybe[bool]   `json:"discoverable"`
	AllowInvites Maybe[bool]   `json:"allow_invites"`
	IconURL      Maybe[string] `json:"icon_url"`
	BannerURL    Maybe[string] `json:"banner_url"`
	Accent       Maybe[string] `json:"accent_color"`
}

func (in groupPatch) apply(set *roomSettings) error {
	err := firstError(
		rename(&set.Name, in.Name, "name", maxName),
		patch(&set.Description, in.Description, "description", maxDescription),
		patchURL(&set.Icon, in.IconURL, "icon_url"),
		patchURL(&set.Banner, in.BannerURL, "banner_url"),
		patch(&set.Accent, in.Accent, "accent_color", 9),
	)
	if err == nil && set.Accent != "" && !isColour(set.Accent) {
		err = bad("accent_color must be # and 3 to 8 hex digits")
	}
	if err == nil && in.Visibility.Has() {
		err = oneOf(in.Visibility.Value, "visibility", public, private)
		set.Private = in.Visibility.Value == private
	}
	flag(&set.Hidden, in.Discoverable, false)
	flag(&set.AllowInvites, in.AllowInvites, true)
	return err
}

func patchGroup(c *wire.Call, tx *relay.Tx, in groupPatch) (groupOut, error) {
	g, err := pathGroup(c, tx, relay.ToEditMiddle)
	if err != nil {
		return groupOut{}, err
	}
	if in.AllowInvites.Has() {
		if err := g.top.permit(relay.ToOpenMiddleDoors); err != nil {
			return groupOut{}, err
		}
	}
	if err := in.apply(&g.set); err != nil {
		return groupOut{}, err
	}
	return g.store(tx)
}

// store keeps changed settings of a group and tells it.
func (g groupPlace) store(tx *relay.Tx) (groupOut, error) {
	r, err := tx.ChangeRoom(g.who, g.Room.ID, g.set.bytes(), changed)
	if err != nil {
		return groupOut{}, err
	}
	return newGroup(tx, r, g.set)
}

// deleteGroup deletes a group: its owner's to do, and where it is a personal
// one, its maker's and the community's moderators'.
func (a *api) deleteGroup(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	g, err := pathGroup(c, tx, relay.ToEnterMiddle)
	if err != nil {
		return none, err
	}
	switch personal := !g.set.Assigned.IsZero(); {
	case personal && g.set.Owner != g.who:
		err = g.top.permit(relay.ToOpenMiddleDoors)
	case !personal:
		err = g.permit(relay.ToCloseMiddle)
	}
	if err != nil {
		return none, err
	}
	about := map[string]any{"group_id": uuid(g.Room.ID), "group_name": g.set.Name, "community_id": uuid(g.Parent)}
	if err := a.audit(c, tx, g.who, "group_deleted", about); err != nil {
		return none, err
	}
	return none, tx.CloseRoom(g.who, g.Room.ID, []byte(roomGroup))
}

type newOwnerIn struct {
	NewOwner uuid `json:"new_owner_id"`
}

func (in *newOwnerIn) Check() error {
	if in.NewOwner == (uuid{}) {
		return wire.MissingField("new_owner_id")
	}
	return nil
}

// passOn makes a member the owner of a room and an admin of who was it. from is
// who was; he may be gone.
func (p place) passOn(tx *relay.Tx, from, to relay.ID) error {
	other, _, err := at(tx, to, p.Room.ID)
	if relay.Is(err, relay.NotFound) || err == nil && !other.In {
		return bad("the new owner must be a member")
	}
	switch {
	case err != nil:
		return err
	case from == to || other.Role == relay.RoleOwner:
		return bad("that is the owner already")
	}
	_, err = tx.SetRole(p.who, p.Room.ID, from, relay.RoleAdmin)
	if err != nil && !relay.Is(err, relay.NotFound) {
		return err
	}
	_, err = tx.SetRole(p.who, p.Room.ID, to, relay.RoleOwner)
	return err
}

func transferGroup(c *wire.Call, tx *relay.Tx, in newOwnerIn) (none wire.None, err error) {
	g, err := pathGroup(c, tx, relay.ToCloseMiddle)
	switch {
	case err != nil:
		return none, err
	case !g.set.Assigned.IsZero():
		return none, bad("a personal group cannot be passed on")
	}
	if err := g.passOn(tx, g.set.Owner, in.NewOwner.id()); err != nil {
		return none, err
	}
	g.set.Owner = in.NewOwner.id()
	_, err = g.store(tx)
	return none, err
}

// join lets somebody into the group if he may come by himself: who is in already
// stays so.
func (g groupPlace) join(tx *relay.Tx) error {
	switch {
	case g.own.In:
		return nil
	case !g.top.In:
		return forbidden("you are not a member of this community")
	case g.set.Private && g.set.Hidden && g.Rank == relay.RankNone:
		return forbidden("this group can be joined by invitation only")
	}
	return enterGroup(tx, g.Room, g.set, g.who, g.who)
}

// enterGroup makes a member of somebody. Channels that are not for everybody to
// find stay closed to him.
func enterGroup(tx *relay.Tx, r relay.Room, set roomSettings, by, who relay.ID) error {
	_, err := tx.Join(r.ID, relay.Joining{By: by, Seat: relay.Seat{Account: who}})
	if relay.Is(err, relay.Conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, channel := range set.Concealed {
		if err := tx.KeepOut(channel, who); err != nil && !relay.Is(err, relay.NotFound) {
			return err
		}
	}
	return nil
}

func joinGroup(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	id, err := pathID(c, "id")
	if err != nil {
		return none, err
	}
	g, err := groupAt(tx, c.Who.Account, id)
	if err != nil {
		return none, err
	}
	return none, g.join(tx)
}

func leaveGroup(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	id, err := pathID(c, "id")
	if err != nil {
		return none, err
	}
	g, err := groupAt(tx, c.Who.Account, id)
	switch {
	case err != nil:
		return none, err
	case !g.own.In:
		return none, forbidden("you are not a member of this group")
	case g.own.Role == relay.RoleOwner:
		return none, bad("the owner cannot leave; pass the group on first")
	}
	if err := tx.Leave(id, g.who); err != nil {
		return none, err
	}
	return none, rotateBelow(tx, rotation{Groups: []relay.ID{id}, Who: g.who, Reason: memberLeft})
}

func listGroupMembers(c *wire.Call, r *relay.Relay, _ wire.None) ([]memberOut, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	return listMembers(c, r, func(tx *relay.Tx) (place, error) {
		g, err := groupFor(tx, c.Who.Account, id, relay.ToEnterMiddle)
		return g.place, err
	})
}
