package secbot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// Kinds of what lies in a mailbox. Everything else is a message.
const (
	kindRequest  = "friend_request"
	kindResponse = "friend_response"
	kindInvite   = "group_invite"
	kindMessage  = "message"
)

type connectIn struct {
	senderIn
	ToUserID   string      `json:"toUserId"`
	Protocol   string      `json:"protocol"`
	CryptoData wire.Sealed `json:"cryptoData"`
}

func (in *connectIn) Check() error {
	if err := in.check("FriendRequest"); err != nil {
		return err
	}
	if err := required("toUserId", in.ToUserID); err != nil {
		return err
	}
	if err := present("cryptoData", in.CryptoData); err != nil {
		return err
	}
	return label("protocol", in.Protocol)
}

// connect delivers the caller's key to somebody it wants to talk to.
func (a api) connect(c *wire.Call, tx *relay.Tx, in connectIn) (wire.None, error) {
	if err := sized("cryptoData", in.CryptoData, a.cfg.MaxCryptoData); err != nil {
		return wire.None{}, err
	}
	d := relay.Draft{Kind: kindRequest, Body: in.CryptoData, Extra: extra{Protocol: in.Protocol}.bytes()}
	return wire.None{}, post(c, tx, in.ToUserID, d, tx.AccountID, tx.Send)
}

type connectBackIn struct {
	senderIn
	ToUserID   string      `json:"toUserId"`
	CryptoData wire.Sealed `json:"cryptoData"`
}

func (in *connectBackIn) Check() error {
	if err := in.check("FriendResponse"); err != nil {
		return err
	}
	if err := required("toUserId", in.ToUserID); err != nil {
		return err
	}
	return present("cryptoData", in.CryptoData)
}

// connectBack delivers the answer to a friend request.
func (a api) connectBack(c *wire.Call, tx *relay.Tx, in connectBackIn) (wire.None, error) {
	if err := sized("cryptoData", in.CryptoData, a.cfg.MaxCryptoData); err != nil {
		return wire.None{}, err
	}
	d := relay.Draft{Kind: kindResponse, Body: in.CryptoData}
	return wire.None{}, post(c, tx, in.ToUserID, d, tx.AccountID, tx.Send)
}

type postIn struct {
	senderIn
	ToID       string      `json:"toId"`
	EncContent wire.Sealed `json:"encContent"`
}

func (in *postIn) Check() error {
	if err := in.check("SendMessage"); err != nil {
		return err
	}
	if err := required("toId", in.ToID); err != nil {
		return err
	}
	return present("encContent", in.EncContent)
}

// postMessage delivers a sealed message to a user.
func (a api) postMessage(c *wire.Call, tx *relay.Tx, in postIn) (wire.None, error) {
	if err := sized("encContent", in.EncContent, a.cfg.MaxContent); err != nil {
		return wire.None{}, err
	}
	d := relay.Draft{Kind: kindMessage, Body: in.EncContent}
	return wire.None{}, post(c, tx, in.ToID, d, tx.AccountID, tx.Send)
}

type receiveIn struct {
	userIn
	Since       int64 `json:"lastMessageTimestamp"`
	ForgetUntil int64 `json:"forgetUntil"`
}

func (in *receiveIn) Check() error {
	if err := in.check("User"); err != nil {
		return err
	}
	if err := cursor("lastMessageTimestamp", in.Since); err != nil {
		return err
	}
	return cursor("forgetUntil", in.ForgetUntil)
}

type notificationsOut struct {
	Object          string        `json:"object"`
	FriendRequests  []requestOut  `json:"friendRequests"`
	FriendResponses []responseOut `json:"friendResponses"`
	GroupInvites    []inviteOut   `json:"groupInvites"`
	Messages        []messageOut  `json:"messages"`
}

// receive reads the caller's mailbox. With forgetUntil it first erases what is
// held up to then; nothing else is erased by reading.
func (a api) receive(c *wire.Call, r *relay.Relay, in receiveIn) (out notificationsOut, err error) {
	if err := forget(c, relay.Time(in.ForgetUntil)); err != nil {
		return out, err
	}
	var held []relay.Entry
	err = r.View(c.Context(), func(tx *relay.Tx) (err error) {
		from := tx.Mailbox(c.Who.Box, relay.Time(in.Since))
		held, err = tx.Since(relay.Messages, []relay.Reading{from}, a.page())
		return err
	})
	if err != nil {
		return out, err
	}
	return newNotifications(c.Who.Account.String(), held)
}

// forget erases the caller's mailbox up to a time, in steps that do not hold
// the writer up.
func forget(c *wire.Call, to relay.Time) (err error) {
	for left := to > 0; left && err == nil; {
		err = c.Update(func(tx *relay.Tx) (err error) {
			left, err = tx.EraseThrough(c.Who.Box, to, relay.StepKeys)
			return err
		})
	}
	return err
}

func (a api) page() relay.Page { return relay.Page{Entries: a.cfg.PageEntries, Bytes: a.cfg.PageBytes} }

// newNotifications sorts a mailbox's entries into the four lists of its answer.
func newNotifications(to string, held []relay.Entry) (notificationsOut, error) {
	out := notificationsOut{"Notifications", []requestOut{}, []responseOut{}, []inviteOut{}, []messageOut{}}
	for _, e := range held {
		x := extraOf(e)
		switch e.Kind {
		case kindRequest:
			out.FriendRequests = append(out.FriendRequests, newRequest(e, to, x))
		case kindResponse:
			out.FriendResponses = append(out.FriendResponses, newResponse(e, to))
		case relay.KindAdded:
			ev, err := relay.ReadMemberEvent(e)
			if err != nil {
				return out, err
			}
			out.GroupInvites = append(out.GroupInvites, newInvite(e, to, extra{Algorithm: "none", GroupID: ev.Room.String()}))
		case kindInvite:
			out.GroupInvites = append(out.GroupInvites, newInvite(e, to, x))
		default:
			out.Messages = append(out.Messages, newMessage(e, to))
		}
	}
	return out, nil
}
