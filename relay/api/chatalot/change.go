package chatalot

import (
	"strconv"
	"time"

	"restante/relay"
)

// seconds writes a wait in whole seconds, at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(max((d+time.Second-1)/time.Second, 1)))
}

// messageAt finds a message and how somebody stands in its channel. NotFound:
// there is none, or not any more. Forbidden: he has nothing to do with that
// channel.
func messageAt(tx *relay.Tx, who relay.ID, id relay.EntryID) (relay.Entry, place, error) {
	box, err := tx.Box(id.Box)
	if relay.Is(err, relay.NotFound) || err == nil && box.Owner.Kind != relay.OwnerRoom {
		err = noMessage()
	}
	if err != nil {
		return relay.Entry{}, place{}, err
	}
	p, err := channelAt(tx, who, box.Owner.ID)
	switch {
	case relay.Is(err, relay.NotFound):
		return relay.Entry{}, p, noMessage()
	case err != nil:
		return relay.Entry{}, p, err
	case !p.In && p.Rank == relay.RankNone:
		return relay.Entry{}, p, notMember()
	}
	e, err := tx.Entry(relay.Messages, id)
	if relay.Is(err, relay.NotFound) || err == nil && e.Erased {
		err = noMessage()
	}
	return e, p, err
}

// editMessage replaces what a message of one's own says, within 15 minutes. What
// it said is kept as history.
func editMessage(tx *relay.Tx, who relay.ID, id relay.EntryID, body, nonce []byte) (place, relay.Entry, error) {
	if err := checkSealed(body, nonce); err != nil {
		return place{}, relay.Entry{}, err
	}
	e, p, err := messageAt(tx, who, id)
	if err != nil {
		return p, e, err
	}
	if err := p.mayEdit(tx, e); err != nil {
		return p, e, err
	}
	if e, err = tx.Amend(id, body, nonce, true); err != nil {
		return p, e, err
	}
	_, err = tx.TellEntries(id.Box, relay.EventEdited, who, relay.EntryEvent{Entries: []relay.Time{id.Time}})
	return p, e, err
}

func (p place) mayEdit(tx *relay.Tx, e relay.Entry) error {
	switch {
	case e.From != p.who:
		return forbidden("you can only edit your own messages")
	case !p.In:
		return notMember()
	case p.set.Archived:
		return relay.Errorf(relay.Forbidden, subjectArchived, "this channel is archived")
	}
	acc, err := p.access(tx)
	switch {
	case err != nil:
		return err
	case acc.Member.Silenced(tx.Wall()) && !p.May(relay.ToWriteFreely):
		return relay.Errorf(relay.Forbidden, subjectTimedOut, "you are timed out in this channel")
	case tx.Wall() > e.ID.Time.Add(editableFor):
		return forbidden("messages can be edited for 15 minutes")
	}
	return nil
}

// deleteMessage deletes a message of one's own, or of anybody's for who tidies
// the channel. What it said is gone with this commit, that it was there in 30
// days.
func deleteMessage(tx *relay.Tx, who relay.ID, id relay.EntryID) (place, error) {
	e, p, err := messageAt(tx, who, id)
	switch {
	case err != nil:
		return p, err
	case e.From == who && p.In:
	case p.Family != family && !p.Direct, !p.May(relay.ToTidyLeaf):
		return p, forbidden("you can only delete your own messages")
	}
	if _, err := tx.Tombstone(id); err != nil {
		return p, err
	}
	arg := id.Bytes()
	if _, err := eraseLater.At(tx, tx.Wall().Add(keptDeleted), arg[:]); err != nil {
		return p, err
	}
	_, err = tx.TellEntries(id.Box, relay.EventErased, who, relay.EntryEvent{Entries: []relay.Time{id.Time}})
	return p, err
}

// eraseLater removes the last of a message that was deleted long ago.
var eraseLater = relay.NewVerb("chatalot erase deleted", func(tx *relay.Tx, arg []byte) error {
	id := relay.EntryIDFrom([12]byte(arg))
	_, err := tx.Box(id.Box)
	if relay.Is(err, relay.NotFound) {
		return nil // the channel went before it
	}
	if err != nil {
		return err
	}
	return tx.Erase(id)
})
