package relay

// strangersADay is how many people one shares no room with one brings into rooms
// in a day: groups and direct rooms are not a way to ring at every door.
const strangersADay = 50

// maxMeetingLooks bounds how many rooms one call looks at to find one that two
// share. Whoever is not reached counts as a stranger.
const maxMeetingLooks = 10_000

// meet counts the people that by brings into a room and shares none with.
// TooMany: they are more than he may meet today.
func (tx *Tx) meet(by ID, seats ...Seat) error {
	if tx.r.limits.strangers == nil || by.IsZero() {
		return nil
	}
	looks := maxMeetingLooks
	for _, s := range seats {
		if s.Account == by || tx.acquainted(by, s.Account, &looks) {
			continue
		}
		if ok, wait := tx.r.limits.strangers.Peek(by[:], tx.met+1); !ok {
			return Later(wait, "too many people you share no room with for today")
		}
		tx.met++
		tx.OnCommit(func() { tx.r.limits.strangers.Spend(by[:], 1) })
	}
	return nil
}

// acquainted reports whether two accounts are in a room together, or have a
// direct one. It spends looks.
func (tx *Tx) acquainted(by, who ID, looks *int) bool {
	pair := pairOf(by, who)
	if tx.Get(newKey(kindPair).id(pair[0]).id(pair[1])) != nil {
		return true
	}
	if *looks <= 0 {
		return false
	}
	rg := newKey(kindJoined).id(who).all()
	rg.Limit = *looks
	for k := range tx.Scan(rg) {
		*looks--
		if tx.Get(newKey(kindJoined).id(by).id(tailID(k))) != nil {
			return true
		}
	}
	return false
}
