package relay

// KeepOut has a member of the parent stay out of a room that inherits, as if he
// had left it, without telling anybody: it is for rooms that newcomers to the
// parent do not see. He may join, as who left may. Somebody who is out already,
// or has a row of his own there (a role), stays as he is. Invalid: the room does
// not inherit. NotFound: room.
func (tx *Tx) KeepOut(room, who ID) error {
	r, own, err := tx.rowOf(room, who)
	if err != nil {
		return err
	}
	if !r.Inherit {
		return Errorf(Invalid, SubjectRoom, "the room has members of its own")
	}
	m, found, err := tx.standing(r, who)
	if err != nil || !found || m.State != StateMember || m.Room == room {
		return err
	}
	return tx.putMember(Member{
		Room: room, Account: who, State: StateGone, Joined: m.Joined, SilencedUntil: own.SilencedUntil,
	})
}

// PostAs brings a message into a room on an access that this transaction found,
// where the home family has decided that he may write: its rules may let
// somebody write who is silenced. Errors of rate and space as for [Tx.Post].
func (tx *Tx) PostAs(acc Access, d Draft) (Entry, error) {
	d.From = acc.Member.Account
	return tx.deliver(acc.Room.Box, tx.r.limits.room, d)
}
