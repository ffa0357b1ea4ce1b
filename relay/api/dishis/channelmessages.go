package dishis

import (
	"restante/relay"
	"restante/relay/api/wire"
)

type channelSendIn struct {
	bySender
	ChannelID string `json:"channelId"`
	spoken
}

func (in *channelSendIn) Check() error {
	if err := required("channelId", in.ChannelID); err != nil {
		return err
	}
	return in.check("content", in.Content, in.EncryptedContent, members.channel)
}

type channelSentOut struct {
	MessageID string `json:"messageId"`
	ChannelID string `json:"channelId"`
	SentAt    string `json:"sentAt"`
}

// sendChannel sends a message to a channel.
func (a *api) sendChannel(c *wire.Call, tx *relay.Tx, in channelSendIn) (answer, error) {
	g, err := findChannel(tx, c.Who.Account, in.ChannelID)
	if err != nil {
		return answer{}, err
	}
	e, id, err := a.say(tx, c.Who.Account, g.Room, in.spoken, unaddressed)
	return created(channelSentOut{id, prefixChannel + g.Room.ID.String(), wire.ISO(e.ID.Time)}), err
}

type channelMessageOut struct {
	message
	ChannelID string `json:"channelId"`
	IsPinned  bool   `json:"isPinned,omitzero"`
}

func newChannelMessage(tx *relay.Tx, e relay.Entry, room relay.Room) (channelMessageOut, error) {
	m, err := newMessage(tx, e, hashLiteral)
	return channelMessageOut{m, prefixChannel + room.ID.String(), tx.CountMarks(e.ID, relay.Pinned, 1) > 0}, err
}

// channelHistory lists a channel's messages, newest first.
func (a *api) channelHistory(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	limit, before, err := page(c, 10)
	if err != nil {
		return answer{}, err
	}
	g, err := findChannel(tx, c.Who.Account, c.Param("channelId"))
	if err != nil {
		return answer{}, err
	}
	list := []channelMessageOut{}
	err = history(tx, g.Access, c.Who.Account, before, limit, func(e relay.Entry) error {
		m, err := newChannelMessage(tx, e, g.Room)
		list = append(list, m)
		return err
	})
	return data(list), err
}

type pinIn struct {
	byUser
	MessageID string `json:"messageId"`
}

func (in *pinIn) Check() error { return required("messageId", in.MessageID) }

type pinnedOut struct {
	MessageID string `json:"messageId"`
	ChannelID string `json:"channelId"`
	IsPinned  bool   `json:"isPinned"`
}

// pin pins a channel's message, once.
func (a *api) pin(c *wire.Call, tx *relay.Tx, in pinIn) (answer, error) {
	p, err := find(tx, c.Who.Account, in.MessageID, func(r relay.Room) error {
		if s, err := settingsOf(r); err != nil || s.Is != isChannel {
			return noMessage
		}
		return outsideChannel(tx, c.Who.Account, r)
	})
	if err != nil {
		return answer{}, err
	}
	s, err := settingsOf(p.Room)
	if err != nil || s.Is != isChannel {
		return answer{}, first(err, noMessage)
	}
	may, err := moderates(tx, group{p.Access, s})
	if err == nil && !may {
		err = denied("Only moderators may pin")
	}
	if err != nil {
		return answer{}, err
	}
	news, err := tx.SetMark(p.entry.ID, relay.Pinned, c.Who.Account, "")
	if err == nil && news {
		err = tell(tx, p, relay.EventPinned, c.Who.Account)
	}
	if err != nil {
		return answer{}, err
	}
	id, err := messageID(tx, p.entry, p.extra)
	return data(pinnedOut{id, prefixChannel + p.Room.ID.String(), true}), err
}

// pinned lists the pinned messages of a channel, the latest pin first.
func (a *api) pinned(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	limit, err := pageSize(c, maxPage)
	if err != nil {
		return answer{}, err
	}
	g, err := findChannel(tx, c.Who.Account, c.Param("channelId"))
	if err != nil {
		return answer{}, err
	}
	list := []channelMessageOut{}
	for _, mark := range tx.MarkedIn(g.Room.Box, relay.Pinned, relay.Mark{}, limit) {
		e, err := tx.Entry(relay.Messages, mark.Entry)
		if relay.Is(err, relay.NotFound) {
			continue // withheld
		}
		if err != nil {
			return answer{}, err
		}
		m, err := newChannelMessage(tx, e, g.Room)
		if err != nil {
			return answer{}, err
		}
		list = append(list, m)
	}
	return data(list), nil
}
