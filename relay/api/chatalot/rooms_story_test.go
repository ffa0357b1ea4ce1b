package chatalot

import (
	"context"

	"restante/relay"
	"restante/relay/api/wire/wiretest"
)

// roomDeeds are what stories may do beside asking, to get rooms:
//
//	! $id = id alice                    the id of an account
//	! $c = room text alice bob          a channel without a group (or a community): the first owns it
func roomDeeds(s *wiretest.Settings) {
	s.Do("id", func(r *relay.Relay, words ...string) (id string, err error) {
		err = r.View(context.Background(), func(tx *relay.Tx) error {
			acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: fold(words[0])})
			id = uuid(acc.ID).String()
			return err
		})
		return id, err
	})
	s.Do("room", func(r *relay.Relay, words ...string) (id string, err error) {
		err = r.Update(context.Background(), func(tx *relay.Tx) error {
			d := relay.RoomDraft{Family: family}
			for i, name := range words[1:] {
				acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: fold(name)})
				if err != nil {
					return err
				}
				seat := relay.Seat{Account: acc.ID}
				if i == 0 {
					d.By, seat.Role = acc.ID, relay.RoleOwner
				}
				d.Members = append(d.Members, seat)
			}
			d.Settings = roomSettings{Kind: words[0], Name: words[0], Owner: d.By}.bytes()
			room, err := tx.OpenRoom(d)
			id = uuid(room.ID).String()
			return err
		})
		return id, err
	})
}
