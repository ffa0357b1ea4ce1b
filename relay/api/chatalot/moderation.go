package chatalot

import (
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// moderationOps are the rows of timeouts and warnings.
func (a *api) moderationOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/communities/:cid/channels/:chid/timeout", wire.User, wire.Write(a.postTimeout), "keep a member from writing for a time"),
		wire.Row("DELETE /api/communities/:cid/channels/:chid/timeout/:uid", wire.User, wire.Write(a.deleteTimeout), "let him write again"),
		wire.Row("POST /api/communities/:cid/channels/:chid/warn", wire.User, wire.Write(a.postWarning), "warn a member"),
		wire.Row("POST /api/communities/:cid/channels/:chid/warnings", wire.User, wire.Write(a.postWarning), "warn a member: another name"),
		wire.Row("GET /api/communities/:cid/channels/:chid/warnings/:uid", wire.User, wire.Read(listWarnings), "the warnings of a member, newest first"),
	}
}

// Bounds of moderation.
const (
	minTimeout        = 60        // seconds
	maxTimeout        = 2_592_000 // seconds
	maxWarningsListed = 500
)

// A warning is what somebody was told in a channel.
type warning struct {
	Channel relay.ID   `cbor:"1,keyasint"`
	User    relay.ID   `cbor:"2,keyasint"`
	By      relay.ID   `cbor:"3,keyasint"`
	Reason  string     `cbor:"4,keyasint"`
	At      relay.Time `cbor:"5,keyasint"`
}

var warnings = relay.NewRecords("chatalot warning",
	relay.Index[warning]{Name: "member", Key: func(w *warning) [][]byte {
		return [][]byte{append(memberValue(w.Channel, w.User), timeKey(w.At)...)}
	}},
	relay.Index[warning]{Name: "user", Key: func(w *warning) [][]byte { return [][]byte{w.User[:]} }},
).GoesWith("member", nil).GoesWith("user", nil)

// pathBelow is the community in the path, for who moderates it, and the channel
// in the path, somewhere below it.
func pathBelow(c *wire.Call, tx *relay.Tx) (top, channel place, err error) {
	if top, err = pathCommunityFor(c, tx, relay.ToModerateTop); err != nil {
		return top, channel, err
	}
	id, err := pathID(c, "chid")
	if err != nil {
		return top, channel, err
	}
	channel, found, err := at(tx, top.who, id)
	if err != nil {
		return top, channel, err
	}
	if found && !channel.Parent.IsZero() {
		group, err := tx.Room(channel.Parent)
		if err == nil && group.Parent == top.Room.ID {
			return top, channel, nil
		}
		if err != nil && !relay.Is(err, relay.NotFound) {
			return top, channel, err
		}
	}
	return top, channel, noChannel()
}

// pathModerated is pathBelow with a member of the channel whom the caller may
// moderate.
func pathModerated(c *wire.Call, tx *relay.Tx, target relay.ID) (top, channel place, err error) {
	if top, channel, err = pathBelow(c, tx); err != nil {
		return top, channel, err
	}
	if _, err := channel.memberHere(tx, target); relay.Is(err, relay.NotFound) {
		return top, channel, bad("the user is not in this channel")
	} else if err != nil {
		return top, channel, err
	}
	return top, channel, top.lower(tx, target)
}

type timeoutIn struct {
	UserID   uuid   `json:"user_id"`
	Duration int    `json:"duration_seconds"`
	Reason   string `json:"reason"`
}

func (in *timeoutIn) Check() (err error) {
	if in.Reason, err = sized(in.Reason, "reason", 0, 500); err != nil {
		return err
	}
	switch {
	case in.UserID == (uuid{}):
		return wire.MissingField("user_id")
	case in.Duration < minTimeout || in.Duration > maxTimeout:
		return bad("duration_seconds must be %d to %d", minTimeout, maxTimeout)
	}
	return nil
}

type timeoutOut struct {
	ID        uuid     `json:"id"`
	UserID    uuid     `json:"user_id"`
	ChannelID uuid     `json:"channel_id"`
	IssuedBy  uuid     `json:"issued_by"`
	Reason    nullable `json:"reason"`
	ExpiresAt moment   `json:"expires_at"`
	CreatedAt moment   `json:"created_at"`
}

