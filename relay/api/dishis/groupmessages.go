package dishis

import (
	"restante/relay"
	"restante/relay/api/wire"
)

type groupSendIn struct {
	bySender
	GroupID string `json:"groupId"`
	spoken
}

func (in *groupSendIn) Check() error {
	if err := required("groupId", in.GroupID); err != nil {
		return err
	}
	return in.check("encryptedContent", in.EncryptedContent, in.Content, members.group)
}

type groupSentOut struct {
	MessageID string `json:"messageId"`
	GroupID   string `json:"groupId"`
	SentAt    string `json:"sentAt"`
}

// sendGroup sends a message to a group.
func (a *api) sendGroup(c *wire.Call, tx *relay.Tx, in groupSendIn) (answer, error) {
	g, err := findGroup(tx, c.Who.Account, in.GroupID)
	if err != nil {
		return answer{}, err
	}
	e, id, err := a.say(tx, c.Who.Account, g.Room, in.spoken, addressed)
	if relay.Is(err, relay.Forbidden) && g.Member.Role < g.Room.Writers {
		err = denied("Only admins may send here")
	}
	return created(groupSentOut{id, prefixGroup + g.Room.ID.String(), wire.ISO(e.ID.Time)}), err
}

type groupMessageOut struct {
	message
	GroupID string `json:"groupId"`
}

// groupHistory lists a group's messages, newest first. Whoever came late sees
// what was before him, too.
func (a *api) groupHistory(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	limit, before, err := page(c, 10)
	if err != nil {
		return answer{}, err
	}
	g, err := findGroup(tx, c.Who.Account, c.Param("groupId"))
	if err != nil {
		return answer{}, err
	}
	list := []groupMessageOut{}
	err = history(tx, g.Access, c.Who.Account, before, limit, func(e relay.Entry) error {
		m, err := newMessage(tx, e, hashBytes)
		list = append(list, groupMessageOut{m, prefixGroup + g.Room.ID.String()})
		return err
	})
	return data(list), err
}

// findInGroup returns a message of a group that who is a member of.
func findInGroup(tx *relay.Tx, who relay.ID, id string) (place, group, error) {
	p, err := find(tx, who, id, func(r relay.Room) error {
		if outsideRoom(r) == groupOnly {
			return groupOnly
		}
		return noMessage
	})
	if err != nil {
		return p, group{}, err
	}
	s, err := settingsOf(p.Room)
	if err == nil && (s.Is != isGroup || p.Room.Direct) {
		err = noMessage
	}
	return p, group{p.Access, s}, err
}

// reactGroup is reactDirect for a group's message.
func (a *api) reactGroup(c *wire.Call, tx *relay.Tx, in reactIn) (answer, error) {
	p, g, err := findInGroup(tx, c.Who.Account, in.MessageID)
	if err != nil {
		return answer{}, err
	}
	if err := react(tx, c.Who.Account, p, *in.Reaction); err != nil {
		return answer{}, err
	}
	id, err := messageID(tx, p.entry, p.extra)
	return data(reactedOut{id, prefixGroup + g.Room.ID.String(), *in.Reaction}), err
}

type groupDeletedOut struct {
	MessageID         string `json:"messageId"`
	GroupID           string `json:"groupId"`
	DeleteForEveryone bool   `json:"deleteForEveryone"`
}

// deleteInGroup deletes a message for the caller; for everyone if he sent it, or
// the group is his to rule.
func (a *api) deleteInGroup(c *wire.Call, tx *relay.Tx, in deleteIn) (answer, error) {
	p, g, err := findInGroup(tx, c.Who.Account, in.MessageID)
	if err != nil {
		return answer{}, err
	}
	if in.ForEveryone && p.entry.From != c.Who.Account && !g.admin() {
		return answer{}, denied("Only the sender or an admin may do this")
	}
	if err := erase(tx, c.Who.Account, p, in.ForEveryone); err != nil {
		return answer{}, err
	}
	id, err := messageID(tx, p.entry, p.extra)
	out := groupDeletedOut{id, prefixGroup + g.Room.ID.String(), in.ForEveryone}
	return said("Message deleted successfully").of(out), err
}

// setGroupStage notes how far a message has come with the caller.
func (a *api) setGroupStage(c *wire.Call, tx *relay.Tx, in stageIn) (answer, error) {
	p, g, err := findInGroup(tx, c.Who.Account, in.MessageID)
	if err != nil {
		return answer{}, err
	}
	if p.entry.From == c.Who.Account {
		return answer{}, denied("Only recipients may update the status")
	}
	out, err := advance(tx, c.Who.Account, p, in.Status)
	out.GroupID = prefixGroup + g.Room.ID.String()
	return data(out), err
}
