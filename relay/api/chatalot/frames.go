package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// socketOps are the rows of the WebSocket: its upgrade, and the frames that
// clients send.
func (a *api) socketOps() []wire.Op {
	frame := func(name string, h wire.Handler, about string) wire.Op { return wire.Row(name, wire.User, h, about) }
	return []wire.Op{
		wire.Row("GET /ws", wire.Anyone, wire.Raw(a.openSocket), "a WebSocket; its first frame is authenticate"),
		wire.Row("authenticate", wire.Anyone, wire.Free(a.authenticate), "says by an access token who it is"),
		frame("ping", wire.Free(pong), "answered by pong").NamesNobody(),
		frame("send_message", wire.Write(a.sendFrame), "a message to a channel"),
		frame("edit_message", wire.Write(a.editFrame), "another text for a message of one's own"),
		frame("delete_message", wire.Write(a.deleteFrame), "deletes a message"),
		frame("add_reaction", wire.Write(a.addReaction), "reacts to a message"),
		frame("remove_reaction", wire.Write(a.removeReaction), "takes a reaction back"),
		frame("typing", wire.Free(a.startTyping), "writes in a channel"),
		frame("stop_typing", wire.Free(a.stopTyping), "does not write any more").NamesNobody(),
		frame("update_presence", wire.Free(a.updatePresence), "online, idle, dnd, invisible or offline").NamesNobody(),
		frame("subscribe", wire.Free(a.subscribe), "is told what happens in channels"),
		frame("unsubscribe", wire.Free(a.unsubscribe), "is told no more").NamesNobody(),
		frame("mark_read", wire.Write(a.markRead), "has read a channel up to a message"),
		frame("mark_all_read", wire.Write(a.markAllRead), "has read everything").NamesNobody(),
		frame("join_voice", wire.Free(a.joinVoice), "joins the call of a channel"),
		frame("leave_voice", wire.Free(a.leaveVoice), "leaves it").NamesNobody(),
		frame("kick_from_voice", wire.Free(a.kickFromVoice), "takes somebody lower out of it"),
		frame("rtc_offer", wire.Free(a.passRTC), "an offer to somebody in the same call"),
		frame("rtc_answer", wire.Free(a.passRTC), "the answer to an offer"),
		frame("rtc_ice_candidate", wire.Free(a.passRTC), "a candidate for the connection between the two"),
	}
}

// Codes that only the socket has; as subjects of errors they say which of
// several reasons it was. Those of sending are beside its rules.
const (
	codeInvalid   = "invalid_message"
	codeVoiceFull = "voice_full"
)

// Errors of a socket that clients know by their code.
var socketCodes = map[relay.Subject]bool{
	subjectBlocked: true, subjectArchived: true, subjectReadOnly: true, subjectSlowMode: true, subjectTimedOut: true, codeVoiceFull: true,
	codeAuthRequired: true, codeTooManySessions: true,
}

type errorFrame struct {
	Type    string `json:"type"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func newErrorFrame(code, text string) []byte { return wire.MustEncode(errorFrame{"error", code, text}) }

// failFrame renders an error.
func failFrame(err error) []byte {
	e := relay.AsError(err)
	if socketCodes[e.Subject] {
		return newErrorFrame(string(e.Subject), e.Text)
	}
	out := fail(nil, e).Body.(errorOut)
	if e.Code == relay.TooLarge {
		out.Code = "validation_error"
	}
	return newErrorFrame(out.Code, out.Message)
}

type pingIn struct {
	Timestamp int64 `json:"timestamp"`
}

type pongFrame struct {
	Type      string `json:"type"`
	Timestamp int64  `json:"timestamp"`
}

// pong gives the client's own number back.
func pong(_ *wire.Call, _ *relay.Relay, in pingIn) (pongFrame, error) {
	return pongFrame{"pong", in.Timestamp}, nil
}

type sendFrameIn struct {
	ChannelID   uuid   `json:"channel_id"`
	Ciphertext  Bytes  `json:"ciphertext"`
	Nonce       Bytes  `json:"nonce"`
	MessageType string `json:"message_type"`
	ReplyTo     uuid   `json:"reply_to"`
	SenderKeyID uuid   `json:"sender_key_id"`
	ThreadID    uuid   `json:"thread_id"`
}

type sentFrame struct {
	Type      string `json:"type"`
	ID        uuid   `json:"id"`
	ChannelID uuid   `json:"channel_id"`
	CreatedAt moment `json:"created_at"`
	ThreadID  uuid   `json:"thread_id,omitzero"`
}

func (a *api) sendFrame(c *wire.Call, tx *relay.Tx, in sendFrameIn) (sentFrame, error) {
	p, e, err := sendMessage(tx, c.Who.Account, posting{
		Channel: in.ChannelID.id(), Kind: in.MessageType, Body: in.Ciphertext, Nonce: in.Nonce,
		ReplyTo: in.ReplyTo.id(), Thread: in.ThreadID.id(), SenderKey: in.SenderKeyID.id(),
	})
	if err != nil {
		return sentFrame{}, valid(err)
	}
	r, at := c.Service.Relay, typist{p.Room.ID, c.Who.Account}
	tx.OnCommit(func() { a.stopsTyping(r, at) }) // so that it is told before the message
	out := sentFrame{Type: "message_sent", ID: messageID(e.ID), ChannelID: uuid(p.Room.ID), CreatedAt: moment(e.ID.Time)}
	if e.Thread != 0 {
		out.ThreadID = messageID(relay.EntryID{Box: e.ID.Box, Time: e.Thread})
	}
	return out, nil
}

type editFrameIn struct {
	MessageID  uuid  `json:"message_id"`
	Ciphertext Bytes `json:"ciphertext"`
	Nonce      Bytes `json:"nonce"`
}

func (a *api) editFrame(c *wire.Call, tx *relay.Tx, in editFrameIn) (wire.None, error) {
	_, _, err := editMessage(tx, c.Who.Account, entryID(in.MessageID.id()), in.Ciphertext, in.Nonce)
	return wire.None{}, valid(err)
}

type deleteFrameIn struct {
	MessageID uuid `json:"message_id"`
}

func (a *api) deleteFrame(c *wire.Call, tx *relay.Tx, in deleteFrameIn) (wire.None, error) {
	_, err := deleteMessage(tx, c.Who.Account, entryID(in.MessageID.id()))
	return wire.None{}, valid(err)
}

// subjectValid marks errors about what a frame says, which was one all the same:
// what could not be read as one has another code.
const subjectValid relay.Subject = "validation_error"

// valid marks an error so.
func valid(err error) error {
	if !relay.Is(err, relay.Invalid) {
		return err
	}
	return relay.Errorf(relay.Invalid, subjectValid, "%s", relay.AsError(err).Text)
}
