package chatalot

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// communityMemberOps are the rows of who is in a community, and who may not be.
func (a *api) communityMemberOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/communities/:cid/leave", wire.User, wire.Write(leaveCommunity), "leave a community, its groups and channels"),
		wire.Row("GET /api/communities/:cid/members", wire.User, wire.Free(listCommunityMembers), "who is in a community, by rank"),
		wire.Row("PUT /api/communities/:cid/members/:uid/role", wire.User, wire.Write(setCommunityRole), "give a member another role"),
		wire.Row("PUT /api/communities/:cid/members/:uid/nickname", wire.User, wire.Write(setNickname), "what a member is called here"),
		wire.Row("DELETE /api/communities/:cid/members/:uid", wire.User, wire.Write(a.kickFromCommunity), "remove a member"),
		wire.Row("GET /api/communities/:cid/bans", wire.User, wire.Free(listCommunityBans), "who is banned, newest first"),
		wire.Row("POST /api/communities/:cid/bans/:uid", wire.User, wire.Write(a.banFromCommunity), "ban a user"),
		wire.Row("DELETE /api/communities/:cid/bans/:uid", wire.User, wire.Write(a.unbanFromCommunity), "lift a ban"),
	}
}

// groupsBelow returns the groups of a community that somebody has a row in.
func groupsBelow(tx *relay.Tx, community, who relay.ID) (ids []relay.ID, err error) {
	groups, err := tx.Children(community, relay.ID{}, maxGroups)
	if err != nil {
		return nil, err
	}
	for _, r := range groups {
		m, err := tx.Member(r.ID, who)
		switch {
		case relay.Is(err, relay.NotFound):
		case err != nil:
			return nil, err
		case m.State == relay.StateMember:
			ids = append(ids, r.ID)
		}
	}
	return ids, nil
}

// without takes somebody out of a community by what is done, and has the
// channels he was in make new keys.
func (p place) without(tx *relay.Tx, who relay.ID, reason string, out func() error) error {
	groups, err := groupsBelow(tx, p.Room.ID, who)
	if err != nil {
		return err
	}
	if err := out(); err != nil {
		return err
	}
	return rotateBelow(tx, rotation{Groups: groups, Who: who, Reason: reason})
}

func leaveCommunity(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathCommunity(c, tx)
	switch {
	case err != nil:
		return none, err
	case p.In && p.Role == relay.RoleOwner:
		return none, bad("the owner cannot leave; pass the community on first")
	case !p.In:
		return none, forbidden("you are not a member of this community")
	}
	return none, p.without(tx, p.who, memberLeft, func() error { return tx.Leave(p.Room.ID, p.who) })
}

func listCommunityMembers(c *wire.Call, r *relay.Relay, _ wire.None) ([]memberOut, error) {
	return listMembers(c, r, func(tx *relay.Tx) (place, error) { return pathCommunity(c, tx) })
}

// pathTarget is the user in the path.
func pathTarget(c *wire.Call, name string) (relay.ID, error) { return pathID(c, name) }

// memberHere finds another member of a room, as he stands there. NotFound: he is
// not in it.
func (p place) memberHere(tx *relay.Tx, who relay.ID) (place, error) {
	other, _, err := at(tx, who, p.Room.ID)
	if relay.Is(err, relay.NotFound) || err == nil && !other.In {
		err = relay.Errorf(relay.NotFound, relay.SubjectMember, "member not found")
	}
	return other, err
}

// below fails unless the caller stands above somebody.
func (p place) below(other place) error {
	if !p.Outranks(other.Standing) {
		return forbidden("you can only do this to members of a lower role")
	}
	return nil
}

type roleIn struct {
	Role string `json:"role"`
}

// Check refuses owner, which is passed on and not given.
func (in *roleIn) Check() error { return oneOf(in.Role, "role", "member", "moderator", "admin") }

func (in roleIn) role() relay.Role {
	for role, name := range roleNames {
		if name == in.Role {
			return role
		}
	}
	return relay.RoleMember
}

func setCommunityRole(c *wire.Call, tx *relay.Tx, in roleIn) (none wire.None, err error) {
	action := relay.ToSetRoleTop
	if in.role() == relay.RoleAdmin {
		action = relay.ToSetAdminTop
	}
	p, err := pathCommunityFor(c, tx, action)
	if err != nil {
		return none, err
	}
	target, err := pathTarget(c, "uid")
	if err != nil {
		return none, err
	}
	if target == p.who {
		return none, bad("you cannot change your own role")
	}
	other, err := p.memberHere(tx, target)
	switch {
	case err != nil:
		return none, err
	case other.Role == relay.RoleOwner:
		return none, bad("the owner's role cannot be changed")
	}
	if err := p.below(other); err != nil {
		return none, err
	}
	_, err = tx.SetRole(p.who, p.Room.ID, target, in.role())
	return none, err
}

type nicknameIn struct {
	Nickname Maybe[string] `json:"nickname"`
}

