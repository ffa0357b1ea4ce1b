package dishis

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxChildren is how many channels of a community are ever looked through.
const maxChildren = 1000

// A channel is one of a community's, as somebody sees it.
type channel struct {
	group
	open bool // to him
}

// openPublic opens a channel for all members of a community. Who makes it
// moderates it.
func openPublic(tx *relay.Tx, community relay.ID, s settings) (relay.Room, error) {
	room, err := tx.OpenRoom(relay.RoomDraft{By: s.By, Family: family, Parent: community, Inherit: true, Settings: s.bytes()})
	if err == nil {
		_, err = tx.SetRole(s.By, room.ID, s.By, relay.RoleModerator)
	}
	return room, err
}

// openPrivate opens a channel for some. Those who are no members of the community
// yet may use it once they are.
func openPrivate(tx *relay.Tx, community relay.ID, s settings, members []relay.ID) (relay.Room, error) {
	seats := []relay.Seat{{Account: s.By, Role: relay.RoleModerator}}
	for _, who := range members {
		if who != s.By {
			seats = append(seats, relay.Seat{Account: who})
		}
	}
	return tx.OpenRoom(relay.RoomDraft{By: s.By, Family: family, Parent: community, Within: true, Settings: s.bytes(), Members: seats})
}

// eachChannel calls each for the channels of a community, and whether they are
// open to who.
func eachChannel(tx *relay.Tx, g group, who relay.ID, each func(channel) error) error {
	rooms, err := tx.Children(g.Room.ID, relay.ID{}, maxChildren)
	if err != nil {
		return err
	}
	for _, room := range rooms {
		s, err := settingsOf(room)
		if err != nil {
			return err
		}
		acc, err := tx.Access(who, room.ID)
		open := err == nil
		if err != nil && !relay.Is(err, relay.NotFound) && !relay.Is(err, relay.Forbidden) {
			return err
		}
		acc.Room = room
		if err := each(channel{group{acc, s}, open}); err != nil {
			return err
		}
	}
	return nil
}

// findChannel returns a channel that is open to who.
func findChannel(tx *relay.Tx, who relay.ID, s string) (g group, err error) {
	id, ok := parseID(prefixChannel, s)
	if !ok {
		return g, noChannel
	}
	room, err := tx.Room(id)
	if relay.Is(err, relay.NotFound) {
		return g, noChannel
	}
	if err != nil {
		return g, err
	}
	if g.settings, err = settingsOf(room); err != nil || g.Is != isChannel {
		return g, first(err, noChannel)
	}
	g.Access, err = tx.Access(who, id)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		err = outsideChannel(tx, who, room)
	}
	return g, err
}

// outsideChannel is the error for a channel that is not open to somebody.
func outsideChannel(tx *relay.Tx, who relay.ID, room relay.Room) error {
	if _, err := tx.Access(who, room.Parent); err != nil {
		return communalOnly
	}
	return denied("No access to this channel")
}

// moderates reports whether somebody may pin in a channel: who made it, and in
// public ones the community's admins.
func moderates(tx *relay.Tx, g group) (bool, error) {
	if g.Member.Room == g.Room.ID && g.Member.Role >= relay.RoleModerator {
		return true, nil
	}
	if g.settings.Private {
		return false, nil
	}
	up, err := tx.Access(g.Member.Account, g.Room.Parent)
	return err == nil && up.Member.Role >= relay.RoleAdmin, err
}

type createChannelIn struct {
	byUser
	CommunityID             string            `json:"communityId"`
	Name                    string            `json:"name"`
	Description             string            `json:"description"`
	Type                    string            `json:"type"`
	IsPrivate               bool              `json:"isPrivate"`
	AllowedMembers          []string          `json:"allowedMembers"`
	EncryptedKeysFromClient map[string]string `json:"encryptedKeysFromClient"`
}

func (in *createChannelIn) Check() error {
	in.Type = cmp.Or(in.Type, "text")
	switch {
	case in.CommunityID == "":
		return missing("communityId")
	case in.Type != "text" && in.Type != "voice":
		return bad("type")
	case len(in.AllowedMembers) >= relay.MaxOpening:
		return bad("allowedMembers")
	}
	return first(named(in.Name, in.Description, "", ""), wrapped("encryptedKeysFromClient", in.EncryptedKeysFromClient))
}

