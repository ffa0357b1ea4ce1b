package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// groupInviteOps are the rows of the invites to groups.
func (a *api) groupInviteOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/groups/:id/invites", wire.User, wire.Read(listGroupInvites), "the invites to a group, newest first"),
		wire.Row("POST /api/groups/:id/invites", wire.User, wire.Write(postGroupInvite), "a new invite to a group"),
		wire.Row("DELETE /api/groups/:id/invites/:invite_id", wire.User, wire.Write(deleteGroupInvite), "take an invite back"),
		wire.Row("GET /api/group-invites/:code", wire.User, wire.Read(getGroupInvite), "what an invite is to"),
		wire.Row("POST /api/group-invites/:code/accept", wire.User, wire.Write(acceptGroupInvite), "come into a group by an invite"),
		wire.Row("GET /api/invites/:code", wire.User, wire.Read(getGroupInvite), "what an invite is to: another name"),
		wire.Row("POST /api/invites/:code/accept", wire.User, wire.Write(acceptGroupInvite), "come into a group by an invite: another name"),
	}
}

func listGroupInvites(c *wire.Call, tx *relay.Tx, _ wire.None) ([]roomInviteOut, error) {
	g, err := pathGroup(c, tx, relay.ToEditMiddle)
	if err != nil {
		return nil, err
	}
	return invitesTo(tx, g.Room.ID, 100)
}

// postGroupInvite makes an invite. Into a personal group its owner invites only
// where the community's moderators let him.
func postGroupInvite(c *wire.Call, tx *relay.Tx, in roomInviteIn) (roomInviteOut, error) {
	g, err := pathGroup(c, tx, relay.ToEditMiddle)
	if err != nil {
		return roomInviteOut{}, err
	}
	if !g.set.Assigned.IsZero() && !g.set.AllowInvites && !g.top.May(relay.ToOpenMiddleDoors) {
		return roomInviteOut{}, bad("invites are not allowed for this group")
	}
	return makeInvite(tx, g.place, in)
}

func deleteGroupInvite(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	g, err := pathGroup(c, tx, relay.ToEditMiddle)
	if err != nil {
		return none, err
	}
	id, err := pathID(c, "invite_id")
	if err != nil {
		return none, err
	}
	return none, dropInvite(tx, g.Room.ID, id)
}

type groupInviteInfo struct {
	Name        string   `json:"group_name"`
	Description nullable `json:"group_description"`
	MemberCount int      `json:"member_count"`
	Code        string   `json:"code"`
}

// getGroupInvite says what an invite is to. Of a group that is not to be found
// it says no more than that it is one.
func getGroupInvite(c *wire.Call, tx *relay.Tx, _ wire.None) (out groupInviteInfo, err error) {
	_, i, r, set, err := findInvite(c, tx, true)
	if err != nil {
		return out, err
	}
	if i.good(tx) != nil {
		return out, noRoomInvite()
	}
	out = groupInviteInfo{set.Name, nullable(set.Description), r.Members, c.Param("code")}
	if set.Hidden {
		out.Name, out.Description = "Private Group", ""
	}
	return out, nil
}

type groupAccepted struct {
	GroupID   uuid   `json:"group_id"`
	GroupName string `json:"group_name"`
}

func acceptGroupInvite(c *wire.Call, tx *relay.Tx, _ wire.None) (out groupAccepted, err error) {
	id, i, r, set, err := findInvite(c, tx, true)
	if err != nil {
		return out, err
	}
	if err := i.good(tx); err != nil {
		return out, err
	}
	g, err := groupAt(tx, c.Who.Account, r.ID)
	switch {
	case err != nil:
		return out, err
	case g.own.In:
		return out, relay.Errorf(relay.Conflict, relay.SubjectMember, "you are already a member of this group")
	case !g.top.In:
		return out, bad("you must be a member of the community first")
	}
	if err := enterGroup(tx, r, set, i.By, g.who); err != nil {
		return out, err
	}
	return groupAccepted{uuid(r.ID), set.Name}, i.spend(tx, id)
}
