package jetico

import (
	"cmp"
	"encoding/base64"

	"restante/relay"
)

// A pass is one look at what has moved. It works on one snapshot, so what it
// found out about a conversation holds to its end.
type pass struct {
	s      *session
	frames [][]byte
	convs  map[relay.ID]*conv // nil: not, or not any more, the session's
}

// push adds a notification.
func (p *pass) push(name string, body any) {
	p.frames = append(p.frames, render(p.s.form, name, nil, body))
}

// conv returns a room as the session's user meets it, nil if he is not in it.
// What happened in a conversation is told of as it is now, so of one that he is
// out of nothing is.
func (p *pass) conv(tx *relay.Tx, room relay.ID) (*conv, error) {
	if cv, known := p.convs[room]; known {
		return cv, nil
	}
	cv, err := reachConv(tx, p.s.who.Account, room)
	if relay.Is(err, relay.NotFound) {
		cv, err = nil, nil
	}
	if err == nil {
		p.convs[room] = cv
	}
	return cv, err
}

// tell turns what happened into notifications.
func (p *pass) tell(tx *relay.Tx, t relay.Told) error {
	switch {
	case t.Owner.Kind == relay.OwnerAccount && t.Entry.Lane == relay.Events:
		return p.account(tx, t)
	case t.Owner.Kind != relay.OwnerRoom:
		return nil
	}
	cv, err := p.conv(tx, t.Owner.ID)
	if err != nil || cv == nil {
		return err
	}
	if t.Entry.Lane == relay.Messages {
		return p.message(tx, cv, t)
	}
	if fn := roomEvents[t.Entry.Kind]; fn != nil {
		return fn(p, tx, cv, t)
	}
	return nil
}

type addedMessage struct {
	Message messageOut `json:"message"`
}

// message tells of a new message. The connection that sent it has it from the
// answer; an event message is told to all.
func (p *pass) message(tx *relay.Tx, cv *conv, t relay.Told) error {
	if t.Own && t.Entry.Kind != relay.KindNotice || t.Entry.ID.Time <= cv.sees(tx, 0).After {
		return nil
	}
	m, err := p.s.a.newMessage(tx, cv, p.s.who.Account, t.Entry)
	m.Read = false
	p.push("NotificationAddedMessageToConversation", addedMessage{m})
	return err
}

// roomEvents are what is told of events in a conversation's box.
var roomEvents map[string]func(*pass, *relay.Tx, *conv, relay.Told) error

func init() { // not at the declaration: its functions lead back to it
	roomEvents = map[string]func(*pass, *relay.Tx, *conv, relay.Told) error{
		relay.EventJoined:    (*pass).joined,
		relay.EventLeft:      (*pass).left,
		relay.EventRemoved:   (*pass).left,
		relay.EventBanned:    (*pass).left,
		relay.EventChanged:   (*pass).changed,
		relay.EventMember:    (*pass).nick,
		relay.EventDelivered: (*pass).counted,
		relay.EventRead:      (*pass).counted,
		kindReported:         (*pass).counted,
		relay.EventErased:    (*pass).erased,
		kindFile:             (*pass).file,
		kindRekeyed:          (*pass).rekeyed,
	}
}

type memberAdded struct {
	Conversation conversationOut `json:"conversation"`
	UserID       string          `json:"userId"`
}

// added tells that somebody is in a conversation.
func (p *pass) added(tx *relay.Tx, cv *conv, userID string) error {
	out, _, err := newConversation(tx, cv, p.s.who.Account)
	p.push("NotificationAddMemberToConversation", memberAdded{out, userID})
	return err
}

// joined tells of somebody else; of himself a user hears from his own box.
func (p *pass) joined(tx *relay.Tx, cv *conv, t relay.Told) error {
	ev, err := relay.ReadMemberEvent(t.Entry)
	if err != nil || ev.Account == p.s.who.Account {
		return err
	}
	userID, err := userIDOf(tx, ev.Account)
	if err != nil {
		return err
	}
	return p.added(tx, cv, userID)
}

