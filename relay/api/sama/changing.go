package sama

import (
	"restante/relay"
	"restante/relay/api/wire"
)

type updateRoomIn struct {
	ID           field      `json:"id"`
	Name         field      `json:"name"`
	Description  field      `json:"description"`
	Picture      *pictureIn `json:"image_object"`
	Participants struct {
		Add    []string `json:"add"`
		Remove []string `json:"remove"`
	} `json:"participants"`
}

func (in *updateRoomIn) Check() error {
	switch {
	case !in.ID.set || in.ID.bad:
		return errUnknownRoom
	case !in.Name.optional(0, 255), !in.Description.optional(0, 255),
		len(in.Participants.Add) > 100, len(in.Participants.Remove) > 100:
		return errShape
	}
	return in.Picture.check()
}

// updateConversation changes a conversation. What happens is told in one order:
// who came, who went, then what changed.
func (a *api) updateConversation(c *wire.Call, tx *relay.Tx, in updateRoomIn) (after, error) {
	acc, err := roomOf(tx, c.Who.Account, in.ID.v)
	if relay.Is(err, relay.NotFound) {
		return after{}, errUnknownRoom
	}
	if err == nil {
		err = mayChange(acc)
	}
	if err != nil {
		return after{}, err
	}
	u := &updating{a: a, tx: tx, room: acc.Room, me: c.Who.Account}
	if !acc.Room.Direct {
		if err := u.move(in.Participants.Add, in.Participants.Remove); err != nil {
			return after{}, err
		}
	}
	if err := u.change(in); err != nil {
		return after{}, err
	}
	room, err := tx.Room(acc.Room.ID)
	if relay.Is(err, relay.NotFound) {
		return after{out: conversationAnswer{map[string]bool{"deleted": true}}}, nil
	}
	if err != nil {
		return after{}, err
	}
	out, err := viewerOf(c).answer(tx, room)
	return after{out, func(k *session) {
		for _, job := range u.jobs {
			k.push(job)
		}
	}}, err
}

// mayChange lets a group be changed by who rules it, a dialog by either, and
// rooms of other families through their own doors only.
func mayChange(acc relay.Access) error {
	if acc.Room.Family != family || !acc.Room.Direct && acc.Member.Role < relay.RoleAdmin {
		return errForbidden
	}
	return nil
}

// An updating is a conversation_update under way.
type updating struct {
	a     *api
	tx    *relay.Tx
	room  relay.Room
	me    relay.ID
	added []relay.ID
	jobs  []pushJob
}

// move brings people in, then takes people out, each with a notice.
func (u *updating) move(add, remove []string) error {
	in, err := known(u.tx, add)
	if err != nil {
		return err
	}
	for _, id := range in {
		_, err := u.tx.Join(u.room.ID, relay.Joining{By: u.me, Seat: relay.Seat{Account: id}})
		if relay.Is(err, relay.Conflict) {
			continue // is in already
		}
		if err != nil {
			return err
		}
		u.added = append(u.added, id)
	}
	n, err := u.tx.CountMembers(u.room.ID)
	if err != nil {
		return err
	}
	if n > u.a.o.Participants && len(u.added) > 0 {
		return errTooMany
	}
	if len(u.added) > 0 {
		u.jobs = append(u.jobs, pushJob{room: u.room.ID, from: u.me, what: pushAdded, to: u.added})
	}
	for _, id := range u.added {
		if err := u.notice(relay.NoticeAdded, id); err != nil {
			return err
		}
	}
	return u.remove(remove)
}

// notice stores a notice, of which whoever is away is told, too.
func (u *updating) notice(what string, about relay.ID) error {
	e, err := u.tx.Notify(u.room.Box, u.me, relay.Notice{What: what, Account: about})
	u.jobs = append(u.jobs, pushJob{room: u.room.ID, from: u.me, entry: e.ID})
	return err
}

func (u *updating) remove(list []string) error {
	var out []relay.ID
	people, err := known(u.tx, list)
	if err != nil {
		return err
	}
	for _, id := range people {
		err := u.tx.RemoveMember(u.me, u.room.ID, id)
		if relay.Is(err, relay.NotFound) {
			continue // is not in it
		}
		if err != nil {
			return err
		}
		out = append(out, id)
	}
	if len(out) > 0 {
		u.jobs = append(u.jobs, pushJob{room: u.room.ID, from: u.me, what: pushRemoved, to: out})
	}
	for _, id := range out {
		if err := u.notice(relay.NoticeRemoved, id); err != nil {
			return err
		}
	}
	return passOn(u.tx, u.room.ID, u.me)
}

// A change is the note of a changed event: who was added in the same breath, and
// has been shown the conversation as it is now.
type change struct {
	Added []relay.ID `json:"a,omitempty"`
}

func readChange(note []byte) (c change) {
	_ = wire.Decode(note, &c) // another family's: nobody was added here
	return c
}

func (c change) added(id relay.ID) bool { return len(without(c.Added, id)) < len(c.Added) }

// change changes name, description and picture, and says so, also when only
// people came or went.
func (u *updating) change(in updateRoomIn) error {
	room, err := u.tx.Room(u.room.ID)
	if err != nil {
		return gone(err)
	}
	s, err := settingsOf(room)
	if err != nil {
		return err
	}
	was := s
	if in.Name.set {
		s.Name = in.Name.v
	}
	if in.Description.set {
		s.Description = in.Description.v
	}
	if in.Picture != nil {
		s.Picture = in.Picture
	}
	if s == was {
		return nil
	}
	s.Updated = relay.Time(u.tx.Now())
	note := wire.MustEncode(change{u.added})
	if _, err := u.tx.ChangeRoom(u.me, room.ID, wire.MustEncode(s), note); err != nil {
		return err
	}
	if in.Picture != nil && (was.Picture == nil || *in.Picture != *was.Picture) {
		return u.notice(relay.NoticePicture, relay.ID{})
	}
	return nil
}
