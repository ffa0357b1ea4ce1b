package jetico

import (
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxAnswer bounds the messages of one answer, in bytes as stored.
const maxAnswer = 16 << 20

type messagesOut struct {
	Messages []messageOut `json:"messages"`
}

func (messagesOut) reply() string { return "ResponseGetMessages" }

type getNewerIn struct {
	Conversation *string `json:"conversationUuid"`
	From         *string `json:"fromMessageUuid"`
	Size         *int64  `json:"size"`
}

func (in *getNewerIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), uuidOrNil("fromMessageUuid", in.From), size(in.Size))
}

func size(n *int64) error {
	if n == nil {
		return wire.MissingField("size")
	}
	if *n < 1 {
		return wire.BadField("size")
	}
	return nil
}

// getNewer returns the messages next after one, the newest first; without one,
// the newest there are.
func (a *api) getNewer(c *wire.Call, tx *relay.Tx, in getNewerIn) (messagesOut, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return messagesOut{}, err
	}
	n := int(min(*in.Size, maxPage))
	if in.From == nil {
		return a.older(tx, cv, c.Who.Account, 0, n)
	}
	anchor, err := cv.findMessage(tx, *in.From)
	if err != nil {
		return messagesOut{}, err
	}
	from := []relay.Reading{cv.sees(tx, anchor.ID.Time)}
	list, err := tx.Since(relay.Messages, from, relay.Page{Entries: n, Bytes: maxAnswer})
	slices.Reverse(list)
	if err != nil {
		return messagesOut{}, err
	}
	return a.newMessages(tx, cv, c.Who.Account, list)
}

type getOlderIn struct {
	Conversation *string `json:"conversationUuid"`
	Size         *int64  `json:"size"`
	UUID         *string `json:"uuid"`
}

func (in *getOlderIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), size(in.Size), uuidOrNil("uuid", in.UUID))
}

// getOlder returns the messages next before one, the newest first; without one,
// the newest there are.
func (a *api) getOlder(c *wire.Call, tx *relay.Tx, in getOlderIn) (messagesOut, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return messagesOut{}, err
	}
	var before relay.Time
	if in.UUID != nil {
		anchor, err := cv.findMessage(tx, *in.UUID)
		if err != nil {
			return messagesOut{}, err
		}
		before = anchor.ID.Time
	}
	return a.older(tx, cv, c.Who.Account, before, int(min(*in.Size, maxPage)))
}

// older returns up to n messages before a time. They are read a few at a time,
// so that large ones end the answer early.
func (a *api) older(tx *relay.Tx, cv *conv, who relay.ID, before relay.Time, n int) (messagesOut, error) {
	from := cv.sees(tx, 0)
	var list []relay.Entry
	for bytes := 0; len(list) < n && bytes < maxAnswer; {
		got, err := tx.Before(relay.Messages, from.Box, before, from.After+1, min(n-len(list), 20))
		if err != nil {
			return messagesOut{}, err
		}
		if len(got) == 0 {
			break
		}
		for _, e := range got {
			bytes += len(e.Body)
		}
		list = append(list, got...)
		before = list[len(list)-1].ID.Time
	}
	return a.newMessages(tx, cv, who, list)
}

func (a *api) newMessages(tx *relay.Tx, cv *conv, who relay.ID, list []relay.Entry) (messagesOut, error) {
	out := messagesOut{[]messageOut{}}
	for _, e := range list {
		m, err := a.newMessage(tx, cv, who, e)
		if err != nil {
			return out, err
		}
		out.Messages = append(out.Messages, m)
	}
	return out, nil
}

type byUUIDsIn struct {
	Conversation *string   `json:"conversationUuid"`
	UUIDs        *[]string `json:"uuids"`
}

func (in *byUUIDsIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), each("uuids", in.UUIDs, maxUUIDs, uuid))
}

// getByUUIDs returns messages in the order in which they are named; those that
// there are not, or not for the caller, are left out.
func (a *api) getByUUIDs(c *wire.Call, tx *relay.Tx, in byUUIDsIn) (messagesOut, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return messagesOut{}, err
	}
	var list []relay.Entry
	bytes := 0
	for _, id := range *in.UUIDs {
		e, err := cv.findMessage(tx, id)
		if relay.Is(err, relay.NotFound) {
			continue
		}
		if err != nil {
			return messagesOut{}, err
		}
		if bytes += len(e.Body); bytes > maxAnswer {
			break
		}
		list = append(list, e)
	}
	return a.newMessages(tx, cv, c.Who.Account, list)
}
