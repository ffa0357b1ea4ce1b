package chatalot

import (
	"slices"
	"sync"

	"restante/relay"
	"restante/relay/api/wire"
)

// Bounds of calls.
const (
	maxInCall = 25
	maxCalls  = 32 // of one user at a time
)

// Calls are who talks where, in memory only: after a restart everybody joins
// again. A call is of a channel, and there is one at most.
type calls struct {
	mu sync.Mutex
	in map[relay.ID]*call // by room; guarded by mu
}

// A call is who is in it, in the order in which they came.
type call struct {
	box     relay.BoxID
	who     []relay.ID
	entered map[relay.ID]uint64 // counts joins, so that a goodbye meant for an earlier one ends no later one
	next    uint64
}

// join adds somebody; doing it again is the newer joining. full: there are as
// many as there can be.
func (cs *calls) join(room relay.ID, box relay.BoxID, who relay.ID) (full bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.in[room]
	if c == nil {
		c = &call{box: box, entered: map[relay.ID]uint64{}}
	}
	_, again := c.entered[who]
	if !again && (len(c.who) >= maxInCall || cs.ofLocked(who) >= maxCalls) {
		return true
	}
	if !again {
		c.who = append(c.who, who)
	}
	c.next++
	c.entered[who] = c.next
	if cs.in == nil {
		cs.in = map[relay.ID]*call{}
	}
	cs.in[room] = c
	return false
}

// ofLocked counts the calls somebody is in.
func (cs *calls) ofLocked(who relay.ID) (n int) {
	for _, c := range cs.in {
		if _, in := c.entered[who]; in {
			n++
		}
	}
	return n
}

// leave takes somebody out and reports whether he was in. A stay other than 0
// names the joining that is meant.
func (cs *calls) leave(room, who relay.ID, stay uint64) (box relay.BoxID, left bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	c := cs.in[room]
	if c == nil {
		return box, false
	}
	entered, in := c.entered[who]
	if !in || stay != 0 && stay != entered {
		return box, false
	}
	delete(c.entered, who)
	c.who = slices.DeleteFunc(c.who, func(w relay.ID) bool { return w == who })
	if len(c.who) == 0 {
		delete(cs.in, room)
	}
	return c.box, true
}

// stays returns the calls somebody is in, and which joining of his that is.
func (cs *calls) stays(who relay.ID) map[relay.ID]uint64 {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	got := map[relay.ID]uint64{}
	for room, c := range cs.in {
		if entered, in := c.entered[who]; in {
			got[room] = entered
		}
	}
	return got
}

// participants returns who is in a call, in the order in which they came.
func (cs *calls) participants(room relay.ID) []uuid {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	list := []uuid{}
	if c := cs.in[room]; c != nil {
		for _, who := range c.who {
			list = append(list, uuid(who))
		}
	}
	return list
}

// together reports whether two are in one call.
func (cs *calls) together(a, b relay.ID) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, c := range cs.in {
		_, in := c.entered[a]
		if _, both := c.entered[b]; in && both {
			return true
		}
	}
	return false
}

type voiceStateFrame struct {
	Type         string `json:"type"`
	ChannelID    uuid   `json:"channel_id"`
	Participants []uuid `json:"participants"`
}

type voiceUserFrame struct {
	Type      string `json:"type"`
	ChannelID uuid   `json:"channel_id"`
	UserID    uuid   `json:"user_id"`
	KickedBy  uuid   `json:"kicked_by,omitzero"`
}

func (a *api) voiceState(room relay.ID) voiceStateFrame {
	return voiceStateFrame{"voice_state_update", uuid(room), a.calls.participants(room)}
}

type voiceIn struct {
	ChannelID uuid `json:"channel_id"`
}

// joinVoice joins the call of a channel. Who joins hears first, the channel
// after him.
func (a *api) joinVoice(c *wire.Call, r *relay.Relay, in voiceIn) (joinedVoice, error) {
	if err := often(a.limits.voice, c.Who.Account, "you are joining and leaving too often"); err != nil {
		return joinedVoice{}, err
	}
	var p place
	err := r.View(c.Context(), func(tx *relay.Tx) (err error) {
		p, err = channelFor(tx, c.Who.Account, in.ChannelID.id(), relay.ToRead)
		return err
	})
	switch {
	case relay.Is(err, relay.NotFound):
		return joinedVoice{}, notMember()
	case err != nil:
		return joinedVoice{}, err
	case p.kind() == roomGallery:
		return joinedVoice{}, forbidden("there are no calls in a gallery")
	case p.set.Archived:
		return joinedVoice{}, forbidden("this channel is archived")
	case a.calls.join(p.Room.ID, p.Box, c.Who.Account):
		return joinedVoice{}, relay.Errorf(relay.Full, codeVoiceFull, "this call is full")
	}
	return joinedVoice{p.Room}, nil
}

// joinedVoice is the answer to joinVoice: its frames go to others as well, so
// the session sends them.
type joinedVoice struct{ room relay.Room }

