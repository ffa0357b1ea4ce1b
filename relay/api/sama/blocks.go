package sama

import (
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

type blockIn struct {
	IDs jsontext.Value `json:"ids"`
	ID  field          `json:"id"` // of an unblock, instead
}

// people reads whom a request names.
func (in blockIn) people(tx *relay.Tx, me relay.ID) ([]relay.ID, error) {
	var list []string
	if in.IDs != nil {
		if decodeJSON(in.IDs, &list) != nil {
			return nil, errShape
		}
	} else if in.ID.set {
		list = []string{in.ID.v}
	}
	if len(list) == 0 || len(list) > 100 {
		return nil, errShape
	}
	for _, s := range list {
		if !relay.MayBeID(s) || tx.AccountID(s) == me {
			return nil, errShape
		}
	}
	return known(tx, list)
}

func (a *api) blockUsers(c *wire.Call, tx *relay.Tx, in blockIn) (success, error) {
	in.ID = field{}
	ids, err := in.people(tx, c.Who.Account)
	for _, id := range ids {
		if err == nil {
			err = tx.Block(c.Who.Account, id)
		}
	}
	return yes, err
}

func (a *api) unblockUsers(c *wire.Call, tx *relay.Tx, in blockIn) (success, error) {
	ids, err := in.people(tx, c.Who.Account)
	for _, id := range ids {
		tx.Unblock(c.Who.Account, id)
	}
	return yes, err
}

type holdBlocksIn struct {
	Enable *bool `json:"enable"`
}

// holdBlocks switches all own blocks off, or on again. The list stays as it is.
func (a *api) holdBlocks(c *wire.Call, tx *relay.Tx, in holdBlocksIn) (success, error) {
	if in.Enable == nil {
		return success{}, errShape
	}
	return yes, tx.HoldBlocks(c.Who.Account, *in.Enable)
}

type blockedOut struct {
	Users []string `json:"users"`
}

// blockedUsers lists whom the caller has blocked, as far as they still exist.
func (a *api) blockedUsers(c *wire.Call, tx *relay.Tx, _ wire.None) (blockedOut, error) {
	out := blockedOut{[]string{}}
	ids, _, err := tx.Blocks(c.Who.Account, relay.ID{}, 1000)
	for _, id := range ids {
		if err != nil {
			break
		}
		if _, err = tx.Account(id); err == nil {
			out.Users = append(out.Users, shown(id))
		}
		err = gone(err)
	}
	return out, err
}
