package jetico

import (
	"context"
	"errors"

	"restante/relay"
	"restante/relay/api/wire/wiretest"
)

// crossing teaches the stories what people of other families do.
func crossing(s *wiretest.Settings) {
	s.Do("stranger", stranger)
	s.Do("writes", writes)
	s.Do("gathers", gathers)
	s.Do("opens", opens)
}

// stranger makes an account of another family and returns its userId.
func stranger(r *relay.Relay, _ ...string) (id string, err error) {
	err = r.Update(context.Background(), func(tx *relay.Tx) error {
		acc, err := tx.Register(relay.AccountDraft{Family: "other", Profile: []byte("not ours")})
		if err == nil {
			id, err = userIDOf(tx, acc.ID)
		}
		return err
	})
	return id, err
}

// both returns the accounts of two userIds.
func both(tx *relay.Tx, words []string) (a, b relay.ID, err error) {
	x, err := findUser(tx, words[0])
	y, err2 := findUser(tx, words[1])
	return x.ID, y.ID, errors.Join(err, err2)
}

// writes has one user send another a message.
func writes(r *relay.Relay, words ...string) (string, error) {
	return "", r.Update(context.Background(), func(tx *relay.Tx) error {
		from, to, err := both(tx, words)
		if err == nil {
			_, err = tx.Send(from, to, relay.Draft{Kind: "text", Body: []byte(words[2]), Extra: []byte("not ours")})
		}
		return err
	})
}

// gathers has one user open a room of another family with another in it, and
// returns its uuid.
func gathers(r *relay.Relay, words ...string) (uuid string, err error) {
	err = r.Update(context.Background(), func(tx *relay.Tx) error {
		host, guest, err := both(tx, words)
		if err != nil {
			return err
		}
		room, err := tx.OpenRoom(relay.RoomDraft{
			By: host, Family: "other", Settings: []byte("not ours"),
			Members: []relay.Seat{{Account: host, Role: relay.RoleOwner, Rest: []byte("not ours")}, {Account: guest}},
		})
		uuid = uuidOf(room.ID)
		return err
	})
	return uuid, err
}

// opens makes an open group and returns its uuid.
func opens(r *relay.Relay, _ ...string) (uuid string, err error) {
	err = r.Update(context.Background(), func(tx *relay.Tx) error {
		room, err := tx.OpenRoom(relay.RoomDraft{Family: "other", Open: true})
		uuid = uuidOf(room.ID)
		return err
	})
	return uuid, err
}
