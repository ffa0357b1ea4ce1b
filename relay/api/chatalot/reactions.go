package chatalot

import (
	"slices"
	"unicode/utf8"

	"restante/relay"
	"restante/relay/api/wire"
)

// Bounds of reactions.
const (
	maxEmojiRunes = 32
	maxReactions  = 20 // different ones on a message
)

// reactionOut is a Reaction: who reacted to a message with one emoji.
type reactionOut struct {
	Emoji   string `json:"emoji"`
	UserIDs []uuid `json:"user_ids"`

	first relay.Time
}

// reactionsOf returns the reactions to a message, in the order in which each
// emoji was first used.
func reactionsOf(tx *relay.Tx, id relay.EntryID) ([]reactionOut, error) {
	list := []reactionOut{}
	at := map[string]int{}
	for m, err := range tx.Marks(id, relay.Reaction) {
		if err != nil {
			return nil, err
		}
		i, known := at[m.Name]
		if !known {
			i = len(list)
			at[m.Name] = i
			list = append(list, reactionOut{Emoji: m.Name, first: m.At})
		}
		list[i].UserIDs = append(list[i].UserIDs, uuid(m.Who))
		list[i].first = min(list[i].first, m.At)
	}
	slices.SortStableFunc(list, func(a, b reactionOut) int { return int(a.first - b.first) })
	return list, nil
}

type reactionIn struct {
	MessageID uuid   `json:"message_id"`
	Emoji     string `json:"emoji"`
}

// check is not asked by the decoder, whose errors have another code here.
func (in reactionIn) check() error {
	if n := utf8.RuneCountInString(in.Emoji); n < 1 || n > maxEmojiRunes || len(in.Emoji) > relay.MaxMarkName {
		return valid(bad("emoji must be 1 to %d characters", maxEmojiRunes))
	}
	return nil
}

// reactTo returns the message that somebody wants to react to.
func (a *api) reactTo(tx *relay.Tx, who relay.ID, in reactionIn) (relay.EntryID, error) {
	if err := in.check(); err != nil {
		return relay.EntryID{}, err
	}
	e, _, err := readable(tx, who, entryID(in.MessageID.id()))
	return e.ID, err
}

// addReaction reacts to a message. Doing it again is nothing new.
func (a *api) addReaction(c *wire.Call, tx *relay.Tx, in reactionIn) (wire.None, error) {
	id, err := a.reactTo(tx, c.Who.Account, in)
	if err != nil {
		return wire.None{}, err
	}
	_, err = tx.React(id, c.Who.Account, relay.Reacting{Add: in.Emoji, Most: maxReactions})
	if relay.Is(err, relay.Conflict) {
		err = valid(bad("%s", relay.AsError(err).Text))
	}
	return wire.None{}, err
}

// removeReaction takes a reaction back; one that is not there is no error.
func (a *api) removeReaction(c *wire.Call, tx *relay.Tx, in reactionIn) (wire.None, error) {
	id, err := a.reactTo(tx, c.Who.Account, in)
	if err != nil {
		return wire.None{}, err
	}
	_, err = tx.React(id, c.Who.Account, relay.Reacting{Remove: []string{in.Emoji}})
	return wire.None{}, err
}
