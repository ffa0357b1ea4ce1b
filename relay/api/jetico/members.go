package jetico

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// What of a room's settings changed, as its box says.
var (
	noteTitle  = []byte("title")
	noteAvatar = []byte("avatar")
	noteNick   = []byte("nick")
)

// How a conversation ended, as the note of its closing says before its uuid.
const (
	noteDeleted = 'D'
	noteLeft    = 'L'
)

type updateNickIn struct {
	Conversation *string `json:"conversationUuid"`
	Nick         *string `json:"nickEncrypted"`
	UserID       *string `json:"userId"`
}

func (in *updateNickIn) Check() error {
	return firstOf(
		room("conversationUuid", in.Conversation), text("nickEncrypted", in.Nick, maxNick), user("userId", in.UserID),
	)
}

// updateMemberNick changes the caller's nick in a conversation.
func (a *api) updateMemberNick(c *wire.Call, tx *relay.Tx, in updateNickIn) (wire.None, error) {
	none := wire.None{}
	if err := self(c, in.UserID); err != nil {
		return none, err
	}
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err == nil && !cv.ours {
		err = errAccess // what is kept with its members is another family's
	}
	if err != nil {
		return none, err
	}
	_, err = tx.SetRest(c.Who.Account, cv.Room.ID, c.Who.Account, pack(memberRest{Nick: *in.Nick}), noteNick)
	return none, err
}

type renameIn struct {
	Conversation *string `json:"conversationUuid"`
	Title        *string `json:"title"`
}

func (in *renameIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), text("title", in.Title, maxText))
}

// renameConversation gives a group another sealed title.
func (a *api) renameConversation(c *wire.Call, tx *relay.Tx, in renameIn) (wire.None, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err == nil {
		err = cv.rule()
	}
	if err != nil {
		return wire.None{}, err
	}
	cv.set.Title = in.Title
	if err := cv.change(tx, c.Who.Account, noteTitle); err != nil {
		return wire.None{}, err
	}
	return wire.None{}, a.notify(tx, cv, c.Who.Account, relay.NoticeRenamed, relay.ID{})
}

type addMemberIn struct {
	Conversation *string     `json:"conversationUuid"`
	SessionKey   *string     `json:"sessionKeyUuid"`
	Value        *keyValueIn `json:"sessionKeyValue"`
}

func (in *addMemberIn) Check() error {
	return firstOf(
		room("conversationUuid", in.Conversation), uuid("sessionKeyUuid", in.SessionKey), in.Value.check("sessionKeyValue."),
	)
}

// addMember lets somebody into a group.
func (a *api) addMember(c *wire.Call, tx *relay.Tx, in addMemberIn) (wire.None, error) {
	return wire.None{}, a.letIn(c, tx, in, relay.RoleMember)
}

// addAdmin lets somebody into a group, as an admin.
func (a *api) addAdmin(c *wire.Call, tx *relay.Tx, in addMemberIn) (wire.None, error) {
	return wire.None{}, a.letIn(c, tx, in, relay.RoleAdmin)
}

func (a *api) letIn(c *wire.Call, tx *relay.Tx, in addMemberIn, role relay.Role) error {
	me := c.Who.Account
	cv, err := findConv(tx, me, *in.Conversation)
	if err == nil {
		err = cv.rule()
	}
	if err != nil {
		return err
	}
	asked, _ := foldUUID(*in.SessionKey)
	current, _ := foldUUID(cv.key())
	switch {
	case *in.Value.Signer != sessionOf(c).user:
		return errAccess
	case asked != current:
		return errOldKey
	}
	acc, err := mayInvite(tx, me, *in.Value.UserID)
	if err != nil {
		return err
	}
	if cv.Room.Members >= maxGroup {
		return wire.BadField("sessionKeyValue.userId")
	}
	_, err = tx.Join(cv.Room.ID, relay.Joining{
		By: me, FromNow: !a.o.HistoryAll, Seat: relay.Seat{Account: acc.ID, Role: role},
	})
	if err != nil {
		return err
	}
	if err := putKey(tx, cv, cv.key(), acc.ID, me, *in.Value.Key, in.Value, relay.Time(tx.Now())); err != nil {
		return err
	}
	return a.notify(tx, cv, me, relay.NoticeAdded, acc.ID)
}

type memberIn struct {
	Conversation *string `json:"conversationUuid"`
	UserID       *string `json:"userId"`
}

func (in *memberIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), someone("userId", in.UserID))
}

// member finds somebody in a group that the caller rules.
func member(c *wire.Call, tx *relay.Tx, in memberIn) (*conv, relay.Member, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err == nil {
		err = cv.rule()
	}
	if err != nil {
		return nil, relay.Member{}, err
	}
	acc, err := findUser(tx, *in.UserID)
	if err == nil {
		var m relay.Member
		if m, err = tx.Member(cv.Room.ID, acc.ID); err == nil && m.State == relay.StateMember {
			return cv, m, nil
		}
	}
	if err == nil || relay.Is(err, relay.NotFound) {
		err = errNoMember
	}
	return nil, relay.Member{}, err
}

