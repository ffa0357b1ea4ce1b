package sama

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// Bounds of reactions.
const (
	maxReaction  = 10 // characters
	maxReactions = 20 // different ones on a message
)

type reactIn struct {
	MID    field `json:"mid"`
	Add    field `json:"add"`
	Remove field `json:"remove"`
}

func (in *reactIn) Check() error {
	switch {
	case !in.MID.within(1, 64):
		return errNoMessage
	case !in.Add.optional(1, maxReaction), !in.Remove.optional(1, maxReaction),
		in.Add.v == in.Remove.v: // also neither
		return errShape
	}
	return nil
}

// updateReactions adds a reaction to a message, takes one back, or both. In a
// dialog a block of either side keeps reactions away like messages.
func (a *api) updateReactions(c *wire.Call, tx *relay.Tx, in reactIn) (success, error) {
	acc, e, err := ownRoomOf(tx, c.Who.Account, in.MID.v)
	if err == nil {
		err = notBlocked(tx, acc.Room, c.Who.Account)
	}
	if err != nil {
		return success{}, err
	}
	r := relay.Reacting{Add: in.Add.v, Most: maxReactions}
	if in.Remove.set {
		r.Remove = []string{in.Remove.v}
	}
	_, err = tx.React(e.ID, c.Who.Account, r)
	if relay.Is(err, relay.Conflict) {
		err = wrong("There are too many different reactions to this message.")
	}
	return yes, err
}

type listReactionsIn struct {
	MID field `json:"mid"`
}

// reactions are who reacted to a message, by the reaction.
type reactions map[string][]string

type reactionsOut struct {
	Reactions reactions `json:"reactions"`
}

// listReactions shows who reacted to a message, and how.
func (a *api) listReactions(c *wire.Call, tx *relay.Tx, in listReactionsIn) (reactionsOut, error) {
	if !in.MID.within(1, 64) {
		return reactionsOut{}, errNoMessage
	}
	_, e, err := ownRoomOf(tx, c.Who.Account, in.MID.v)
	if err != nil {
		return reactionsOut{}, err
	}
	got, err := reactionsTo(tx, e.ID)
	return reactionsOut{got}, err
}

func reactionsTo(tx *relay.Tx, id relay.EntryID) (reactions, error) {
	got := reactions{}
	for m, err := range tx.Marks(id, relay.Reaction) {
		if err != nil {
			return nil, err
		}
		got[m.Name] = append(got[m.Name], shown(m.Who))
	}
	return got, nil
}

// A reactedOut is the event of a reaction that was added, taken back, or both.
type reactedOut struct {
	MID    string `json:"mid"`
	CID    string `json:"cid"`
	CType  string `json:"c_type"`
	From   string `json:"from"`
	Add    string `json:"add,omitempty"`
	Remove string `json:"remove,omitempty"`
}

// reacted renders what became of somebody's reactions to messages that the
// viewer may see. Other families may take several back at once.
func (v viewer) reacted(tx *relay.Tx, room relay.Room, e relay.Entry, ev relay.EntryEvent) (packets []any, err error) {
	added, removed := ev.Reactions(e.Kind)
	messages, err := v.seen(tx, room, ev.Entries)
	for _, m := range messages {
		out := reactedOut{MID: shownEntry(m.ID), CID: shownRoom(room), CType: typeOf(room), From: shown(e.From), Add: added}
		for i := 0; i < max(len(removed), 1); i++ {
			if i < len(removed) {
				out.Remove = removed[i]
			}
			packets = append(packets, one("message_reactions_update", out)...)
			out.Add = ""
		}
	}
	return packets, err
}
