package dishis

import (
	"encoding/json"

	"restante/relay"
	"restante/relay/api/wire"
)

// What is pushed is rendered here from the stream of a user's own box and of his
// rooms. An event says what happened; how it looks is looked up when it is told,
// and what is not true any more is left out.

// legacy are the names under which an older client listens for some events.
var legacy = map[string]string{
	"new_message":           "message_received",
	"message_status_update": "message_status_updated",
	"new_group_message":     "group_message_received",
}

// emit sends an event. Payloads render: they are structs of strings.
func (k *session) emit(name string, payload any) {
	raw := json.RawMessage(wire.MustEncode(payload))
	_ = k.io.Emit(name, raw)
	if old := legacy[name]; old != "" && k.a.o.LegacyEvents {
		_ = k.io.Emit(old, raw)
	}
}

// tell tells of one entry.
func (k *session) tell(tx *relay.Tx, t relay.Told) error {
	if !k.proved {
		if err := k.prove(tx); err != nil {
			return err
		}
		k.proved = true
	}
	if t.Owner.Kind == relay.OwnerAccount {
		return k.tellOwn(tx, t.Entry)
	}
	if t.Owner.Kind != relay.OwnerRoom {
		return nil
	}
	room, err := tx.Room(t.Owner.ID)
	if relay.Is(err, relay.NotFound) {
		return nil // closed meanwhile
	}
	if err != nil {
		return err
	}
	s, err := settingsOf(room)
	if err != nil {
		return err
	}
	if t.Entry.Lane == relay.Messages {
		return k.tellMessage(tx, t.Entry, room, s)
	}
	return k.tellRoom(tx, t.Entry, room, s)
}

// mutes reports whether the user does not want to hear of what somebody does.
func (k *session) mutes(tx *relay.Tx, who relay.ID) (bool, error) {
	return tx.Muted(k.who.Account, who)
}

type groupMessageEvent struct {
	head
	GroupID string `json:"groupId"`
}

type channelMessageEvent struct {
	head
	ChannelID   string `json:"channelId"`
	CommunityID string `json:"communityId"`
}

// tellMessage tells of a new message: in a direct room to the other one, in
// groups and channels to everybody, who sent it included.
func (k *session) tellMessage(tx *relay.Tx, e relay.Entry, room relay.Room, s settings) error {
	if e.Erased || room.Direct && e.From == k.who.Account {
		return nil
	}
	if muted, err := k.mutes(tx, e.From); err != nil || muted {
		return err
	}
	h, _, _, err := newHead(tx, e)
	switch {
	case err != nil:
		return err
	case room.Direct:
		k.emit("new_message", h)
	case s.Is == isGroup:
		k.emit("new_group_message", groupMessageEvent{h, prefixGroup + room.ID.String()})
	case s.Is == isChannel:
		k.emit("new_channel_message", channelMessageEvent{h, prefixChannel + room.ID.String(), prefixCommunity + room.Parent.String()})
	}
	return nil
}

// tellRoom tells of an event in a room's box.
func (k *session) tellRoom(tx *relay.Tx, e relay.Entry, room relay.Room, s settings) error {
	switch e.Kind {
	case relay.EventReacted, relay.EventUnreacted, relay.EventErased, relay.EventDelivered, relay.EventRead, relay.EventPinned:
		return k.tellOfMessages(tx, e, room, s)
	case relay.EventJoined, relay.EventLeft, relay.EventRemoved, relay.EventBanned:
		ev, err := relay.ReadMemberEvent(e)
		if err != nil || room.Direct || s.Is != isGroup || ev.Account == k.who.Account {
			return err // what happens to the user himself, his own box tells
		}
		if e.Kind == relay.EventJoined {
			return k.emitJoined(tx, room.ID, ev.Account)
		}
		k.emit("member_left", memberOut{GroupID: prefixGroup + room.ID.String(), MemberID: userID(ev.Account)})
	}
	return nil
}

// A messageEvent is an event about a message: what applies is filled in.
type messageEvent struct {
	MessageID         string  `json:"messageId"`
	GroupID           string  `json:"groupId,omitzero"`
	ChannelID         string  `json:"channelId,omitzero"`
	CommunityID       string  `json:"communityId,omitzero"`
	UserID            string  `json:"userId,omitzero"`
	Reaction          *string `json:"reaction,omitzero"`
	DeleteForEveryone bool    `json:"deleteForEveryone,omitzero"`
	Status            string  `json:"status,omitzero"`
	Timestamp         string  `json:"timestamp,omitzero"`
	PinnedBy          string  `json:"pinnedBy,omitzero"`
	PinnedAt          string  `json:"pinnedAt,omitzero"`
}