type personLeft struct {
	UUID   string `json:"uuid"`
	UserID string `json:"userId"`
}

func (p *pass) left(tx *relay.Tx, cv *conv, t relay.Told) error {
	ev, err := relay.ReadMemberEvent(t.Entry)
	if err != nil || t.Own || ev.Account == p.s.who.Account {
		return err
	}
	userID, err := userIDOf(tx, ev.Account)
	p.push("NotificationConversationLeaved", personLeft{cv.uuid, userID})
	return err
}

type renamed struct {
	Conversation string  `json:"conversationUuid"`
	Title        *string `json:"title"`
}

type avatarChanged struct {
	Conversation  string `json:"conversationUuid"`
	AvatarUpdated int64  `json:"avatarUpdated"`
}

// changed tells of another title or avatar. What changes in rooms of other
// families has no words here.
func (p *pass) changed(_ *relay.Tx, cv *conv, t relay.Told) error {
	ev, err := relay.ReadMemberEvent(t.Entry)
	if err != nil || !cv.ours {
		return err
	}
	switch note := string(ev.Note); {
	case note == string(noteTitle) && !t.Own:
		p.push("NotificationRenameConversation", renamed{cv.uuid, cv.set.Title})
	case note == string(noteAvatar):
		at := cmp.Or(cv.set.AvatarUpdated, cv.Room.Created)
		p.push("ConversationAvatarChangedNotification", avatarChanged{cv.uuid, int64(at)})
	}
	return nil
}

type personIn struct {
	Conversation string `json:"conversationUuid"`
	UserID       string `json:"userId"`
}

func (p *pass) nick(tx *relay.Tx, cv *conv, t relay.Told) error {
	ev, err := relay.ReadMemberEvent(t.Entry)
	if err != nil || t.Own || !cv.ours || string(ev.Note) != string(noteNick) {
		return err
	}
	userID, err := userIDOf(tx, ev.Account)
	p.push("ConversationNickUpdatedNotification", personIn{cv.uuid, userID})
	return err
}

type messageUpdated struct {
	UUID          string `json:"uuid"`
	Conversation  string `json:"conversationUuid"`
	Members       int    `json:"members"`
	ReadBy        int    `json:"readedMembers"`
	DeliveredTo   int    `json:"deliveredMembers"`
	Objectionable bool   `json:"objectionable"`
	Deleted       bool   `json:"deleted"`
}