func (j joinedVoice) reply(x *conn) {
	state := x.a.voiceState(j.room.ID)
	x.send(state)
	x.a.signalFrames(x.svc.Relay, j.room.Box, x.who.Account, state,
		voiceUserFrame{Type: "user_joined_voice", ChannelID: uuid(j.room.ID), UserID: uuid(x.who.Account)})
}

// leaveVoice leaves it. Somebody who is in no such call leaves nothing.
func (a *api) leaveVoice(c *wire.Call, r *relay.Relay, in voiceIn) (wire.None, error) {
	a.limits.voice.Spend(c.Who.Account[:], 1) // so that joining and leaving in turn is slow, too
	a.outOfVoice(r, in.ChannelID.id(), c.Who.Account, 0)
	return wire.None{}, nil
}

// outOfVoice takes somebody out of a call and tells the channel.
func (a *api) outOfVoice(r *relay.Relay, room, who relay.ID, stay uint64) {
	if box, left := a.calls.leave(room, who, stay); left {
		a.signalFrames(r, box, who,
			voiceUserFrame{Type: "user_left_voice", ChannelID: uuid(room), UserID: uuid(who)}, a.voiceState(room))
	}
}

type voiceKickIn struct {
	ChannelID uuid `json:"channel_id"`
	UserID    uuid `json:"user_id"`
}

// kickFromVoice takes somebody lower out of a call.
func (a *api) kickFromVoice(c *wire.Call, r *relay.Relay, in voiceKickIn) (kickedFromVoice, error) {
	var p place
	err := r.View(c.Context(), func(tx *relay.Tx) (err error) {
		p, err = mayKick(tx, c.Who.Account, in.ChannelID.id(), in.UserID.id())
		return err
	})
	if relay.Is(err, relay.NotFound) {
		err = forbidden("you cannot do this to this user")
	}
	return kickedFromVoice{p.Room, in.UserID.id()}, err
}

// mayKick decides whether somebody may take another out of a call. Who is not of
// the channel is not for its moderators to judge.
func mayKick(tx *relay.Tx, who, room, target relay.ID) (place, error) {
	p, err := channelFor(tx, who, room, relay.ToModerateLeaf)
	if err == nil {
		err = p.lower(tx, target)
	}
	if err == nil && p.Rank == relay.RankNone {
		_, err = tx.Access(target, room)
	}
	return p, err
}

type kickedFromVoice struct {
	room relay.Room
	who  relay.ID
}

func (k kickedFromVoice) reply(x *conn) {
	if _, left := x.a.calls.leave(k.room.ID, k.who, 0); !left {
		return
	}
	room, who := uuid(k.room.ID), uuid(k.who)
	x.a.signalFrames(x.svc.Relay, k.room.Box, x.who.Account,
		voiceUserFrame{Type: "kicked_from_voice", ChannelID: room, UserID: who, KickedBy: uuid(x.who.Account)},
		voiceUserFrame{Type: "user_left_voice", ChannelID: room, UserID: who}, x.a.voiceState(k.room.ID))
}

// Bounds of what is passed on between two who set up a call.
const (
	maxSDP       = 32 << 10
	maxCandidate = 2 << 10
)

type rtcIn struct {
	Type         string `json:"type"`
	TargetUserID uuid   `json:"target_user_id"`
	SessionID    uuid   `json:"session_id"`
	SDP          string `json:"sdp"`
	Candidate    string `json:"candidate"`
}

type rtcFrame struct {
	Type       string `json:"type"`
	FromUserID uuid   `json:"from_user_id"`
	SessionID  uuid   `json:"session_id"`
	SDP        string `json:"sdp,omitempty"`
	Candidate  string `json:"candidate,omitempty"`
}

// passRTC passes a description or a candidate on to somebody in the same call,
// untouched.
func (a *api) passRTC(c *wire.Call, r *relay.Relay, in rtcIn) (wire.None, error) {
	out := rtcFrame{Type: in.Type, FromUserID: uuid(c.Who.Account), SessionID: in.SessionID}
	what, text, max := "sdp", in.SDP, maxSDP
	if in.Type == "rtc_ice_candidate" {
		what, text, max = "candidate", in.Candidate, maxCandidate
		out.Candidate = text
	} else {
		out.SDP = text
	}
	switch {
	case len(text) == 0 || len(text) > max:
		return wire.None{}, valid(bad("%s must be 1 to %d bytes", what, max))
	case !a.calls.together(c.Who.Account, in.TargetUserID.id()):
		return wire.None{}, forbidden("you are not in a call with this user")
	}
	var target relay.Account
	err := r.View(c.Context(), func(tx *relay.Tx) (err error) {
		target, err = tx.Account(in.TargetUserID.id())
		return err
	})
	if err == nil {
		a.signalFrames(r, target.Box, c.Who.Account, out)
	}
	return wire.None{}, err
}

// signalFrame is the signal of frames that are the same for whoever hears them.
const signalFrame = "chatalot frame"

// signalFrames has frames told to whoever listens to a box, in their order.
func (a *api) signalFrames(r *relay.Relay, box relay.BoxID, from relay.ID, frames ...any) {
	for _, f := range frames {
		r.Hub().Signal(box, relay.Signal{Kind: signalFrame, Box: box, From: from, Data: wire.MustEncode(f)})
	}
}
