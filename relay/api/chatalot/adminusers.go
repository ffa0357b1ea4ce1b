package chatalot

import (
	"cmp"
	"slices"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// adminUserOps are the rows of the administration of users.
func (a *api) adminUserOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/admin/users", wire.User, wire.Free(listUsers), "all users, newest first").NamesNobody(),
		wire.Row("POST /api/admin/users/:id/suspend", wire.User, wire.Write(a.suspendUser), "keep a user out"),
		wire.Row("POST /api/admin/users/:id/unsuspend", wire.User, wire.Write(a.unsuspendUser), "let him in again"),
		wire.Row("DELETE /api/admin/users/:id", wire.User, wire.Write(a.deleteUser), "delete a user"),
		wire.Row("PUT /api/admin/users/:id/admin", wire.User, wire.Write(a.setAdmin), "make a user an administrator, or not any more"),
		wire.Row("PUT /api/admin/users/:id/password", wire.User, wire.Free(a.resetPassword), "give a user a password; ends all his sessions"),
	}
}

// membershipOut is a Membership.
type membershipOut struct {
	ID   uuid   `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
}

// adminUserOut is an AdminUser.
type adminUserOut struct {
	ID           uuid            `json:"id"`
	Username     string          `json:"username"`
	DisplayName  string          `json:"display_name"`
	Email        string          `json:"email"`
	AvatarURL    nullable        `json:"avatar_url"`
	IsAdmin      bool            `json:"is_admin"`
	IsOwner      bool            `json:"is_owner"`
	SuspendedAt  moment          `json:"suspended_at"`
	WhySuspended nullable        `json:"suspended_reason"`
	CreatedAt    moment          `json:"created_at"`
	Groups       []membershipOut `json:"groups"`
	Communities  []membershipOut `json:"communities"`
}

// maxMemberships is how many groups and communities of a user a list names.
const maxMemberships = 200

func newAdminUser(tx *relay.Tx, acc relay.Account, p profile) (adminUserOut, error) {
	out := adminUserOut{
		uuid(acc.ID), p.Username, p.DisplayName, p.Email, nullable(p.AvatarURL), p.admin(), p.Owner,
		moment(acc.Suspended), nullable(p.WhySuspended), moment(acc.Created), []membershipOut{}, []membershipOut{},
	}
	for room, err := range roomsOf(tx, acc.ID) {
		if err != nil {
			return out, err
		}
		set, err := settingsOf(room.Room)
		if err != nil {
			return out, err
		}
		m := membershipOut{uuid(room.Room.ID), set.Name, roleNames[room.Member.Role]}
		switch set.Kind {
		case roomGroup:
			out.Groups = append(out.Groups, m)
		case roomCommunity:
			out.Communities = append(out.Communities, m)
		}
		if len(out.Groups)+len(out.Communities) >= maxMemberships {
			break
		}
	}
	return out, nil
}

// userBudget is how many accounts a list of users goes through.
const userBudget = 100_000

// A listedUser is what is known of a user before it is decided who is shown.
type listedUser struct {
	id      relay.ID
	created relay.Time
}

// listUsers goes through all names, a slice at a time, since users are in order
// of their names and are shown by age.
func listUsers(c *wire.Call, r *relay.Relay, _ wire.None) ([]adminUserOut, error) {
	if err := r.View(c.Context(), func(tx *relay.Tx) error { return administers(c, tx) }); err != nil {
		return nil, err
	}
	offset, limit, err := userPage(c)
	if err != nil {
		return nil, err
	}
	q := fold(cmp.Or(c.Query("q"), c.Query("search")))
	var users []listedUser
	past := ""
	for seen, more := 0, true; more && seen < userBudget; {
		err := r.View(c.Context(), func(tx *relay.Tx) error {
			names := tx.LoginsAfter(family, loginName, "", past, searchSlice)
			for _, n := range names {
				past = n.Folded
				acc, p, err := account(tx, n.Account)
				if relay.Is(err, relay.NotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if strings.Contains(fold(p.Username)+"\n"+fold(p.DisplayName)+"\n"+fold(p.Email), q) {
					users = append(users, listedUser{acc.ID, acc.Created})
				}
			}
			seen, more = seen+len(names), len(names) == searchSlice
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(users, func(x, y listedUser) int { return int(y.created - x.created) })
	users = users[min(offset, len(users)):]
	return showUsers(c, r, users[:min(limit, len(users))])
}

// userPage reads both dialects: limit and offset, or page.
func userPage(c *wire.Call) (offset, limit int, err error) {
	if limit, err = queryInt(c, "limit", 50, 1, 100); err != nil {
		return 0, 0, err
	}
	page, err := queryInt(c, "page", 1, 1, maxPages)
	if err != nil {
		return 0, 0, err
	}
	offset, err = queryInt(c, "offset", (page-1)*limit, 0, userBudget)
	return offset, limit, err
}

func showUsers(c *wire.Call, r *relay.Relay, users []listedUser) ([]adminUserOut, error) {
	var out []adminUserOut
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		out = []adminUserOut{}
		for _, u := range users {
			acc, p, err := account(tx, u.id)
			if relay.Is(err, relay.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			v, err := newAdminUser(tx, acc, p)
			if err != nil {
				return err
			}
			out = append(out, v)
		}
		return nil
	})
	return out, err
}

// ruled finds the user in the path for an administrator to do something to: one
// of this family, and not himself.
func ruled(c *wire.Call, tx *relay.Tx, doing string) (relay.Account, profile, error) {
	id, err := pathID(c, "id")
	if err == nil {
		err = administers(c, tx)
	}
	if err == nil && id == c.Who.Account {
		err = bad("you cannot %s yourself", doing)
	}
	if err != nil {
		return relay.Account{}, profile{}, err
	}
	acc, p, err := account(tx, id)
	if err == nil && acc.Family != family {
		err = noUser()
	}
	return acc, p, err
}

// about is the metadata of the audit log for something done to a user.
func about(acc relay.Account, p profile) map[string]any {
	return map[string]any{"target_user_id": uuid(acc.ID), "target_username": p.Username}
}

type suspendIn struct {
	wire.Optional
	Reason string `json:"reason"`
}

// suspendUser ends all sessions of a user, and he cannot log in.
func (a *api) suspendUser(c *wire.Call, tx *relay.Tx, in suspendIn) (wire.None, error) {
	acc, p, err := ruled(c, tx, "suspend")
	if err == nil && p.admin() {
		err = bad("administrators cannot be suspended")
	}
	if err == nil {
		p.WhySuspended, err = sized(in.Reason, "reason", 0, 500)
	}
	if err == nil {
		err = keep(tx, acc, p)
	}
	if err == nil {
		err = tx.Suspend(acc.ID)
	}
	if err == nil {
		_, err = endSessions(tx, acc, "")
	}
	if err != nil {
		return wire.None{}, err
	}
	meta := about(acc, p)
	meta["reason"] = p.WhySuspended
	return wire.None{}, a.audit(c, tx, c.Who.Account, "admin_suspend_user", meta)
}

func (a *api) unsuspendUser(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	acc, p, err := ruled(c, tx, "unsuspend")
	if err == nil {
		p.WhySuspended = ""
		err = keep(tx, acc, p)
	}
	if err == nil {
		err = tx.Unsuspend(acc.ID)
	}
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, a.audit(c, tx, c.Who.Account, "admin_unsuspend_user", about(acc, p))
}

type setAdminIn struct {
	IsAdmin *bool `json:"is_admin"`
}

// setAdmin is for the owner of the instance alone.
func (a *api) setAdmin(c *wire.Call, tx *relay.Tx, in setAdminIn) (wire.None, error) {
	rank, err := rankOf(tx, c.Who.Account)
	if err == nil && !(relay.Standing{Rank: rank}).May(relay.ToGrantRank) {
		err = forbidden("only the owner of the instance may do this")
	}
	if err != nil {
		return wire.None{}, err
	}
	acc, p, err := ruled(c, tx, "change the rights of")
	if err == nil && in.IsAdmin == nil {
		err = bad("is_admin is required")
	}
	if err == nil {
		p.Admin = *in.IsAdmin || p.Owner
		err = keep(tx, acc, p)
	}
	if err != nil {
		return wire.None{}, err
	}
	action := map[bool]string{true: "admin_grant_admin", false: "admin_revoke_admin"}[*in.IsAdmin]
	return wire.None{}, a.audit(c, tx, c.Who.Account, action, about(acc, p))
}

type resetIn struct {
	Password string `json:"new_password"`
}

// resetPassword is for those who have lost theirs. An administrator does not get
// at the owner, or at another administrator, by it.
func (a *api) resetPassword(c *wire.Call, r *relay.Relay, in resetIn) (wire.None, error) {
	may := func(tx *relay.Tx) (relay.Account, profile, error) {
		acc, p, err := ruled(c, tx, "reset the password of")
		if err != nil || !p.admin() {
			return acc, p, err
		}
		rank, err := rankOf(tx, c.Who.Account)
		if err == nil && rank != relay.RankOwner {
			err = forbidden("only the owner of the instance may do this")
		}
		return acc, p, err
	}
	err := r.View(c.Context(), func(tx *relay.Tx) error {
		_, _, err := may(tx)
		return err
	})
	if err == nil {
		err = checkPassword(in.Password)
	}
	if err != nil {
		return wire.None{}, err
	}
	hash, err := c.Service.HashPassword(c.Context(), in.Password)
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, c.Update(func(tx *relay.Tx) error {
		acc, p, err := may(tx)
		if err == nil {
			err = a.changePassword(tx, acc.ID, hash)
		}
		if err != nil {
			return err
		}
		return a.audit(c, tx, c.Who.Account, "admin_reset_password", about(acc, p))
	})
}