// postTimeout keeps a member from writing in one channel; a second one takes the
// place of the first.
func (a *api) postTimeout(c *wire.Call, tx *relay.Tx, in timeoutIn) (out timeoutOut, err error) {
	target := in.UserID.id()
	top, p, err := pathModerated(c, tx, target)
	if err != nil {
		return out, err
	}
	until := tx.Wall().Add(time.Duration(in.Duration) * time.Second)
	if _, err := tx.Silence(p.who, p.Room.ID, target, until); err != nil {
		return out, err
	}
	if err := tell(tx, p.Box, p.who, tellTimedOut, happening{Account: target, Until: until, Text: in.Reason}); err != nil {
		return out, err
	}
	about := p.about(target, in.Reason)
	about["community_id"] = uuid(top.Room.ID)
	out = timeoutOut{
		uuid(newRecordID(tx)), in.UserID, uuid(p.Room.ID), uuid(p.who), nullable(in.Reason), moment(until), moment(tx.Now()),
	}
	return out, a.audit(c, tx, p.who, "timeout_created", about)
}

func (a *api) deleteTimeout(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	target, err := pathTarget(c, "uid")
	if err != nil {
		return none, err
	}
	top, p, err := pathBelow(c, tx)
	if err != nil {
		return none, err
	}
	m, err := tx.Member(p.Room.ID, target)
	if relay.Is(err, relay.NotFound) || err == nil && !m.Silenced(tx.Wall()) {
		err = relay.Errorf(relay.NotFound, relay.SubjectMember, "timeout not found")
	}
	if err != nil {
		return none, err
	}
	if _, err := tx.Silence(p.who, p.Room.ID, target, 0); err != nil {
		return none, err
	}
	about := p.about(target, "")
	about["community_id"] = uuid(top.Room.ID)
	return none, a.audit(c, tx, p.who, "timeout_removed", about)
}

type warnIn struct {
	UserID uuid   `json:"user_id"`
	Reason string `json:"reason"`
}

func (in *warnIn) Check() (err error) {
	if in.UserID == (uuid{}) {
		return wire.MissingField("user_id")
	}
	in.Reason, err = sized(in.Reason, "reason", 1, 1000)
	return err
}

type warningOut struct {
	ID        uuid   `json:"id"`
	UserID    uuid   `json:"user_id"`
	ChannelID uuid   `json:"channel_id"`
	IssuedBy  uuid   `json:"issued_by"`
	Reason    string `json:"reason"`
	CreatedAt moment `json:"created_at"`
}

// warnedOut is a warning, and around it what the client's library reads.
type warnedOut struct {
	warningOut
	Warning warningOut `json:"warning"`
	Count   int        `json:"warning_count"`
}

func newWarning(tx *relay.Tx, id relay.ID, w *warning) (warningOut, error) {
	by, err := lasting(tx, w.By)
	return warningOut{uuid(id), uuid(w.User), uuid(w.Channel), uuid(by), w.Reason, moment(w.At)}, err
}

func (a *api) postWarning(c *wire.Call, tx *relay.Tx, in warnIn) (out warnedOut, err error) {
	target := in.UserID.id()
	top, p, err := pathModerated(c, tx, target)
	if err != nil {
		return out, err
	}
	id := newRecordID(tx)
	w := &warning{p.Room.ID, target, p.who, in.Reason, relay.Time(tx.Now())}
	if err := warnings.Put(tx, id, w); err != nil {
		return out, err
	}
	out.Count = warnings.Count(tx, "member", relay.Span{Prefix: memberValue(p.Room.ID, target)})
	if out.Warning, err = newWarning(tx, id, w); err != nil {
		return out, err
	}
	out.warningOut = out.Warning
	if err := tell(tx, p.Box, p.who, tellWarned, happening{Account: target, Count: out.Count, Text: in.Reason}); err != nil {
		return out, err
	}
	about := p.about(target, in.Reason)
	about["community_id"] = uuid(top.Room.ID)
	return out, a.audit(c, tx, p.who, "warning_created", about)
}

func listWarnings(c *wire.Call, tx *relay.Tx, _ wire.None) ([]warningOut, error) {
	target, err := pathTarget(c, "uid")
	if err != nil {
		return nil, err
	}
	_, p, err := pathBelow(c, tx)
	if err != nil {
		return nil, err
	}
	list := []warningOut{}
	span := relay.Span{Prefix: memberValue(p.Room.ID, target), Reverse: true, Limit: maxWarningsListed}
	for f, err := range warnings.Scan(tx, "member", span) {
		if err != nil {
			return nil, err
		}
		out, err := newWarning(tx, f.ID, f.Record)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}
