package jetico

import (
	"slices"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

type createIn struct {
	Admins       *userKeys   `json:"admins"`
	Members      *userKeys   `json:"members"`
	Conversation *string     `json:"conversationUuid"`
	IsDialog     *bool       `json:"isDialog"`
	Nick         *string     `json:"nickEncrypted"`
	SessionKey   *string     `json:"sessionKeyUuid"`
	Value        *keyValueIn `json:"sessionKeyValue"`
	Title        *string     `json:"title"`
}

func (in *createIn) Check() error {
	return firstOf(
		present("admins", in.Admins), present("members", in.Members), uuid("conversationUuid", in.Conversation),
		present("isDialog", in.IsDialog), textOrNil("nickEncrypted", in.Nick, maxNick), uuid("sessionKeyUuid", in.SessionKey),
		in.Value.check("sessionKeyValue."), textOrNil("title", in.Title, maxText),
	)
}

// An invited person is one with whom a conversation begins.
type invited struct {
	account relay.ID
	user    string
	role    relay.Role
	key     string
}

type createOut struct {
	Conversation conversationOut `json:"conversation"`
}

func (createOut) reply() string { return "ResponseCreateConversation" }

// createConversation opens a dialog or a group under a uuid of the caller's,
// with everybody's copy of the first session key.
func (a *api) createConversation(c *wire.Call, tx *relay.Tx, in createIn) (createOut, error) {
	me, self := c.Who.Account, sessionOf(c).user
	own, err := userIDFrom(tx, *in.Value.UserID)
	if err != nil && !relay.Is(err, relay.NotFound) {
		return createOut{}, err
	}
	if *in.Value.Signer != self || own != self {
		return createOut{}, errAccess
	}
	if err := free(tx, me, *in.Conversation, *in.SessionKey); err != nil {
		return createOut{}, err
	}
	guests, err := guestsOf(tx, me, self, in)
	if err != nil {
		return createOut{}, err
	}
	room, err := openRoom(tx, me, guests, in)
	if err != nil {
		return createOut{}, err
	}
	if err := tx.NameID(roomAlias(*in.Conversation), room.ID); err != nil {
		return createOut{}, err
	}
	cv, err := reachConv(tx, me, room.ID)
	if err != nil {
		return createOut{}, err
	}
	if err := putKey(tx, cv, *in.SessionKey, me, me, *in.Value.Key, in.Value, room.Created); err != nil {
		return createOut{}, err
	}
	for _, g := range guests {
		if err := putKey(tx, cv, *in.SessionKey, g.account, me, g.key, in.Value, room.Created); err != nil {
			return createOut{}, err
		}
	}
	for _, g := range guests {
		if err := a.notify(tx, cv, me, relay.NoticeAdded, g.account); err != nil {
			return createOut{}, err
		}
	}
	out, _, err := newConversation(tx, cv, me)
	return createOut{out}, err
}

// free fails if a uuid names a conversation already, or a session key of the
// caller's: no key seals two conversations.
func free(tx *relay.Tx, me relay.ID, conversation, key string) error {
	alias := roomAlias(conversation)
	if id, named := tx.IDNamed(alias); named {
		if _, err := tx.Room(id); !relay.Is(err, relay.NotFound) {
			return firstOf(err, errHasConversation)
		}
		tx.Unname(alias) // of a room that was closed through another door
	}
	if _, err := tx.Room(idOfUUID(alias.Given)); err == nil {
		return errHasConversation
	}
	folded, _ := foldUUID(key)
	if keyRows.Count(tx, "holder", relay.Span{Exact: append(me[:], folded...), Limit: 1}) > 0 {
		return errHasSessionKey
	}
	return nil
}

// guestsOf returns the people who are named in a request, admins first, without
// its sender.
func guestsOf(tx *relay.Tx, me relay.ID, self string, in createIn) ([]invited, error) {
	var guests []invited
	seen := map[relay.ID]bool{me: true}
	for _, of := range []struct {
		keys userKeys
		role relay.Role
	}{{*in.Admins, relay.RoleAdmin}, {*in.Members, relay.RoleMember}} {
		ids := make([]string, 0, len(of.keys))
		for id := range of.keys {
			ids = append(ids, id)
		}
		slices.SortFunc(ids, strings.Compare)
		for _, id := range ids {
			if id == self {
				continue
			}
			acc, err := mayInvite(tx, me, id)
			if err != nil && acc.ID != me {
				return nil, err
			}
			if !seen[acc.ID] {
				seen[acc.ID] = true
				guests = append(guests, invited{acc.ID, id, of.role, of.keys[id]})
			}
		}
		if len(guests) >= maxGroup {
			return nil, wire.BadField("members")
		}
	}
	if *in.IsDialog && len(guests) != 1 {
		return nil, wire.BadField("admins")
	}
	return guests, nil
}

// mayInvite returns somebody whom the caller may bring into a conversation.
// Only our own need a public key.
func mayInvite(tx *relay.Tx, me relay.ID, userID string) (relay.Account, error) {
	acc, err := findUser(tx, userID)
	switch {
	case err != nil:
		return acc, err
	case tx.Blocked(acc.ID, me):
		return acc, errBlocked
	case acc.Family != family:
		return acc, nil
	}
	k, err := keysOf(tx, acc.ID)
	if err == nil && k.Public == "" {
		err = errNoKeys
	}
	return acc, err
}

// openRoom opens the room of a conversation.
func openRoom(tx *relay.Tx, me relay.ID, guests []invited, in createIn) (relay.Room, error) {
	set := roomSettings{UUID: *in.Conversation, Title: in.Title, Key: *in.SessionKey, Creator: me}
	rest := pack(memberRest{Nick: deref(in.Nick)})
	d := relay.RoomDraft{By: me, Family: family}
	if *in.IsDialog {
		set.Title = nil
		d.Settings = pack(set)
		room, made, err := tx.OpenDirect(me, guests[0].account, d)
		if err == nil && !made {
			err = errHasDialog
		}
		if err == nil {
			_, err = tx.SetRest(me, room.ID, me, rest, nil)
		}
		return room, err
	}
	d.Settings = pack(set)
	for _, g := range guests {
		d.Members = append(d.Members, relay.Seat{Account: g.account, Role: g.role})
	}
	d.Members = append(d.Members, relay.Seat{Account: me, Role: relay.RoleAdmin, Rest: rest})
	return tx.OpenRoom(d)
}
