package chatalot

import (
	"iter"

	"restante/relay"
)

// rankOf returns what an account is over all of this instance, by what is
// stored.
func rankOf(tx *relay.Tx, who relay.ID) (relay.Rank, error) {
	acc, err := tx.Account(who)
	if err != nil {
		return relay.RankNone, err
	}
	return rankIn(acc)
}

func rankIn(acc relay.Account) (relay.Rank, error) {
	p, err := profileOf(acc)
	switch {
	case err != nil:
		return relay.RankNone, err
	case p.Owner:
		return relay.RankOwner, nil
	case p.Admin:
		return relay.RankAdmin, nil
	}
	return relay.RankNone, nil
}

// A place is a room, and how somebody stands in it.
type place struct {
	relay.Room
	relay.Standing
	set roomSettings
	who relay.ID
}

// kind is what a room is to this family. One of another family is a channel.
func (p place) kind() string { return p.set.Kind }

// at reads a room and how somebody stands there. found is false for a room that
// is not there.
func at(tx *relay.Tx, who, room relay.ID) (p place, found bool, err error) {
	rank, err := rankOf(tx, who)
	if err != nil {
		return place{}, false, err
	}
	p = place{who: who}
	p.Room, p.Standing, err = tx.Stand(rank, who, room)
	if relay.Is(err, relay.NotFound) {
		return openAt(tx, who, room)
	}
	if err == nil {
		p.set, err = settingsOf(p.Room)
	}
	return p, err == nil, err
}

// openAt is at for an open room of another family, in which everybody is who
// knows its id. Nobody rules it.
func openAt(tx *relay.Tx, who, room relay.ID) (place, bool, error) {
	acc, err := tx.Reach(who, room)
	if relay.Is(err, relay.NotFound) || err == nil && !acc.Room.Open {
		return place{}, false, nil
	}
	return place{Room: acc.Room, Standing: relay.Standing{In: true}, who: who}, err == nil, err
}

// permit is May as an error in this family's words.
func (p place) permit(a relay.Action) error {
	if p.May(a) {
		return nil
	}
	return forbidden("you do not have permission to do this")
}

// lower fails unless the caller stands above somebody in this room.
func (p place) lower(tx *relay.Tx, target relay.ID) error {
	other, found, err := at(tx, target, p.Room.ID)
	switch {
	case relay.Is(err, relay.NotFound), err == nil && !found:
		return nil // somebody who was removed has no level
	case err != nil:
		return err
	case !p.Outranks(other.Standing):
		return forbidden("you can only do this to members of a lower role")
	}
	return nil
}

// communityAt finds a community and lets the caller through its gate: members,
// and who administers the instance. 404 when there is none, 403 for anybody
// else.
func communityAt(tx *relay.Tx, who, id relay.ID) (place, error) {
	p, found, err := at(tx, who, id)
	switch {
	case err != nil:
		return place{}, err
	case !found || p.kind() != roomCommunity:
		return place{}, gone("community not found")
	case !p.In && !p.May(relay.ToPassGate):
		return place{}, forbidden("you are not a member of this community")
	}
	return p, nil
}

// A groupPlace is a group, how somebody stands in it, and how in its community.
// The standing is the resolved one: who administers the instance, or moderates
// the community of a personal group, is an admin in it.
type groupPlace struct {
	place
	top place
	own relay.Standing // by the group's own row
}

// groupAt finds a group. Who may enter is asked by the caller, by permit.
func groupAt(tx *relay.Tx, who, id relay.ID) (groupPlace, error) {
	p, found, err := at(tx, who, id)
	if err != nil {
		return groupPlace{}, err
	}
	if !found || p.kind() != roomGroup {
		return groupPlace{}, gone("group not found")
	}
	top, found, err := at(tx, who, p.Parent)
	if err == nil && !found {
		err = gone("group not found") // its community is closing
	}
	if err != nil {
		return groupPlace{}, err
	}
	g := groupPlace{p, top, p.Standing}
	g.Standing = p.Standing.InMiddle(top.Standing, !p.set.Assigned.IsZero())
	return g, nil
}

// groupFor is groupAt for an action.
func groupFor(tx *relay.Tx, who, id relay.ID, a relay.Action) (groupPlace, error) {
	g, err := groupAt(tx, who, id)
	if err == nil {
		err = g.permit(a)
	}
	return g, err
}

// channelAt finds a channel: one of ours, a direct room, or a room of another
// family that the caller is in. Who may do what in it is asked by the caller.
func channelAt(tx *relay.Tx, who, id relay.ID) (place, error) {
	p, found, err := at(tx, who, id)
	switch {
	case err != nil:
		return place{}, err
	case !found || p.kind() == roomCommunity || p.kind() == roomGroup:
		return place{}, noChannel()
	case p.Family != family && !p.In:
		return place{}, noChannel()
	case p.Family != family && !p.Direct:
		p.Rank = relay.RankNone // rules end at the family's edge
	}
	return p, nil
}

// channelFor is channelAt for an action. Reading has words of its own: it is
// what a member may do.
func channelFor(tx *relay.Tx, who, id relay.ID, a relay.Action) (place, error) {
	p, err := channelAt(tx, who, id)
	switch {
	case err != nil:
		return place{}, err
	case a == relay.ToRead && !p.In:
		return place{}, forbidden("you are not a member of this channel")
	case a != relay.ToRead && p.Family != family:
		return place{}, forbidden("this channel is ruled elsewhere")
	}
	return p, p.permit(a)
}

// access is how the core sees a member of a channel. The channel must have been
// found in this transaction, with its caller in it.
func (p place) access(tx *relay.Tx) (relay.Access, error) { return tx.Access(p.who, p.Room.ID) }

// other is the other one of a direct room.
func (p place) other() relay.ID {
	if p.Pair[0] == p.who {
		return p.Pair[1]
	}
	return p.Pair[0]
}

func gone(text string) *relay.Error {
	return relay.Errorf(relay.NotFound, relay.SubjectRoom, "%s", text)
}

// roomsOf yields the rooms an account has a row of its own in: communities,
// groups, channels without a group, direct rooms, and rooms of other families.
func roomsOf(tx *relay.Tx, who relay.ID) iter.Seq2[relay.Access, error] {
	return func(yield func(relay.Access, error) bool) {
		for after := (relay.ID{}); ; {
			rooms, next, err := tx.RoomsOf(who, after, 500)
			if err != nil {
				yield(relay.Access{}, err)
				return
			}
			for _, acc := range rooms {
				if !yield(acc, nil) {
					return
				}
			}
			if after = next; next.IsZero() {
				return
			}
		}
	}
}

// Limits of what lies below one another.
const (
	maxGroups  = 200    // of one community
	maxInGroup = 100    // channels of one group
	maxPublic  = 5_000  // members of a community in which a public group can be made
	maxListed  = 20_000 // members of one room that a list goes through
)
