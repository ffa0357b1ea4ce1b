package jetico

import (
	"cmp"

	"restante/relay"
	"restante/relay/api/wire"
)

// kindMessage is the kind of what somebody wrote.
const kindMessage = "message"

// A messageExtra is what a message has that no entry has. With a tombstone stays
// what names it, and the counters as they were.
type messageExtra struct {
	UUID      string `cbor:"1,keyasint,omitempty"` // as its author spelled it
	Key       string `cbor:"2,keyasint,omitempty"` // uuid of the session key
	HasFiles  bool   `cbor:"3,keyasint,omitempty"`
	Nick      string `cbor:"4,keyasint,omitempty"` // its author's, then
	Read      int    `cbor:"5,keyasint,omitempty"` // of a tombstone
	Delivered int    `cbor:"6,keyasint,omitempty"`
}

// A messageOut is a message, or an event message.
type messageOut struct {
	UUID          string  `json:"uuid"`
	Conversation  string  `json:"conversationUuid"`
	SessionKey    string  `json:"sessionKeyUuid"`
	UserID        string  `json:"userId"`
	IV            *string `json:"ivBase64"`
	Body          *string `json:"bodyEncryptedBase64"`
	Created       int64   `json:"created"`
	HasFiles      bool    `json:"hasFiles"`
	Read          bool    `json:"readed"`
	UserNick      string  `json:"userNick"`
	IsEvent       bool    `json:"isEvent"`
	EventType     *string `json:"eventType"`
	EventUserID   *string `json:"eventUserId"`
	Members       int     `json:"members"`
	ReadBy        int     `json:"readedMembers"`
	DeliveredTo   int     `json:"deliveredMembers"`
	Objectionable bool    `json:"objectionable"`
	Deleted       bool    `json:"deleted"`
	ReplyTo       *string `json:"replyMessageUuid"`
	Event         *bool   `json:"event,omitzero"` // isEvent again, in one answer only
}

// eventTypes are the names of event messages, by what the relay calls them.
var eventTypes = map[string]string{
	relay.NoticeAdded: "Added", relay.NoticeRekeyed: "SessionKeyRegenerated", relay.NoticeLeft: "Leaved",
	relay.NoticeRemoved: "Kicked", relay.NoticeRole: "ChangedToAdmin", relay.NoticeRenamed: "Renamed",
	relay.NoticePicture: "AvatarChanged",
}

// notify puts an event message into a conversation of ours, which the caller of
// a request acts in.
func (a *api) notify(tx *relay.Tx, cv *conv, by relay.ID, what string, about relay.ID) error {
	if a.o.PlainEvents && what != relay.NoticeAdded && what != relay.NoticeRekeyed {
		return nil
	}
	_, err := tx.Notify(cv.Room.Box, by, relay.Notice{
		What: what, Account: about, Note: pack(messageExtra{Key: cv.key(), Nick: cv.nick()}),
	})
	return err
}

// extraOf returns what a message has that no entry has. What other families
// keep there is not for us.
func extraOf(tx *relay.Tx, e relay.Entry) (x messageExtra, n relay.Notice, err error) {
	mine, err := isOurs(tx, e.From)
	if err != nil {
		return x, n, err
	}
	raw := e.Extra
	if e.Kind == relay.KindNotice {
		if n, err = relay.ReadNotice(e); err != nil {
			return x, n, err
		}
		raw = n.Note
	}
	if !mine || unpack(raw, &x) != nil {
		x = messageExtra{}
	}
	x.Key = cmp.Or(x.Key, nilUUID)
	return x, n, nil
}

// messageUUID returns under which uuid a message is shown.
func messageUUID(tx *relay.Tx, e relay.Entry) (string, error) {
	x, _, err := extraOf(tx, e)
	if err != nil || x.UUID != "" {
		return x.UUID, err
	}
	return entryUUID(tx, e.ID)
}

// newMessage shows a message of a conversation to one of its people.
func (a *api) newMessage(tx *relay.Tx, cv *conv, who relay.ID, e relay.Entry) (out messageOut, err error) {
	x, n, err := extraOf(tx, e)
	if err != nil {
		return out, err
	}
	out = messageOut{
		UUID: x.UUID, Conversation: cv.uuid, SessionKey: x.Key, Created: int64(e.ID.Time),
		UserNick: x.Nick, Deleted: e.Erased, IsEvent: e.Kind == relay.KindNotice,
	}
	if out.UUID == "" {
		if out.UUID, err = entryUUID(tx, e.ID); err != nil {
			return out, err
		}
	}
	if out.UserID, err = userIDOf(tx, e.From); err != nil {
		return out, err
	}
	switch {
	case out.IsEvent:
		err = out.setEvent(tx, n)
	case !e.Erased:
		body, iv := relay.Text(e.Body), relay.Text(e.Nonce)
		out.Body, out.IV, out.HasFiles = &body, &iv, x.HasFiles
	}
	if err == nil && e.Reply != 0 {
		err = out.setReply(tx, e)
	}
	if err == nil {
		err = a.count(tx, cv, who, e, x, &out)
	}
	return out, err
}

func (out *messageOut) setEvent(tx *relay.Tx, n relay.Notice) error {
	name := cmp.Or(eventTypes[n.What], n.What)
	out.EventType = &name
	if n.Account.IsZero() {
		return nil
	}
	about, err := userIDOf(tx, n.Account)
	out.EventUserID = &about
	return err
}

// setReply names the message that was answered, if it is still there.
func (out *messageOut) setReply(tx *relay.Tx, e relay.Entry) error {
	to, err := tx.Entry(relay.Messages, relay.EntryID{Box: e.ID.Box, Time: e.Reply})
	if err != nil {
		return unless(err, relay.NotFound)
	}
	uuid, err := messageUUID(tx, to)
	out.ReplyTo = &uuid
	return err
}

