package dishis

import (
	"fmt"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

type addMembersIn struct {
	byUser
	GroupID string   `json:"groupId"`
	Members []string `json:"members"`
}

func (in *addMembersIn) Check() error {
	switch {
	case len(in.Members) == 0:
		return missing("members")
	case len(in.Members) > maxAdded:
		return bad("members")
	}
	return required("groupId", in.GroupID)
}

type addedOut struct {
	GroupID    string   `json:"groupId"`
	NewMembers []string `json:"newMembers"`
}

// addMembers lets users into a group, as far as they can be added.
func (a *api) addMembers(c *wire.Call, tx *relay.Tx, in addMembersIn) (answer, error) {
	g, err := findGroup(tx, c.Who.Account, in.GroupID)
	switch {
	case err != nil:
		return answer{}, err
	case g.Room.Family != family || g.AdminsAdd && !g.admin():
		return answer{}, denied("Only admins may add members")
	}
	rest, err := heldRest(tx, g.Room)
	if err != nil {
		return answer{}, err
	}
	out := addedOut{prefixGroup + g.Room.ID.String(), nil}
	err = addable(tx, c.Who.Account, in.Members, func(who relay.ID) error {
		_, err := tx.Access(who, g.Room.ID)
		if err == nil || relay.Is(err, relay.Forbidden) {
			return nil // in already, or banned
		}
		if g.Room.Members+len(out.NewMembers) >= a.o.MaxMembers {
			return refused("The group is full")
		}
		_, err = tx.Join(g.Room.ID, relay.Joining{By: c.Who.Account, Seat: relay.Seat{Account: who, Rest: rest}})
		out.NewMembers = append(out.NewMembers, userID(who))
		return err
	})
	if err == nil && len(out.NewMembers) == 0 {
		err = refused("No new members to add")
	}
	return said(fmt.Sprintf("Added %d new members to the group", len(out.NewMembers))).of(out), err
}

type memberIn struct {
	byUser
	GroupID  string `json:"groupId"`
	MemberID string `json:"memberId"`
}

func (in *memberIn) Check() error {
	return required("groupId", in.GroupID, "memberId", in.MemberID)
}

type memberOut struct {
	GroupID  string `json:"groupId"`
	MemberID string `json:"memberId"`
	NewRole  string `json:"newRole,omitzero"`
}

// removeMember takes somebody out of a group; everybody may go himself.
func (a *api) removeMember(c *wire.Call, tx *relay.Tx, in memberIn) (answer, error) {
	g, err := findGroup(tx, c.Who.Account, in.GroupID)
	if err != nil {
		return answer{}, err
	}
	m, err := memberOf(tx, g.Room, in.MemberID)
	switch {
	case m.Account != c.Who.Account && !g.admin():
		return answer{}, denied("Only admins may remove members")
	case err != nil:
		return answer{}, err
	}
	if err := lastAdmin(tx, g.Room, m, "The last admin cannot be removed"); err != nil {
		return answer{}, err
	}
	if err := countLeft(tx, g.Room, m); err != nil {
		return answer{}, err
	}
	out := memberOut{GroupID: prefixGroup + g.Room.ID.String(), MemberID: userID(m.Account)}
	if m.Account == c.Who.Account {
		err = tx.Leave(g.Room.ID, m.Account)
	} else {
		err = tx.RemoveMember(c.Who.Account, g.Room.ID, m.Account)
	}
	return said("Member removed from the group").of(out), err
}

// memberOf returns a member of a room by his user id; NotFound (member) when
// there is none.
func memberOf(tx *relay.Tx, room relay.Room, s string) (relay.Member, error) {
	user, err := findUser(tx, s)
	if relay.Is(err, relay.NotFound) {
		return relay.Member{}, noMember
	}
	if err != nil {
		return relay.Member{}, err
	}
	acc, err := tx.Access(user.ID, room.ID)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) || room.Open {
		return relay.Member{}, noMember
	}
	return acc.Member, err
}

// lastAdmin refuses what would leave a room of this family without an admin.
func lastAdmin(tx *relay.Tx, room relay.Room, m relay.Member, text string) error {
	if m.Role < relay.RoleAdmin || room.Family != family {
		return nil
	}
	n, err := tx.CountRole(room.ID, relay.RoleAdmin, 2)
	if err == nil && n < 2 {
		err = refused(text)
	}
	return err
}

type roleIn struct {
	memberIn
	NewRole string `json:"newRole"`
}

