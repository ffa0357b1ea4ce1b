package dishis

import (
	"restante/relay"
	"restante/relay/api/wire"
)

type typingIn struct {
	bySender
	RecipientID string `json:"recipientId"`
	IsTyping    *bool  `json:"isTyping"`
}

func (in *typingIn) Check() error { return required("recipientId", in.RecipientID) }

// typingTo tells a user that the caller is typing, or stopped.
func (a *api) typingTo(c *wire.Call, r *relay.Relay, in typingIn) (answer, error) {
	typing := in.IsTyping == nil || *in.IsTyping
	return said("Typing indicator sent"), a.signalTyping(c, r, in.RecipientID, typing)
}

// signalTyping rings for typing where the two meet: in their direct room, or at
// the recipient where there is none yet. Somebody who is blocked is heard by
// nobody, and not told so.
func (a *api) signalTyping(c *wire.Call, r *relay.Relay, to string, typing bool) error {
	if limited(c.Service) {
		if ok, wait := a.typing.Allow(c.Who.Account[:]); !ok {
			return relay.Later(wait, "too many requests")
		}
	}
	var box relay.BoxID
	blocked := false
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		user, err := findUser(tx, to)
		if err != nil {
			return err
		}
		box, blocked = user.Box, tx.Blocked(user.ID, c.Who.Account)
		room, err := tx.FindDirect(c.Who.Account, user.ID)
		if err == nil {
			box = room.Box
		}
		if relay.Is(err, relay.NotFound) {
			err = nil
		}
		return err
	})
	if err != nil || blocked {
		return err
	}
	r.Hub().Signal(box, relay.Signal{Kind: signalTyping, Box: box, From: c.Who.Account, Data: typingData(typing)})
	return nil
}
