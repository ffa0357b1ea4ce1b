package chatalot

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// groupChannelOps are the rows of the channels of a group.
func (a *api) groupChannelOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/groups/:id/channels", wire.User, wire.Read(listGroupChannels), "the channels of a group, oldest first"),
		wire.Row("POST /api/groups/:id/channels", wire.User, wire.Write(postGroupChannel), "a new channel in a group"),
		wire.Row("PATCH /api/groups/:id/channels/:cid", wire.User, wire.Write(patchGroupChannel), "change a channel of a group"),
		wire.Row("DELETE /api/groups/:id/channels/:cid", wire.User, wire.Write(a.deleteGroupChannel), "delete a channel of a group"),
	}
}

// listGroupChannels lists the channels that everybody in the group may find, and
// of the others those that the caller is in.
func listGroupChannels(c *wire.Call, tx *relay.Tx, _ wire.None) ([]channelOut, error) {
	g, err := pathGroup(c, tx, relay.ToEnterMiddle)
	if err != nil {
		return nil, err
	}
	rooms, err := tx.Children(g.Room.ID, relay.ID{}, maxInGroup)
	if err != nil {
		return nil, err
	}
	list := []channelOut{}
	for _, r := range rooms {
		p, found, err := at(tx, g.who, r.ID)
		if err != nil {
			return nil, err
		}
		if !found || p.set.Hidden && !p.In {
			continue
		}
		out, err := newChannel(tx, r)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b channelOut) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	return list, nil
}

func postGroupChannel(c *wire.Call, tx *relay.Tx, in channelIn) (channelOut, error) {
	g, err := pathGroup(c, tx, relay.ToEditMiddle)
	if err != nil {
		return channelOut{}, err
	}
	return g.newChannel(tx, g.who, in.settings(g.who))
}

// newChannel makes a channel that is open to the members of the group; one that
// is not to be found is open to those who are members by now. Its owner is
// keeper, if he is in the group.
func (g groupPlace) newChannel(tx *relay.Tx, keeper relay.ID, set roomSettings) (channelOut, error) {
	rooms, err := tx.Children(g.Room.ID, relay.ID{}, maxInGroup)
	if err != nil {
		return channelOut{}, err
	}
	if len(rooms) >= maxInGroup {
		return channelOut{}, bad("a group can have %d channels", maxInGroup)
	}
	r, err := tx.OpenRoom(relay.RoomDraft{By: g.who, Family: family, Parent: g.Room.ID, Inherit: true, Settings: set.bytes()})
	if err != nil {
		return channelOut{}, err
	}
	_, err = tx.SetRole(g.who, r.ID, keeper, relay.RoleOwner)
	if err != nil && !relay.Is(err, relay.NotFound) {
		return channelOut{}, err
	}
	if set.Hidden {
		if err := conceal(tx, g.Room.ID, r.ID, true); err != nil {
			return channelOut{}, err
		}
	}
	return newChannel(tx, r)
}

// conceal notes with a group whether newcomers find one of its channels.
func conceal(tx *relay.Tx, group, channel relay.ID, hidden bool) error {
	r, err := tx.Room(group)
	if err != nil {
		return err
	}
	set, err := settingsOf(r)
	if err != nil {
		return err
	}
	set.Concealed = slices.DeleteFunc(set.Concealed, func(id relay.ID) bool { return id == channel })
	if hidden {
		set.Concealed = append(set.Concealed, channel)
	}
	_, err = tx.ChangeRoom(relay.ID{}, group, set.bytes(), nil)
	return err
}

// pathGroupChannel is the channel in the path, below the group in the path, for
// somebody who may change that. Rights to the group's channels come from the
// group.
func pathGroupChannel(c *wire.Call, tx *relay.Tx) (place, error) {
	g, err := pathGroup(c, tx, relay.ToEditMiddle)
	if err != nil {
		return place{}, err
	}
	id, err := pathID(c, "cid")
	if err != nil {
		return place{}, err
	}
	p, found, err := at(tx, g.who, id)
	if err == nil && (!found || p.Parent != g.Room.ID) {
		err = noChannel()
	}
	return p, err
}

func patchGroupChannel(c *wire.Call, tx *relay.Tx, in channelPatch) (channelOut, error) {
	p, err := pathGroupChannel(c, tx)
	if err != nil {
		return channelOut{}, err
	}
	return p.patch(tx, in)
}

func (a *api) deleteGroupChannel(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathGroupChannel(c, tx)
	if err != nil {
		return none, err
	}
	about := map[string]any{"channel_id": uuid(p.Room.ID), "group_id": uuid(p.Parent)}
	if err := a.audit(c, tx, p.who, "channel_deleted", about); err != nil {
		return none, err
	}
	if p.set.Hidden {
		if err := conceal(tx, p.Parent, p.Room.ID, false); err != nil {
			return none, err
		}
	}
	return none, tx.CloseRoom(p.who, p.Room.ID, []byte(roomText))
}
