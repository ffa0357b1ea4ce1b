package dishis

import (
	"encoding/json"

	"restante/relay"
	"restante/relay/api/wire"
)

// tellOwn tells of an event in the user's own box: what happens to himself, and
// what few are to know.
func (k *session) tellOwn(tx *relay.Tx, e relay.Entry) error {
	if e.Lane != relay.Events {
		return nil
	}
	switch e.Kind {
	case eventRequest:
		return k.tellRequest(tx, e)
	case relay.EventJoined:
		return k.tellJoined(tx, e)
	case relay.EventLeft, relay.EventRemoved, relay.EventBanned, relay.EventRefused, relay.EventClosed:
		return k.tellLeft(tx, e)
	}
	return nil
}

// tellJoined tells that the user was let into a group or community. What he did
// himself, he knows.
func (k *session) tellJoined(tx *relay.Tx, e relay.Entry) error {
	ev, err := relay.ReadMemberEvent(e)
	if err != nil {
		return err
	}
	acc, err := tx.Access(k.who.Account, ev.Room)
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		return nil // out again
	}
	if err != nil || acc.Room.Direct {
		return err
	}
	s, err := settingsOf(acc.Room)
	if err != nil {
		return err
	}
	byOther := e.From != k.who.Account
	switch {
	case s.Is == isGroup && byOther:
		return k.emitJoined(tx, ev.Room, k.who.Account)
	case s.Is != isCommunity:
		return nil
	}
	if byOther {
		k.emit("community_join_approved", joinedOut{
			prefixCommunity + ev.Room.String(), userID(k.who.Account), roleName(acc.Member.Role), wire.ISO(acc.Member.Joined),
		})
	}
	return k.listenBelow(tx, acc.Room, e.ID.Time-1)
}

// listenBelow listens to the private channels of a community just joined that
// had been opened to the user before he came.
func (k *session) listenBelow(tx *relay.Tx, community relay.Room, after relay.Time) error {
	rooms, err := tx.Children(community.ID, relay.ID{}, maxChildren)
	if err != nil {
		return err
	}
	for _, r := range rooms {
		if !r.Within {
			continue
		}
		_, err := tx.Access(k.who.Account, r.ID)
		if err == nil {
			k.feed.Add(r.Box, relay.Owner{Kind: relay.OwnerRoom, ID: r.ID}, after)
		} else if !relay.Is(err, relay.NotFound) && !relay.Is(err, relay.Forbidden) {
			return err
		}
	}
	return nil
}

// tellLeft tells that the user is out of a group, or was turned away from a
// community. A closed room is known by what was said when it closed.
func (k *session) tellLeft(tx *relay.Tx, e relay.Entry) error {
	ev, err := relay.ReadMemberEvent(e)
	if err != nil {
		return err
	}
	is := string(ev.Note)
	if e.Kind != relay.EventClosed {
		room, err := tx.Room(ev.Room)
		if relay.Is(err, relay.NotFound) || err == nil && room.Direct {
			return nil
		}
		if err != nil {
			return err
		}
		s, err := settingsOf(room)
		if err != nil {
			return err
		}
		is = s.Is
	}
	switch {
	case is == isGroup && e.Kind != relay.EventRefused:
		k.emit("member_left", memberOut{GroupID: prefixGroup + ev.Room.String(), MemberID: userID(k.who.Account)})
	case is == isCommunity && e.Kind == relay.EventRefused:
		k.emit("community_join_rejected", leftOut{prefixCommunity + ev.Room.String(), userID(k.who.Account)})
	}
	return nil
}

type requestEvent struct {
	CommunityID string `json:"communityId"`
	UserID      string `json:"userId"`
	Username    string `json:"username"`
	RequestedAt string `json:"requestedAt"`
}

// tellRequest tells an admin that somebody asks to be let in, while he does.
func (k *session) tellRequest(tx *relay.Tx, e relay.Entry) error {
	var r joinRequest
	if err := wire.Decode(e.Extra, &r); err != nil {
		return err
	}
	row, err := tx.Member(r.Room, r.Account)
	if relay.Is(err, relay.NotFound) || err == nil && row.State != relay.StatePending {
		return nil // decided already
	}
	if err != nil {
		return err
	}
	p, err := profileBy(tx, r.Account)
	k.emit("community_join_request", requestEvent{
		prefixCommunity + r.Room.String(), userID(r.Account), p.Username, wire.ISO(row.Joined),
	})
	return err
}

// signals tells what came by the bell itself.
func (k *session) signals(got []relay.Signal) error {
	if len(got) == 0 {
		return nil
	}
	return k.s.Relay.View(k.io.Context(), func(tx *relay.Tx) error {
		if err := k.prove(tx); err != nil {
			return err
		}
		k.proved = true
		for _, s := range got {
			var err error
			switch s.Kind {
			case signalTyping:
				err = k.tellTyping(tx, s)
			case signalStatus:
				err = k.tellStatus(tx, s)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

type typingEvent struct {
	SenderID  string `json:"senderId"`
	IsTyping  bool   `json:"isTyping"`
	Timestamp string `json:"timestamp"`
}

// tellTyping tells that somebody types to the user: rung at the user, or in the
// direct room of the two.
func (k *session) tellTyping(tx *relay.Tx, s relay.Signal) error {
	if s.From == k.who.Account || tx.Blocked(k.who.Account, s.From) {
		return nil
	}
	if muted, err := k.mutes(tx, s.From); err != nil || muted {
		return err
	}
	if s.Box != k.who.Box {
		room, err := tx.FindDirect(k.who.Account, s.From)
		if relay.Is(err, relay.NotFound) || err == nil && room.Box != s.Box {
			return nil // in a group, which this API does not tell of
		}
		if err != nil {
			return err
		}
	}
	typing := isTyping(s.Data)
	out := wire.MustEncode(typingEvent{userID(s.From), typing, wire.ISO(tx.Wall())})
	k.emitSignal("typing_indicator", out)
	if k.a.o.LegacyEvents {
		k.emitSignal(map[bool]string{true: "typing_started", false: "typing_stopped"}[typing], out)
	}
	return nil
}

type newStatusEvent struct {
	StatusID  string `json:"statusId"`
	UserID    string `json:"userId"`
	Type      string `json:"type"`
	CreatedAt string `json:"createdAt"`
}

// tellStatus tells of a new status update, once, if the user may see it.
func (k *session) tellStatus(tx *relay.Tx, sig relay.Signal) error {
	if len(sig.Data) != len(relay.ID{}) || sig.From == k.who.Account {
		return nil
	}
	id := relay.ID(sig.Data)
	for _, known := range k.shown {
		if known == id {
			return nil
		}
	}
	k.shown[k.next%len(k.shown)] = id
	k.next++
	s, found, err := statusRecords.Get(tx, id)
	if err != nil || !found {
		return err
	}
	if muted, err := k.mutes(tx, s.Owner); err != nil || muted {
		return err
	}
	may, err := maySee(tx, s, k.who.Account)
	if err != nil || !may {
		return err
	}
	k.emitSignal("new_status", wire.MustEncode(newStatusEvent{prefixStatus + id.String(), userID(s.Owner), s.Type, wire.ISO(s.Created)}))
	return nil
}

// emitSignal sends what may be dropped.
func (k *session) emitSignal(name string, payload []byte) {
	_ = k.io.EmitSignal(name, json.RawMessage(payload))
}
