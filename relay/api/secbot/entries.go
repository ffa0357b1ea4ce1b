package secbot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// An extra is what an entry of this API has beside its sealed content.
type extra struct {
	Protocol  string `json:"protocol,omitempty"`
	Algorithm string `json:"algorithm,omitempty"`
	GroupID   string `json:"groupId,omitempty"`
}

// sealed reports whether an entry of a room is a message. Rooms of other
// families hold notices, too, and the places of what was deleted.
func sealed(e relay.Entry) bool { return e.Kind != relay.KindNotice && !e.Erased }

func (x extra) bytes() []byte { return wire.MustEncode(x) }

// extraOf returns what this API keeps with an entry: of others' nothing.
func extraOf(e relay.Entry) (x extra) {
	if e.Kind != kindRequest && e.Kind != kindInvite || wire.Decode(e.Extra, &x) != nil {
		return extra{}
	}
	return x
}

type requestOut struct {
	Object     string `json:"object"`
	FromUserID string `json:"fromUserId"`
	ToUserID   string `json:"toUserId"`
	Protocol   string `json:"protocol"`
	CryptoData string `json:"cryptoData"`
	Timestamp  int64  `json:"timestamp"`
}

func newRequest(e relay.Entry, to string, x extra) requestOut {
	return requestOut{"FriendRequest", e.From.String(), to, x.Protocol, relay.Text(e.Body), int64(e.ID.Time)}
}

type responseOut struct {
	Object     string `json:"object"`
	FromUserID string `json:"fromUserId"`
	ToUserID   string `json:"toUserId"`
	CryptoData string `json:"cryptoData"`
	Timestamp  int64  `json:"timestamp"`
}

func newResponse(e relay.Entry, to string) responseOut {
	return responseOut{"FriendResponse", e.From.String(), to, relay.Text(e.Body), int64(e.ID.Time)}
}

type inviteOut struct {
	Object     string `json:"object"`
	FromUserID string `json:"fromUserId"`
	ToUserID   string `json:"toUserId"`
	GroupID    string `json:"groupId"`
	Algorithm  string `json:"algorithm"`
	CryptoData string `json:"cryptoData"`
	Timestamp  int64  `json:"timestamp"`
}

func newInvite(e relay.Entry, to string, x extra) inviteOut {
	return inviteOut{"GroupInvite", e.From.String(), to, x.GroupID, x.Algorithm, relay.Text(e.Body), int64(e.ID.Time)}
}

type messageOut struct {
	Object     string `json:"object"`
	FromUserID string `json:"fromUserId"`
	ToID       string `json:"toId"`
	EncContent string `json:"encContent"`
	Timestamp  int64  `json:"timestamp"`
}

// newMessage renders an entry for whoever reads it under the id to: an open
// group's entries do not hold its id, so it is answered from the request.
func newMessage(e relay.Entry, to string) messageOut {
	return messageOut{"SendMessage", e.From.String(), to, relay.Text(e.Body), int64(e.ID.Time)}
}
