package relay

// How many open rooms one account may make: they do not name their maker, so
// they are counted on the account.
const (
	openingsADay = 32
	openingsEver = 1024
)

// OpenFor makes an open room on an account's count. TooMany: it made as many as
// it may today, or ever. Full: the disk has no room for new rooms.
func (tx *Tx) OpenFor(who ID, family string) (Room, error) {
	if err := tx.r.space.founding(); err != nil {
		return Room{}, err
	}
	a, err := tx.Account(who)
	if err != nil {
		return Room{}, err
	}
	today := dayOf(tx.r.Now())
	if a.OpenedOn != today {
		a.OpenedOn, a.OpenedToday = today, 0
	}
	if !tx.r.opts.NoLimits {
		if a.Opened >= openingsEver {
			return Room{}, Later(dayMillis.duration(), "no more groups for this account")
		}
		if a.OpenedToday >= openingsADay {
			return Room{}, Later((today + dayMillis - tx.r.Now()).duration(), "no more groups for this account today")
		}
	}
	a.Opened++
	a.OpenedToday++
	if err := tx.ChangeAccount(a); err != nil {
		return Room{}, err
	}
	return tx.OpenRoom(RoomDraft{Family: family, Open: true})
}
