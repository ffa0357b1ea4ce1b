package chatalot

import (
	"cmp"

	"restante/relay"
	"restante/relay/api/wire"
)

// channelMemberOps are the rows of who is in a channel.
func (a *api) channelMemberOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/channels/:id/members", wire.User, wire.Free(listChannelMembers), "who is in a channel, by rank"),
		wire.Row("PATCH /api/channels/:id/members/:user_id/role", wire.User, wire.Write(setChannelRole), "give a member another role"),
		wire.Row("POST /api/channels/:id/members/:user_id/kick", wire.User, wire.Write(a.kickFromChannel), "remove a member"),
		wire.Row("POST /api/channels/:id/members/:user_id/ban", wire.User, wire.Write(a.banFromChannel), "remove a member for good"),
		wire.Row("POST /api/channels/:id/members/:user_id/unban", wire.User, wire.Write(a.unbanFromChannel), "lift a ban"),
		wire.Row("POST /api/channels/:id/transfer-ownership", wire.User, wire.Write(transferChannel), "pass a channel on to a member"),
	}
}

// listChannelMembers is for members, and for members of the group where the
// channel can be found.
func listChannelMembers(c *wire.Call, r *relay.Relay, _ wire.None) ([]memberOut, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	return listMembers(c, r, func(tx *relay.Tx) (place, error) {
		p, err := channelAt(tx, c.Who.Account, id)
		if err != nil || p.In {
			return p, err
		}
		if p.Parent.IsZero() || p.set.Hidden {
			return p, notMember()
		}
		g, err := groupAt(tx, p.who, p.Parent)
		if err == nil && !g.own.In {
			err = notMember()
		}
		return p, err
	})
}

func setChannelRole(c *wire.Call, tx *relay.Tx, in roleIn) (none wire.None, err error) {
	p, err := pathChannel(c, tx, relay.ToEditLeaf)
	if err != nil {
		return none, err
	}
	target, err := pathTarget(c, "user_id")
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
	_, err = tx.SetRole(p.who, p.Room.ID, target, in.role())
	return none, err
}

// pathLower is the channel in the path and a member of it whom the caller may
// remove.
func pathLower(c *wire.Call, tx *relay.Tx) (p place, target relay.ID, err error) {
	if target, err = pathTarget(c, "user_id"); err != nil {
		return p, target, err
	}
	if p, err = pathChannel(c, tx, relay.ToModerateLeaf); err != nil {
		return p, target, err
	}
	if p.Direct {
		return p, target, forbidden("a direct channel is of two")
	}
	other, err := p.memberHere(tx, target)
	if err == nil {
		err = p.below(other)
	}
	return p, target, err
}

func (a *api) kickFromChannel(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, target, err := pathLower(c, tx)
	if err != nil {
		return none, err
	}
	if err := a.audit(c, tx, p.who, "channel_kick", p.about(target, "")); err != nil {
		return none, err
	}
	if err := tx.RemoveMember(p.who, p.Room.ID, target); err != nil {
		return none, err
	}
	return none, rotateKeys(tx, p.Room, target, memberRemoved)
}

func (a *api) banFromChannel(c *wire.Call, tx *relay.Tx, in reasonIn) (none wire.None, err error) {
	p, target, err := pathLower(c, tx)
	if err != nil {
		return none, err
	}
	if err := a.audit(c, tx, p.who, "channel_ban", p.about(target, in.Reason)); err != nil {
		return none, err
	}
	if err := p.ban(tx, target, in.Reason); err != nil {
		return none, err
	}
	return none, rotateKeys(tx, p.Room, target, memberRemoved)
}

// unbanFromChannel lifts a ban. Whoever it was may join again; he is not in by
// that, though members of a group are in its channels otherwise.
func (a *api) unbanFromChannel(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	target, err := pathTarget(c, "user_id")
	if err != nil {
		return none, err
	}
	p, err := pathChannel(c, tx, relay.ToTidyLeaf)
	if err != nil {
		return none, err
	}
	if err := tx.Unban(p.who, p.Room.ID, target); err != nil {
		return none, err
	}
	if p.Inherit {
		if err := tx.KeepOut(p.Room.ID, target); err != nil {
			return none, err
		}
	}
	return none, a.audit(c, tx, p.who, "channel_unban", p.about(target, ""))
}

func transferChannel(c *wire.Call, tx *relay.Tx, in newOwnerIn) (none wire.None, err error) {
	p, err := pathChannel(c, tx, relay.ToEditLeaf)
	switch {
	case err != nil:
		return none, err
	case p.Direct:
		return none, forbidden("a direct channel is of two")
	}
	if err := p.passOn(tx, cmp.Or(p.set.Keeper, p.set.Owner), in.NewOwner.id()); err != nil {
		return none, err
	}
	p.set.Keeper = in.NewOwner.id()
	_, err = tx.ChangeRoom(p.who, p.Room.ID, p.set.bytes(), nil)
	return none, err
}