type channelOut struct {
	ChannelID   string `json:"channelId"`
	CommunityID string `json:"communityId"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
	IsPrivate   bool   `json:"isPrivate"`
	CreatedAt   string `json:"createdAt"`
}

func newChannel(r relay.Room, s settings) channelOut {
	return channelOut{prefixChannel + r.ID.String(), prefixCommunity + r.Parent.String(), s.Name, s.Description, s.Kind, s.Private, wire.ISO(r.Created)}
}

// createChannel opens a channel of a community: public, or for those whom it
// allows.
func (a *api) createChannel(c *wire.Call, tx *relay.Tx, in createChannelIn) (answer, error) {
	g, err := ruledCommunity(tx, c.Who.Account, in.CommunityID, "Only admins may create channels")
	if err != nil {
		return answer{}, err
	}
	allowed, err := a.checkChannel(tx, g, in)
	if err != nil {
		return answer{}, err
	}
	s := settings{Is: isChannel, Name: in.Name, Description: in.Description, Kind: in.Type, Private: in.IsPrivate, By: c.Who.Account}
	var room relay.Room
	if in.IsPrivate {
		room, err = openPrivate(tx, g.Room.ID, s, allowed)
	} else {
		room, err = openPublic(tx, g.Room.ID, s)
	}
	if err != nil {
		return answer{}, err
	}
	return created(newChannel(room, s)), setKeys(tx, room.ID, in.EncryptedKeysFromClient)
}

// checkChannel checks a channel to be against its community, and returns whom it
// allows.
func (a *api) checkChannel(tx *relay.Tx, g group, in createChannelIn) (allowed []relay.ID, err error) {
	if g.Private && len(in.EncryptedKeysFromClient) == 0 {
		return nil, missing("encryptedKeysFromClient")
	}
	rooms, err := tx.Children(g.Room.ID, relay.ID{}, a.o.MaxChannels)
	if err != nil {
		return nil, err
	}
	if len(rooms) >= a.o.MaxChannels {
		return nil, refused("Too many channels")
	}
	if !in.IsPrivate {
		return nil, nil
	}
	for _, s := range in.AllowedMembers {
		user, err := findUser(tx, s)
		if relay.Is(err, relay.NotFound) || g.Private && err == nil && in.EncryptedKeysFromClient[s] == "" {
			err = bad("allowedMembers")
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains(allowed, user.ID) {
			allowed = append(allowed, user.ID)
		}
	}
	return allowed, nil
}

type listedChannelOut struct {
	channelOut
	UpdatedAt    string  `json:"updatedAt"`
	EncryptedKey *string `json:"encryptedKey"`
}

// channelsOf lists the channels of a community that the caller may know of, with
// his keys to them.
func (a *api) channelsOf(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	g, member, err := findCommunity(tx, c.Who.Account, c.Param("communityId"))
	if err == nil && g.Private && !member {
		err = communalOnly
	}
	if err != nil {
		return answer{}, err
	}
	var held *string // the community's key, wrapped for the caller once
	if member && !g.Private {
		if held, err = wrap(tx, g.SealedKey, c.Who.Account); err != nil {
			return answer{}, err
		}
	}
	list := []listedChannelOut{}
	err = eachChannel(tx, g, c.Who.Account, func(ch channel) error {
		if !ch.open && ch.Private {
			return nil
		}
		out := listedChannelOut{newChannel(ch.Room, ch.settings), ch.updated(ch.Room), nil}
		if ch.open {
			key, err := keyOf(tx, ch.Room.ID, c.Who.Account)
			if err != nil {
				return err
			}
			if out.EncryptedKey = key; key == nil {
				out.EncryptedKey = held
			}
		}
		list = append(list, out)
		return nil
	})
	slices.SortStableFunc(list, func(a, b listedChannelOut) int { return compare(a.CreatedAt, b.CreatedAt) })
	return data(list), err
}
