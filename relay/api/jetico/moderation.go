package jetico

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// kindReported is the event that so many have reported messages of a
// conversation that they are flagged.
const kindReported = "reported"

// A report is somebody's complaint, for the operator. It is kept when either
// side is gone.
type report struct {
	By      relay.ID   `cbor:"1,keyasint"`
	Account relay.ID   `cbor:"2,keyasint,omitempty"` // what is reported: a user,
	Room    relay.ID   `cbor:"3,keyasint,omitempty"` // a conversation,
	Message relay.Time `cbor:"4,keyasint,omitempty"` // or a message in it
	Reason  string     `cbor:"5,keyasint"`
	At      relay.Time `cbor:"6,keyasint"`
}

var reports = relay.NewRecords("jetico report",
	relay.Index[report]{Name: "at", Key: func(r *report) [][]byte { return [][]byte{timeKey(r.At)} }},
)

// putReport stores a complaint, in place of the one about the same before.
func putReport(tx *relay.Tx, rp report) error {
	rp.At = tx.Wall()
	id := recordID(rp.By[:], rp.Account[:], rp.Room[:], timeKey(rp.Message))
	return reports.Put(tx, id, &rp)
}

type messageReportIn struct {
	Conversation *string `json:"conversationUuid"`
	Message      *string `json:"messageUuid"`
	Reason       *string `json:"reason"`
}

func (in *messageReportIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), uuid("messageUuid", in.Message), reason(in.Reason))
}

// addMessageReport reports a message, and flags it when enough have.
func (a *api) addMessageReport(c *wire.Call, tx *relay.Tx, in messageReportIn) (wire.None, error) {
	me, none := c.Who.Account, wire.None{}
	cv, err := findConv(tx, me, *in.Conversation)
	if err != nil {
		return none, err
	}
	e, err := cv.findMessage(tx, *in.Message)
	if err != nil {
		return none, err
	}
	if err := putReport(tx, report{By: me, Room: cv.Room.ID, Message: e.ID.Time, Reason: *in.Reason}); err != nil || e.Erased {
		return none, err
	}
	another, err := tx.SetMark(e.ID, relay.Reported, me, "")
	n := a.o.ReportsToFlag
	if err != nil || !another || n <= 0 || tx.CountMarks(e.ID, relay.Reported, n+1) != n {
		return none, err
	}
	return none, cv.tell(tx, kindReported, relay.ID{}, e.ID.Time) // who it was is nobody's business
}

type conversationReportIn struct {
	Conversation *string `json:"conversationUuid"`
	Reason       *string `json:"reason"`
}

func (in *conversationReportIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), reason(in.Reason))
}

// addConversationReport reports a conversation that the caller is in.
func (a *api) addConversationReport(c *wire.Call, tx *relay.Tx, in conversationReportIn) (wire.None, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, putReport(tx, report{By: c.Who.Account, Room: cv.Room.ID, Reason: *in.Reason})
}

type userReportIn struct {
	Reason *string `json:"reason"`
	UserID *string `json:"userId"`
}

func (in *userReportIn) Check() error {
	return firstOf(reason(in.Reason), someone("userId", in.UserID))
}

// addUserReport reports a user.
func (a *api) addUserReport(c *wire.Call, tx *relay.Tx, in userReportIn) (wire.None, error) {
	acc, err := findUser(tx, *in.UserID)
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, putReport(tx, report{By: c.Who.Account, Account: acc.ID, Reason: *in.Reason})
}

type deleteMessageIn struct {
	Conversation *string `json:"conversationUuid"`
	UUID         *string `json:"uuid"`
}

func (in *deleteMessageIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), uuid("uuid", in.UUID))
}

// deleteMessage erases what a message said, for everybody.
func (a *api) deleteMessage(c *wire.Call, tx *relay.Tx, in deleteMessageIn) (wire.None, error) {
	return wire.None{}, a.deleteAll(c, tx, *in.Conversation, []string{*in.UUID})
}

type deleteMessagesIn struct {
	Conversation *string   `json:"conversationUuid"`
	UUIDs        *[]string `json:"uuids"`
}

func (in *deleteMessagesIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), each("uuids", in.UUIDs, maxUUIDs, uuid))
}

// deleteMessages erases several messages, or none if one of them cannot be.
func (a *api) deleteMessages(c *wire.Call, tx *relay.Tx, in deleteMessagesIn) (wire.None, error) {
	return wire.None{}, a.deleteAll(c, tx, *in.Conversation, *in.UUIDs)
}

func (a *api) deleteAll(c *wire.Call, tx *relay.Tx, conversation string, uuids []string) error {
	me := c.Who.Account
	cv, err := findConv(tx, me, conversation)
	if err != nil {
		return err
	}
	var gone []relay.Time
	for _, id := range uuids {
		e, err := cv.findMessage(tx, id)
		if err != nil {
			return err
		}
		author := e.From == me && e.Kind != relay.KindNotice
		moderator := cv.admin() && !cv.Room.Direct && e.Kind != relay.KindNotice
		switch {
		case !author && !moderator:
			return errAccess
		case e.Erased:
			continue
		}
		if _, err := tx.Tombstone(e.ID); err != nil {
			return err
		}
		gone = append(gone, e.ID.Time)
	}
	return cv.tell(tx, relay.EventErased, me, gone...)
}

// remains is what stays of a message that is erased, by whomever: its name and
// its counters. Its files are removed.
func remains(tx *relay.Tx, e relay.Entry) ([]byte, error) {
	x, _, err := extraOf(tx, e)
	if err != nil {
		return nil, err
	}
	box, err := tx.Box(e.ID.Box)
	if err != nil {
		return nil, err
	}
	x.HasFiles = false
	if box.Owner.Kind == relay.OwnerRoom {
		room, err := tx.Room(box.Owner.ID)
		if err != nil {
			return nil, err
		}
		cv, err := newConv(tx, relay.Access{Room: room})
		if err != nil {
			return nil, err
		}
		r, err := cv.receipts(tx, e)
		if err != nil {
			return nil, err
		}
		x.Read, x.Delivered = r.read, r.delivered
	}
	return pack(x), dropFiles(tx, e.ID)
}

func init() { relay.DeclareTombstone(family, remains) }
