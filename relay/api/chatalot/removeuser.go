package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// A removal is the deletion of a user by an administrator: what he owns passes
// to the owner of the instance, some rooms at a time, and then he is removed.
type removal struct {
	Who  relay.ID `cbor:"1,keyasint"`
	Heir relay.ID `cbor:"2,keyasint"`
	Past relay.ID `cbor:"3,keyasint,omitzero"` // done with his rooms up to this one
}

// heirStep is how many rooms of a user one step looks at.
const heirStep = 200

var removeUser relay.Verb

func init() {
	removeUser = relay.NewVerb("chatalot remove user", func(tx *relay.Tx, arg []byte) error {
		var job removal
		if err := relay.DecodeArg(arg, &job); err != nil {
			return err
		}
		return job.step(tx)
	})
}

// deleteUser removes a user. He is out with this commit.
func (a *api) deleteUser(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	acc, p, err := ruled(c, tx, "delete")
	if err == nil && p.admin() {
		err = bad("administrators cannot be deleted")
	}
	if err != nil {
		return wire.None{}, err
	}
	heir, err := instanceOwner(tx, c.Who.Account)
	if err != nil {
		return wire.None{}, err
	}
	if err := a.audit(c, tx, c.Who.Account, "admin_delete_user", about(acc, p)); err != nil {
		return wire.None{}, err
	}
	if _, err := endSessions(tx, acc, ""); err != nil {
		return wire.None{}, err
	}
	if err := tx.Suspend(acc.ID); err != nil {
		return wire.None{}, err
	}
	return wire.None{}, removal{Who: acc.ID, Heir: heir}.step(tx)
}

// instanceOwner returns the owner of the instance: whoever asks, if it is him,
// else the first there is; and whoever asks if there is none.
func instanceOwner(tx *relay.Tx, asks relay.ID) (relay.ID, error) {
	rank, err := rankOf(tx, asks)
	if err != nil || rank == relay.RankOwner {
		return asks, err
	}
	s, err := instanceOf(tx)
	if err != nil || s.Owner.IsZero() {
		return asks, err
	}
	last, err := lasting(tx, s.Owner)
	if last.IsZero() {
		last = asks
	}
	return last, err
}

// step passes on what he owns of some of his rooms, and removes him after the
// last of them.
func (j removal) step(tx *relay.Tx) error {
	rooms, next, err := tx.RoomsOf(j.Who, j.Past, heirStep)
	if relay.Is(err, relay.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, room := range rooms {
		if err := j.inherit(tx, room); err != nil {
			return err
		}
	}
	if j.Past = next; !next.IsZero() {
		return removeUser.Soon(tx, j)
	}
	if err := tx.RemoveAccount(j.Who); !relay.Is(err, relay.NotFound) {
		return err
	}
	return nil
}

// inherit makes the heir the owner of a community or group that was the user's.
func (j removal) inherit(tx *relay.Tx, room relay.Access) error {
	set, err := settingsOf(room.Room)
	owned := room.Member.Role == relay.RoleOwner && (set.Kind == roomCommunity || set.Kind == roomGroup)
	if err != nil || !owned {
		return err
	}
	if err := j.seat(tx, room.Room); err != nil {
		return err
	}
	set.Owner = j.Heir
	if _, err := tx.ChangeRoom(j.Heir, room.Room.ID, set.bytes(), nil); err != nil {
		return err
	}
	_, err = tx.SetRole(j.Heir, room.Room.ID, j.Heir, relay.RoleOwner)
	return err
}

// seat makes the heir a member of a room and of the one above, if he is not.
func (j removal) seat(tx *relay.Tx, r relay.Room) error {
	if !r.Parent.IsZero() {
		parent, err := tx.Room(r.Parent)
		if err == nil {
			err = j.seat(tx, parent)
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.Access(j.Heir, r.ID)
	if err == nil {
		return nil
	}
	if !relay.Is(err, relay.NotFound) && !relay.Is(err, relay.Forbidden) {
		return err
	}
	if err := tx.Unban(j.Heir, r.ID, j.Heir); err != nil && !relay.Is(err, relay.NotFound) {
		return err
	}
	_, err = tx.Join(r.ID, relay.Joining{By: j.Heir, Seat: relay.Seat{Account: j.Heir}})
	return err
}
