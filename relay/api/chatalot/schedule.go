package chatalot

import (
	"encoding/json"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// scheduleOps are the rows of scheduled messages.
func (a *api) scheduleOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/messages/schedule", wire.User, wire.Write(postScheduled), "a message to be sent at a time"),
		wire.Row("GET /api/messages/scheduled", wire.User, wire.Read(listScheduled), "the caller's messages that wait, soonest first").NamesNobody(),
		wire.Row("DELETE /api/messages/scheduled/:id", wire.User, wire.Write(deleteScheduled), "take one back"),
	}
}

// Bounds of scheduled messages. Texts are counted in bytes.
const (
	maxScheduled       = 50 // of one account
	scheduledFor       = 30 * 24 * time.Hour
	maxScheduledBody   = 100_000
	maxScheduledNonce  = 256 * 4 // as a list of numbers
	maxContentPreview  = 10_000
	maxScheduledListed = 200
)

// A scheduled message waits for its time. Body and nonce are as the client sent
// them: texts that hold lists of numbers.
type scheduled struct {
	User    relay.ID      `cbor:"1,keyasint"`
	Channel relay.ID      `cbor:"2,keyasint"`
	Body    string        `cbor:"3,keyasint"`
	Nonce   string        `cbor:"4,keyasint"`
	Due     relay.Time    `cbor:"5,keyasint"`
	Created relay.Time    `cbor:"6,keyasint"`
	Preview string        `cbor:"7,keyasint,omitempty"`
	Timer   relay.TimerID `cbor:"8,keyasint"`
}

var schedule = relay.NewRecords("chatalot scheduled",
	relay.Index[scheduled]{Name: "user", Key: func(s *scheduled) [][]byte {
		return [][]byte{append(s.User[:], timeKey(s.Due)...)}
	}},
	relay.Index[scheduled]{Name: "channel", Key: func(s *scheduled) [][]byte { return [][]byte{s.Channel[:]} }},
).GoesWith("user", cancelScheduled).GoesWith("channel", cancelScheduled)

func cancelScheduled(tx *relay.Tx, s *scheduled) error {
	tx.CancelTimer(s.Timer)
	return nil
}

type scheduledIn struct {
	Channel uuid   `json:"channel_id"`
	Body    string `json:"ciphertext"`
	Nonce   string `json:"nonce"`
	At      moment `json:"scheduled_for"`
	Preview string `json:"content_preview"`
}

func (in *scheduledIn) Check() error {
	switch {
	case in.Channel == (uuid{}):
		return wire.MissingField("channel_id")
	case in.At == 0:
		return wire.MissingField("scheduled_for")
	case in.Body == "" || len(in.Body) > 4*maxScheduledBody:
		return bad("ciphertext must be 1 to %d bytes", maxScheduledBody)
	case in.Nonce == "" || len(in.Nonce) > maxScheduledNonce:
		return bad("nonce is missing or too long")
	case len(in.Preview) > maxContentPreview:
		return bad("content_preview must be at most %d bytes", maxContentPreview)
	}
	return checkSealed(sealedText(in.Body), sealedText(in.Nonce))
}

// sealedText reads a text that holds a list of numbers from 0 to 255; any other
// text is its own bytes.
func sealedText(s string) []byte {
	var list []int
	if json.Unmarshal([]byte(s), &list) != nil {
		return []byte(s)
	}
	out := make([]byte, len(list))
	for i, n := range list {
		if n < 0 || n > 255 {
			return []byte(s)
		}
		out[i] = byte(n)
	}
	return out
}

type scheduledOut struct {
	ID        uuid   `json:"id"`
	ChannelID uuid   `json:"channel_id"`
	At        moment `json:"scheduled_for"`
	CreatedAt moment `json:"created_at"`
	Preview   string `json:"content_preview,omitempty"`
}

func newScheduled(id relay.ID, s *scheduled) scheduledOut {
	return scheduledOut{uuid(id), uuid(s.Channel), moment(s.Due), moment(s.Created), s.Preview}
}

func postScheduled(c *wire.Call, tx *relay.Tx, in scheduledIn) (scheduledOut, error) {
	who, due := c.Who.Account, relay.Time(in.At)
	p, err := channelFor(tx, who, in.Channel.id(), relay.ToRead)
	switch {
	case err != nil:
		return scheduledOut{}, err
	case due <= tx.Wall():
		return scheduledOut{}, bad("scheduled_for must be in the future")
	case due > tx.Wall().Add(scheduledFor):
		return scheduledOut{}, bad("scheduled_for must be within 30 days")
	case schedule.Count(tx, "user", relay.Span{Prefix: who[:], Limit: maxScheduled}) >= maxScheduled:
		return scheduledOut{}, bad("at most %d scheduled messages", maxScheduled)
	}
	id := newRecordID(tx)
	s := &scheduled{
		User: who, Channel: p.Room.ID, Body: in.Body, Nonce: in.Nonce, Due: due, Created: relay.Time(tx.Now()), Preview: in.Preview,
	}
	if s.Timer, err = sendScheduled.At(tx, due, id[:]); err != nil {
		return scheduledOut{}, err
	}
	return newScheduled(id, s), schedule.Put(tx, id, s)
}

func listScheduled(c *wire.Call, tx *relay.Tx, _ wire.None) ([]scheduledOut, error) {
	list := []scheduledOut{}
	for f, err := range schedule.Scan(tx, "user", relay.Span{Prefix: c.Who.Account[:], Limit: maxScheduledListed}) {
		if err != nil {
			return nil, err
		}
		list = append(list, newScheduled(f.ID, f.Record))
	}
	return list, nil
}

func deleteScheduled(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	id, err := pathID(c, "id")
	if err != nil {
		return none, err
	}
	s, found, err := schedule.Get(tx, id)
	if err != nil {
		return none, err
	}
	if !found || s.User != c.Who.Account {
		return none, relay.Errorf(relay.NotFound, relay.SubjectRecord, "scheduled message not found")
	}
	tx.CancelTimer(s.Timer)
	_, err = schedule.Delete(tx, id)
	return none, err
}

// sendScheduled sends a message whose time has come, in the transaction that
// forgets that it was scheduled. What may not be sent now is dropped without a
// word: its sender was suspended, has left, was blocked, or may not write there.
var sendScheduled relay.Verb

func init() {
	sendScheduled = relay.NewVerb("chatalot send scheduled", func(tx *relay.Tx, arg []byte) error {
		id := relay.ID(arg)
		s, found, err := schedule.Get(tx, id)
		if err != nil || !found {
			return err
		}
		if _, err := schedule.Delete(tx, id); err != nil {
			return err
		}
		acc, err := tx.Account(s.User)
		if err != nil || acc.Suspended != 0 {
			return silently(err)
		}
		_, _, err = sendMessage(tx, s.User, posting{
			Channel: s.Channel, Kind: kindText, Body: sealedText(s.Body), Nonce: sealedText(s.Nonce), Scheduled: true,
		})
		return dropped(err)
	})
}

// dropped passes over why a message may not be sent, but not over what is wrong
// with us, or will be over in a moment.
func dropped(err error) error {
	if relay.Is(err, relay.Full) || relay.Is(err, relay.TooLarge) {
		return nil
	}
	return silently(err)
}
