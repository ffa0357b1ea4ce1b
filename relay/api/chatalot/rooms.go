package chatalot

import "restante/relay"

// roomSettings are what this family keeps with a room: a community, a group or a
// channel, each with its own part of the fields. Flags are named so that their
// zero value is the default.
type roomSettings struct {
	Kind        string   `cbor:"1,keyasint,omitempty"` // community, group, text, voice, gallery; "" in a direct room
	Name        string   `cbor:"2,keyasint,omitempty"`
	Description string   `cbor:"3,keyasint,omitempty"` // of a channel: its topic
	Owner       relay.ID `cbor:"4,keyasint,omitzero"`  // of a channel: who made it
	Icon        string   `cbor:"5,keyasint,omitempty"`
	Banner      string   `cbor:"6,keyasint,omitempty"`
	Hidden      bool     `cbor:"7,keyasint,omitempty"` // not discoverable

	// Communities.
	GroupPolicy  string `cbor:"8,keyasint,omitempty"` // "" is admin
	InvitePolicy string `cbor:"9,keyasint,omitempty"` // "" is admin
	Theme        []byte `cbor:"10,keyasint,omitempty"`
	Welcome      string `cbor:"11,keyasint,omitempty"`

	// Groups.
	Private         bool     `cbor:"12,keyasint,omitempty"`
	Assigned        relay.ID `cbor:"13,keyasint,omitzero"` // whose personal group it is
	AllowInvites    bool     `cbor:"14,keyasint,omitempty"`
	Accent          string   `cbor:"15,keyasint,omitempty"`
	VoiceBackground string   `cbor:"16,keyasint,omitempty"` // of a channel its own, of a group for its channels without one

	// Channels.
	ReadOnly bool `cbor:"17,keyasint,omitempty"`
	SlowMode int  `cbor:"18,keyasint,omitempty"` // seconds
	TTL      int  `cbor:"19,keyasint,omitempty"` // seconds
	Archived bool `cbor:"20,keyasint,omitempty"`

	// Concealed are a group's channels that newcomers to the group do not see.
	Concealed []relay.ID `cbor:"21,keyasint,omitempty"`
	// Keeper is a channel's owner now; its maker where it is zero.
	Keeper relay.ID `cbor:"22,keyasint,omitzero"`
}

// settingsOf reads the settings of a room. One of another family is a channel
// without a group, and has no settings here.
func settingsOf(r relay.Room) (s roomSettings, err error) {
	if r.Family != family {
		return roomSettings{}, nil
	}
	return s, unpack(r.Settings, &s)
}

func (s roomSettings) bytes() []byte { return pack(s) }

// isCommunity reports whether a room is one of this family's communities.
func isCommunity(r relay.Room) bool {
	if r.Family != family || r.Direct || r.Open || !r.Parent.IsZero() {
		return false
	}
	s, err := settingsOf(r)
	return err == nil && s.Kind == roomCommunity
}

var roleNames = map[relay.Role]string{
	relay.RoleMember: "member", relay.RoleModerator: "moderator", relay.RoleAdmin: "admin", relay.RoleOwner: "owner",
}
