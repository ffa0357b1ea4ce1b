package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

func noChannel() error { return relay.Errorf(relay.NotFound, relay.SubjectRoom, "channel not found") }
func noMessage() error {
	return relay.Errorf(relay.NotFound, relay.SubjectMessage, "message not found")
}
func notMember() error { return forbidden("you are not a member of this channel") }

// memberOf returns the channel named in the path, in which the caller must be.
// NotFound: there is no such channel. Forbidden: he is not in it.
func memberOf(c *wire.Call, tx *relay.Tx, param string) (relay.Access, error) {
	id, err := pathID(c, param)
	if err != nil {
		return relay.Access{}, err
	}
	return inChannel(tx, c.Who.Account, id)
}

// inChannel is memberOf for a channel named elsewhere. A community or a group is
// no channel.
func inChannel(tx *relay.Tx, who, id relay.ID) (relay.Access, error) {
	acc, err := tx.Access(who, id)
	switch {
	case relay.Is(err, relay.NotFound):
		return acc, absent(tx, id)
	case relay.Is(err, relay.Forbidden):
		return acc, notMember()
	case err != nil:
		return acc, err
	case !isChannel(acc.Room):
		return acc, noChannel()
	}
	return acc, nil
}

// absent is the error for somebody who is not in a channel, if it is one.
func absent(tx *relay.Tx, id relay.ID) error {
	r, err := tx.Room(id)
	switch {
	case relay.Is(err, relay.NotFound), err == nil && (!isChannel(r) || r.Family != family):
		return noChannel()
	case err != nil:
		return err
	}
	return notMember()
}

// isChannel reports whether messages are written in a room: it is no community
// and no group of this family.
func isChannel(r relay.Room) bool {
	s, err := settingsOf(r)
	return err == nil && s.Kind != roomCommunity && s.Kind != roomGroup
}

// readable returns a message that somebody may read, with its channel. NotFound:
// there is none, or not any more. Forbidden: he is not in its channel.
func readable(tx *relay.Tx, who relay.ID, id relay.EntryID) (relay.Entry, relay.Access, error) {
	box, err := tx.Box(id.Box)
	if relay.Is(err, relay.NotFound) || err == nil && box.Owner.Kind != relay.OwnerRoom {
		return relay.Entry{}, relay.Access{}, noMessage()
	}
	if err != nil {
		return relay.Entry{}, relay.Access{}, err
	}
	acc, err := inChannel(tx, who, box.Owner.ID)
	if relay.Is(err, relay.NotFound) {
		err = noMessage()
	}
	if err != nil {
		return relay.Entry{}, acc, err
	}
	e, err := tx.Entry(relay.Messages, id)
	if relay.Is(err, relay.NotFound) || err == nil && (e.Erased || e.ID.Time < acc.Member.SeesFrom) {
		err = noMessage()
	}
	return e, acc, err
}
