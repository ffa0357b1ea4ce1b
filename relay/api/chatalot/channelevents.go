package chatalot

import (
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
)

type newMessageFrame struct {
	Type          string   `json:"type"`
	ID            uuid     `json:"id"`
	ChannelID     uuid     `json:"channel_id"`
	SenderID      uuid     `json:"sender_id"`
	Ciphertext    Bytes    `json:"ciphertext"`
	Nonce         Bytes    `json:"nonce"`
	MessageType   string   `json:"message_type"`
	ReplyTo       uuid     `json:"reply_to"`
	SenderKeyID   uuid     `json:"sender_key_id"`
	CreatedAt     moment   `json:"created_at"`
	ThreadID      uuid     `json:"thread_id,omitzero"`
	WebhookName   nullable `json:"webhook_name,omitzero"`
	WebhookAvatar nullable `json:"webhook_avatar,omitzero"`
}

// message tells of a new message, but for the sessions of its sender: they have
// it already.
func (t *telling) message(tx *relay.Tx, r relay.Room, e relay.Entry) error {
	m, err := show(tx).bare(r.ID, e)
	if err != nil || e.Erased || m.SenderID.id() == t.x.who.Account {
		return err
	}
	t.add(newMessageFrame{
		"new_message", m.ID, m.ChannelID, m.SenderID, m.Ciphertext, m.Nonce, m.MessageType, m.ReplyToID, m.SenderKeyID,
		m.CreatedAt, m.ThreadID, nullable(m.WebhookName), nullable(m.WebhookAvatar),
	})
	return nil
}

// A happened is one event of a channel on its way to being told.
type happened struct {
	t    *telling
	tx   *relay.Tx
	room relay.Room
	set  roomSettings
	e    relay.Entry
}

// channel renders what happened in a channel. What a session has no frame for is
// left out.
func (t *telling) channel(tx *relay.Tx, r relay.Room, set roomSettings, e relay.Entry) error {
	h := happened{t, tx, r, set, e}
	if render := entryEvents[e.Kind]; render != nil {
		ev, err := relay.ReadEntryEvent(e)
		if err != nil {
			return err
		}
		for _, at := range ev.Entries {
			if err := gonePast(render(h, relay.EntryID{Box: e.ID.Box, Time: at}, ev)); err != nil {
				return err
			}
		}
		return nil
	}
	if render := memberEvents[e.Kind]; render != nil {
		ev, err := relay.ReadMemberEvent(e)
		if err != nil {
			return err
		}
		return render(h, ev)
	}
	if render := happenings[e.Kind]; render != nil {
		said, err := readHappening(e)
		if err != nil {
			return err
		}
		return render(h, said)
	}
	return nil
}

// A frame with fields of its own; the order of them does not matter to anybody.
type fields map[string]any

func (h happened) add(kind string, f fields) error {
	f["type"], f["channel_id"] = kind, uuid(h.room.ID)
	h.t.add(f)
	return nil
}

// entryEvents are what happens to messages.
var entryEvents = map[string]func(happened, relay.EntryID, relay.EntryEvent) error{
	relay.EventEdited:    happened.edited,
	relay.EventErased:    happened.erased,
	relay.EventReacted:   happened.reacted,
	relay.EventUnreacted: happened.reacted,
	relay.EventRead:      happened.read,
	relay.EventPinned:    happened.pinned,
	relay.EventUnpinned:  happened.unpinned,
}

// edited tells of a new body, if the message is one that the session may read.
func (h happened) edited(id relay.EntryID, _ relay.EntryEvent) error {
	e, _, err := readable(h.tx, h.t.x.who.Account, id)
	if err != nil {
		return err
	}
	m, err := show(h.tx).bare(h.room.ID, e)
	if err != nil {
		return err
	}
	return h.add("message_edited", fields{
		"message_id": m.ID, "sender_id": m.SenderID, "ciphertext": m.Ciphertext, "nonce": m.Nonce, "edited_at": m.EditedAt,
	})
}

func (h happened) erased(id relay.EntryID, _ relay.EntryEvent) error {
	return h.add("message_deleted", fields{"message_id": messageID(id)})
}

func (h happened) reacted(id relay.EntryID, ev relay.EntryEvent) error {
	tell := func(kind, emoji string) {
		h.t.add(fields{"type": kind, "message_id": messageID(id), "user_id": uuid(h.e.From), "emoji": emoji})
	}
	added, removed := ev.Reactions(h.e.Kind)
	for _, emoji := range removed {
		tell("reaction_removed", emoji)
	}
	if added != "" {
		tell("reaction_added", added)
	}
	return nil
}