func (in *roleIn) Check() error {
	return first(in.memberIn.Check(), checkRole(in.NewRole))
}

func checkRole(s string) error {
	if s == "" {
		return missing("newRole")
	}
	if s != "admin" && s != "member" {
		return bad("newRole")
	}
	return nil
}

// setRole makes a member of a group an admin, or an admin a member.
func (a *api) setRole(c *wire.Call, tx *relay.Tx, in roleIn) (answer, error) {
	g, err := findGroup(tx, c.Who.Account, in.GroupID)
	if err != nil {
		return answer{}, err
	}
	if !g.admin() {
		return answer{}, denied("Only admins may change roles")
	}
	m, err := memberOf(tx, g.Room, in.MemberID)
	if err != nil {
		return answer{}, err
	}
	out := memberOut{prefixGroup + g.Room.ID.String(), userID(m.Account), in.NewRole}
	return said("Member role updated").of(out), changeRole(tx, c.Who.Account, g.Room, m, in.NewRole)
}

// changeRole gives a member of a group or community a role. The one he has is
// no change.
func changeRole(tx *relay.Tx, by relay.ID, room relay.Room, m relay.Member, role string) error {
	if roleName(m.Role) == role {
		return nil
	}
	next := relay.RoleAdmin
	if role == "member" {
		next = relay.RoleMember
		if err := lastAdmin(tx, room, m, "The last admin cannot be demoted"); err != nil {
			return err
		}
	}
	_, err := tx.SetRole(by, room.ID, m.Account, next)
	return err
}

type groupSettingsIn struct {
	byUser
	GroupID  string `json:"groupId"`
	Settings *struct {
		OnlyAdminsCanSend       *bool `json:"onlyAdminsCanSend"`
		OnlyAdminsCanAddMembers *bool `json:"onlyAdminsCanAddMembers"`
	} `json:"settings"`
}

func (in *groupSettingsIn) Check() error {
	if in.Settings == nil {
		return missing("settings")
	}
	return required("groupId", in.GroupID)
}

type changedSettingsOut struct {
	GroupID  string           `json:"groupId"`
	Settings groupSettingsOut `json:"settings"`
}

// setGroupSettings changes who may write and add members; what is not named
// stays. Who may write is the room's, so it holds through every door.
func (a *api) setGroupSettings(c *wire.Call, tx *relay.Tx, in groupSettingsIn) (answer, error) {
	g, err := findGroup(tx, c.Who.Account, in.GroupID)
	if err != nil {
		return answer{}, err
	}
	if !g.admin() {
		return answer{}, denied("Only admins may change settings")
	}
	if only := in.Settings.OnlyAdminsCanSend; only != nil {
		least := relay.RoleMember
		if *only {
			least = relay.RoleAdmin
		}
		if g.Room, err = tx.SetWriters(g.Room.ID, least); err != nil {
			return answer{}, err
		}
	}
	if only := in.Settings.OnlyAdminsCanAddMembers; only != nil {
		g.AdminsAdd = *only
	}
	g.Updated = tx.Wall()
	if g.Room, err = tx.ChangeRoom(c.Who.Account, g.Room.ID, g.settings.bytes(), nil); err != nil {
		return answer{}, err
	}
	out := changedSettingsOut{prefixGroup + g.Room.ID.String(), newGroupSettings(g)}
	return said("Group settings updated").of(out), nil
}

type groupIn struct {
	byUser
	GroupID string `json:"groupId"`
}

func (in *groupIn) Check() error { return required("groupId", in.GroupID) }

type deletedGroupOut struct {
	GroupID string `json:"groupId"`
}

// deleteGroup closes a group, with all its messages.
func (a *api) deleteGroup(c *wire.Call, tx *relay.Tx, in groupIn) (answer, error) {
	g, err := findGroup(tx, c.Who.Account, in.GroupID)
	if err != nil {
		return answer{}, err
	}
	if !g.admin() {
		return answer{}, denied("Only admins may delete the group")
	}
	err = eachMember(tx, g.Room.ID, func(m relay.Member) error { return countLeft(tx, g.Room, m) })
	if err != nil {
		return answer{}, err
	}
	out := deletedGroupOut{prefixGroup + g.Room.ID.String()}
	return said("Group deleted successfully").of(out), tx.CloseRoom(c.Who.Account, g.Room.ID, []byte(isGroup))
}

// compare orders times as they are written.
func compare(a, b string) int {
	return slices.Compare([]byte(a), []byte(b))
}
