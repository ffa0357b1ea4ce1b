package relay_test

import (
	"fmt"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// everybody is every way to stand, and the name the tests use for it.
var everybody = []struct {
	name string
	relay.Standing
}{
	{"owner of all", relay.Standing{Rank: relay.RankOwner}},
	{"admin of all", relay.Standing{Rank: relay.RankAdmin}},
	{"owner", relay.Standing{In: true, Role: relay.RoleOwner}},
	{"admin", relay.Standing{In: true, Role: relay.RoleAdmin}},
	{"moderator", relay.Standing{In: true, Role: relay.RoleModerator}},
	{"member", relay.Standing{In: true, Role: relay.RoleMember}},
	{"stranger", relay.Standing{}},
	{"stranger who once was owner", relay.Standing{Role: relay.RoleOwner}},
	{"owner of all, a member", relay.Standing{Rank: relay.RankOwner, In: true}},
	{"admin of all, a member", relay.Standing{Rank: relay.RankAdmin, In: true}},
	{"admin of all, an owner", relay.Standing{Rank: relay.RankAdmin, In: true, Role: relay.RoleOwner}},
}

// The matrix says it the other way round than the table: from which role on, and
// from which rank on.
func TestStanding_May_Matrix(t *testing.T) {
	const nobody = 9
	type from struct {
		role int // least role in the room
		rank relay.Rank
	}
	want := map[relay.Action]from{
		relay.ToAdminister:      {nobody, relay.RankAdmin},
		relay.ToGrantRank:       {nobody, relay.RankOwner},
		relay.ToSeeEverybody:    {nobody, relay.RankOwner},
		relay.ToPassGate:        {nobody, relay.RankAdmin},
		relay.ToFoundTop:        {nobody, relay.RankAdmin},
		relay.ToEditTop:         {2, relay.RankAdmin},
		relay.ToCloseTop:        {3, relay.RankAdmin},
		relay.ToSetRoleTop:      {2, relay.RankAdmin},
		relay.ToSetAdminTop:     {3, relay.RankAdmin},
		relay.ToModerateTop:     {1, relay.RankAdmin},
		relay.ToFoundPersonal:   {1, relay.RankAdmin},
		relay.ToOpenMiddleDoors: {1, relay.RankAdmin},
		relay.ToEnterMiddle:     {0, relay.RankAdmin},
		relay.ToEditMiddle:      {2, relay.RankAdmin},
		relay.ToCloseMiddle:     {3, relay.RankAdmin},
		relay.ToRead:            {0, nobody},
		relay.ToEditLeaf:        {3, relay.RankAdmin},
		relay.ToModerateLeaf:    {1, relay.RankAdmin},
		relay.ToTidyLeaf:        {1, relay.RankAdmin},
		relay.ToWriteFreely:     {1, relay.RankAdmin},
		relay.ToHookLeaf:        {2, relay.RankAdmin},
		relay.ToEndPoll:         {2, relay.RankAdmin},
	}
	if len(want) != relay.Actions {
		t.Fatalf("the matrix has %d actions, the table %d", len(want), relay.Actions)
	}
	for a, f := range want {
		for _, s := range everybody {
			may := s.Rank >= f.rank || s.In && int(s.Role) >= f.role
			if got := s.May(a); got != may {
				t.Errorf("action %d by %s: %t, want %t", a, s.name, got, may)
			}
			if err := s.Permit(a); (err == nil) != may || err != nil && !relay.Is(err, relay.Forbidden) {
				t.Errorf("action %d by %s: %v", a, s.name, err)
			}
		}
	}
}

func TestStanding_Outranks_Matrix(t *testing.T) {
	levels := []int{5, 4, 3, 2, 1, 0, 0, 0, 5, 4, 4} // of everybody
	for i, actor := range everybody {
		if got := actor.Level(); got != levels[i] {
			t.Errorf("%s: level %d, want %d", actor.name, got, levels[i])
		}
		for j, target := range everybody {
			if got, want := actor.Outranks(target.Standing), levels[i] > levels[j]; got != want {
				t.Errorf("%s outranks %s: %t, want %t", actor.name, target.name, got, want)
			}
		}
	}
}

func TestStanding_Meets_Matrix(t *testing.T) {
	for _, test := range []struct {
		policy relay.Policy
		want   string // of everybody, in order
	}{
		{relay.FromEverybody, "yyyyyy--yyy"},
		{relay.FromModerators, "yyyyy---yyy"},
		{relay.FromAdmins, "yyyy----yyy"},
		{relay.Policy(77), "yyyy----yyy"},
	} {
		for i, s := range everybody {
			if got, want := s.Meets(test.policy), test.want[i] == 'y'; got != want {
				t.Errorf("policy %d and %s: %t, want %t", test.policy, s.name, got, want)
			}
		}
	}
}

func TestStanding_InMiddle_Matrix(t *testing.T) {
	in := func(r relay.Role) relay.Standing { return relay.Standing{In: true, Role: r} }
	out := relay.Standing{}
	ranked := relay.Standing{Rank: relay.RankAdmin}
	for _, test := range []struct {
		name     string
		own, top relay.Standing
		personal bool
		want     bool
		wantRole relay.Role
		mayEdit  bool
		mayClose bool
	}{
		{name: "member", own: in(relay.RoleMember), top: in(relay.RoleOwner), want: true, wantRole: relay.RoleMember},
		{name: "stranger", own: out, top: in(relay.RoleOwner)},
		{name: "owner", own: in(relay.RoleOwner), top: in(relay.RoleMember), want: true, wantRole: relay.RoleOwner, mayEdit: true, mayClose: true},
		{name: "rank", own: ranked, top: out, want: true, wantRole: relay.RoleAdmin, mayEdit: true, mayClose: true},
		{name: "rank and owner", own: relay.Standing{Rank: relay.RankOwner, In: true, Role: relay.RoleOwner}, want: true, wantRole: relay.RoleOwner, mayEdit: true, mayClose: true},
		{name: "rank and member", own: relay.Standing{Rank: relay.RankOwner, In: true}, want: true, wantRole: relay.RoleAdmin, mayEdit: true, mayClose: true},
		{name: "personal, moderator above", own: out, top: in(relay.RoleModerator), personal: true, want: true, wantRole: relay.RoleAdmin, mayEdit: true},
		{name: "personal, member above", own: out, top: in(relay.RoleMember), personal: true},
		{name: "personal, once a moderator above", own: out, top: relay.Standing{Role: relay.RoleModerator}, personal: true},
		{name: "personal, member in it", own: in(relay.RoleMember), top: in(relay.RoleAdmin), personal: true, want: true, wantRole: relay.RoleMember},
	} {
		got := test.own.InMiddle(test.top, test.personal)
		if got.In != test.want || got.Role != test.wantRole && got.In {
			t.Errorf("%s: %+v", test.name, got)
		}
		if got.May(relay.ToEditMiddle) != test.mayEdit || got.May(relay.ToCloseMiddle) != test.mayClose {
			t.Errorf("%s: edits %t, closes %t", test.name, got.May(relay.ToEditMiddle), got.May(relay.ToCloseMiddle))
		}
	}
}

// A role above does not carry down, and is looked up where one acts.
func TestStand_OwnRowsOnly(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		var who [3]relay.ID
		for i := range who {
			a, err := tx.Register(relay.AccountDraft{Family: "test"})
			if err != nil {
				return err
			}
			who[i] = a.ID
		}
		top, err := tx.OpenRoom(relay.RoomDraft{By: who[0], Family: "test", Members: []relay.Seat{
			{Account: who[0], Role: relay.RoleOwner}, {Account: who[1]},
		}})
		if err != nil {
			return err
		}
		leaf, err := tx.OpenRoom(relay.RoomDraft{By: who[0], Family: "test", Parent: top.ID, Inherit: true})
		if err != nil {
			return err
		}
		if _, err := tx.SetRole(who[0], leaf.ID, who[1], relay.RoleModerator); err != nil {
			return err
		}
		for _, test := range []struct {
			who  relay.ID
			room relay.ID
			want string
		}{
			{who[0], top.ID, "in true role 3"},
			{who[0], leaf.ID, "in true role 0"},
			{who[1], leaf.ID, "in true role 1"},
			{who[2], leaf.ID, "in false role 0"},
		} {
			room, s, err := tx.Stand(relay.RankNone, test.who, test.room)
			if got := fmt.Sprintf("in %t role %d", s.In, s.Role); err != nil || room.ID != test.room || got != test.want {
				t.Errorf("%s, %v; want %s", got, err, test.want)
			}
		}
		if _, _, err := tx.Stand(relay.RankOwner, who[0], relay.NewID()); !relay.Is(err, relay.NotFound) {
			t.Errorf("a room that is not: %v", err)
		}
		return nil
	})
}
