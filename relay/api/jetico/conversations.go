package jetico

import (
	"cmp"
	"slices"

	"restante/relay"
	"restante/relay/api/wire"
)

// A conversationOut is a conversation as one of its people sees it.
type conversationOut struct {
	UUID          string   `json:"uuid"`
	IsDialog      bool     `json:"isDialog"`
	Title         *string  `json:"title"`
	SessionKey    string   `json:"sessionKeyUuid"`
	Created       int64    `json:"created"`
	LastMessage   int64    `json:"lastMessage"`
	Unread        int      `json:"unreadedCounter"`
	Admins        []string `json:"admins"`
	Members       []string `json:"members"`
	HasAvatar     bool     `json:"hasAvatar"`
	AvatarUpdated int64    `json:"avatarUpdated"`
	JoinedUser    *string  `json:"joinedUserId"` // always null
	Blocked       bool     `json:"blocked"`
	Dialog        *bool    `json:"dialog,omitzero"` // isDialog again, in one answer only
}

// newConversation shows a conversation to one of its people, with its last
// message, which is nil when there is none he sees.
func newConversation(tx *relay.Tx, cv *conv, who relay.ID) (out conversationOut, last *relay.Entry, err error) {
	out = conversationOut{
		UUID: cv.uuid, IsDialog: cv.Room.Direct, Title: cv.set.Title, SessionKey: cv.key(),
		Created: int64(cv.Room.Created), LastMessage: int64(cv.Room.Created),
		HasAvatar: !cv.set.Avatar.IsZero(), AvatarUpdated: int64(cmp.Or(cv.set.AvatarUpdated, cv.Room.Created)),
	}
	if out.Admins, out.Members, err = cv.lists(tx); err != nil {
		return out, nil, err
	}
	if out.Blocked, err = cv.blocked(tx, who); err != nil {
		return out, nil, err
	}
	from := cv.sees(tx, 0)
	newest, err := tx.Before(relay.Messages, from.Box, 0, from.After+1, 1)
	if err != nil {
		return out, nil, err
	}
	if len(newest) > 0 {
		last = &newest[0]
		out.LastMessage = int64(last.ID.Time)
	}
	if !cv.Room.Open {
		out.Unread, err = tx.Unread(who, cv.Room.Box, from.After+1, relay.MaxUnread)
	}
	return out, last, err
}

// A convIn names a conversation.
type convIn struct {
	Conversation *string `json:"conversationUuid"`
}

func (in *convIn) Check() error { return room("conversationUuid", in.Conversation) }

type getConversationIn struct {
	Conversation *string `json:"conversationUuid"`
	UserID       *string `json:"userId"`
}

func (in *getConversationIn) Check() error {
	return firstOf(room("conversationUuid", in.Conversation), userOrNil("userId", in.UserID))
}

type conversationFullOut struct {
	Conversation conversationOut `json:"conversation"`
	LastMessage  *messageOut     `json:"lastMessage"`
	SessionKey   *sessionKeyOut  `json:"sessionKey"`
}

func (conversationFullOut) reply() string { return "ResponseGetConversationFull" }

// getConversation shows a conversation, its last message and the caller's copy
// of the session key.
func (a *api) getConversation(c *wire.Call, tx *relay.Tx, in getConversationIn) (conversationFullOut, error) {
	if err := self(c, in.UserID); err != nil {
		return conversationFullOut{}, err
	}
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return conversationFullOut{}, err
	}
	return a.conversationFull(tx, cv, c.Who.Account)
}

func (a *api) conversationFull(tx *relay.Tx, cv *conv, who relay.ID) (out conversationFullOut, err error) {
	var last *relay.Entry
	if out.Conversation, last, err = newConversation(tx, cv, who); err != nil {
		return out, err
	}
	if last != nil {
		m, err := a.newMessage(tx, cv, who, *last)
		if err != nil {
			return out, err
		}
		out.LastMessage = &m
	}
	out.SessionKey, err = currentKey(tx, cv, who)
	return out, err
}

type conversationsOut struct {
	Conversations []conversationOut `json:"conversations"`
	FirstUnread   []string          `json:"firstUnreadMessageUuid"`
	LastMessages  []messageOut      `json:"lastMessages"`
	Members       []userOut         `json:"members"`
	SessionKeys   []sessionKeyOut   `json:"sessionKeys"`
}

func (conversationsOut) reply() string { return "ResponseGetConversationsFull" }

// maxConversations bounds one answer.
const maxConversations = 1000

