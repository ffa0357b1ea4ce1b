package sama

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

type listMessagesIn struct {
	CID     field    `json:"cid"`
	Limit   *int     `json:"limit"`
	Updated span     `json:"updated_at"`
	IDs     []string `json:"ids"`
}

type messagesOut struct {
	Messages []messageOut `json:"messages"`
}

// listMessages shows what a conversation holds: the newest first, or what
// changed after a time, the oldest first.
func (a *api) listMessages(c *wire.Call, tx *relay.Tx, in listMessagesIn) (messagesOut, error) {
	out := messagesOut{[]messageOut{}}
	limit, err := page(in.Limit, 30)
	switch {
	case !in.CID.set:
		return out, errNoCID
	case err != nil, len(in.IDs) > 100:
		return out, errShape
	}
	acc, err := roomOf(tx, c.Who.Account, in.CID.v)
	if err != nil {
		return out, err
	}
	v := viewerOf(c)
	var list []relay.Entry
	switch {
	case in.IDs != nil:
		list, err = v.chosen(tx, acc, in.IDs)
	case in.Updated.After.set:
		list, err = v.changed(tx, acc, in.Updated, limit)
	default:
		list, err = v.history(tx, acc, in.Updated, limit)
	}
	for _, e := range list {
		m, err := v.message(tx, acc.Room, e)
		if err != nil {
			return out, err
		}
		m.Status = v.status(tx, acc.Room, e)
		if m.Reactions, err = reactionsTo(tx, e.ID); err != nil {
			return out, err
		}
		out.Messages = append(out.Messages, m)
	}
	return out, err
}

// chosen returns those of a list of messages that the viewer may see, the newest
// first.
func (v viewer) chosen(tx *relay.Tx, acc relay.Access, ids []string) ([]relay.Entry, error) {
	list, err := found(ids, func(s string) (relay.Entry, error) { return visible(tx, acc, v.who, s) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b relay.Entry) int { return int(b.ID.Time - a.ID.Time) })
	return slices.CompactFunc(list, func(a, b relay.Entry) bool { return a.ID == b.ID }), nil
}

// slice is how many entries are looked at in one step: of them some may be
// hidden, and an answer that is short says that there is no more.
const slice = 200

// maxLooks bounds how many are looked at for one answer: who hides a whole room
// from himself, message by message, does not have it read through each time.
const maxLooks = 10_000

// history returns up to n messages, the newest first, before a time of creation.
func (v viewer) history(tx *relay.Tx, acc relay.Access, s span, n int) (list []relay.Entry, err error) {
	from := tx.Reading(acc, 0).After + 1
	before := relay.Time(0)
	if s.Before.set {
		before = max(s.Before.time, 1)
	}
	for looked := 0; looked < maxLooks; looked += slice {
		got, err := tx.Before(relay.Messages, acc.Room.Box, before, from, slice)
		if err != nil {
			return nil, err
		}
		for _, e := range got {
			hidden, err := v.hides(tx, e)
			if err != nil {
				return nil, err
			}
			if !hidden {
				list = append(list, e)
			}
			if len(list) == n {
				return list, nil
			}
		}
		if len(got) < slice {
			return list, nil
		}
		before = got[len(got)-1].ID.Time
	}
	return list, nil
}

// changed returns up to n messages that were stored or edited after a time, the
// oldest first. An edited one is found by the event of its edit.
func (v viewer) changed(tx *relay.Tx, acc relay.Access, s span, n int) (list []relay.Entry, err error) {
	after := tx.Reading(acc, s.After.time)
	edits, err := tx.Since(relay.Events, []relay.Reading{{Box: acc.Room.Box, After: s.After.time}}, relay.Page{Entries: 1000, Bytes: 1 << 20})
	if err != nil {
		return nil, err
	}
	floor := tx.Reading(acc, 0).After
	for _, e := range edits {
		if e.Kind != relay.EventEdited {
			continue
		}
		ev, err := relay.ReadEntryEvent(e)
		if err != nil {
			return nil, err
		}
		for _, at := range ev.Entries {
			if at <= floor || at > after.After {
				continue // not his to see, or found below
			}
			m, err := tx.Entry(relay.Messages, relay.EntryID{Box: acc.Room.Box, Time: at})
			if err == nil {
				list, err = v.keep(tx, list, m, s)
			}
			if err = gone(err); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(list, func(a, b relay.Entry) int { return int(a.ID.Time - b.ID.Time) })
	list = slices.CompactFunc(list, func(a, b relay.Entry) bool { return a.ID == b.ID })
	for looked := 0; len(list) < n && looked < maxLooks; looked += slice {
		got, err := tx.Since(relay.Messages, []relay.Reading{after}, relay.Page{Entries: slice, Bytes: 8 << 20})
		if err != nil {
			return nil, err
		}
		for _, e := range got {
			if list, err = v.keep(tx, list, e, s); err != nil {
				return nil, err
			}
		}
		if len(got) == 0 {
			break
		}
		after.After = got[len(got)-1].ID.Time
	}
	return list[:min(n, len(list))], nil
}

// keep adds a message to a list if the viewer may see it, and it is old enough.
func (v viewer) keep(tx *relay.Tx, list []relay.Entry, e relay.Entry, s span) ([]relay.Entry, error) {
	if s.Before.set && e.ID.Time >= s.Before.time {
		return list, nil
	}
	hidden, err := v.hides(tx, e)
	if err != nil || hidden {
		return list, err
	}
	return append(list, e), nil
}
