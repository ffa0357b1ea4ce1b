package relay

import (
	"restante/ratelimit"
)

// Send brings a message to an account, the way its home wants it: into its
// mailbox, or into the direct room of the two; where both, the entry of the room
// is returned, which is the one the sender keeps. NotFound (account): there is
// nobody of that id who accepts messages from this sender. TooMany: the box or
// the sender's share of it is used up for now. Full: the mailbox is.
func (tx *Tx) Send(from, to ID, d Draft) (Entry, error) {
	sender, err := tx.Account(from)
	if err != nil {
		return Entry{}, err
	}
	target, err := tx.Account(to)
	if err != nil {
		return Entry{}, err
	}
	if tx.Blocked(to, from) {
		return Entry{}, Errorf(NotFound, SubjectAccount, "no such user")
	}
	if err := tx.crosses(from, target.Family, SubjectAccount); err != nil {
		return Entry{}, err
	}
	d.From = from
	if err := tx.welcome(from, to); err != nil {
		return Entry{}, err
	}
	if target.Mailbox && sender.Mailbox {
		return tx.deliver(target.Box, tx.r.limits.mailbox, d)
	}
	room, err := tx.DirectRoom(from, to)
	if err != nil {
		return Entry{}, err
	}
	e, err := tx.deliver(room.Box, tx.r.limits.mailbox, d)
	if err == nil && target.Mailbox {
		err = tx.forward(target, d)
	}
	return e, err
}

// forward puts a copy of what was written to a direct room into the mailbox of
// the one of the two who keeps no history, and would not look there.
func (tx *Tx) forward(to Account, d Draft) error {
	d.Reply, d.Thread = 0, 0 // they name entries of the room
	_, err := tx.deliver(to.Box, tx.r.limits.mailbox, d)
	return err
}

// forwardFrom does so for somebody who names the room and not the other.
func (tx *Tx) forwardFrom(from ID, r Room, d Draft) error {
	other := r.Pair[0]
	if other == from {
		other = r.Pair[1]
	}
	a, err := tx.Account(other)
	if Is(err, NotFound) {
		return nil // the room outlives him
	}
	if err != nil || !a.Mailbox {
		return err
	}
	return tx.forward(a, d)
}

// welcome fails with Full when the disk has no room for messages of strangers
// and from is one to to: they have no direct room. Mailboxes keep no record of
// who has met whom, so to them everybody is.
func (tx *Tx) welcome(from, to ID) error {
	short := tx.r.space.strangers()
	if short == nil {
		return nil
	}
	_, err := tx.FindDirect(from, to)
	if Is(err, NotFound) {
		return short
	}
	return err
}

// Post brings a message into a room: an open one, or one the sender is a member
// of. NotFound (room): neither. Forbidden (member): silenced, or of a lesser role
// than the room's writers. NotFound (account): it is a direct room, and the other
// has blocked the sender. TooMany and Full as for Send.
func (tx *Tx) Post(from, room ID, d Draft) (Entry, error) {
	acc, err := tx.Reach(from, room)
	if err != nil {
		return Entry{}, err
	}
	if acc.Member.Silenced(tx.r.Now()) {
		return Entry{}, Errorf(Forbidden, SubjectMember, "silenced in this room")
	}
	if acc.Member.Role < acc.Room.Writers {
		return Entry{}, Errorf(Forbidden, SubjectMember, "not everybody writes in this room")
	}
	if r := acc.Room; r.Direct && (tx.Blocked(r.Pair[0], from) || tx.Blocked(r.Pair[1], from)) {
		return Entry{}, Errorf(NotFound, SubjectAccount, "no such user")
	}
	if !acc.Room.Unused.IsZero() {
		if err := tx.keepRoom(acc.Room); err != nil {
			return Entry{}, err
		}
	}
	d.From = from
	e, err := tx.deliver(acc.Room.Box, tx.r.limits.room, d)
	if err == nil && acc.Room.Direct {
		err = tx.forwardFrom(from, acc.Room, d)
	}
	return e, err
}

