package dishis

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

type statisticsOut struct {
	MessagesSent     int64   `json:"messagesSent"`
	MessagesReceived int64   `json:"messagesReceived"`
	TotalMessages    int64   `json:"totalMessages"`
	ActiveChatsCount int     `json:"activeChatsCount"`
	LastActiveAt     *string `json:"lastActiveAt"`
}

// activeFor is how recent a direct message makes its chat an active one.
const activeFor = 30 * day

// statistics counts what the caller sent and received in all.
func (a *api) statistics(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	t, _, err := latestTally(tx, c.Who.Account)
	if err != nil {
		return answer{}, err
	}
	received, err := received(tx, t)
	if err != nil {
		return answer{}, err
	}
	out := statisticsOut{MessagesSent: t.sent(), MessagesReceived: received, TotalMessages: t.sent() + received}
	chats, err := chatsOf(tx, c.Who.Account)
	if err != nil {
		return answer{}, err
	}
	for _, chat := range chats {
		if chat.last.ID.Time > tx.Wall()-activeFor {
			out.ActiveChatsCount++
		}
	}
	out.LastActiveAt, err = lastActive(tx, c.Who.Account)
	return data(out), err
}

// received counts what came into an account's direct rooms and groups from
// others.
func received(tx *relay.Tx, t tally) (int64, error) {
	n := t.Left - t.Addressed
	err := allRoomsOf(tx, t.Account, func(acc relay.Access) error {
		s, err := settingsOf(acc.Room)
		if err != nil || s.Is != isGroup {
			return err
		}
		held, err := since(tx, acc.Room, acc.Member)
		n += held
		return err
	})
	return max(n, 0), err
}

// lastActive is when an account was last seen on any of its devices.
func lastActive(tx *relay.Tx, who relay.ID) (*string, error) {
	devices, err := tx.Devices(who, maxDevices)
	at := relay.Time(0)
	for _, d := range devices {
		at = max(at, d.Seen)
	}
	return isoOrNull(at), err
}

// A chat is a direct room and what was said in it last.
type chat struct {
	peer relay.ID
	last relay.Entry
}

// chatsOf returns the chats of an account in which something was said.
func chatsOf(tx *relay.Tx, who relay.ID) (chats []chat, err error) {
	err = allRoomsOf(tx, who, func(acc relay.Access) error {
		if !acc.Room.Direct {
			return nil
		}
		last, err := tx.Before(relay.Messages, acc.Room.Box, 0, 0, 1)
		if err == nil && len(last) > 0 {
			chats = append(chats, chat{otherOf(acc.Room, who), last[0]})
		}
		return err
	})
	return chats, err
}

type activeChatOut struct {
	UserID        string `json:"userId"`
	LastMessageAt string `json:"lastMessageAt"`
	LastMessageID string `json:"lastMessageId"`
}

// activeChats lists with whom the caller exchanged messages, the last first.
func (a *api) activeChats(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	limit, err := pageSize(c, 10)
	if err != nil {
		return answer{}, err
	}
	chats, err := chatsOf(tx, c.Who.Account)
	if err != nil {
		return answer{}, err
	}
	slices.SortFunc(chats, func(a, b chat) int { return int(b.last.ID.Time - a.last.ID.Time) })
	list := []activeChatOut{}
	for _, chat := range chats[:min(limit, len(chats))] {
		id, err := shownID(tx, chat.last.ID)
		if err != nil {
			return answer{}, err
		}
		list = append(list, activeChatOut{userID(chat.peer), wire.ISO(chat.last.ID.Time), id})
	}
	return data(list), nil
}

// periods are the lengths of time over which messages are counted.
var periods = map[string]relay.Time{"day": day, "week": 7 * day, "month": 30 * day, "year": 365 * day, "all": 0}

type countOut struct {
	Count  int64  `json:"count"`
	Period string `json:"period"`
}

// messageCount counts what the caller sent in the last day, week, month, year or
// ever.
func (a *api) messageCount(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	period := cmp.Or(c.Query("period"), "month")
	span, known := periods[period]
	if !known {
		return answer{}, bad("period")
	}
	if span == 0 {
		t, _, err := latestTally(tx, c.Who.Account)
		return data(countOut{t.sent(), period}), err
	}
	n, err := sentSince(tx, c.Who.Account, tx.Wall()-span)
	return data(countOut{n, period}), err
}
