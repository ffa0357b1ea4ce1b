package chatalot

import (
	"cmp"

	"restante/relay"
	"restante/relay/api/wire"
)

type groupIn struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	CommunityID uuid   `json:"community_id"`
	Visibility  string `json:"visibility"`
	Assigned    uuid   `json:"assigned_member_id"`
}

func (in *groupIn) Check() (err error) {
	if in.Name, err = sized(in.Name, "name", 1, maxName); err != nil {
		return err
	}
	if in.Description, err = sized(in.Description, "description", 0, maxDescription); err != nil {
		return err
	}
	if in.CommunityID == (uuid{}) {
		return wire.MissingField("community_id")
	}
	in.Visibility = cmp.Or(in.Visibility, public)
	return oneOf(in.Visibility, "visibility", public, private)
}

// postGroup makes a group with its first channel. A public one has everybody in
// it who is in the community: the first of them with this commit, the rest a
// moment later.
func postGroup(c *wire.Call, tx *relay.Tx, in groupIn) (groupOut, error) {
	top, err := communityAt(tx, c.Who.Account, in.CommunityID.id())
	if err != nil {
		return groupOut{}, err
	}
	personal := in.Assigned != (uuid{})
	set := roomSettings{
		Kind: roomGroup, Name: in.Name, Description: in.Description, Owner: c.Who.Account,
		Private: personal || in.Visibility == private, Assigned: in.Assigned.id(), Hidden: personal,
	}
	if err := top.mayFound(tx, set); err != nil {
		return groupOut{}, err
	}
	seats, err := top.firstSeats(tx, set)
	if err != nil {
		return groupOut{}, err
	}
	r, err := tx.OpenRoom(relay.RoomDraft{
		By: top.who, Family: family, Parent: top.Room.ID, Within: true, Settings: set.bytes(), Members: seats,
	})
	if err != nil {
		return groupOut{}, err
	}
	if !set.Private {
		if err := seatSome(tx, seating{Group: r.ID, By: top.who}); err != nil {
			return groupOut{}, err
		}
	}
	keeper := top.who
	if personal {
		keeper = set.Assigned
	}
	g := groupPlace{place: place{Room: r, who: top.who, set: set}, top: top}
	if _, err := g.newChannel(tx, keeper, roomSettings{Kind: roomText, Name: "general", Owner: keeper}); err != nil {
		return groupOut{}, err
	}
	return currentGroup(tx, r.ID)
}

// currentGroup shows a group as it is now in this transaction.
func currentGroup(tx *relay.Tx, id relay.ID) (groupOut, error) {
	r, err := tx.Room(id)
	if err != nil {
		return groupOut{}, err
	}
	set, err := settingsOf(r)
	if err != nil {
		return groupOut{}, err
	}
	return newGroup(tx, r, set)
}

// mayFound decides whether somebody may make a group in a community.
func (top place) mayFound(tx *relay.Tx, set roomSettings) error {
	if personal := !set.Assigned.IsZero(); personal {
		if err := top.permit(relay.ToFoundPersonal); err != nil {
			return err
		}
		other, _, err := at(tx, set.Assigned, top.Room.ID)
		if relay.Is(err, relay.NotFound) || err == nil && !other.In {
			return bad("the assigned member is not in this community")
		}
		if err != nil {
			return err
		}
	} else if !top.Meets(policyOf(top.set.GroupPolicy)) {
		return forbidden("you may not make groups in this community")
	}
	groups, err := tx.Children(top.Room.ID, relay.ID{}, maxGroups)
	switch {
	case err != nil:
		return err
	case len(groups) >= maxGroups:
		return bad("a community can have %d groups", maxGroups)
	case !set.Private && top.Members > maxPublic:
		return bad("this community is too large for a public group")
	}
	return nil
}

// firstSeats are those who are in a group from the start: its maker, and in a
// private one the community's owner; in a personal one whom it is for.
func (top place) firstSeats(tx *relay.Tx, set roomSettings) (seats []relay.Seat, err error) {
	if !set.Assigned.IsZero() {
		return []relay.Seat{{Account: set.Assigned, Role: relay.RoleOwner}}, nil
	}
	if top.In { // who only rules the instance is in no community
		seats = append(seats, relay.Seat{Account: top.who, Role: relay.RoleOwner})
	}
	if owner := top.set.Owner; set.Private && owner != top.who {
		other, _, err := at(tx, owner, top.Room.ID)
		if err == nil && other.In {
			seats = append(seats, relay.Seat{Account: owner})
		}
		if err != nil && !relay.Is(err, relay.NotFound) {
			return nil, err
		}
	}
	return seats, nil
}

// A seating is the members of a community on their way into a public group.
type seating struct {
	Group relay.ID `cbor:"1,keyasint"`
	By    relay.ID `cbor:"2,keyasint"`
	Past  relay.ID `cbor:"3,keyasint,omitzero"` // done up to this member
}

// seatStep is how many come in with one step.
const seatStep = 100

// seatMore is the next step of a seating.
var seatMore relay.Verb

func init() {
	seatMore = relay.NewVerb("chatalot seat members", func(tx *relay.Tx, arg []byte) error {
		var s seating
		if err := relay.DecodeArg(arg, &s); err != nil {
			return err
		}
		return seatSome(tx, s)
	})
}

// seatSome lets some members of a community into a group, and sets the timer for
// the rest. A group that was deleted or made private meanwhile needs none.
func seatSome(tx *relay.Tx, s seating) error {
	r, err := tx.Room(s.Group)
	if relay.Is(err, relay.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	set, err := settingsOf(r)
	if err != nil || set.Private {
		return err
	}
	members, next, err := tx.Members(r.Parent, s.Past, seatStep)
	if relay.Is(err, relay.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, m := range members {
		if err := enterGroup(tx, r, set, s.By, m.Account); err != nil {
			return err
		}
	}
	if next.IsZero() {
		return nil
	}
	s.Past = next
	return seatMore.Soon(tx, s)
}

// A rotation is new keys for the channels of groups that somebody left.
type rotation struct {
	Groups []relay.ID `cbor:"1,keyasint"`
	Who    relay.ID   `cbor:"2,keyasint"`
	Reason string     `cbor:"3,keyasint"`
}

// rotateMore is the next step of a rotation.
var rotateMore relay.Verb

func init() {
	rotateMore = relay.NewVerb("chatalot rotate keys", func(tx *relay.Tx, arg []byte) error {
		var r rotation
		if err := relay.DecodeArg(arg, &r); err != nil {
			return err
		}
		return rotateBelow(tx, r)
	})
}

// rotateBelow has the channels of one group make new keys, and sets the timer
// for the other groups.
func rotateBelow(tx *relay.Tx, r rotation) error {
	if len(r.Groups) == 0 {
		return nil
	}
	channels, err := tx.Children(r.Groups[0], relay.ID{}, maxInGroup)
	if err != nil {
		return err
	}
	for _, channel := range channels {
		if err := rotateKeys(tx, channel, r.Who, r.Reason); err != nil {
			return err
		}
	}
	if r.Groups = r.Groups[1:]; len(r.Groups) == 0 {
		return nil
	}
	return rotateMore.Soon(tx, r)
}