// deliver appends what one sender has for a box, within its share of it.
func (tx *Tx) deliver(b BoxID, share *ratelimit.Shares, d Draft) (Entry, error) {
	if err := tx.r.space.posts(); err != nil {
		return Entry{}, err
	}
	size := len(d.Body) + len(d.Nonce) + len(d.Extra)
	if ok, wait := tx.r.limits.pace.Peek(b[:], 1); !ok {
		return Entry{}, Later(wait, "too many messages for this box")
	}
	spend, err := tx.afford(share, d.From, b, size)
	if err != nil {
		return Entry{}, err
	}
	e, err := tx.Append(b, d)
	if err != nil {
		return e, err
	}
	tx.OnCommit(func() {
		tx.r.limits.pace.Spend(b[:], 1)
		spend()
	})
	return e, nil
}

// afford looks whether an account has so many bytes left of its share of a box
// and of the relay; TooMany when not. spend takes them when they are committed:
// what is not costs nothing. Those of one batch do not see each other's; what
// they go over by is owed.
func (tx *Tx) afford(share *ratelimit.Shares, who ID, b BoxID, size int) (spend func(), err error) {
	mine := append(append(make([]byte, 0, 22), who[:]...), b[:]...)
	if ok, wait := share.Peek(mine, size); !ok {
		return nil, Later(wait, "your share of this box is used up for today")
	}
	if ok, wait := tx.r.limits.writes.Peek(who[:], size); !ok {
		return nil, Later(wait, "your share of this relay is used up for today")
	}
	return func() {
		share.Add(mine, size)
		tx.r.limits.writes.Add(who[:], size)
	}, nil
}

// spend counts what an account writes into a box other than a message (an edit,
// a reaction) against the same shares. TooMany: one is used up.
func (tx *Tx) spend(who ID, b BoxID, size int) error {
	spend, err := tx.afford(tx.r.limits.room, who, b, size)
	if err == nil {
		tx.OnCommit(spend)
	}
	return err
}

// Limits are the shares that are counted in memory, over all families. Nil ones
// refuse nothing.
type limits struct {
	pace      *ratelimit.Limiter // entries into one box, from all
	mailbox   *ratelimit.Shares  // of one sender in one mailbox
	room      *ratelimit.Shares  // of one sender in one room
	writes    *ratelimit.Shares  // of one account on the whole relay
	strangers *ratelimit.Limiter // people whom one account brings into rooms and shares none with
}

// The shares of "Keeping strangers out": what one sender may put where, a day.
const (
	mailboxEntries = 5_000
	mailboxBytes   = 16 << 20
	accountWrites  = 20_000
	accountBytes   = 256 << 20
	pacePerSecond  = 50
	paceBurst      = 200
	sharesKept     = 1 << 15 // pairs of sender and box remembered
)

func newLimits(o Options) limits {
	if o.NoLimits {
		return limits{}
	}
	quarter := ratelimit.Share{Entries: max(o.BoxEntries/4, 1), Bytes: max(o.BoxBytes/4, 1)}
	return limits{
		pace:      ratelimit.New(ratelimit.PerSecond(pacePerSecond, paceBurst), sharesKept),
		mailbox:   ratelimit.NewShares(ratelimit.Share{Entries: mailboxEntries, Bytes: mailboxBytes}, sharesKept),
		room:      ratelimit.NewShares(quarter, sharesKept),
		writes:    ratelimit.NewShares(ratelimit.Share{Entries: accountWrites, Bytes: accountBytes}, sharesKept),
		strangers: ratelimit.New(ratelimit.PerDay(strangersADay, strangersADay), sharesKept),
	}
}

// Mailbox is where messages to an account are read from, after a time.
func (tx *Tx) Mailbox(b BoxID, after Time) Reading {
	return Reading{b, max(after, tx.r.horizon(tx.r.opts.Retention))}
}

// Reading is where a room is read from by whoever has this access to it: not
// further back than it is kept, nor than the member may see.
func (tx *Tx) Reading(acc Access, after Time) Reading {
	keep := tx.r.opts.RoomRetention
	if acc.Room.Open {
		keep = tx.r.opts.Retention
	}
	return Reading{acc.Room.Box, max(after, acc.Member.SeesFrom-1, tx.r.horizon(keep))}
}