// count fills in the counters, which are of those who are members now.
func (a *api) count(tx *relay.Tx, cv *conv, who relay.ID, e relay.Entry, x messageExtra, out *messageOut) error {
	r, err := cv.receipts(tx, e)
	if err != nil {
		return err
	}
	out.Members, out.ReadBy, out.DeliveredTo = r.members, r.read, r.delivered
	if e.Erased {
		out.ReadBy, out.DeliveredTo = min(x.Read, r.members), min(x.Delivered, r.members)
	}
	out.Read = e.From == who || r.has[who]
	if n := a.o.ReportsToFlag; n > 0 {
		out.Objectionable = tx.CountMarks(e.ID, relay.Reported, n) >= n
	}
	return nil
}

// messageAlias is the name of a message within its room.
func messageAlias(room relay.ID, uuid string) relay.Alias {
	folded, _ := foldUUID(uuid)
	return relay.Alias{Scope: room, Family: family, Given: folded}
}

// findMessage returns the message of a uuid that the caller sees.
func (cv *conv) findMessage(tx *relay.Tx, uuid string) (relay.Entry, error) {
	alias := messageAlias(cv.Room.ID, uuid)
	id, named := tx.EntryNamed(alias)
	if !named {
		id, named = entryOfUUID(tx, alias.Given)
	}
	if !named || id.Box != cv.Room.Box || id.Time <= cv.sees(tx, 0).After {
		return relay.Entry{}, errNoMessage
	}
	return tx.Entry(relay.Messages, id)
}

type addMessageIn struct {
	Body         *string `json:"bodyEncryptedBase64"`
	Conversation *string `json:"conversationUuid"`
	HasFiles     *bool   `json:"hasFiles"`
	IV           *string `json:"ivBase64"`
	Message      *string `json:"messageUuid"`
	ReplyTo      *string `json:"replyMessageUuid"`
	SessionKey   *string `json:"sessionKeyUuid"`
}

func (in *addMessageIn) Check() error {
	return firstOf(
		text("bodyEncryptedBase64", in.Body, maxBody), room("conversationUuid", in.Conversation), present("hasFiles", in.HasFiles),
		text("ivBase64", in.IV, maxIV), uuid("messageUuid", in.Message), uuidOrNil("replyMessageUuid", in.ReplyTo),
		uuid("sessionKeyUuid", in.SessionKey),
	)
}

type addedMessageOut struct {
	Message messageOut `json:"message"`
}

func (addedMessageOut) reply() string { return "ResponseAddedMessage" }

// addMessage posts a sealed message. The same uuid by the same author is the
// same message, which he gets back.
func (a *api) addMessage(c *wire.Call, tx *relay.Tx, in addMessageIn) (out addedMessageOut, err error) {
	me := c.Who.Account
	cv, err := findConv(tx, me, *in.Conversation)
	if err != nil {
		return out, err
	}
	e, err := cv.again(tx, me, *in.Message)
	if err == nil && e.ID.IsZero() {
		e, err = cv.post(tx, me, in)
	}
	if err != nil {
		return out, err
	}
	out.Message, err = a.newMessage(tx, cv, me, e)
	out.Message.Read = false
	return out, err
}

// again returns the message that has a uuid already, if it is by the same
// author; zero when there is none.
func (cv *conv) again(tx *relay.Tx, me relay.ID, uuid string) (relay.Entry, error) {
	id, named := tx.EntryNamed(messageAlias(cv.Room.ID, uuid))
	if !named {
		return relay.Entry{}, nil
	}
	e, err := tx.Entry(relay.Messages, id)
	if relay.Is(err, relay.NotFound) || err == nil && e.From != me {
		err = errHasMessage
	}
	return e, err
}

// post appends a message, unless the conversation does not take it.
func (cv *conv) post(tx *relay.Tx, me relay.ID, in addMessageIn) (e relay.Entry, err error) {
	if err := cv.takes(tx, me, *in.SessionKey); err != nil {
		return e, err
	}
	d := relay.Draft{Kind: kindMessage, Body: []byte(*in.Body), Nonce: []byte(*in.IV), Extra: pack(messageExtra{
		UUID: *in.Message, Key: *in.SessionKey, HasFiles: *in.HasFiles, Nick: cv.nick(),
	})}
	if in.ReplyTo != nil {
		to, err := cv.findMessage(tx, *in.ReplyTo)
		if err != nil {
			return e, err
		}
		d.Reply = to.ID.Time
	}
	if e, err = cv.deliver(tx, me, d); err != nil {
		return e, err
	}
	return e, tx.NameEntry(messageAlias(cv.Room.ID, *in.Message), e.ID)
}

// takes fails if a conversation takes no messages from the caller, or none that
// are sealed with that key.
func (cv *conv) takes(tx *relay.Tx, me relay.ID, key string) error {
	if closed, err := cv.closed(tx, me); closed || err != nil {
		return firstOf(err, errClosed)
	}
	if blocked, err := cv.blocked(tx, me); blocked || err != nil {
		return firstOf(err, errBlocked)
	}
	sealed, _ := foldUUID(key)
	current, _ := foldUUID(cv.key())
	if sealed != current {
		return errOldKey
	}
	return nil
}

// deliver posts into the room; to somebody who has a mailbox instead, by the
// relay's rule for direct messages.
func (cv *conv) deliver(tx *relay.Tx, me relay.ID, d relay.Draft) (relay.Entry, error) {
	if cv.Room.Direct {
		other, err := tx.Account(cv.other(me))
		if err != nil {
			return relay.Entry{}, err
		}
		if other.Mailbox {
			return tx.Send(me, other.ID, d)
		}
	}
	return tx.Post(me, cv.Room.ID, d)
}