// eachMessage calls fn for the messages of an event that the user sees.
func (p *pass) eachMessage(tx *relay.Tx, cv *conv, t relay.Told, fn func(relay.Entry) error) error {
	ev, err := relay.ReadEntryEvent(t.Entry)
	if err != nil {
		return err
	}
	horizon := cv.sees(tx, 0).After
	for _, at := range ev.Entries {
		if at <= horizon {
			continue
		}
		e, err := tx.Entry(relay.Messages, relay.EntryID{Box: cv.Room.Box, Time: at})
		if relay.Is(err, relay.NotFound) {
			continue
		}
		if err == nil {
			err = fn(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// counted tells of counters that moved. Of a message that is deleted they do
// not.
func (p *pass) counted(tx *relay.Tx, cv *conv, t relay.Told) error {
	if t.Own {
		return nil
	}
	return p.eachMessage(tx, cv, t, func(e relay.Entry) error {
		if e.Erased {
			return nil
		}
		m, err := p.s.a.newMessage(tx, cv, p.s.who.Account, e)
		p.push("UpdatedMessageNotification", messageUpdated{
			m.UUID, cv.uuid, m.Members, m.ReadBy, m.DeliveredTo, m.Objectionable, m.Deleted,
		})
		return err
	})
}

type messageDeleted struct {
	Conversation string `json:"conversationUuid"`
	Message      string `json:"messageUuid"`
	UserID       string `json:"userId"`
}

func (p *pass) erased(tx *relay.Tx, cv *conv, t relay.Told) error {
	if t.Own {
		return nil
	}
	by, err := userIDOf(tx, t.Entry.From)
	if err != nil {
		return err
	}
	return p.eachMessage(tx, cv, t, func(e relay.Entry) error {
		uuid, err := messageUUID(tx, e)
		p.push("DeleteMessageNotification", messageDeleted{cv.uuid, uuid, by})
		return err
	})
}

type fileReady struct {
	URL          string `json:"downloadUrl"`
	Conversation string `json:"conversationUuid"`
	Message      string `json:"messageUuid"`
}

func (p *pass) file(tx *relay.Tx, cv *conv, t relay.Told) error {
	var id relay.ID
	if err := unpack(t.Entry.Extra, &id); err != nil || !cv.ours {
		return nil // another family's
	}
	f, found, err := files.Get(tx, id)
	if err != nil || !found || f.Entry <= cv.sees(tx, 0).After {
		return err
	}
	e, err := tx.Entry(relay.Messages, relay.EntryID{Box: cv.Room.Box, Time: f.Entry})
	if err != nil {
		return unless(err, relay.NotFound)
	}
	uuid, err := messageUUID(tx, e)
	p.push("FileReadyNotification", fileReady{downloadURL(p.s.base, cv.uuid, uuid, f.Name), cv.uuid, uuid})
	return err
}

type newSessionKey struct {
	SessionKey sessionKeyOut `json:"sessionKey"`
}

// rekeyed tells a user of his copy of another session key, if he has one.
func (p *pass) rekeyed(tx *relay.Tx, cv *conv, t relay.Told) error {
	var uuid string
	if err := unpack(t.Entry.Extra, &uuid); err != nil || !cv.ours {
		return nil
	}
	k, err := findKey(tx, cv, uuid, p.s.who.Account)
	if err == nil && k != nil {
		p.push("NotificationNewSessionKey", newSessionKey{*k})
	}
	return err
}

// account tells what happened to the session's own account.
func (p *pass) account(tx *relay.Tx, t relay.Told) error {
	switch t.Entry.Kind {
	case relay.EventJoined:
		return p.came(tx, t)
	case relay.EventLeft, relay.EventRemoved, relay.EventBanned, relay.EventClosed:
		return p.went(tx, t)
	case kindContact:
		return p.contacts(t)
	case kindPeerKey:
		return p.peerKey(tx, t)
	}
	return nil
}

// maxGreeted is how many people a conversation may be opened with for each of
// them to be told of. In a larger one everybody is told of himself: the lists
// that come with it name the others, and to send n lists of n to n people is
// more than any of them reads.
const maxGreeted = 50

// came tells that the user is in a conversation. When that was opened with him,
// of everybody who was in it from the start.
func (p *pass) came(tx *relay.Tx, t relay.Told) error {
	ev, err := relay.ReadMemberEvent(t.Entry)
	if err != nil || ev.Account != p.s.who.Account {
		return err
	}
	cv, err := p.conv(tx, ev.Room)
	if err != nil || cv == nil {
		return err
	}
	if cv.Member.Joined != cv.Room.Created {
		return p.added(tx, cv, p.s.user)
	}
	people, err := cv.people(tx)
	if err != nil {
		return err
	}
	if len(people) > maxGreeted {
		return p.added(tx, cv, p.s.user)
	}
	for _, one := range people {
		if one.Joined != cv.Room.Created {
			continue
		}
		if err := p.added(tx, cv, one.user); err != nil {
			return err
		}
	}
	return nil
}

type conversationDeleted struct {
	UUID string `json:"uuid"`
}

// went tells that the user is out of a conversation, or that it is gone.
func (p *pass) went(tx *relay.Tx, t relay.Told) error {
	ev, err := relay.ReadMemberEvent(t.Entry)
	if err != nil || ev.Account != p.s.who.Account {
		return err
	}
	delete(p.convs, ev.Room)
	if t.Own {
		return nil
	}
	if t.Entry.Kind == relay.EventClosed {
		p.closed(ev)
		return nil
	}
	room, err := tx.Room(ev.Room)
	if err != nil {
		return unless(err, relay.NotFound)
	}
	var set roomSettings
	if room.Family == family {
		if err := unpack(room.Settings, &set); err != nil {
			return err
		}
	}
	p.push("NotificationConversationLeaved", personLeft{nameOf(room, set), p.s.user})
	return nil
}

// closed tells that a conversation is gone. The note of ours says what it was
// called, and whether its last person left it.
func (p *pass) closed(ev relay.MemberEvent) {
	how, uuid := byte(noteDeleted), uuidOf(ev.Room)
	if len(ev.Note) == 37 {
		if _, ok := foldUUID(string(ev.Note[1:])); ok {
			how, uuid = ev.Note[0], string(ev.Note[1:])
		}
	}
	if how == noteLeft {
		p.push("NotificationConversationLeaved", personLeft{uuid, p.s.user})
		return
	}
	p.push("NotificationConversationDeleted", conversationDeleted{uuid})
}

type contactUpdated struct {
	UserID    string `json:"userId"`
	ContactID string `json:"contactId"`
}

func (p *pass) contacts(t relay.Told) error {
	var list [][]byte
	if err := unpack(t.Entry.Extra, &list); err != nil || t.Own {
		return err
	}
	for _, raw := range list {
		p.push("UpdateContactNotification", contactUpdated{p.s.user, base64.StdEncoding.EncodeToString(raw)})
	}
	return nil
}

type newPublicKey struct {
	UserID       string  `json:"userId"`
	Conversation *string `json:"conversationUuid"` // always null
	Key          string  `json:"keyBase64"`
}

func (p *pass) peerKey(tx *relay.Tx, t relay.Told) error {
	if t.Own {
		return nil
	}
	k, err := keysOf(tx, t.Entry.From)
	if err != nil || k.Public == "" {
		return err
	}
	userID, err := userIDOf(tx, t.Entry.From)
	p.push("NotificationNewPublicKey", newPublicKey{userID, nil, k.Public})
	return err
}

type arrived struct {
	Application applicationOut `json:"application"`
}

// signal tells what is not kept: somebody types, an application has come.
func (s *session) signal(sig relay.Signal) error {
	switch sig.Kind {
	case signalTyping:
		return s.typed(sig)
	case signalApplication:
		return s.arrived(sig)
	}
	return nil
}

func (s *session) typed(sig relay.Signal) error {
	if sig.From == s.who.Account {
		return nil
	}
	return s.svc.Relay.View(s.sock.Context(), func(tx *relay.Tx) error {
		box, err := tx.Box(sig.Box)
		if err != nil || box.Owner.Kind != relay.OwnerRoom {
			return unless(err, relay.NotFound)
		}
		cv, err := reachConv(tx, s.who.Account, box.Owner.ID)
		if err != nil {
			return unless(err, relay.NotFound)
		}
		userID, err := userIDOf(tx, sig.From)
		if err == nil {
			s.sock.SendSignal(render(s.form, "NotificationTyping", nil, personIn{cv.uuid, userID}))
		}
		return err
	})
}

// arrived tells of another application of the user's, or ends this connection
// if it is the same one, come anew.
func (s *session) arrived(sig relay.Signal) error {
	var a arrival
	if err := unpack(sig.Data, &a); err != nil || a.Tag == s.tag {
		return err
	}
	if a.Device == s.who.Device {
		s.sock.Close(codeReplaced, "replaced")
		return nil
	}
	return s.svc.Relay.View(s.sock.Context(), func(tx *relay.Tx) error {
		d, err := tx.Device(s.who.Account, a.Device)
		if err != nil {
			return unless(err, relay.NotFound)
		}
		app, err := s.application(tx, d)
		if err == nil {
			s.sock.Send(render(s.form, "AuthenticationByApplicationNotification", nil, arrived{app}))
		}
		return err
	})
}
