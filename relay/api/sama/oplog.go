package sama

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

type listOperationsIn struct {
	Created span `json:"created_at"`
}

func (in *listOperationsIn) Check() error {
	if in.Created.After.set == in.Created.Before.set {
		return wrong("Gt or lt query missed.")
	}
	return nil
}

// An operationOut is one line of the operations log.
type operationOut struct {
	ID        int64  `json:"_id"`
	UserID    string `json:"user_id"`
	Packet    any    `json:"packet"`
	CreatedAt string `json:"created_at"`
}

type operationsOut struct {
	Logs []operationOut `json:"logs"`
}

// logPage is how many entries one answer goes over, at least: it ends between
// two times, since clients go on from a time.
const logPage = 500

// listOperations is the stream read back: what the caller's boxes have held
// since a time, the oldest first, as it would be told now.
func (a *api) listOperations(c *wire.Call, tx *relay.Tx, in listOperationsIn) (operationsOut, error) {
	out := operationsOut{[]operationOut{}}
	since := max(in.Created.After.time, tx.Wall().Add(-relay.EventsFor))
	owners, from, err := ownBoxes(tx, c.Who, since)
	if err != nil {
		return out, err
	}
	entries, err := bothLanes(tx, from)
	if err != nil {
		return out, err
	}
	v, place, last := viewerOf(c), int64(0), relay.Time(0)
	for _, e := range entries {
		if in.Created.Before.set && e.ID.Time >= in.Created.Before.time {
			break
		}
		packets, err := v.packets(tx, e, owners[e.ID.Box])
		if err != nil {
			return out, err
		}
		if e.ID.Time != last {
			place, last = 0, e.ID.Time
		}
		for _, p := range packets {
			out.Logs = append(out.Logs, operationOut{
				ID: int64(e.ID.Time)<<12 + place, UserID: shown(c.Who.Account), Packet: p, CreatedAt: wire.ISO(e.ID.Time),
			})
			place++
		}
	}
	return out, nil
}

// ownBoxes returns the boxes of an account and its rooms.
func ownBoxes(tx *relay.Tx, who relay.Caller, since relay.Time) (map[relay.BoxID]relay.Owner, []relay.Reading, error) {
	owners := map[relay.BoxID]relay.Owner{who.Box: {Kind: relay.OwnerAccount, ID: who.Account}}
	from := []relay.Reading{{Box: who.Box, After: since}}
	for past := (relay.ID{}); ; {
		rooms, next, err := tx.RoomsOf(who.Account, past, 1000)
		if err != nil {
			return nil, nil, err
		}
		for _, acc := range rooms {
			owners[acc.Room.Box] = relay.Owner{Kind: relay.OwnerRoom, ID: acc.Room.ID}
			from = append(from, tx.Reading(acc, max(since, joinedBefore(acc))))
		}
		if past = next; next.IsZero() {
			return owners, from, nil
		}
	}
}

// joinedBefore is the time after which somebody was told of a room: what had
// happened there before he came was no event to him.
func joinedBefore(acc relay.Access) relay.Time { return acc.Member.Joined - 1 }

// bothLanes reads messages and events as one stream, as far as both were read.
func bothLanes(tx *relay.Tx, from []relay.Reading) ([]relay.Entry, error) {
	p := relay.Page{Entries: logPage, Bytes: 2 << 20}
	messages, err := tx.Since(relay.Messages, from, p)
	if err != nil {
		return nil, err
	}
	events, err := tx.Since(relay.Events, from, p)
	if err != nil {
		return nil, err
	}
	upTo := min(end(tx, relay.Messages, from, messages), end(tx, relay.Events, from, events))
	all := slices.DeleteFunc(slices.Concat(messages, events), func(e relay.Entry) bool { return e.ID.Time > upTo })
	slices.SortStableFunc(all, func(a, b relay.Entry) int {
		return cmp.Or(cmp.Compare(a.ID.Time, b.ID.Time), cmp.Compare(a.Place, b.Place))
	})
	return all, nil
}

// end is how far a page goes: without a limit if nothing comes after it.
func end(tx *relay.Tx, lane relay.Lane, from []relay.Reading, got []relay.Entry) relay.Time {
	const never relay.Time = 1<<48 - 1
	if len(got) == 0 {
		return never
	}
	last := got[len(got)-1].ID.Time
	rest := slices.Clone(from)
	for i := range rest {
		rest[i].After = max(rest[i].After, last)
	}
	if tx.HasSince(lane, rest) < 0 {
		return never
	}
	return last
}
