package chatalot

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// dmOps are the rows of direct messages.
func (a *api) dmOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/dms", wire.User, wire.Read(a.listDMs), "the caller's direct channels, newest first").NamesNobody(),
		wire.Row("POST /api/dms", wire.User, wire.Write(a.openDM), "the direct channel with a user, made if there is none"),
	}
}

// maxDMs is how many direct channels are listed.
const maxDMs = 1000

type dmOut struct {
	Channel channelOut `json:"channel"`
	Other   userOut    `json:"other_user"`
}

func (a *api) newDM(c *wire.Call, tx *relay.Tx, r relay.Room) (out dmOut, err error) {
	p := place{Room: r, who: c.Who.Account}
	acc, profile, err := stub(tx, p.other())
	if err != nil {
		return out, err
	}
	out.Other = newUser(acc, profile, a.status(c.Service.Relay, acc.ID))
	out.Channel, err = newChannel(tx, r)
	return out, err
}

func (a *api) listDMs(c *wire.Call, tx *relay.Tx, _ wire.None) ([]dmOut, error) {
	list := []dmOut{}
	for acc, err := range roomsOf(tx, c.Who.Account) {
		if err != nil {
			return nil, err
		}
		if !acc.Room.Direct || len(list) == maxDMs {
			continue
		}
		out, err := a.newDM(c, tx, acc.Room)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	slices.SortFunc(list, func(a, b dmOut) int { return cmp.Compare(b.Channel.CreatedAt, a.Channel.CreatedAt) })
	return list, nil
}

type openDMIn struct {
	Target uuid `json:"target_user_id"`
}

func (in *openDMIn) Check() error {
	if in.Target == (uuid{}) {
		return wire.MissingField("target_user_id")
	}
	return nil
}

// openDM returns the channel of two, and makes it if there is none. The other
// one hears of it with the first message.
func (a *api) openDM(c *wire.Call, tx *relay.Tx, in openDMIn) (dmOut, error) {
	who, other := c.Who.Account, in.Target.id()
	if who == other {
		return dmOut{}, bad("you cannot message yourself")
	}
	if err := mayWriteTo(tx, who, other); err != nil {
		return dmOut{}, err
	}
	r, err := tx.DirectRoom(who, other)
	if err != nil {
		return dmOut{}, err
	}
	return a.newDM(c, tx, r)
}
