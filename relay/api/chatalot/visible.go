package chatalot

import "restante/relay"

// shareCommunity reports whether two accounts are in one community: what it
// takes to see and to write to one another.
func shareCommunity(tx *relay.Tx, a, b relay.ID) (bool, error) {
	for r, err := range tx.CommonRooms(a, b) {
		if err != nil {
			return false, err
		}
		if isCommunity(r) {
			return true, nil
		}
	}
	return false, nil
}

// visible finds a user whom the caller may see: himself, somebody he shares a
// community with, anybody for the owner of the instance; and users of other
// families, who are found by their whole id only, which he has. NotFound: user
// not found.
func visible(tx *relay.Tx, who, other relay.ID) (relay.Account, profile, error) {
	acc, p, err := account(tx, other)
	if err == nil && tx.MayMeet(who, acc) != nil {
		err = noUser()
	}
	if err != nil || who == other || acc.Family != family {
		return acc, p, err
	}
	rank, err := rankOf(tx, who)
	if err != nil {
		return acc, p, err
	}
	if (relay.Standing{Rank: rank}).May(relay.ToSeeEverybody) {
		return acc, p, nil
	}
	shared, err := shareCommunity(tx, who, other)
	if err == nil && !shared {
		err = noUser()
	}
	return acc, p, err
}

// Why somebody may not write to somebody, or there: subjects of errors, which
// are codes of their own on a socket.
const (
	subjectBlocked  relay.Subject = "blocked"
	subjectArchived relay.Subject = "archived"
	subjectReadOnly relay.Subject = "read_only"
	subjectSlowMode relay.Subject = "slow_mode"
	subjectTimedOut relay.Subject = "timed_out"
)

// mayWriteTo fails unless somebody may write to somebody directly: neither has
// blocked the other, and they share a community, where both are of this family;
// the owner of the instance needs none.
func mayWriteTo(tx *relay.Tx, who, other relay.ID) error {
	if tx.Blocked(who, other) || tx.Blocked(other, who) {
		return relay.Errorf(relay.Forbidden, subjectBlocked, "you cannot message this user")
	}
	acc, err := tx.Account(other)
	acc, err = tx.Among(family, acc, err)
	if relay.Is(err, relay.NotFound) {
		return noUser()
	}
	if err != nil || acc.Family != family {
		return err
	}
	rank, err := rankOf(tx, who)
	if err != nil {
		return err
	}
	if (relay.Standing{Rank: rank}).May(relay.ToSeeEverybody) {
		return nil
	}
	shared, err := shareCommunity(tx, who, other)
	if err == nil && !shared {
		err = forbidden("you must share a community to message this user")
	}
	return err
}
