package sama

import (
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

type createRoomIn struct {
	Type         field          `json:"type"`
	Name         field          `json:"name"`
	Description  field          `json:"description"`
	Participants jsontext.Value `json:"participants"`
	Opponent     field          `json:"opponent_id"`
	Picture      *pictureIn     `json:"image_object"`

	with []string // Participants
}

// most is how many participants a request for a new group may name.
const most = 50

func (in *createRoomIn) Check() error {
	if len(in.Participants) > 0 && decodeJSON(in.Participants, &in.with) != nil {
		return errShape
	}
	switch {
	case !in.Type.set:
		return wrong("Conversation type missed.")
	case in.Type.v != typeDialog && in.Type.v != typeGroup:
		return wrong("The type you entered is incorrect.")
	case !in.Name.optional(0, 255), !in.Description.optional(0, 255):
		return errShape
	case in.Type.v == typeGroup && in.Name.v == "":
		return wrong("You haven't specified a conversation name.")
	case len(in.with) == 0 && (in.Type.v == typeGroup || !in.Opponent.set):
		return wrong("Please select at least one user.")
	case len(in.with) > most:
		return wrong("There are too many users in the group conversation.")
	}
	return in.Picture.check()
}

type conversationAnswer struct {
	Conversation any `json:"conversation"`
}

// createConversation opens a dialog, or finds the one there is, or opens a group.
func (a *api) createConversation(c *wire.Call, tx *relay.Tx, in createRoomIn) (after, error) {
	people, err := known(tx, in.with)
	if err != nil {
		return after{}, err
	}
	var room relay.Room
	if in.Type.v == typeDialog {
		room, err = a.dialog(c, tx, in, people)
	} else {
		room, err = a.group(c, tx, in, people)
	}
	if err != nil {
		return after{}, err
	}
	out, err := viewerOf(c).answer(tx, room)
	if err != nil {
		return after{}, err
	}
	job := pushJob{room: room.ID, from: c.Who.Account, what: pushCreated}
	return after{out, func(k *session) {
		if !room.Direct {
			k.push(job)
		}
	}}, nil
}

// answer renders a conversation for whoever made or changed it.
func (v viewer) answer(tx *relay.Tx, room relay.Room) (conversationAnswer, error) {
	out, err := v.conversation(tx, room)
	if err == nil {
		out.Participants, err = participantsOf(tx, room)
	}
	return conversationAnswer{out}, err
}

// known returns those of a list of people who exist, each once.
func known(tx *relay.Tx, list []string) (ids []relay.ID, err error) {
	seen := map[relay.ID]bool{}
	for _, s := range list {
		acc, err := accountOf(tx, s)
		if err == nil && !seen[acc.ID] {
			seen[acc.ID] = true
			ids = append(ids, acc.ID)
		}
		if err = gone(err); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func (a *api) dialog(c *wire.Call, tx *relay.Tx, in createRoomIn, people []relay.ID) (relay.Room, error) {
	me := c.Who.Account
	if len(in.with) == 0 {
		acc, err := accountOf(tx, in.Opponent.v)
		if relay.Is(err, relay.NotFound) {
			return relay.Room{}, wrong("Opponent ID not found.")
		}
		if err != nil {
			return relay.Room{}, err
		}
		people = []relay.ID{acc.ID}
	}
	people = without(people, me)
	switch len(people) {
	case 0:
		return relay.Room{}, wrong("The specified user is incorrect.")
	case 1:
	default:
		return relay.Room{}, wrong("There are too many users in the private conversation.")
	}
	s := settings{Name: in.Name.v, Description: in.Description.v, Picture: in.Picture, Owner: me}
	room, made, err := tx.OpenDirect(me, people[0], relay.RoomDraft{By: me, Family: family, Settings: wire.MustEncode(s)})
	if err == nil && !made {
		err = bringBack(tx, room, me)
	}
	if err == nil {
		room, err = tx.Room(room.ID)
	}
	return room, err
}

// bringBack has whoever left a dialog be in it again. Nobody comes back who is
// gone for good.
func bringBack(tx *relay.Tx, room relay.Room, by relay.ID) error {
	for _, id := range room.Pair {
		if _, err := tx.Account(id); relay.Is(err, relay.NotFound) {
			continue
		}
		_, err := tx.Join(room.ID, relay.Joining{By: by, Seat: relay.Seat{Account: id}})
		if err != nil && !relay.Is(err, relay.Conflict) {
			return err
		}
	}
	return nil
}

func without(ids []relay.ID, id relay.ID) (rest []relay.ID) {
	for _, x := range ids {
		if x != id {
			rest = append(rest, x)
		}
	}
	return rest
}

var errTooMany = wrong("You've reached the maximum participant limit.")

func (a *api) group(c *wire.Call, tx *relay.Tx, in createRoomIn, people []relay.ID) (relay.Room, error) {
	me := c.Who.Account
	people = without(people, me)
	if len(people) == 0 {
		return relay.Room{}, wrong("Participants not provided.")
	}
	if len(people)+1 > a.o.Participants {
		return relay.Room{}, errTooMany
	}
	s := settings{Name: in.Name.v, Description: in.Description.v, Picture: in.Picture, Owner: me}
	d := relay.RoomDraft{By: me, Family: family, Settings: wire.MustEncode(s), Members: []relay.Seat{{Account: me, Role: relay.RoleOwner}}}
	for _, id := range people {
		d.Members = append(d.Members, relay.Seat{Account: id})
	}
	return tx.OpenRoom(d)
}

// passOn gives a group that nobody rules to whoever is in it the longest, and
// closes a room that nobody is in.
func passOn(tx *relay.Tx, id, by relay.ID) error {
	room, err := tx.Room(id)
	if err != nil {
		return err
	}
	if room.Members == 0 {
		return tx.CloseRoom(by, id, nil)
	}
	if room.Direct || room.Family != family {
		return nil
	}
	if n, err := tx.CountRole(id, relay.RoleOwner, 1); err != nil || n > 0 {
		return err
	}
	heir, err := tx.Eldest(id, relay.RoleMember)
	if err != nil {
		return err
	}
	if _, err := tx.SetRole(by, id, heir.Account, relay.RoleOwner); err != nil {
		return err
	}
	s, err := settingsOf(room)
	if err != nil {
		return err
	}
	s.Owner = heir.Account
	_, err = tx.ChangeRoom(by, id, wire.MustEncode(s), nil)
	return err
}

// deleteConversation takes the caller out of a conversation.
func (a *api) deleteConversation(c *wire.Call, tx *relay.Tx, in idIn) (after, error) {
	acc, err := roomOf(tx, c.Who.Account, in.ID.v)
	switch {
	case relay.Is(err, relay.NotFound), acc.Room.Open:
		return after{}, errUnknownRoom
	case relay.Is(err, relay.Forbidden):
		return after{}, said(relay.NotFound, "ConversationParticipant not found.")
	case err != nil:
		return after{}, err
	}
	e, err := leave(tx, acc.Room.ID, c.Who.Account)
	job := pushJob{room: acc.Room.ID, from: c.Who.Account, entry: e.ID}
	return after{yes, func(k *session) {
		if !e.ID.IsZero() {
			k.push(job)
		}
	}}, err
}

// leave takes somebody out of a room. Groups of this API are told so, by the
// entry that is returned.
func leave(tx *relay.Tx, id, who relay.ID) (relay.Entry, error) {
	room, err := tx.Room(id)
	if err != nil {
		return relay.Entry{}, err
	}
	if err := tx.Leave(id, who); err != nil {
		return relay.Entry{}, err
	}
	if err := passOn(tx, id, who); err != nil {
		return relay.Entry{}, err
	}
	if room.Direct || room.Family != family || room.Members <= 1 {
		return relay.Entry{}, nil
	}
	return tx.Notify(room.Box, who, relay.Notice{What: relay.NoticeLeft, Account: who})
}

// conversationHandler: clients ask for a script that runs on messages, and take
// it that there is none.
func (a *api) conversationHandler(c *wire.Call, tx *relay.Tx, _ wire.None) (success, error) {
	return success{}, wrong("Handler for this conversation not found.")
}
