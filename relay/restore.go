package relay

import (
	"context"

	"restante/storage"
)

// A restore brings back what was true when the backup was made. Most of that is
// what is wanted. But what has been ended or spent since is good again, for
// whoever has stolen it as well: sessions that were closed, one-time codes,
// prekeys that were handed out. So what can be made anew is taken out of a store
// that was restored. What it is, families say: by [DeclareSessions] and by
// [Records.NotRestored].

// sessions are the families whose accounts lose their devices.
var sessions = map[string]bool{}

// DeclareSessions says that the devices of a family's accounts are sessions:
// whoever has the account can begin another, by a password or a code. A restore
// ends them all, tokens included. Families whose tokens are all there is to
// prove oneself with do not declare it: nobody could come in any more. It
// panics when that was said before: it is called at start-up only.
func DeclareSessions(family string) {
	if sessions[family] {
		panic("relay: sessions of " + family + " declared twice")
	}
	sessions[family] = true
}

// A restoring is one step of what a restore does, from the row after at. The
// next one begins after next.
type restoring func(tx *Tx, at key) (next key, left bool, err error)

// restoreStep is how many rows a step changes, with what hangs on them.
const restoreStep = 200

// unrestored are the types of records that a restore goes over.
var unrestored []restoring

// NotRestored declares that records do not survive a restore: they are removed,
// or, where spent is given, changed by it, and kept if it says so. It is called
// when the program starts, and returns rs.
func (rs *Records[T]) NotRestored(spent func(*Tx, *T) (keep bool)) *Records[T] {
	unrestored = append(unrestored, func(tx *Tx, at key) (key, bool, error) {
		rg := rowsAfter(at, newKey(kindRecord).word(rs.name))
		ids := []ID{}
		for k := range tx.Scan(rg) {
			ids, at = append(ids, tailID(k)), clone(k)
		}
		for _, id := range ids {
			v, _, err := rs.Get(tx, id)
			if err != nil {
				return nil, false, err
			}
			if spent != nil && spent(tx, v) {
				err = rs.Put(tx, id, v)
			} else {
				_, err = rs.Delete(tx, id)
			}
			if err != nil {
				return nil, false, err
			}
		}
		return at, len(ids) == rg.Limit, nil
	})
	return rs
}

// rowsAfter is the next rows of a prefix; at is nil before the first.
func rowsAfter(at, prefix key) storage.Range {
	rg := prefix.all()
	rg.Limit = restoreStep
	if at != nil {
		rg.From = at.byte(0)
	}
	return rg
}

// AfterRestore takes out of a store that was restored from a backup what must
// not be good again, before any relay is opened over it.
func AfterRestore(ctx context.Context, store storage.Engine) error {
	r, err := build(store, Options{})
	if err != nil {
		return err
	}
	for _, step := range append([]restoring{(*Tx).restoreAccounts, (*Tx).restoreOpenRooms}, unrestored...) {
		var at key
		for left := true; left; {
			var next key
			err := r.Update(ctx, func(tx *Tx) (err error) {
				next, left, err = step(tx, at)
				return err
			})
			if err != nil {
				return err
			}
			at = next
		}
	}
	return nil
}

// restoreAccounts ends sessions. And who was to be removed for having never
// called may have called since, and has all the time again.
func (tx *Tx) restoreAccounts(at key) (next key, left bool, err error) {
	rg := rowsAfter(at, newKey(kindAccount))
	var accounts []Account
	for k, v := range tx.Scan(rg) {
		a := Account{ID: tailID(k)}
		if err := decode(v, &a); err != nil {
			return nil, false, err
		}
		accounts = append(accounts, a)
	}
	dropped := 0
	for _, a := range accounts {
		if !a.Unused.IsZero() {
			if a.Unused, err = tx.postpone(a.Unused, verbDropUnused, a.ID[:]); err == nil {
				err = tx.ChangeAccount(a)
			}
			if err != nil {
				return nil, false, err
			}
		}
		if sessions[a.Family] {
			devices, err := tx.Devices(a.ID, restoreStep)
			if err != nil {
				return nil, false, err
			}
			for _, d := range devices {
				tx.dropDevice(a.ID, d)
			}
			if dropped += len(devices); dropped >= restoreStep {
				return at, true, nil // with this one again, which may have more
			}
		}
		at = newKey(kindAccount).id(a.ID)
	}
	return at, len(accounts) == rg.Limit, nil
}

// restoreOpenRooms gives those in which nothing was posted all the time again,
// likewise.
func (tx *Tx) restoreOpenRooms(at key) (next key, left bool, err error) {
	rg := rowsAfter(at, newKey(kindOpenRoom))
	n := 0
	for k, v := range tx.Scan(rg) {
		n, at = n+1, clone(k)
		var r Room
		if err := decode(v, &r); err != nil {
			return nil, false, err
		}
		if r.Unused.IsZero() {
			continue
		}
		if r.Unused, err = tx.postpone(r.Unused, verbDropOpenRoom, at[1:]); err == nil {
			err = tx.put(at, r)
		}
		if err != nil {
			return nil, false, err
		}
	}
	return at, n == rg.Limit, nil
}

// postpone has an unused thing removed as if it had been made now.
func (tx *Tx) postpone(was TimerID, verb string, arg []byte) (TimerID, error) {
	tx.CancelTimer(was)
	return tx.SetTimer(tx.r.Now().Add(tx.r.opts.UnusedAfter), verb, arg)
}
