package dishis

import (
	"errors"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

type sendIn struct {
	bySender
	RecipientID string `json:"recipientId"`
	spoken
}

func (in *sendIn) Check() error {
	if err := required("recipientId", in.RecipientID); err != nil {
		return err
	}
	return in.check("encryptedContent", in.EncryptedContent, in.Content, members.direct)
}

type replyIn struct{ sendIn }

func (in *replyIn) Check() error {
	if in.ReplyToID == nil || *in.ReplyToID == "" {
		return missing("replyToId")
	}
	return in.sendIn.Check()
}

type sentOut struct {
	MessageID    string `json:"messageId"`
	Status       string `json:"status"`
	SentAt       string `json:"sentAt"`
	ScheduledFor string `json:"scheduledFor,omitzero"`
}

// sendDirect sends a message to a user.
func (a *api) sendDirect(c *wire.Call, tx *relay.Tx, in sendIn) (answer, error) {
	to, d, err := a.address(c, tx, in)
	if err != nil {
		return answer{}, err
	}
	e, err := tx.Send(c.Who.Account, to, d)
	if err != nil {
		return answer{}, err
	}
	if err := countSent(tx, c.Who.Account, addressed); err != nil {
		return answer{}, err
	}
	id, err := entryID(tx, e.ID)
	return created(sentOut{MessageID: id, Status: statusSent, SentAt: wire.ISO(e.ID.Time)}), err
}

// reply sends a message to a user that answers one.
func (a *api) reply(c *wire.Call, tx *relay.Tx, in replyIn) (answer, error) {
	return a.sendDirect(c, tx, in.sendIn)
}

var cannotMessage = denied("You cannot message this user")

// address settles to whom a message goes, and makes the message.
func (a *api) address(c *wire.Call, tx *relay.Tx, in sendIn) (to relay.ID, d relay.Draft, err error) {
	user, err := findUser(tx, in.RecipientID)
	if err != nil {
		return to, d, err
	}
	room, err := tx.FindDirect(c.Who.Account, user.ID)
	if err != nil && !relay.Is(err, relay.NotFound) {
		return to, d, err
	}
	if d, err = a.draft(tx, in.spoken, room.Box); err != nil {
		return to, d, err
	}
	switch {
	case tx.Blocked(user.ID, c.Who.Account):
		err = cannotMessage
	case user.ID == c.Who.Account:
		err = refused("Cannot message yourself")
	}
	return user.ID, d, err
}

type directOut struct {
	message
	RecipientID string  `json:"recipientId"`
	Status      string  `json:"status"`
	DeliveredAt *string `json:"deliveredAt"`
	SeenAt      *string `json:"seenAt"`
}

func newDirect(tx *relay.Tx, e relay.Entry, room relay.Room) (out directOut, err error) {
	if out.message, err = newMessage(tx, e, hashBytes); err != nil {
		return out, err
	}
	to := otherOf(room, e.From)
	s, err := directStageOf(tx, e.ID, to)
	out.RecipientID, out.Status = userID(to), s.name()
	out.DeliveredAt, out.SeenAt = isoOrNull(s.delivered), isoOrNull(s.seen)
	return out, err
}

// otherOf returns the one of a direct room's two who is not who.
func otherOf(room relay.Room, who relay.ID) relay.ID {
	if room.Pair[0] == who {
		return room.Pair[1]
	}
	return room.Pair[0]
}

// errFound ends a search.
var errFound = errors.New("found")

// findPeer is findUser, and finds whom the user wrote with when he is gone.
func findPeer(tx *relay.Tx, who relay.ID, s string) (peer relay.ID, err error) {
	user, err := findUser(tx, s)
	if !relay.Is(err, relay.NotFound) {
		return user.ID, err
	}
	gone := allRoomsOf(tx, who, func(acc relay.Access) error {
		if peer = otherOf(acc.Room, who); acc.Room.Direct && isUser(s, peer) {
			return errFound
		}
		return nil
	})
	switch gone {
	case nil:
		return relay.ID{}, err
	case errFound:
		return peer, nil
	}
	return relay.ID{}, gone
}

// directHistory lists the messages of the caller and somebody, newest first.
func (a *api) directHistory(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	limit, before, err := page(c, 50)
	if err != nil {
		return answer{}, err
	}
	peer, err := findPeer(tx, c.Who.Account, c.Param("recipientId"))
	if err != nil {
		return answer{}, err
	}
	list := []directOut{}
	room, err := tx.FindDirect(c.Who.Account, peer)
	if relay.Is(err, relay.NotFound) {
		return data(list), nil
	}
	if err != nil {
		return answer{}, err
	}
	acc, err := tx.Access(c.Who.Account, room.ID)
	if relay.Is(err, relay.NotFound) {
		return data(list), nil // left it through another door
	}
	if err != nil {
		return answer{}, err
	}
	err = history(tx, acc, c.Who.Account, before, limit, func(e relay.Entry) error {
		out, err := newDirect(tx, e, room)
		list = append(list, out)
		return err
	})
	return data(list), err
}

// findDirect returns a message of the caller's and one other.
func findDirect(tx *relay.Tx, who relay.ID, id string) (place, error) {
	p, err := find(tx, who, id, hidden)
	if err == nil && !p.Room.Direct {
		err = noMessage
	}
	return p, err
}

type reactIn struct {
	byUser
	MessageID string  `json:"messageId"`
	Reaction  *string `json:"reaction"`
	Emoji     *string `json:"emoji"` // another name of the same
}

func (in *reactIn) Check() error {
	if in.Reaction == nil {
		in.Reaction = in.Emoji
	}
	if in.Reaction == nil {
		return missing("reaction")
	}
	if len(*in.Reaction) > maxReaction || strings.Contains(*in.Reaction, "\x00") {
		return bad("reaction")
	}
	return required("messageId", in.MessageID)
}

type reactedOut struct {
	MessageID string `json:"messageId"`
	GroupID   string `json:"groupId,omitzero"`
	Reaction  string `json:"reaction"`
}

// reactDirect puts a reaction to a message in the place of the caller's last one;
// an empty one takes it away.
func (a *api) reactDirect(c *wire.Call, tx *relay.Tx, in reactIn) (answer, error) {
	p, err := findDirect(tx, c.Who.Account, in.MessageID)
	if err != nil {
		return answer{}, err
	}
	if tx.Blocked(otherOf(p.Room, c.Who.Account), c.Who.Account) {
		return answer{}, cannotMessage
	}
	if err := react(tx, c.Who.Account, p, *in.Reaction); err != nil {
		return answer{}, err
	}
	id, err := messageID(tx, p.entry, p.extra)
	return data(reactedOut{MessageID: id, Reaction: *in.Reaction}), err
}

// react replaces an account's reaction to a message, and tells the room if that
// is news.
func react(tx *relay.Tx, who relay.ID, p place, reaction string) error {
	if p.entry.Erased {
		return noMessage
	}
	var had []string
	for m, err := range tx.MarksOf(p.entry.ID, relay.Reaction, who) {
		if err != nil {
			return err
		}
		had = append(had, m.Name)
	}
	_, err := tx.React(p.entry.ID, who, relay.Reacting{Add: reaction, Remove: had})
	return err
}

// tell tells a message's room what became of it.
func tell(tx *relay.Tx, p place, kind string, by relay.ID) error {
	ev := relay.EntryEvent{Entries: []relay.Time{p.entry.ID.Time}}
	_, err := tx.TellEntries(p.entry.ID.Box, kind, by, ev)
	return err
}

type deleteIn struct {
	byUser
	MessageID   string `json:"messageId"`
	ForEveryone bool   `json:"deleteForEveryone"`
}

func (in *deleteIn) Check() error { return required("messageId", in.MessageID) }

// deleteDirect deletes a message for the caller, or what he sent for both. One
// that waits for its time is called off.
func (a *api) deleteDirect(c *wire.Call, tx *relay.Tx, in deleteIn) (answer, error) {
	out := said("Message deleted successfully")
	out.DeleteForEveryone = &in.ForEveryone
	if off, err := callOff(tx, c.Who.Account, in.MessageID); err != nil || off {
		return out, err
	}
	p, err := findDirect(tx, c.Who.Account, in.MessageID)
	if err != nil {
		return answer{}, err
	}
	if in.ForEveryone && p.entry.From != c.Who.Account {
		return answer{}, denied("Only the sender may do this")
	}
	return out, erase(tx, c.Who.Account, p, in.ForEveryone)
}

// erase deletes a message for one, or for everyone: then a tombstone is left,
// under the name that the message had. What is deleted stays so.
func erase(tx *relay.Tx, who relay.ID, p place, everyone bool) error {
	if p.entry.Erased {
		return nil
	}
	if !everyone {
		_, err := tx.SetMark(p.entry.ID, relay.Hidden, who, "")
		return err
	}
	if _, err := tx.TombstoneWith(p.entry.ID, extra{Given: p.extra.Given}.bytes()); err != nil {
		return err
	}
	return tell(tx, p, relay.EventErased, who)
}
