package jetico

import (
	"encoding/base64"

	"restante/relay"
	"restante/relay/api/wire"
)

const maxBlackList = 5000

// A shunned user is one from whom another takes nothing. He need not be
// registered; once he is, the relay's own block follows.
type shunned struct {
	Owner relay.ID   `cbor:"1,keyasint"`
	Since relay.Time `cbor:"2,keyasint"`
	Who   []byte     `cbor:"3,keyasint"` // 32 bytes
}

var blackList = relay.NewRecords("jetico black list",
	relay.Index[shunned]{Name: "owner", Key: func(s *shunned) [][]byte {
		return [][]byte{append(s.Owner[:], timeKey(s.Since)...)}
	}},
	relay.Index[shunned]{Name: "who", Key: func(s *shunned) [][]byte { return [][]byte{s.Who} }},
).GoesWith("owner", nil)

// blockNewcomer has those who did not want somebody before he was registered
// block him.
func blockNewcomer(tx *relay.Tx, who relay.ID, raw []byte) error {
	for f, err := range blackList.Scan(tx, "who", relay.Span{Exact: raw}) {
		if err == nil {
			err = tx.Block(f.Record.Owner, who)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

type blackListIn struct {
	UserID *string `json:"userId"`
}

func (in *blackListIn) Check() error { return someone("userId", in.UserID) }

// addBlackList has the caller take nothing from a user any more.
func (a *api) addBlackList(c *wire.Call, tx *relay.Tx, in blackListIn) (wire.None, error) {
	who, none := c.Who.Account, wire.None{}
	user, err := userIDFrom(tx, *in.UserID)
	if err != nil {
		return none, err
	}
	raw, _ := rawUser(user)
	if user == sessionOf(c).user {
		return none, wire.BadField("userId")
	}
	id := recordID(who[:], raw)
	if _, found, err := blackList.Get(tx, id); found || err != nil {
		return none, err
	}
	if blackList.Count(tx, "owner", relay.Span{Prefix: who[:], Limit: maxBlackList}) >= maxBlackList {
		return none, wire.BadField("userId")
	}
	since := relay.Time(tx.Now())
	for f, err := range blackList.Scan(tx, "owner", relay.Span{Prefix: who[:], Reverse: true, Limit: 1}) {
		if err != nil {
			return none, err
		}
		since = max(since, f.Record.Since+1) // the list keeps its order
	}
	if err := blackList.Put(tx, id, &shunned{who, since, raw}); err != nil {
		return none, err
	}
	other, err := findUser(tx, *in.UserID)
	if err != nil {
		return none, unless(err, relay.NotFound)
	}
	return none, tx.Block(who, other.ID)
}

// removeBlackList has the caller take from a user again.
func (a *api) removeBlackList(c *wire.Call, tx *relay.Tx, in blackListIn) (wire.None, error) {
	who, none := c.Who.Account, wire.None{}
	user, err := userIDFrom(tx, *in.UserID)
	if err != nil {
		return none, err
	}
	raw, _ := rawUser(user)
	if user == sessionOf(c).user {
		return none, wire.BadField("userId")
	}
	if _, err := blackList.Delete(tx, recordID(who[:], raw)); err != nil {
		return none, err
	}
	other, err := findUser(tx, *in.UserID)
	if err != nil {
		return none, unless(err, relay.NotFound)
	}
	tx.Unblock(who, other.ID)
	return none, nil
}

type blackListOut struct {
	Users []string `json:"users"`
}

func (blackListOut) reply() string { return "BlackList" }

// getBlackList lists from whom the caller takes nothing, in the order in which
// they were put there.
func (a *api) getBlackList(c *wire.Call, tx *relay.Tx, in selfIn) (blackListOut, error) {
	out := blackListOut{[]string{}}
	if err := self(c, in.UserID); err != nil {
		return out, err
	}
	for f, err := range blackList.Scan(tx, "owner", relay.Span{Prefix: c.Who.Account[:]}) {
		if err != nil {
			return out, err
		}
		out.Users = append(out.Users, base64.StdEncoding.EncodeToString(f.Record.Who))
	}
	return out, nil
}