// getConversations shows everything that the caller is in, what was written to
// last first.
func (a *api) getConversations(c *wire.Call, tx *relay.Tx, in selfIn) (conversationsOut, error) {
	out := conversationsOut{[]conversationOut{}, []string{}, []messageOut{}, []userOut{}, []sessionKeyOut{}}
	if err := self(c, in.UserID); err != nil {
		return out, err
	}
	type shown struct {
		cv *conv
		conversationFullOut
	}
	var list []shown
	for after := (relay.ID{}); len(list) < maxConversations; {
		rooms, next, err := tx.RoomsOf(c.Who.Account, after, 200)
		if err != nil {
			return out, err
		}
		for _, acc := range rooms {
			cv, err := newConv(tx, acc)
			if err != nil {
				return out, err
			}
			full, err := a.conversationFull(tx, cv, c.Who.Account)
			if err != nil {
				return out, err
			}
			list = append(list, shown{cv, full})
		}
		if after = next; next.IsZero() {
			break
		}
	}
	slices.SortStableFunc(list, func(a, b shown) int {
		return cmp.Compare(b.Conversation.LastMessage, a.Conversation.LastMessage)
	})
	var crowd []relay.ID
	seen := map[relay.ID]bool{}
	size := 0
	for _, x := range list {
		if size += 50 * (len(x.Conversation.Admins) + len(x.Conversation.Members)); size > maxAnswer {
			break // the rest is asked for one by one
		}
		dialog := x.Conversation.IsDialog
		x.Conversation.Dialog = &dialog
		out.Conversations = append(out.Conversations, x.Conversation)
		if m := x.LastMessage; m != nil {
			event := m.IsEvent
			m.Event = &event
			out.LastMessages = append(out.LastMessages, *m)
		}
		if x.SessionKey != nil {
			out.SessionKeys = append(out.SessionKeys, *x.SessionKey)
		}
		if x.Conversation.Unread > 0 {
			first, err := firstUnread(tx, x.cv, c.Who.Account)
			if err != nil {
				return out, err
			}
			out.FirstUnread = append(out.FirstUnread, first)
		}
		people, err := listed(tx, x.cv)
		if err != nil {
			return out, err
		}
		for _, id := range people {
			if !seen[id] {
				seen[id] = true
				crowd = append(crowd, id)
			}
		}
	}
	err := out.addMembers(tx, c.Who.Account, crowd)
	return out, err
}

// listed returns the people of a conversation in the order in which it lists
// them, admins first.
func listed(tx *relay.Tx, cv *conv) ([]relay.ID, error) {
	people, err := cv.people(tx)
	var admins, members []relay.ID
	for _, p := range people {
		if cv.Room.Direct || p.Role >= relay.RoleAdmin {
			admins = append(admins, p.Account)
		} else {
			members = append(members, p.Account)
		}
	}
	return append(admins, members...), err
}

// addMembers shows people without their large keys.
func (out *conversationsOut) addMembers(tx *relay.Tx, who relay.ID, people []relay.ID) error {
	for _, id := range people {
		acc, err := tx.Account(id)
		if relay.Is(err, relay.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		u, err := newUser(tx, acc, id == who)
		if err != nil {
			return err
		}
		u.PublicKey, u.PrivateKey = nil, nil
		out.Members = append(out.Members, u)
	}
	return nil
}

type membersOut struct {
	Admins  []string `json:"admins"`
	Members []string `json:"members"`
}

func (membersOut) reply() string { return "ResponseGetMembersList" }

// getMembers lists the people of a conversation.
func (a *api) getMembers(c *wire.Call, tx *relay.Tx, in convIn) (out membersOut, err error) {
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err == nil {
		out.Admins, out.Members, err = cv.lists(tx)
	}
	return out, err
}

type nicksOut struct {
	Nicks map[string]string `json:"nicks"`
}

func (nicksOut) reply() string { return "NicksList" }

// getNicks returns the nicks of a conversation's people, of those who have one.
func (a *api) getNicks(c *wire.Call, tx *relay.Tx, in convIn) (nicksOut, error) {
	out := nicksOut{map[string]string{}}
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return out, err
	}
	people, err := cv.people(tx)
	for _, p := range people {
		if nick := nickOf(cv, p.Member); nick != "" {
			out.Nicks[p.user] = nick
		}
	}
	return out, err
}

type updatedKeysOut struct {
	PublicKeys map[string]string `json:"publicKeys"`
}

func (updatedKeysOut) reply() string { return "ResponseGetUpdatedPublicKeys" }

// getUpdatedPublicKeys returns the public keys of those who need a new session
// key: theirs is newer than it, or they have no copy.
func (a *api) getUpdatedPublicKeys(c *wire.Call, tx *relay.Tx, in convIn) (updatedKeysOut, error) {
	out := updatedKeysOut{map[string]string{}}
	cv, err := findConv(tx, c.Who.Account, *in.Conversation)
	if err != nil {
		return out, err
	}
	people, err := cv.people(tx)
	if err != nil {
		return out, err
	}
	for _, p := range people {
		k, err := keysOf(tx, p.Account)
		if err != nil {
			return out, err
		}
		_, has, err := keyRows.Get(tx, keyRowID(cv.Room.ID, cv.key(), p.Account))
		if err != nil {
			return out, err
		}
		if k.Public != "" && (!has || k.Updated > cv.keyAt()) {
			out.PublicKeys[p.user] = k.Public
		}
	}
	return out, nil
}