// read tells how far somebody has read, whatever his family; of this one nobody
// who keeps it to himself.
func (h happened) read(id relay.EntryID, _ relay.EntryEvent) error {
	if !givesReceipts(h.tx, h.e.From) {
		return nil
	}
	return h.add("read_receipt", fields{"user_id": uuid(h.e.From), "message_id": messageID(id), "timestamp": moment(h.e.ID.Time)})
}

func (h happened) pinned(id relay.EntryID, _ relay.EntryEvent) error {
	return h.add("message_pinned", fields{"message_id": messageID(id), "pinned_by": uuid(h.e.From), "pinned_at": moment(h.e.ID.Time)})
}

func (h happened) unpinned(id relay.EntryID, _ relay.EntryEvent) error {
	return h.add("message_unpinned", fields{"message_id": messageID(id)})
}

// memberEvents are what happens to members, and to the channel.
var memberEvents = map[string]func(happened, relay.MemberEvent) error{
	relay.EventRemoved: happened.removed,
	relay.EventBanned:  happened.removed,
	relay.EventRole:    happened.role,
	relay.EventChanged: happened.changed,
}

// removed tells who was taken out and by whom. Who left with the group or the
// community above is not told of channel by channel.
func (h happened) removed(ev relay.MemberEvent) error {
	if !h.room.Parent.IsZero() && h.e.Kind == relay.EventRemoved {
		if _, err := h.tx.Access(ev.Account, h.room.Parent); err != nil {
			return err
		}
	}
	kind, by := "member_kicked", "kicked_by"
	if h.e.Kind == relay.EventBanned {
		kind, by = "member_banned", "banned_by"
	}
	return h.add(kind, fields{"user_id": uuid(ev.Account), by: uuid(h.e.From)})
}

func (h happened) role(ev relay.MemberEvent) error {
	return h.add("member_role_updated", fields{"user_id": uuid(ev.Account), "role": roleNames[ev.Role]})
}

// changed tells how the channel is now. A call without a background of its own
// has the group's.
func (h happened) changed(relay.MemberEvent) error {
	back := h.set.VoiceBackground
	if back == "" && h.set.Kind == roomVoice && !h.room.Parent.IsZero() {
		group, err := h.tx.Room(h.room.Parent)
		if err != nil {
			return err
		}
		above, err := settingsOf(group)
		if err != nil {
			return err
		}
		back = above.VoiceBackground
	}
	return h.add("channel_updated", fields{
		"name": nullable(h.set.Name), "topic": nullable(h.set.Description), "read_only": h.set.ReadOnly,
		"slow_mode_seconds": h.set.SlowMode, "archived": h.set.Archived, "voice_background": nullable(back),
	})
}

// happenings are what only this family knows.
var happenings = map[string]func(happened, happening) error{
	tellSenderKey:   happened.senderKey,
	tellRotation:    happened.rotation,
	tellPollCreated: happened.pollCreated,
	tellPollVoted:   happened.pollVoted,
	tellPollUnvoted: happened.pollVoted,
	tellPollClosed:  happened.pollClosed,
	tellTimedOut:    happened.timedOut,
	tellWarned:      happened.warned,
}

func (h happened) senderKey(said happening) error {
	k, found, err := senderKeys.Get(h.tx, said.Record)
	if err != nil || !found {
		return err // replaced since, which is told, too
	}
	return h.add("sender_key_updated", fields{
		"user_id": uuid(k.User), "chain_id": k.Chain, "distribution": jsontext.Value(k.Distribution),
	})
}

func (h happened) rotation(said happening) error {
	return h.add("sender_key_rotation_required", fields{"reason": said.Text})
}

func (h happened) pollCreated(said happening) error {
	p, found, err := polls.Get(h.tx, said.Record)
	if err != nil || !found {
		return err
	}
	return h.add("poll_created", fields{"poll_id": uuid(said.Record), "created_by": uuid(p.By), "question": p.Question})
}

func (h happened) pollVoted(said happening) error {
	kind := "poll_voted"
	if h.e.Kind == tellPollUnvoted {
		kind = "poll_vote_removed"
	}
	return h.add(kind, fields{"poll_id": uuid(said.Record), "option_index": said.Count, "voter_id": uuid(said.Account)})
}

func (h happened) pollClosed(said happening) error {
	return h.add("poll_closed", fields{"poll_id": uuid(said.Record)})
}

func (h happened) timedOut(said happening) error {
	return h.add("user_timed_out", fields{
		"user_id": uuid(said.Account), "expires_at": moment(said.Until), "reason": nullable(said.Text),
	})
}

func (h happened) warned(said happening) error {
	return h.add("user_warned", fields{"user_id": uuid(said.Account), "reason": said.Text, "warning_count": said.Count})
}
