package dishis

import (
	"encoding/binary"
	"time"

	"restante/relay"
)

// A tally is what an account has sent on one day, by the hour, and all before
// it, so that the latest tells the whole. It is one row a message.
//
// What it received is not counted for each reader: it is what its rooms hold
// since it came into them, and held of those it left, without what it sent there
// itself.
type tally struct {
	Account   relay.ID   `cbor:"1,keyasint"`
	Day       relay.Time `cbor:"2,keyasint"`           // its start, UTC
	Hours     [24]int64  `cbor:"3,keyasint"`           // sent in each
	Before    int64      `cbor:"4,keyasint,omitempty"` // sent on all days before
	Addressed int64      `cbor:"5,keyasint,omitempty"` // sent to users and groups, in all
	Left      int64      `cbor:"6,keyasint,omitempty"` // what rooms held that it left
}

const byDay = "account, day"

var tallies = relay.NewRecords[tally]("dishis tally", relay.Index[tally]{
	Name: byDay,
	Key:  func(t *tally) [][]byte { return [][]byte{dayKey(t.Account, t.Day)} },
}).GoesWith(byDay, nil)

func dayKey(who relay.ID, day relay.Time) []byte {
	return binary.BigEndian.AppendUint64(who[:], uint64(day))
}

const (
	hour = relay.Time(time.Hour / time.Millisecond)
	day  = 24 * hour
)

// Whether what is sent counts as received by whoever reads it.
const (
	addressed   = true  // to a user or a group
	unaddressed = false // to a channel
)

// countSent counts a message that an account sent.
func countSent(tx *relay.Tx, who relay.ID, to bool) error {
	return changeTally(tx, who, func(t *tally) {
		t.Hours[(tx.Wall()%day)/hour]++
		if to {
			t.Addressed++
		}
	})
}

// countLeft keeps what a room held that an account leaves.
func countLeft(tx *relay.Tx, room relay.Room, m relay.Member) error {
	held, err := since(tx, room, m)
	if err != nil || held == 0 {
		return err
	}
	return changeTally(tx, m.Account, func(t *tally) { t.Left += held })
}

// changeTally changes today's tally of an account.
func changeTally(tx *relay.Tx, who relay.ID, change func(*tally)) error {
	last, id, err := latestTally(tx, who)
	if err != nil {
		return err
	}
	now := tx.Wall()
	if today := now - now%day; last.Day < today {
		id = relay.NewID()
		last = tally{Account: who, Day: today, Before: last.sent(), Addressed: last.Addressed, Left: last.Left}
	}
	change(&last)
	return tallies.Put(tx, id, &last)
}

// latestTally returns the last tally of an account, an empty one if there is
// none.
func latestTally(tx *relay.Tx, who relay.ID) (tally, relay.ID, error) {
	for f, err := range tallies.Scan(tx, byDay, relay.Span{Prefix: who[:], Reverse: true, Limit: 1}) {
		return *f.Record, f.ID, err
	}
	return tally{Account: who, Day: -1}, relay.NewID(), nil
}

// sent is how many messages were sent in all.
func (t tally) sent() int64 {
	n := t.Before
	for _, h := range t.Hours {
		n += h
	}
	return n
}

// sentSince counts what an account sent after a time, to the hour.
func sentSince(tx *relay.Tx, who relay.ID, from relay.Time) (n int64, err error) {
	span := relay.Span{Prefix: who[:], From: dayKey(who, from-from%day)}
	for f, err := range tallies.Scan(tx, byDay, span) {
		if err != nil {
			return 0, err
		}
		for h, sent := range f.Record.Hours {
			if f.Record.Day+relay.Time(h+1)*hour > from {
				n += sent
			}
		}
	}
	return n, nil
}

// since is how many messages came into a room since somebody is in it. A room of
// this family keeps with the member what it held when he came.
func since(tx *relay.Tx, room relay.Room, m relay.Member) (int64, error) {
	held, err := tx.Holding(room.Box)
	if err != nil {
		return 0, err
	}
	return max(int64(held.Entries)-heldBefore(room, m), 0), nil
}

// heldBefore reads what heldRest wrote.
func heldBefore(room relay.Room, m relay.Member) int64 {
	if room.Family != family || len(m.Rest) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(m.Rest))
}

// heldRest is what is kept with somebody who comes into a room: how many
// messages it holds by then.
func heldRest(tx *relay.Tx, room relay.Room) ([]byte, error) {
	held, err := tx.Holding(room.Box)
	return binary.BigEndian.AppendUint64(nil, uint64(held.Entries)), err
}
