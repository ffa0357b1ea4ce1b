package sama

import (
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

type systemIn struct {
	ID   field          `json:"id"`
	CID  field          `json:"cid"`
	UIDs []string       `json:"uids"`
	X    jsontext.Value `json:"x"`
}

func (in *systemIn) Check() error {
	in.X = absent(in.X)
	switch {
	case !in.ID.within(1, 512):
		return wrong("Incorrect message ID.")
	case in.X == nil:
		return wrong("'x' field is required.")
	case !in.CID.set && in.UIDs == nil:
		return wrong("'cid' or 'uids' field is required.")
	case len(in.UIDs) > 20:
		return wrong("'uids' max length 20")
	case in.CID.set && in.UIDs != nil, in.X.Kind() != '{', len(in.X) > maxSignal:
		return errShape
	}
	return nil
}

// systemMessage passes a packet on to whoever is there, and keeps nothing of it.
func (a *api) systemMessage(c *wire.Call, tx *relay.Tx, in systemIn) (after, error) {
	now := seconds(tx.Wall())
	out := systemOut{ID: in.ID.v, T: now, From: shown(c.Who.Account), X: in.X}
	var boxes []relay.BoxID
	if in.CID.set {
		acc, err := roomOf(tx, c.Who.Account, in.CID.v)
		if err != nil {
			return after{}, err
		}
		out.CID, boxes = shownRoom(acc.Room), []relay.BoxID{acc.Room.Box}
	} else {
		people, err := known(tx, in.UIDs)
		if err != nil {
			return after{}, err
		}
		for _, id := range people {
			acc, err := tx.Account(id)
			if err != nil {
				return after{}, err
			}
			if !tx.Blocked(id, c.Who.Account) {
				boxes = append(boxes, acc.Box)
			}
		}
	}
	return after{receipt{in.ID.v, in.ID.v, now}, func(k *session) {
		for _, b := range boxes {
			k.ringPacket(b, map[string]any{"system_message": out})
		}
	}}, nil
}

type typingIn struct {
	CID    field `json:"cid"`
	Status field `json:"status"`
}

func (in *typingIn) Check() error {
	if !in.CID.set {
		return errNoCID
	}
	if in.Status.set && in.Status.v != "start" && in.Status.v != "stop" {
		return errShape
	}
	return nil
}

// typing passes on that the caller types.
func (a *api) typing(c *wire.Call, tx *relay.Tx, in typingIn) (after, error) {
	acc, err := roomOf(tx, c.Who.Account, in.CID.v)
	if err == nil {
		_, err = writable(tx, c.Who.Account, in.CID.v)
	}
	if err != nil {
		return after{}, err
	}
	return after{run: func(k *session) {
		data := wire.MustEncode(tagged{Tag: k.tag, Status: in.Status.v})
		k.ring(acc.Room.Box, signalTyping, k.who.caller.Account, data)
	}}, nil
}
