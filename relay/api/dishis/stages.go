package dishis

import (
	"cmp"

	"restante/relay"
	"restante/relay/api/wire"
)

// What a message's status may be.
const (
	statusScheduled = "scheduled"
	statusFailed    = "failed"
	statusSent      = "sent"
	statusDelivered = "delivered"
	statusSeen      = "seen"
)

// A stage is how far a message has come with one of its readers.
type stage struct{ delivered, seen relay.Time }

func stageOf(tx *relay.Tx, id relay.EntryID, reader relay.ID) (s stage, err error) {
	if s.delivered, _, err = tx.Marked(id, relay.Delivered, reader, ""); err != nil {
		return s, err
	}
	s.seen, _, err = tx.Marked(id, relay.Read, reader, "")
	return s, err
}

// directStageOf is stageOf for a message of a direct room. Other families keep
// only how far somebody has read; then the time is that of the last he read.
func directStageOf(tx *relay.Tx, id relay.EntryID, reader relay.ID) (stage, error) {
	s, err := stageOf(tx, id, reader)
	if to := tx.Cursor(reader, id.Box); err == nil && s.seen == 0 && to >= id.Time {
		s.seen = to
	}
	return s, err
}

func (s stage) name() string {
	switch {
	case s.seen != 0:
		return statusSeen
	case s.delivered != 0:
		return statusDelivered
	}
	return statusSent
}

// at is when the stage was reached.
func (s stage) at() relay.Time { return cmp.Or(s.seen, s.delivered) }

type stageIn struct {
	byUser
	MessageID string `json:"messageId"`
	Status    string `json:"status"`
}

func (in *stageIn) Check() error {
	if err := required("messageId", in.MessageID, "status", in.Status); err != nil {
		return err
	}
	if in.Status != statusDelivered && in.Status != statusSeen {
		return bad("status")
	}
	return nil
}

type stagedOut struct {
	MessageID string `json:"messageId"`
	GroupID   string `json:"groupId,omitzero"`
	Status    string `json:"status"`
	UpdatedAt string `json:"updatedAt"`
}

// setDirectStage notes that a message has reached its recipient, or was seen.
func (a *api) setDirectStage(c *wire.Call, tx *relay.Tx, in stageIn) (answer, error) {
	p, err := findDirect(tx, c.Who.Account, in.MessageID)
	if err != nil {
		return answer{}, err
	}
	if p.entry.From == c.Who.Account {
		return answer{}, denied("Only the recipient may update the status")
	}
	out, err := advance(tx, c.Who.Account, p, in.Status)
	return data(out), err
}

// advance takes a message to a stage with a reader, never back. A tombstone has
// come as far as it ever will.
func advance(tx *relay.Tx, who relay.ID, p place, status string) (out stagedOut, err error) {
	s, err := stageOf(tx, p.entry.ID, who)
	if err != nil {
		return out, err
	}
	news := !p.entry.Erased && s.seen == 0 && (status == statusSeen || s.delivered == 0)
	if news {
		mark, kind := relay.Delivered, relay.EventDelivered
		if status == statusSeen {
			mark, kind = relay.Read, relay.EventRead
		}
		if _, err := tx.SetMark(p.entry.ID, mark, who, ""); err != nil {
			return out, err
		}
		if err := tell(tx, p, kind, who); err != nil {
			return out, err
		}
		if s, err = stageOf(tx, p.entry.ID, who); err != nil {
			return out, err
		}
	}
	id, err := messageID(tx, p.entry, p.extra)
	return stagedOut{MessageID: id, Status: s.name(), UpdatedAt: wire.ISO(cmp.Or(s.at(), p.entry.ID.Time))}, err
}

type stageOut struct {
	MessageID   string  `json:"messageId"`
	Status      string  `json:"status"`
	SentAt      string  `json:"sentAt"`
	DeliveredAt *string `json:"deliveredAt"`
	SeenAt      *string `json:"seenAt"`
}

// directStage shows how far a direct message has come, one that waits for its
// time to its sender alone.
func (a *api) directStage(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	id := c.Param("messageId")
	if s, found, err := findScheduled(tx, id); err != nil {
		return answer{}, err
	} else if found {
		if s.From != c.Who.Account && !c.Who.Account.IsZero() {
			return answer{}, noMessage
		}
		return data(stageOut{MessageID: id, Status: s.status(), SentAt: wire.ISO(s.Due)}), nil
	}
	p, err := a.findStaged(c, tx, id)
	if err != nil {
		return answer{}, err
	}
	s, err := directStageOf(tx, p.entry.ID, otherOf(p.Room, p.entry.From))
	if err != nil {
		return answer{}, err
	}
	out := stageOut{Status: s.name(), SentAt: wire.ISO(p.entry.ID.Time), DeliveredAt: isoOrNull(s.delivered), SeenAt: isoOrNull(s.seen)}
	out.MessageID, err = messageID(tx, p.entry, p.extra)
	return data(out), err
}

// findStaged is findDirect, for anybody where callers are believed and this one
// names nobody.
func (a *api) findStaged(c *wire.Call, tx *relay.Tx, id string) (place, error) {
	who := c.Who.Account
	if at, ok := findEntry(tx, id); ok && who.IsZero() {
		if e, err := tx.Entry(relay.Messages, at); err == nil {
			who = e.From
		}
	}
	return findDirect(tx, who, id)
}
