package secbot

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxGroups is how many groups one request may name.
const maxGroups = 256

type registerGroupIn struct{ userIn }

func (in *registerGroupIn) Check() error { return in.check("User") }

type groupOut struct {
	Object  string `json:"object"`
	GroupID string `json:"groupId"`
	Name    string `json:"name"`
}

// registerGroup makes a group. Its id is the right to it, shown here only.
func (a api) registerGroup(c *wire.Call, tx *relay.Tx, _ registerGroupIn) (groupOut, error) {
	room, err := tx.OpenFor(c.Who.Account, family)
	return groupOut{"Group", room.ID.String(), ""}, err
}

type inviteIn struct {
	senderIn
	ToUserID   string      `json:"toUserId"`
	GroupID    string      `json:"groupId"`
	Algorithm  string      `json:"algorithm"`
	CryptoData wire.Sealed `json:"cryptoData"`
}

func (in *inviteIn) Check() error {
	if err := in.check("GroupInvite"); err != nil {
		return err
	}
	if err := required("toUserId", in.ToUserID, "groupId", in.GroupID); err != nil {
		return err
	}
	if err := present("cryptoData", in.CryptoData); err != nil {
		return err
	}
	return label("algorithm", in.Algorithm)
}

// inviteToGroup delivers a group's sealed key. Both user and group must exist.
func (a api) inviteToGroup(c *wire.Call, tx *relay.Tx, in inviteIn) (wire.None, error) {
	if err := sized("cryptoData", in.CryptoData, a.cfg.MaxCryptoData); err != nil {
		return wire.None{}, err
	}
	x := extra{Algorithm: in.Algorithm, GroupID: in.GroupID}
	d := relay.Draft{Kind: kindInvite, Body: in.CryptoData, Extra: x.bytes()}
	return wire.None{}, post(c, tx, in.ToUserID, d, tx.AccountID, func(from, to relay.ID, d relay.Draft) (relay.Entry, error) {
		if _, err := tx.FindRoom(from, in.GroupID); err != nil {
			return relay.Entry{}, err
		}
		return tx.Send(from, to, d)
	})
}

// postGroup delivers a sealed message to a group.
func (a api) postGroup(c *wire.Call, tx *relay.Tx, in postIn) (wire.None, error) {
	if err := sized("encContent", in.EncContent, a.cfg.MaxContent); err != nil {
		return wire.None{}, err
	}
	d := relay.Draft{Kind: kindMessage, Body: in.EncContent}
	return wire.None{}, post(c, tx, in.ToID, d, tx.RoomID, tx.Post)
}

type pollGroupIn struct {
	userIn
	GroupID string `json:"groupId"`
	Since   int64  `json:"lastMessageTimestamp"`
}

func (in *pollGroupIn) Check() error {
	if err := in.check("PollGroup"); err != nil {
		return err
	}
	if err := required("groupId", in.GroupID); err != nil {
		return err
	}
	return cursor("lastMessageTimestamp", in.Since)
}

type groupNotificationsOut struct {
	Object   string       `json:"object"`
	Messages []messageOut `json:"messages"`
}

// pollGroup reads one group since a cursor.
func (a api) pollGroup(c *wire.Call, tx *relay.Tx, in pollGroupIn) (groupNotificationsOut, error) {
	return a.poll(c, tx, []string{in.GroupID}, in.Since)
}

type pollGroupsIn struct {
	userIn
	GroupIDs []string `json:"groupIds"`
	Since    int64    `json:"lastMessageTimestamp"`
}

func (in *pollGroupsIn) Check() error {
	if err := in.check("PollGroups"); err != nil {
		return err
	}
	if len(in.GroupIDs) == 0 {
		return wire.MissingField("groupIds")
	}
	if len(in.GroupIDs) > maxGroups {
		return wire.BadField("groupIds")
	}
	return cursor("lastMessageTimestamp", in.Since)
}

// pollGroups reads several groups since one cursor, at one instant.
func (a api) pollGroups(c *wire.Call, tx *relay.Tx, in pollGroupsIn) (groupNotificationsOut, error) {
	return a.poll(c, tx, in.GroupIDs, in.Since)
}

func (a api) poll(c *wire.Call, tx *relay.Tx, groups []string, since int64) (groupNotificationsOut, error) {
	out := groupNotificationsOut{"GroupNotifications", []messageOut{}}
	var from []relay.Reading
	name := make(map[relay.BoxID]string, len(groups))
	for _, g := range groups {
		acc, err := tx.FindRoom(c.Who.Account, g)
		if err != nil {
			return out, err
		}
		if _, repeated := name[acc.Room.Box]; !repeated {
			name[acc.Room.Box] = g
			from = append(from, tx.Reading(acc, relay.Time(since)))
		}
	}
	held, err := tx.Since(relay.Messages, from, a.page())
	out.Messages = slices.Grow(out.Messages, len(held))
	for _, e := range held {
		if sealed(e) {
			out.Messages = append(out.Messages, newMessage(e, name[e.ID.Box]))
		}
	}
	return out, err
}
