package chatalot

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// channelOps are the rows of channels.
func (a *api) channelOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/channels", wire.User, wire.Read(listChannels), "the caller's channels, oldest first").NamesNobody(),
		wire.Row("POST /api/channels", wire.User, wire.Write(postChannel), "a new channel, of a group or of none"),
		wire.Row("GET /api/channels/:id", wire.User, wire.Read(getChannel), "one channel"),
		wire.Row("PATCH /api/channels/:id", wire.User, wire.Write(patchChannel), "change a channel"),
		wire.Row("DELETE /api/channels/:id", wire.User, wire.Write(a.deleteChannel), "delete a channel that is in no group"),
		wire.Row("POST /api/channels/:id/join", wire.User, wire.Write(joinChannel), "come into a channel"),
		wire.Row("POST /api/channels/:id/leave", wire.User, wire.Write(leaveChannel), "leave a channel"),
	}
}

// Limits of channels.
const (
	maxName     = 64
	maxTopic    = 512
	maxSlowMode = 86_400            // seconds
	maxTTL      = 30 * 24 * 60 * 60 // seconds
)

// channelOut is a Channel.
type channelOut struct {
	ID              uuid     `json:"id"`
	Name            nullable `json:"name"`
	Type            string   `json:"channel_type"`
	Topic           nullable `json:"topic"`
	CreatedBy       uuid     `json:"created_by"`
	CreatedAt       moment   `json:"created_at"`
	GroupID         uuid     `json:"group_id"`
	ReadOnly        bool     `json:"read_only"`
	SlowMode        int      `json:"slow_mode_seconds"`
	Discoverable    bool     `json:"discoverable"`
	Archived        bool     `json:"archived"`
	VoiceBackground string   `json:"voice_background,omitempty"`
}

// newChannel shows a channel. A room of another family is one without a group,
// called as it is there; a direct room has no name.
func newChannel(tx *relay.Tx, r relay.Room) (out channelOut, err error) {
	set, err := settingsOf(r)
	if err != nil {
		return out, err
	}
	out = channelOut{ID: uuid(r.ID), Type: roomText, CreatedAt: moment(r.Created)}
	switch {
	case r.Direct:
		out.Type = "dm"
		return out, nil
	case r.Family != family:
		out.Name = nullable(relay.NameOfRoom(r))
		return out, nil
	}
	maker, err := lasting(tx, set.Owner)
	out.Name, out.Type, out.Topic = nullable(set.Name), set.Kind, nullable(set.Description)
	out.CreatedBy, out.GroupID = uuid(maker), uuid(r.Parent)
	out.ReadOnly, out.SlowMode, out.Archived = set.ReadOnly, set.SlowMode, set.Archived
	out.Discoverable, out.VoiceBackground = !set.Hidden, set.VoiceBackground
	if err == nil && set.Kind == roomVoice && set.VoiceBackground == "" && !r.Parent.IsZero() {
		out.VoiceBackground, err = groupBackground(tx, r.Parent)
	}
	return out, err
}

// groupBackground is what a group's voice channels show that have nothing of
// their own.
func groupBackground(tx *relay.Tx, group relay.ID) (string, error) {
	r, err := tx.Room(group)
	if relay.Is(err, relay.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	set, err := settingsOf(r)
	return set.VoiceBackground, err
}

func listChannels(c *wire.Call, tx *relay.Tx, _ wire.None) ([]channelOut, error) {
	list := []channelOut{}
	err := eachChannel(tx, c.Who.Account, func(acc relay.Access) error {
		out, err := newChannel(tx, acc.Room)
		list = append(list, out)
		return err
	})
	slices.SortStableFunc(list, func(a, b channelOut) int { return cmp.Compare(a.CreatedAt, b.CreatedAt) })
	return list, err
}

type channelIn struct {
	Name         string `json:"name"`
	Type         string `json:"channel_type"`
	Topic        string `json:"topic"`
	GroupID      uuid   `json:"group_id"`
	Discoverable *bool  `json:"discoverable"`
}

func (in *channelIn) Check() (err error) {
	if in.Name, err = sized(in.Name, "name", 1, maxName); err != nil {
		return err
	}
	if in.Topic, err = sized(in.Topic, "topic", 0, maxTopic); err != nil {
		return err
	}
	return oneOf(in.Type, "channel_type", roomText, roomVoice, roomGallery)
}

func (in channelIn) settings(owner relay.ID) roomSettings {
	return roomSettings{
		Kind: in.Type, Name: in.Name, Description: in.Topic, Owner: owner,
		Hidden: in.Discoverable != nil && !*in.Discoverable,
	}
}

// postChannel makes a channel of a group, by the rules of that, or one of its
// own, with its maker as the owner.
func postChannel(c *wire.Call, tx *relay.Tx, in channelIn) (channelOut, error) {
	who := c.Who.Account
	if in.GroupID != (uuid{}) {
		g, err := groupFor(tx, who, in.GroupID.id(), relay.ToEditMiddle)
		if err != nil {
			return channelOut{}, err
		}
		return g.newChannel(tx, who, in.settings(who))
	}
	r, err := tx.OpenRoom(relay.RoomDraft{
		By: who, Family: family, Settings: in.settings(who).bytes(), Members: []relay.Seat{{Account: who, Role: relay.RoleOwner}},
	})
	if err != nil {
		return channelOut{}, err
	}
	return newChannel(tx, r)
}

// pathChannel is the channel in the path, for an action.
func pathChannel(c *wire.Call, tx *relay.Tx, a relay.Action) (place, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return place{}, err
	}
	return channelFor(tx, c.Who.Account, id, a)
}