// tellOfMessages tells what became of messages, one by one.
func (k *session) tellOfMessages(tx *relay.Tx, e relay.Entry, room relay.Room, s settings) error {
	ev, err := relay.ReadEntryEvent(e)
	if err != nil {
		return err
	}
	for _, t := range ev.Entries {
		if err := k.tellOfMessage(tx, e, relay.EntryID{Box: e.ID.Box, Time: t}, ev.Name, room, s); err != nil {
			return err
		}
	}
	return nil
}

func (k *session) tellOfMessage(tx *relay.Tx, e relay.Entry, id relay.EntryID, name string, room relay.Room, s settings) (err error) {
	var out messageEvent
	prefix := ""
	if !room.Direct && s.Is == isGroup {
		out.GroupID, prefix = prefixGroup+room.ID.String(), "group_"
	}
	if out.MessageID, err = shownID(tx, id); err != nil {
		return err
	}
	told := false
	switch e.Kind {
	case relay.EventReacted, relay.EventUnreacted:
		prefix += "message_reaction"
		told, err = k.reacted(tx, e, id, name, &out)
	case relay.EventErased:
		prefix += "message_deleted"
		out.DeleteForEveryone, told = true, true
	case relay.EventDelivered, relay.EventRead:
		prefix += "message_status_update"
		told, err = k.staged(tx, e, id, &out)
	case relay.EventPinned:
		if s.Is == isChannel {
			told, err = pinnedBy(tx, id, &out)
			out.ChannelID, out.CommunityID = prefixChannel+room.ID.String(), prefixCommunity+room.Parent.String()
			k.emitIf(told, "channel_message_pinned", out)
		}
		return err
	}
	k.emitIf(told && err == nil && s.Is == isGroup, prefix, out) // a direct room counts as one
	return err
}

func (k *session) emitIf(told bool, name string, out messageEvent) {
	if told {
		k.emit(name, out)
	}
}

// reacted fills in a reaction, unless it is muted or its message gone.
func (k *session) reacted(tx *relay.Tx, e relay.Entry, id relay.EntryID, name string, out *messageEvent) (bool, error) {
	target, err := tx.Entry(relay.Messages, id)
	if relay.Is(err, relay.NotFound) || err == nil && target.Erased {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if muted, err := k.mutes(tx, e.From); err != nil || muted {
		return false, err
	}
	if e.Kind == relay.EventUnreacted {
		if name, err = shownReaction(tx, id, e.From); err != nil {
			return false, err
		}
	}
	out.UserID, out.Reaction = userID(e.From), &name
	return true, nil
}

// shownReaction returns the reaction of an account to a message that lists show:
// through other families it may have several, of which the last is shown.
func shownReaction(tx *relay.Tx, id relay.EntryID, who relay.ID) (name string, err error) {
	for m, err := range tx.MarksOf(id, relay.Reaction, who) {
		if err != nil {
			return "", err
		}
		name = m.Name
	}
	return name, nil
}

// staged fills in how far a message has come, for who sent it.
func (k *session) staged(tx *relay.Tx, e relay.Entry, id relay.EntryID, out *messageEvent) (bool, error) {
	target, err := tx.Entry(relay.Messages, id)
	if relay.Is(err, relay.NotFound) {
		return false, nil
	}
	if err != nil || target.From != k.who.Account || e.From == k.who.Account {
		return false, err
	}
	at, found, err := tx.Marked(id, relay.Delivered, e.From, "")
	out.Status = statusDelivered
	if e.Kind == relay.EventRead {
		out.Status = statusSeen
		at, found, err = tx.Marked(id, relay.Read, e.From, "")
	}
	if !found {
		at = e.ID.Time // another family keeps that elsewhere
	}
	if out.Timestamp = wire.ISO(at); out.GroupID != "" {
		out.UserID = userID(e.From)
	}
	return true, err
}

// pinnedBy fills in who pinned a message, if it still is pinned.
func pinnedBy(tx *relay.Tx, id relay.EntryID, out *messageEvent) (bool, error) {
	for mark, err := range tx.Marks(id, relay.Pinned) {
		out.PinnedBy, out.PinnedAt = userID(mark.Who), wire.ISO(mark.At)
		return err == nil, err
	}
	return false, nil
}

type joinedEvent struct {
	GroupID string      `json:"groupId"`
	Member  joinedEntry `json:"member"`
}

type joinedEntry struct {
	UserID   string `json:"userId"`
	ID       string `json:"id"`
	Username string `json:"username"`
	Name     string `json:"name"`
	Role     string `json:"role"`
}

// emitJoined tells that somebody is in a group, as what he is there now.
func (k *session) emitJoined(tx *relay.Tx, room, who relay.ID) error {
	acc, err := tx.Access(who, room)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		return nil // out again
	}
	if err != nil {
		return err
	}
	p, err := profileBy(tx, who)
	id := userID(who)
	k.emit("member_joined", joinedEvent{
		prefixGroup + room.String(), joinedEntry{id, id, p.Username, p.Username, roleName(acc.Member.Role)},
	})
	return err
}
