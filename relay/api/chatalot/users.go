package chatalot

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"restante/relay"
	"restante/relay/api/wire"
)

// userOps are the rows of users, blocks and reports.
func (a *api) userOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/users/search", wire.User, wire.Free(a.searchUsers), "users by a part of their name").NamesNobody(),
		wire.Row("GET /api/users/blocked", wire.User, wire.Read(listBlocks), "whom the caller has blocked").NamesNobody(),
		wire.Row("POST /api/users/block", wire.User, wire.Write(blockUser), "block somebody"),
		wire.Row("POST /api/users/unblock/:user_id", wire.User, wire.Write(unblockUser), "take a block back"),
		wire.Row("GET /api/users/:user_id", wire.User, wire.Read(a.getUser), "a user's profile"),
		wire.Row("POST /api/reports", wire.User, wire.Write(a.report), "tell the administrators of a message, a user or a file"),
	}
}

func (a *api) getUser(c *wire.Call, tx *relay.Tx, _ wire.None) (userOut, error) {
	id, err := pathID(c, "user_id")
	if err != nil {
		return userOut{}, err
	}
	acc, p, err := visible(tx, c.Who.Account, id)
	return newUser(acc, p, a.status(c.Service.Relay, id)), err
}

const (
	foundUsers   = 20     // users of one search
	searchSlice  = 500    // accounts looked at in one View
	searchBudget = 20_000 // accounts looked at by one search
	searchRooms  = 200    // communities that one search goes through
)

// searchUsers finds users by a part of their name: the owner of the instance
// among all, others among those they share a community with. It looks at a slice
// at a time, and gives up after a while.
func (a *api) searchUsers(c *wire.Call, r *relay.Relay, _ wire.None) ([]userOut, error) {
	q := fold(c.Query("q"))
	if n := utf8.RuneCountInString(q); n < 2 || n > 256 {
		return nil, bad("search query must be 2 to 256 characters")
	}
	var rank relay.Rank
	err := r.View(c.Context(), func(tx *relay.Tx) (err error) {
		rank, err = rankOf(tx, c.Who.Account)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := &userSearch{a: a, r: r, ctx: c.Context(), who: c.Who.Account, q: q, seen: map[relay.ID]bool{}, found: []userOut{}}
	if (relay.Standing{Rank: rank}).May(relay.ToSeeEverybody) {
		err = s.everybody()
	} else {
		s.seen[s.who] = true
		err = s.mates()
	}
	slices.SortFunc(s.found, func(x, y userOut) int { return strings.Compare(fold(x.Username), fold(y.Username)) })
	return s.found, err
}

// A userSearch is a search on its way.
type userSearch struct {
	a     *api
	r     *relay.Relay
	ctx   context.Context
	who   relay.ID
	q     string
	seen  map[relay.ID]bool
	found []userOut
}

func (s *userSearch) over() bool { return len(s.found) >= foundUsers || len(s.seen) >= searchBudget }

// look adds an account to what was found, if it fits.
func (s *userSearch) look(tx *relay.Tx, id relay.ID) error {
	if s.seen[id] || len(s.found) >= foundUsers {
		return nil
	}
	s.seen[id] = true
	acc, p, err := account(tx, id)
	if relay.Is(err, relay.NotFound) || err == nil && acc.Family != family {
		return nil
	}
	if err == nil && (strings.Contains(fold(p.Username), s.q) || strings.Contains(fold(p.DisplayName), s.q)) {
		s.found = append(s.found, newUser(acc, p, s.a.status(s.r, id)))
	}
	return err
}

// everybody goes through all names in order.
func (s *userSearch) everybody() error {
	past := ""
	for more := true; more && !s.over(); {
		err := s.r.View(s.ctx, func(tx *relay.Tx) error {
			names := tx.LoginsAfter(family, loginName, "", past, searchSlice)
			for _, n := range names {
				past = n.Folded
				if err := s.look(tx, n.Account); err != nil {
					return err
				}
			}
			more = len(names) == searchSlice
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mates goes through the members of the caller's communities.
func (s *userSearch) mates() error {
	var communities []relay.ID
	err := s.r.View(s.ctx, func(tx *relay.Tx) error {
		for acc, err := range roomsOf(tx, s.who) {
			if err != nil || len(communities) == searchRooms {
				return err
			}
			if isCommunity(acc.Room) {
				communities = append(communities, acc.Room.ID)
			}
		}
		return nil
	})
	for _, id := range communities {
		for after, more := (relay.ID{}), true; more && err == nil && !s.over(); {
			err = s.r.View(s.ctx, func(tx *relay.Tx) error {
				members, next, err := tx.Members(id, after, searchSlice)
				if relay.Is(err, relay.NotFound) {
					more = false // closed meanwhile
					return nil
				}
				for _, m := range members {
					if err == nil {
						err = s.look(tx, m.Account)
					}
				}
				after, more = next, !next.IsZero()
				return err
			})
		}
	}
	return err
}

type blockIn struct {
	User uuid `json:"user_id"`
}

func blockUser(c *wire.Call, tx *relay.Tx, in blockIn) (wire.None, error) {
	if in.User.id() == c.Who.Account {
		return wire.None{}, bad("you cannot block yourself")
	}
	if _, _, err := account(tx, in.User.id()); err != nil {
		return wire.None{}, err
	}
	if tx.Blocked(c.Who.Account, in.User.id()) {
		return wire.None{}, nil
	}
	if ids, _, err := tx.Blocks(c.Who.Account, relay.ID{}, maxBlocks); err != nil || len(ids) == maxBlocks {
		return wire.None{}, firstError(err, bad("at most %d users can be blocked", maxBlocks))
	}
	return wire.None{}, tx.Block(c.Who.Account, in.User.id())
}

// maxBlocks is how many users one may block.
const maxBlocks = 1000

func unblockUser(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, err := pathID(c, "user_id")
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, missing(tx.Unblock(c.Who.Account, id), "block")
}

// blockOut is a Block.
type blockOut struct {
	Blocked   uuid   `json:"blocked_id"`
	CreatedAt moment `json:"created_at"`
}

// listBlocks lists the caller's blocks, newest first. Somebody who is gone is
// not among them.
func listBlocks(c *wire.Call, tx *relay.Tx, _ wire.None) ([]blockOut, error) {
	ids, since, err := tx.Blocks(c.Who.Account, relay.ID{}, maxBlocks)
	out := []blockOut{}
	for i, id := range ids {
		last, err := lasting(tx, id)
		if err != nil {
			return nil, err
		}
		if !last.IsZero() {
			out = append(out, blockOut{uuid(id), moment(since[i])})
		}
	}
	slices.SortStableFunc(out, func(x, y blockOut) int { return int(y.CreatedAt - x.CreatedAt) })
	return out, err
}
