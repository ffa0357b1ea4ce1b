package relay

// What a role allows is one table: here, and nowhere else. It is for families
// whose rooms lie below one another (a top room, rooms in the middle, leaves in
// which people write; Chatalot calls them community, group and channel) and
// whose accounts may have a rank over all of them. It is a pure decision: who
// stands how is read by [Tx.Stand] in the transaction that acts. Sheet:
// chatalot.md, section 5.

// A Rank is what an account is over all rooms of its family.
type Rank uint8

const (
	RankNone  Rank = iota
	RankAdmin      // rules rooms it is no member of
	RankOwner      // and makes administrators
)

// A Standing is as what somebody acts: his rank, and his role in the room that
// is asked about, which counts only if he is in it.
type Standing struct {
	Rank Rank
	In   bool
	Role Role
}

// Level is how high somebody stands: an owner of all 5, an administrator of all
// 4, in the room an owner 3, an admin 2, a moderator 1, everybody else 0.
func (s Standing) Level() int {
	switch {
	case s.Rank == RankOwner:
		return 5
	case s.Rank == RankAdmin:
		return 4
	case s.In:
		return int(s.Role)
	}
	return 0
}

// Outranks reports whether s may act upon other: remove, ban, silence or warn
// him. Equals may not.
func (s Standing) Outranks(other Standing) bool { return s.Level() > other.Level() }

// A Policy says from which role on something is allowed in a room that lets its
// owner decide.
type Policy uint8

const (
	FromAdmins     Policy = iota // the default
	FromModerators               //
	FromEverybody                // every member
)

// Meets reports whether a policy lets somebody in. A rank over all rooms counts
// as an owner's role.
func (s Standing) Meets(p Policy) bool {
	least := RoleAdmin
	switch p {
	case FromModerators:
		least = RoleModerator
	case FromEverybody:
		least = RoleMember
	}
	return s.Rank != RankNone || s.In && s.Role >= least
}

// InMiddle resolves who somebody is in a room of the middle, from his row there
// (s) and his standing in the top room above. A rank over all makes an admin of
// who is not the owner. A personal room, which was opened for one member, is
// ruled by the moderators above as well.
func (s Standing) InMiddle(top Standing, personal bool) Standing {
	switch {
	case s.In && s.Role == RoleOwner:
	case s.Rank != RankNone, !s.In && personal && top.In && top.Role >= RoleModerator:
		s.In, s.Role = true, RoleAdmin
	}
	return s
}

// An Action is what may be allowed. Where it is done to somebody, he has to be
// outranked as well.
type Action uint8

const (
	// Over everything.
	ToAdminister   Action = iota // users, reports, announcements, the audit log
	ToGrantRank                  // make an administrator, or take that back
	ToSeeEverybody               // find, and write to, those one shares no room with
	ToPassGate                   // act in a top room without being a member
	ToFoundTop                   // open a top room where not everybody may

	// In a top room.
	ToEditTop         // settings, pictures, emoji, invites; nicknames of others
	ToCloseTop        // close it, pass it on
	ToSetRoleTop      // make somebody lower a moderator or a member
	ToSetAdminTop     // make somebody lower an admin
	ToModerateTop     // remove, ban, unban, silence, warn, and see who is
	ToFoundPersonal   // open a room in the middle for one member
	ToOpenMiddleDoors // say whether others may invite into a room in the middle; close a personal one

	// In a room in the middle.
	ToEnterMiddle // see it, its members and its rooms
	ToEditMiddle  // settings, pictures, the rooms below, invites
	ToCloseMiddle // close it, pass it on

	// In a leaf.
	ToRead         // messages, members, pins, polls
	ToEditLeaf     // settings, roles, pass it on
	ToModerateLeaf // remove and ban; from its calls, too
	ToTidyLeaf     // unban, pin, delete what others wrote
	ToWriteFreely  // past slow mode, read-only and being silenced
	ToHookLeaf     // let programs post
	ToEndPoll      // of others

	actions
)

// allowed says for each action who may: an owner and an administrator of all,
// then in the room an owner, admin, moderator, member.
var allowed = [actions]string{
	ToAdminister:   "yy----",
	ToGrantRank:    "y-----",
	ToSeeEverybody: "y-----",
	ToPassGate:     "yy----",
	ToFoundTop:     "yy----",

	ToEditTop:         "yyyy--",
	ToCloseTop:        "yyy---",
	ToSetRoleTop:      "yyyy--",
	ToSetAdminTop:     "yyy---",
	ToModerateTop:     "yyyyy-",
	ToFoundPersonal:   "yyyyy-",
	ToOpenMiddleDoors: "yyyyy-",

	ToEnterMiddle: "yyyyyy",
	ToEditMiddle:  "yyyy--",
	ToCloseMiddle: "yyy---",

	ToRead:         "--yyyy", // what is written is for those who are in
	ToEditLeaf:     "yyy---",
	ToModerateLeaf: "yyyyy-",
	ToTidyLeaf:     "yyyyy-",
	ToWriteFreely:  "yyyyy-",
	ToHookLeaf:     "yyyy--",
	ToEndPoll:      "yyyy--",
}

// May reports whether somebody who stands so may do it.
func (s Standing) May(a Action) bool {
	row := allowed[a]
	switch {
	case s.Rank == RankOwner && row[0] == 'y', s.Rank == RankAdmin && row[1] == 'y':
		return true
	}
	return s.In && s.Role <= RoleOwner && row[2+RoleOwner-s.Role] == 'y'
}

// Permit is May as an error: Forbidden (room).
func (s Standing) Permit(a Action) error {
	if s.May(a) {
		return nil
	}
	return Errorf(Forbidden, SubjectRoom, "you may not do this")
}

// Stand returns a room and how an account of a rank stands in it: by the room's
// own row, for a role above does not carry down. Somebody who is not in it, or
// banned, stands there with his rank alone, which is no error. NotFound (room):
// there is no such room. In an open one everybody is.
func (tx *Tx) Stand(rank Rank, who, room ID) (Room, Standing, error) {
	r, err := tx.Room(room)
	if Is(err, NotFound) {
		r, err = tx.OpenRoomByID(room)
	}
	if err == nil {
		err = tx.crosses(who, r.Family, SubjectRoom)
	}
	if err != nil {
		return Room{}, Standing{}, err
	}
	if r.Open {
		return r, Standing{Rank: rank, In: true}, nil
	}
	m, found, err := tx.standing(r, who)
	s := Standing{Rank: rank, In: found && m.State == StateMember}
	if s.In && m.Room == r.ID {
		s.Role = m.Role
	}
	return r, s, err
}