func getChannel(c *wire.Call, tx *relay.Tx, _ wire.None) (channelOut, error) {
	p, err := pathChannel(c, tx, relay.ToRead)
	if err != nil {
		return channelOut{}, err
	}
	return newChannel(tx, p.Room)
}

// channelPatch is what can be changed of a channel. Absent is unchanged.
type channelPatch struct {
	Name            Maybe[string] `json:"name"`
	Topic           Maybe[string] `json:"topic"`
	ReadOnly        Maybe[bool]   `json:"read_only"`
	SlowMode        Maybe[int]    `json:"slow_mode_seconds"`
	TTL             Maybe[int]    `json:"message_ttl_seconds"`
	Discoverable    Maybe[bool]   `json:"discoverable"`
	Archived        Maybe[bool]   `json:"archived"`
	VoiceBackground Maybe[string] `json:"voice_background"`
}

// apply changes settings.
func (in channelPatch) apply(set *roomSettings) error {
	err := firstError(
		rename(&set.Name, in.Name, "name", maxName),
		patch(&set.Description, in.Topic, "topic", maxTopic),
		patchURL(&set.VoiceBackground, in.VoiceBackground, "voice_background"),
		between(&set.SlowMode, in.SlowMode, "slow_mode_seconds", maxSlowMode),
		between(&set.TTL, in.TTL, "message_ttl_seconds", maxTTL),
	)
	flag(&set.ReadOnly, in.ReadOnly, true)
	flag(&set.Hidden, in.Discoverable, false)
	flag(&set.Archived, in.Archived, true)
	return err
}

// flag sets a flag to whether a field, if it has a value, has that one.
func flag(to *bool, m Maybe[bool], when bool) {
	if m.Has() {
		*to = m.Value == when
	}
}

// between sets a number from 0 to max.
func between(to *int, m Maybe[int], name string, max int) error {
	switch {
	case !m.Has():
		return nil
	case m.Value < 0 || m.Value > max:
		return bad("%s must be 0 to %d", name, max)
	}
	*to = m.Value
	return nil
}

// changed is the note with which a room's box tells of a change of settings.
var changed = []byte("settings")

func patchChannel(c *wire.Call, tx *relay.Tx, in channelPatch) (channelOut, error) {
	p, err := pathChannel(c, tx, relay.ToEditLeaf)
	if err != nil {
		return channelOut{}, err
	}
	if p.Direct {
		return channelOut{}, forbidden("a direct channel cannot be changed")
	}
	return p.patch(tx, in)
}

// patch changes a channel and tells it.
func (p place) patch(tx *relay.Tx, in channelPatch) (channelOut, error) {
	was := p.set.Hidden
	if err := in.apply(&p.set); err != nil {
		return channelOut{}, err
	}
	if was != p.set.Hidden && !p.Parent.IsZero() {
		if err := conceal(tx, p.Parent, p.Room.ID, p.set.Hidden); err != nil {
			return channelOut{}, err
		}
	}
	r, err := tx.ChangeRoom(p.who, p.Room.ID, p.set.bytes(), changed)
	if err != nil {
		return channelOut{}, err
	}
	return newChannel(tx, r)
}

// deleteChannel deletes a channel that is in no group. Those of a group are
// deleted there.
func (a *api) deleteChannel(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathChannel(c, tx, relay.ToEditLeaf)
	switch {
	case err != nil:
		return none, err
	case p.Direct, !p.Parent.IsZero():
		return none, forbidden("this channel cannot be deleted here")
	}
	if err := a.audit(c, tx, p.who, "channel_deleted", map[string]any{"channel_id": uuid(p.Room.ID)}); err != nil {
		return none, err
	}
	return none, tx.CloseRoom(p.who, p.Room.ID, []byte(roomText))
}

// joinChannel lets somebody into a channel: a group's if he is in the group, or
// may join it; one without a group if it can be found.
func joinChannel(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	id, err := pathID(c, "id")
	if err != nil {
		return none, err
	}
	p, err := channelAt(tx, c.Who.Account, id)
	switch {
	case err != nil:
		return none, err
	case p.Direct:
		return none, forbidden("this channel cannot be joined")
	case p.In:
		return none, nil
	}
	switch m, err := tx.Member(id, p.who); {
	case err == nil && m.State == relay.StateBanned:
		return none, forbidden("you are banned from this channel")
	case err != nil && !relay.Is(err, relay.NotFound):
		return none, err
	case p.Parent.IsZero() && p.set.Hidden && p.Rank == relay.RankNone:
		return none, forbidden("this channel cannot be joined")
	}
	if !p.Parent.IsZero() {
		g, err := groupAt(tx, p.who, p.Parent)
		if err != nil {
			return none, err
		}
		if err := g.join(tx); err != nil {
			return none, err
		}
	}
	return none, alreadyIn(tx.Join(id, relay.Joining{By: p.who, Seat: relay.Seat{Account: p.who}}))
}

// alreadyIn takes joining twice for what it is.
func alreadyIn(_ relay.Member, err error) error {
	if relay.Is(err, relay.Conflict) {
		return nil
	}
	return err
}

func leaveChannel(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	p, err := pathChannel(c, tx, relay.ToRead)
	switch {
	case err != nil:
		return none, err
	case p.Direct:
		return none, bad("a direct channel cannot be left")
	case p.Family == family && p.Role == relay.RoleOwner:
		return none, bad("the owner cannot leave; pass the channel on first")
	}
	if err := tx.Leave(p.Room.ID, p.who); err != nil || p.Family != family {
		return none, err
	}
	return none, rotateKeys(tx, p.Room, p.who, memberLeft)
}
