package chatalot

import (
	"time"

	"restante/relay"
)

// Limits of messages.
const (
	maxCiphertext = 64 << 10
	maxNonce      = 256
	editableFor   = 15 * time.Minute
	keptDeleted   = 30 * 24 * time.Hour // that a message was there, after it was deleted
)

// A posting is a message to be sent to a channel, whichever way it came.
type posting struct {
	Channel   relay.ID
	Kind      string // kindText or kindFile
	Body      []byte
	Nonce     []byte
	ReplyTo   relay.ID // as the client named it; zero: nothing
	Thread    relay.ID
	SenderKey relay.ID
	Scheduled bool // it waited already: slow mode does not ask it to
}

// checkSealed checks the sizes of what a client sealed.
func checkSealed(body, nonce []byte) error {
	switch {
	case len(body) == 0:
		return bad("message cannot be empty")
	case len(body) > maxCiphertext:
		return bad("message too large")
	case len(nonce) == 0:
		return bad("nonce cannot be empty")
	case len(nonce) > maxNonce:
		return bad("nonce too large")
	}
	return nil
}

// sendMessage is how every message of a user gets into a channel, over the
// socket and from the schedule. Its checks come in the order of the sheet (8.5).
// Errors have subjects of their own (archived, read_only, slow_mode, timed_out,
// blocked) where clients tell them apart.
func sendMessage(tx *relay.Tx, who relay.ID, in posting) (place, relay.Entry, error) {
	if err := checkSealed(in.Body, in.Nonce); err != nil {
		return place{}, relay.Entry{}, err
	}
	p, err := channelFor(tx, who, in.Channel, relay.ToRead)
	if err != nil {
		return p, relay.Entry{}, err
	}
	acc, err := p.access(tx)
	if err != nil {
		return p, relay.Entry{}, err
	}
	if err := p.mayPost(tx, acc, in.Scheduled); err != nil {
		return p, relay.Entry{}, err
	}
	d, err := p.draft(tx, in)
	if err != nil {
		return p, relay.Entry{}, err
	}
	e, err := p.post(tx, acc, d)
	return p, e, err
}

// mayPost decides whether a member may write in a channel now.
func (p place) mayPost(tx *relay.Tx, acc relay.Access, scheduled bool) error {
	if p.Direct {
		return mayWriteTo(tx, p.who, p.other())
	}
	free := p.May(relay.ToWriteFreely)
	switch {
	case p.set.Archived:
		return relay.Errorf(relay.Forbidden, subjectArchived, "this channel is archived")
	case p.set.ReadOnly && !free:
		return relay.Errorf(relay.Forbidden, subjectReadOnly, "this channel is read-only")
	}
	if wait := p.slow(tx, acc); wait > 0 && !free && !scheduled {
		return &relay.Error{
			Code: relay.TooMany, Subject: subjectSlowMode, RetryAfter: wait,
			Text: "slow mode is on, wait " + seconds(wait) + " seconds",
		}
	}
	if acc.Member.Silenced(tx.Wall()) && !free {
		return relay.Errorf(relay.Forbidden, subjectTimedOut, "you are timed out in this channel")
	}
	return nil
}

// slow returns how long slow mode still has a member wait.
func (p place) slow(tx *relay.Tx, acc relay.Access) time.Duration {
	if p.set.SlowMode == 0 {
		return 0
	}
	next := p.rest(acc.Member).Sent.Add(time.Duration(p.set.SlowMode) * time.Second)
	return time.Duration(next-tx.Wall()) * time.Millisecond
}

// draft makes an entry of a posting, with what it refers to looked up.
func (p place) draft(tx *relay.Tx, in posting) (relay.Draft, error) {
	d := relay.Draft{Kind: in.Kind, From: p.who, Body: in.Body, Nonce: in.Nonce}
	reply, err := p.named(tx, in.ReplyTo, "reply_to")
	if err != nil {
		return d, err
	}
	root, err := p.named(tx, in.Thread, "thread_id")
	if err != nil {
		return d, err
	}
	d.Reply, d.Thread = reply.ID.Time, root.ID.Time
	if root.Thread != 0 {
		d.Thread = root.Thread // a reply to a reply hangs under the same root
	}
	switch {
	case in.Kind != kindText && in.Kind != kindFile:
		return d, bad("message_type must be text or file")
	case p.kind() == roomGallery && d.Thread == 0 && in.Kind != kindFile:
		return d, bad("a gallery takes files only")
	}
	if p.set.TTL > 0 {
		d.Expires = tx.Wall().Add(time.Duration(p.set.TTL) * time.Second)
	}
	if !in.SenderKey.IsZero() {
		d.Extra = pack(messageExtra{SenderKey: in.SenderKey})
	}
	return d, nil
}

// named returns the message of this channel that a posting refers to, the zero
// entry for none.
func (p place) named(tx *relay.Tx, id relay.ID, field string) (relay.Entry, error) {
	if id.IsZero() {
		return relay.Entry{}, nil
	}
	at := entryID(id)
	if at.Box != p.Box {
		return relay.Entry{}, bad("%s must be a message of this channel", field)
	}
	e, err := tx.Entry(relay.Messages, at)
	if relay.Is(err, relay.NotFound) || err == nil && e.Erased {
		err = bad("%s must be a message of this channel", field)
	}
	return e, err
}

// post brings the message in, by the rules of the channel's home.
func (p place) post(tx *relay.Tx, acc relay.Access, d relay.Draft) (relay.Entry, error) {
	switch {
	case p.Direct:
		return p.postDirect(tx, d)
	case p.Family != family:
		return tx.Post(p.who, p.Room.ID, d)
	}
	e, err := tx.PostAs(acc, d)
	if err == nil && p.set.SlowMode > 0 && !p.May(relay.ToWriteFreely) {
		rest := p.rest(acc.Member)
		rest.Sent = tx.Wall()
		_, err = tx.SetRest(p.who, p.Room.ID, p.who, pack(rest), nil)
	}
	return e, err
}

// postDirect brings a message to the other of two. With the first one he hears
// of the channel.
func (p place) postDirect(tx *relay.Tx, d relay.Draft) (relay.Entry, error) {
	before, err := tx.Before(relay.Messages, p.Box, 0, 0, 1)
	if err != nil {
		return relay.Entry{}, err
	}
	other, err := tx.Account(p.other())
	if err != nil {
		return relay.Entry{}, err
	}
	if len(before) == 0 && other.Family == family {
		if err := tell(tx, other.Box, p.who, tellNewDM, happening{Room: p.Room.ID}); err != nil {
			return relay.Entry{}, err
		}
	}
	return tx.Send(p.who, other.ID, d)
}

// A memberRest is what this family keeps with a member of a room.
type memberRest struct {
	Nick   string     `cbor:"1,keyasint,omitempty"` // in a community
	Sent   relay.Time `cbor:"2,keyasint,omitempty"` // in a channel with slow mode: the last message
	Reason string     `cbor:"3,keyasint,omitempty"` // of a ban
	At     relay.Time `cbor:"4,keyasint,omitempty"` // of a ban
}

// rest returns what is kept with a member of this very room. A row that counts
// here and lies above is about the room above.
func (p place) rest(m relay.Member) memberRest {
	if m.Room != p.Room.ID || p.Family != family {
		return memberRest{}
	}
	return restOf(m)
}

// restOf returns what is kept in a member's row; one that does not decode holds
// nothing.
func restOf(m relay.Member) (rest memberRest) {
	if unpack(m.Rest, &rest) != nil {
		return memberRest{}
	}
	return rest
}
