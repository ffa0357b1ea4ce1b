package jetico

import (
	"cmp"
	"slices"

	"restante/relay"
)

const (
	maxGroup  = 500  // people of a group
	maxPeople = 1024 // of whom anybody is told; only rooms of other families have more
)

// A roomSettings is what this family keeps with its rooms.
type roomSettings struct {
	UUID          string     `cbor:"1,keyasint,omitempty"` // as its creator spelled it
	Title         *string    `cbor:"2,keyasint,omitempty"`
	Key           string     `cbor:"3,keyasint,omitempty"` // uuid of the session key, as spelled
	KeyAt         relay.Time `cbor:"4,keyasint,omitempty"`
	Avatar        relay.ID   `cbor:"5,keyasint,omitempty"`
	AvatarUpdated relay.Time `cbor:"6,keyasint,omitempty"`
	Creator       relay.ID   `cbor:"7,keyasint,omitempty"`
}

// A memberRest is what this family keeps with a member.
type memberRest struct {
	Nick string `cbor:"1,keyasint,omitempty"`
}

// A conv is a room as one of its people meets it.
type conv struct {
	relay.Access
	set   roomSettings // zero in rooms of other families
	uuid  string
	ours  bool
	crowd []person // see present
	named bool     // so the crowd has names, and is in order
}

// newConv makes a conversation of a room that somebody has access to.
func newConv(tx *relay.Tx, acc relay.Access) (*conv, error) {
	cv := &conv{Access: acc, ours: acc.Room.Family == family}
	if cv.ours {
		if err := unpack(acc.Room.Settings, &cv.set); err != nil {
			return nil, err
		}
	}
	cv.uuid = nameOf(acc.Room, cv.set)
	return cv, nil
}

// nameOf returns the uuid of a room: the one it was given, or one of its id.
func nameOf(r relay.Room, set roomSettings) string {
	if set.UUID != "" {
		return set.UUID
	}
	return uuidOf(r.ID)
}

func roomAlias(uuid string) relay.Alias {
	folded, _ := foldUUID(uuid)
	return relay.Alias{Family: family, Given: folded}
}

// findConv returns the conversation of a uuid, or a room's id in another form,
// for somebody who is in it. Whether there is one that he is not in cannot be
// told.
func findConv(tx *relay.Tx, who relay.ID, uuid string) (*conv, error) {
	if _, ok := foldUUID(uuid); !ok {
		return reachConv(tx, who, tx.RoomID(uuid))
	}
	alias := roomAlias(uuid)
	id, named := tx.IDNamed(alias)
	if !named {
		id = idOfUUID(alias.Given)
	}
	return reachConv(tx, who, id)
}

// reachConv returns the conversation of a room for somebody who is in it.
func reachConv(tx *relay.Tx, who, room relay.ID) (*conv, error) {
	acc, err := tx.Reach(who, room)
	if err != nil {
		return nil, err
	}
	return newConv(tx, acc)
}

// key returns the uuid of the current session key.
func (cv *conv) key() string { return cmp.Or(cv.set.Key, nilUUID) }

// keyAt returns since when the session key is the current one.
func (cv *conv) keyAt() relay.Time { return cmp.Or(cv.set.KeyAt, cv.Room.Created) }

// admin reports whether the caller rules the conversation. In a dialog both do;
// rooms of other families are ruled through their own doors.
func (cv *conv) admin() bool {
	return cv.ours && (cv.Room.Direct || cv.Member.Role >= relay.RoleAdmin)
}

// rule fails unless the caller may change a group: admins only, no dialogs.
func (cv *conv) rule() error {
	switch {
	case cv.Room.Direct:
		return errDialog
	case !cv.admin():
		return errAccess
	}
	return nil
}

// change stores changed settings. With a note, the sessions of its people are
// told what changed.
func (cv *conv) change(tx *relay.Tx, by relay.ID, note []byte) error {
	r, err := tx.ChangeRoom(by, cv.Room.ID, pack(cv.set), note)
	if err == nil {
		cv.Room = r
	}
	return err
}

// nick returns the caller's nick here.
func (cv *conv) nick() string { return nickOf(cv, cv.Member) }

// nickOf returns somebody's nick here, "" where what is kept with him is not
// ours.
func nickOf(cv *conv, m relay.Member) string {
	var rest memberRest
	if !cv.ours || unpack(m.Rest, &rest) != nil {
		return ""
	}
	return rest.Nick
}

// other returns the other one of a dialog.
func (cv *conv) other(who relay.ID) relay.ID {
	if cv.Room.Pair[0] == who {
		return cv.Room.Pair[1]
	}
	return cv.Room.Pair[0]
}

// blocked reports whether a dialog's people do not write to each other: one of
// them does not want to hear from the other, or the operator does not.
func (cv *conv) blocked(tx *relay.Tx, who relay.ID) (bool, error) {
	if !cv.Room.Direct {
		return false, nil
	}
	other := cv.other(who)
	if tx.Blocked(who, other) || tx.Blocked(other, who) {
		return true, nil
	}
	acc, err := tx.Stub(other)
	return acc.Suspended != 0, unless(err, relay.NotFound)
}

// closed reports whether the other one of a dialog is gone for good.
func (cv *conv) closed(tx *relay.Tx, who relay.ID) (bool, error) {
	if !cv.Room.Direct {
		return false, nil
	}
	_, err := tx.Account(cv.other(who))
	return relay.Is(err, relay.NotFound), unless(err, relay.NotFound)
}

// A person is a member with what counters go by.
type person struct {
	relay.Member
	cursor relay.Time
	user   string // the userId; see people
}

// present returns the members of a conversation, in no order. It looks once.
func (cv *conv) present(tx *relay.Tx) ([]person, error) {
	if cv.crowd != nil || cv.Room.Open {
		return cv.crowd, nil
	}
	list := []person{}
	for after := (relay.ID{}); len(list) < maxPeople; {
		members, next, err := tx.Members(cv.Room.ID, after, maxPeople-len(list))
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			list = append(list, person{Member: m, cursor: tx.Cursor(m.Account, cv.Room.Box)})
		}
		if after = next; next.IsZero() {
			break
		}
	}
	cv.crowd = list
	return list, nil
}

// people returns the members of a conversation with their names: in the order in
// which they came, the creator after those who came with him.
func (cv *conv) people(tx *relay.Tx) ([]person, error) {
	list, err := cv.present(tx)
	if err != nil || cv.named {
		return list, err
	}
	for i := range list {
		if list[i].user, err = userIDOf(tx, list[i].Account); err != nil {
			return nil, err
		}
	}
	creator := func(p person) int {
		if p.Account == cv.set.Creator {
			return 1
		}
		return 0
	}
	slices.SortFunc(list, func(a, b person) int {
		return cmp.Or(cmp.Compare(a.Joined, b.Joined), cmp.Compare(creator(a), creator(b)), cmp.Compare(a.user, b.user))
	})
	cv.named = true
	return list, nil
}

// lists splits the people of a conversation into admins and members.
func (cv *conv) lists(tx *relay.Tx) (admins, members []string, err error) {
	people, err := cv.people(tx)
	admins, members = []string{}, []string{}
	for _, p := range people {
		if cv.Room.Direct || p.Role >= relay.RoleAdmin {
			admins = append(admins, p.user)
		} else {
			members = append(members, p.user)
		}
	}
	return admins, members, err
}

// sees is where the caller reads the conversation from.
func (cv *conv) sees(tx *relay.Tx, after relay.Time) relay.Reading {
	return tx.Reading(cv.Access, after)
}
