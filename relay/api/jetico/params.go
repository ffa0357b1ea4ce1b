package jetico

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// Limits of what applications keep here.
const (
	maxParams     = 64
	maxParamName  = 64 // bytes
	maxParamValue = relay.MaxRecord - 1<<10
	maxParamBytes = 1 << 20 // of all values of one user
)

// A param is something that a user's applications keep here.
type param struct {
	Owner relay.ID `cbor:"1,keyasint"`
	Name  string   `cbor:"2,keyasint"`
	Value string   `cbor:"3,keyasint"`
}

var params = relay.NewRecords("jetico param",
	relay.Index[param]{Name: "owner", Key: func(p *param) [][]byte { return [][]byte{append(p.Owner[:], p.Name...)} }},
).GoesWith("owner", nil)

// A selfIn names the caller, or nobody, which means him.
type selfIn struct {
	UserID *string `json:"userId"`
}

func (in *selfIn) Check() error { return userOrNil("userId", in.UserID) }

// self fails if a request that is about the caller names somebody else.
func self(c *wire.Call, userID *string) error {
	if userID != nil && *userID != sessionOf(c).user {
		return errAccess
	}
	return nil
}

type paramOut struct {
	UserID string `json:"userId"`
	Name   string `json:"name"`
	Value  string `json:"value"`
}

type paramsOut struct {
	Params []paramOut `json:"params"`
}

func (paramsOut) reply() string { return "Params" }

// getParams returns what the caller's applications keep, by name.
func (a *api) getParams(c *wire.Call, tx *relay.Tx, in selfIn) (paramsOut, error) {
	out := paramsOut{[]paramOut{}}
	if err := self(c, in.UserID); err != nil {
		return out, err
	}
	for f, err := range params.Scan(tx, "owner", relay.Span{Prefix: c.Who.Account[:]}) {
		if err != nil {
			return out, err
		}
		out.Params = append(out.Params, paramOut{sessionOf(c).user, f.Record.Name, f.Record.Value})
	}
	return out, nil
}

type updateParamIn struct {
	Name  *string `json:"name"`
	Value *string `json:"value"`
}

func (in *updateParamIn) Check() error {
	err := firstOf(text("name", in.Name, maxParamName), textOrNil("value", in.Value, maxParamValue))
	if err == nil && *in.Name == "" {
		err = wire.BadField("name")
	}
	return err
}

// updateParam keeps a value under a name; an empty one is kept no longer.
func (a *api) updateParam(c *wire.Call, tx *relay.Tx, in updateParamIn) (wire.None, error) {
	who, none := c.Who.Account, wire.None{}
	id := recordID(who[:], []byte(*in.Name))
	if deref(in.Value) == "" {
		_, err := params.Delete(tx, id)
		return none, err
	}
	n, bytes := 1, len(*in.Value)
	for f, err := range params.Scan(tx, "owner", relay.Span{Prefix: who[:]}) {
		if err != nil {
			return none, err
		}
		if f.ID != id {
			n, bytes = n+1, bytes+len(f.Record.Value)
		}
	}
	switch {
	case n > maxParams:
		return none, wire.BadField("name")
	case bytes > maxParamBytes:
		return none, wire.BadField("value")
	}
	return none, params.Put(tx, id, &param{who, *in.Name, *in.Value})
}