// changeToAdmin makes a member an admin.
func (a *api) changeToAdmin(c *wire.Call, tx *relay.Tx, in memberIn) (wire.None, error) {
	cv, m, err := member(c, tx, in)
	if err == nil && m.Role >= relay.RoleAdmin {
		err = errIsAdmin
	}
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, a.promote(tx, cv, c.Who.Account, m.Account)
}

func (a *api) promote(tx *relay.Tx, cv *conv, by, who relay.ID) error {
	if _, err := tx.SetRole(by, cv.Room.ID, who, relay.RoleAdmin); err != nil {
		return err
	}
	return a.notify(tx, cv, by, relay.NoticeRole, who)
}

// kickUser takes somebody else out of a group, with his copies of its keys.
func (a *api) kickUser(c *wire.Call, tx *relay.Tx, in memberIn) (wire.None, error) {
	none := wire.None{}
	if *in.UserID == sessionOf(c).user {
		return none, wire.BadField("userId")
	}
	cv, m, err := member(c, tx, in)
	if err == nil && m.Account == c.Who.Account {
		err = wire.BadField("userId")
	}
	if err != nil {
		return none, err
	}
	if err := tx.RemoveMember(c.Who.Account, cv.Room.ID, m.Account); err != nil {
		return none, err
	}
	if err := dropKeys(tx, keyDrop{cv.Room.ID, m.Account, relay.Time(tx.Now())}); err != nil {
		return none, err
	}
	return none, a.notify(tx, cv, c.Who.Account, relay.NoticeRemoved, m.Account)
}

// leaveConversation takes the caller out of a group.
func (a *api) leaveConversation(c *wire.Call, tx *relay.Tx, in convIn) (wire.None, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err == nil && cv.Room.Direct {
		err = errDialog
	}
	if err == nil && cv.Room.Open {
		err = errAccess // nobody is a member, so nobody can leave
	}
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, a.goOut(tx, cv, c.Who.Account)
}

// goOut takes somebody out of a conversation at his own wish. When nobody is
// left it is erased; when no admin is, who has been there longest becomes one.
func (a *api) goOut(tx *relay.Tx, cv *conv, who relay.ID) error {
	if cv.ours && cv.Room.Members <= 1 {
		return closeConv(tx, cv, who, noteLeft)
	}
	if err := tx.Leave(cv.Room.ID, who); err != nil {
		return err
	}
	if !cv.ours {
		return nil
	}
	if err := dropKeys(tx, keyDrop{cv.Room.ID, who, relay.Time(tx.Now())}); err != nil {
		return err
	}
	if cv.Room.Direct {
		return nil
	}
	if err := a.notify(tx, cv, who, relay.NoticeLeft, who); err != nil {
		return err
	}
	left, err := tx.CountRole(cv.Room.ID, relay.RoleAdmin, 1)
	if err != nil || left > 0 {
		return err
	}
	eldest, err := tx.Eldest(cv.Room.ID, relay.RoleMember)
	if err != nil {
		return err
	}
	return a.promote(tx, cv, who, eldest.Account)
}

// deleteConversation erases a conversation for everybody.
func (a *api) deleteConversation(c *wire.Call, tx *relay.Tx, in convIn) (wire.None, error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err == nil && !cv.admin() {
		err = errAccess
	}
	if err != nil {
		return wire.None{}, err
	}
	return wire.None{}, closeConv(tx, cv, c.Who.Account, noteDeleted)
}

// closeConv closes a conversation. Messages, files and keys go in steps.
func closeConv(tx *relay.Tx, cv *conv, by relay.ID, how byte) error {
	tx.Unname(roomAlias(cv.uuid))
	if !cv.set.Avatar.IsZero() {
		if err := unless(tx.RemoveBlob(cv.set.Avatar), relay.NotFound); err != nil {
			return err
		}
	}
	return tx.CloseRoom(by, cv.Room.ID, append([]byte{how}, cv.uuid...))
}

// typing tells the others that the caller types. Nothing is stored.
func (a *api) typing(c *wire.Call, tx *relay.Tx, in convIn) (wire.None, error) {
	me := c.Who.Account
	cv, err := findConv(tx, me, *in.Conversation)
	if err != nil {
		return wire.None{}, err
	}
	blocked, err := cv.blocked(tx, me)
	if err != nil || blocked || !sessionOf(c).maySayTyping(cv.Room.ID, tx.Wall()) {
		return wire.None{}, err
	}
	c.Service.Relay.Hub().Signal(cv.Room.Box, relay.Signal{Kind: signalTyping, Box: cv.Room.Box, From: me})
	return wire.None{}, nil
}

// signalTyping is the kind of the signal that its sender types in a room.
const signalTyping = "typing"