// setNickname says what a member is called in a community: his own to say, and
// who edits the community's.
func setNickname(c *wire.Call, tx *relay.Tx, in nicknameIn) (none wire.None, err error) {
	p, err := pathCommunity(c, tx)
	if err != nil {
		return none, err
	}
	target, err := pathTarget(c, "uid")
	if err != nil {
		return none, err
	}
	if target != p.who {
		if err := p.permit(relay.ToEditTop); err != nil {
			return none, err
		}
	}
	if _, err := p.memberHere(tx, target); err != nil {
		return none, err
	}
	m, err := tx.Member(p.Room.ID, target)
	if err != nil {
		return none, err
	}
	rest := p.rest(m)
	if err := patch(&rest.Nick, in.Nickname, "nickname", maxName); err != nil {
		return none, err
	}
	_, err = tx.SetRest(p.who, p.Room.ID, target, pack(rest), []byte("nickname"))
	return none, err
}

func (a *api) kickFromCommunity(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathCommunityFor(c, tx, relay.ToModerateTop)
	if err != nil {
		return none, err
	}
	target, err := pathTarget(c, "uid")
	if err != nil {
		return none, err
	}
	if target == p.who {
		return none, bad("you cannot remove yourself")
	}
	other, err := p.memberHere(tx, target)
	if err == nil {
		err = p.below(other)
	}
	if err != nil {
		return none, err
	}
	if err := a.audit(c, tx, p.who, "community_kick", p.about(target, "")); err != nil {
		return none, err
	}
	return none, p.without(tx, target, memberRemoved, func() error { return tx.RemoveMember(p.who, p.Room.ID, target) })
}

// about is what the audit log keeps of something done to somebody in a
// community, or in a channel.
func (p place) about(target relay.ID, reason string) map[string]any {
	about := map[string]any{"target_user_id": uuid(target)}
	about["channel_id"] = uuid(p.Room.ID)
	if p.kind() == roomCommunity {
		delete(about, "channel_id")
		about["community_id"] = uuid(p.Room.ID)
	}
	if reason != "" {
		about["reason"] = reason
	}
	return about
}

// A banOut is a CommunityBan.
type banOut struct {
	UserID      uuid     `json:"user_id"`
	Username    string   `json:"username"`
	DisplayName string   `json:"display_name"`
	Reason      nullable `json:"reason"`
	CreatedAt   moment   `json:"created_at"`
}

// maxBansListed is how many bans are given out.
const maxBansListed = 500

func listCommunityBans(c *wire.Call, r *relay.Relay, _ wire.None) ([]banOut, error) {
	list := []banOut{}
	for next, more := (relay.ID{}), true; more && len(list) < maxListed; {
		err := r.View(c.Context(), func(tx *relay.Tx) error {
			p, err := pathCommunityFor(c, tx, relay.ToModerateTop)
			if err != nil {
				return err
			}
			var rows []relay.Member
			rows, next, err = tx.MembersByState(p.Room.ID, relay.StateBanned, next, membersAtOnce)
			more = !next.IsZero()
			for _, m := range rows {
				if err != nil {
					break
				}
				var who profile
				_, who, err = stub(tx, m.Account)
				rest := restOf(m)
				list = append(list, banOut{uuid(m.Account), who.Username, who.DisplayName, nullable(rest.Reason), moment(rest.At)})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b banOut) int { return cmp.Compare(b.CreatedAt, a.CreatedAt) })
	return list[:min(len(list), maxBansListed)], nil
}

type reasonIn struct {
	wire.Optional
	Reason string `json:"reason"`
}

func (in *reasonIn) Check() (err error) {
	in.Reason, err = sized(in.Reason, "reason", 0, 500)
	return err
}

// banFromCommunity keeps somebody out, whether he is in or not.
func (a *api) banFromCommunity(c *wire.Call, tx *relay.Tx, in reasonIn) (none wire.None, err error) {
	p, err := pathCommunityFor(c, tx, relay.ToModerateTop)
	if err != nil {
		return none, err
	}
	target, err := pathTarget(c, "uid")
	if err != nil {
		return none, err
	}
	if target == p.who {
		return none, bad("you cannot ban yourself")
	}
	if _, _, err := account(tx, target); err != nil {
		return none, err
	}
	if err := p.lower(tx, target); err != nil {
		return none, err
	}
	if err := a.audit(c, tx, p.who, "community_ban", p.about(target, in.Reason)); err != nil {
		return none, err
	}
	return none, p.without(tx, target, memberRemoved, func() error { return p.ban(tx, target, in.Reason) })
}

// ban is the core's, with the reason and the time kept. Once more is no error.
func (p place) ban(tx *relay.Tx, target relay.ID, reason string) error {
	err := tx.Ban(p.who, p.Room.ID, target, pack(memberRest{Reason: reason, At: relay.Time(tx.Now())}))
	if relay.Is(err, relay.Conflict) {
		return nil
	}
	return err
}

func (a *api) unbanFromCommunity(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathCommunityFor(c, tx, relay.ToModerateTop)
	if err != nil {
		return none, err
	}
	target, err := pathTarget(c, "uid")
	if err != nil {
		return none, err
	}
	if err := tx.Unban(p.who, p.Room.ID, target); err != nil {
		return none, err
	}
	return none, a.audit(c, tx, p.who, "community_unban", p.about(target, ""))
}
