package sama

import (
	"slices"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

type searchUsersIn struct {
	Keyword field    `json:"keyword"`
	Limit   *int     `json:"limit"`
	Updated span     `json:"updated_at"`
	Ignore  []string `json:"ignore_ids"`
}

// A search looks at so many people at a time, and at so many in all.
const (
	searchSlice  = 200
	searchBudget = 10_000
)

// searchUsers finds people by a part of login or name, in the order of their
// logins. It looks at a slice of them at a time, each in a View of its own.
func (a *api) searchUsers(c *wire.Call, r *relay.Relay, in searchUsersIn) (usersOut, error) {
	out := usersOut{[]userOut{}}
	limit, err := page(in.Limit, 30)
	if err != nil {
		return out, err
	}
	if !in.Keyword.within(a.o.SearchMin, 255) || strings.TrimSpace(in.Keyword.v) == "" {
		return out, errShape
	}
	past := ""
	for looked := 0; looked < searchBudget && len(out.Users) < limit; looked += searchSlice {
		err := r.View(c.Context(), func(tx *relay.Tx) error {
			names := tx.LoginsAfter(family, loginName, "", past, searchSlice)
			for _, n := range names {
				past = n.Folded
				u, err := in.found(c, tx, n.Account)
				if err = gone(err); err != nil {
					return err
				}
				if u != nil && len(out.Users) < limit {
					out.Users = append(out.Users, *u)
				}
			}
			if len(names) < searchSlice {
				looked = searchBudget
			}
			return nil
		})
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// found returns somebody if he is looked for, else nil.
func (in searchUsersIn) found(c *wire.Call, tx *relay.Tx, id relay.ID) (*userOut, error) {
	acc, p, err := personOf(tx, id)
	if err != nil || id == c.Who.Account || slices.Contains(in.Ignore, shown(id)) {
		return nil, err
	}
	what := folded(in.Keyword.v)
	hit := false
	for _, s := range []string{p.Login, p.First, p.Last} {
		hit = hit || strings.Contains(strings.ToLower(s), what)
	}
	if !hit || !in.Updated.holds(max(acc.Created, p.Updated)) {
		return nil, nil
	}
	u, err := viewerOf(c).user(tx, id)
	return &u, err
}
