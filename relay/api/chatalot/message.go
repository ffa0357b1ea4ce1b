package chatalot

import (
	"restante/relay"
)

// messageOut is a Message.
type messageOut struct {
	ID            uuid          `json:"id"`
	ChannelID     uuid          `json:"channel_id"`
	SenderID      uuid          `json:"sender_id"`
	Ciphertext    Bytes         `json:"ciphertext"`
	Nonce         Bytes         `json:"nonce"`
	MessageType   string        `json:"message_type"`
	ReplyToID     uuid          `json:"reply_to_id"`
	SenderKeyID   uuid          `json:"sender_key_id"`
	EditedAt      moment        `json:"edited_at"`
	CreatedAt     moment        `json:"created_at"`
	Reactions     []reactionOut `json:"reactions,omitempty"`
	ThreadID      uuid          `json:"thread_id,omitzero"`
	Replies       int           `json:"thread_reply_count,omitzero"`
	LastReply     moment        `json:"thread_last_reply_at,omitzero"`
	WebhookName   string        `json:"webhook_name,omitempty"`
	WebhookAvatar string        `json:"webhook_avatar,omitempty"`
}

// A showing shows messages in one transaction, and looks each of their senders
// up once.
type showing struct {
	tx      *relay.Tx
	removed map[relay.ID]bool // senders who are gone
	replies int               // how many replies may still be counted
}

// maxReplies bounds how far the replies of one message are counted, and
// maxReplyLooks how many are looked at for one page.
const (
	maxReplies    = 999
	maxReplyLooks = 10_000
)

func show(tx *relay.Tx) *showing {
	return &showing{tx: tx, removed: map[relay.ID]bool{}, replies: maxReplyLooks}
}

// sender returns who is shown as a message's sender: nobody for a webhook, and
// where the account is gone.
func (s *showing) sender(e relay.Entry) (uuid, error) {
	if e.Kind == kindWebhook || e.From.IsZero() {
		return uuid{}, nil
	}
	gone, known := s.removed[e.From]
	if !known {
		acc, err := s.tx.Stub(e.From)
		if err != nil && !relay.Is(err, relay.NotFound) {
			return uuid{}, err
		}
		gone = err != nil || acc.Removed != 0
		s.removed[e.From] = gone
	}
	if gone {
		return uuid{}, nil
	}
	return uuid(e.From), nil
}

// bare shows a message without what was done to it. A message of another family
// is a text, and has a nonce all the same.
func (s *showing) bare(room relay.ID, e relay.Entry) (messageOut, error) {
	from, err := s.sender(e)
	if err != nil {
		return messageOut{}, err
	}
	out := messageOut{
		ID: messageID(e.ID), ChannelID: uuid(room), SenderID: from, Ciphertext: Bytes(e.Body), Nonce: Bytes(e.Nonce),
		MessageType: typeOf(e), EditedAt: moment(e.Edited), CreatedAt: moment(e.ID.Time),
	}
	if len(e.Nonce) == 0 {
		out.Nonce = Bytes{0}
	}
	if e.Reply != 0 && s.there(relay.EntryID{Box: e.ID.Box, Time: e.Reply}) {
		out.ReplyToID = messageID(relay.EntryID{Box: e.ID.Box, Time: e.Reply})
	}
	if e.Thread != 0 && s.there(relay.EntryID{Box: e.ID.Box, Time: e.Thread}) {
		out.ThreadID = messageID(relay.EntryID{Box: e.ID.Box, Time: e.Thread})
	}
	if extra, ours := extraOf(e); ours {
		out.SenderKeyID, out.WebhookName, out.WebhookAvatar = uuid(extra.SenderKey), extra.WebhookName, extra.WebhookAvatar
	}
	return out, nil
}

// there reports whether a message that another names is still there, if only as
// one that was deleted.
func (s *showing) there(id relay.EntryID) bool {
	_, err := s.tx.Entry(relay.Messages, id)
	return err == nil
}

// message shows a message with its reactions and, for one that began a thread,
// what became of that.
func (s *showing) message(room relay.ID, e relay.Entry) (messageOut, error) {
	out, err := s.bare(room, e)
	if err != nil {
		return out, err
	}
	if out.Reactions, err = reactionsOf(s.tx, e.ID); err != nil {
		return out, err
	}
	if e.Thread != 0 {
		return out, nil
	}
	n, last, err := s.tx.CountReplies(e.ID, min(maxReplies, max(s.replies, 1)))
	s.replies -= n
	out.Replies, out.LastReply = n, moment(last)
	return out, err
}

// messages shows a page of them.
func (s *showing) messages(room relay.ID, es []relay.Entry) ([]messageOut, error) {
	list := make([]messageOut, 0, len(es))
	for _, e := range es {
		out, err := s.message(room, e)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}

// typeOf returns the message_type of an entry. What another family's room says
// of itself is a system message, what its members wrote a text.
func typeOf(e relay.Entry) string {
	switch e.Kind {
	case kindText, kindFile, kindSystem, kindWebhook:
		return e.Kind
	case relay.KindNotice:
		return kindSystem
	}
	return kindText
}

// extraOf returns the fields of this family's own, and whether the entry is one
// of this family's.
func extraOf(e relay.Entry) (x messageExtra, ours bool) {
	switch e.Kind {
	case kindText, kindFile, kindWebhook:
		return x, unpack(e.Extra, &x) == nil
	}
	return x, false
}
