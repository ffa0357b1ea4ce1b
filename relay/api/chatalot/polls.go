package chatalot

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// pollOps are the rows of polls.
func (a *api) pollOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/channels/:id/polls", wire.User, wire.Write(postPoll), "a new poll in a channel"),
		wire.Row("POST /api/polls/:id/vote", wire.User, wire.Write(votePoll), "vote for an option"),
		wire.Row("DELETE /api/polls/:id/vote/:idx", wire.User, wire.Write(unvotePoll), "take a vote back"),
		wire.Row("POST /api/polls/:id/close", wire.User, wire.Write(closePoll), "end a poll"),
		wire.Row("GET /api/polls/:id", wire.User, wire.Read(getPoll), "one poll"),
		wire.Row("GET /api/channels/:id/polls", wire.User, wire.Read(listPolls), "the polls of a channel, newest first"),
	}
}

// Bounds of polls.
const (
	maxQuestion    = 500
	maxOption      = 200
	maxPollMinutes = 10_080
	maxPollsListed = 100
	maxVotersShown = 1000 // of one option; the count goes on
	maxPolls       = 2000 // of one channel
)

// A poll is a question in a channel. How many voted for each option is counted
// as they do.
type poll struct {
	Channel   relay.ID      `cbor:"1,keyasint"`
	By        relay.ID      `cbor:"2,keyasint"`
	Question  string        `cbor:"3,keyasint"`
	Options   []string      `cbor:"4,keyasint"`
	Multi     bool          `cbor:"5,keyasint,omitempty"`
	Anonymous bool          `cbor:"6,keyasint,omitempty"`
	Closed    bool          `cbor:"7,keyasint,omitempty"`
	Expires   relay.Time    `cbor:"8,keyasint,omitempty"`
	Created   relay.Time    `cbor:"9,keyasint"`
	Counts    []int         `cbor:"10,keyasint"`
	Timer     relay.TimerID `cbor:"11,keyasint,omitzero"`
}

var polls = relay.NewRecords("chatalot poll",
	relay.Index[poll]{Name: "channel", Key: func(p *poll) [][]byte {
		return [][]byte{append(p.Channel[:], timeKey(p.Created)...)}
	}},
).GoesWith("channel", func(tx *relay.Tx, p *poll) error { tx.CancelTimer(p.Timer); return nil })

// A vote is one account's for one option.
type vote struct {
	Poll    relay.ID   `cbor:"1,keyasint"`
	User    relay.ID   `cbor:"2,keyasint"`
	Option  int        `cbor:"3,keyasint,omitempty"`
	At      relay.Time `cbor:"4,keyasint"`
	Channel relay.ID   `cbor:"5,keyasint"`
}

var votes = relay.NewRecords("chatalot vote",
	relay.Index[vote]{Name: "option", Key: func(v *vote) [][]byte {
		return [][]byte{append(optionValue(v.Poll, v.Option), timeKey(v.At)...)}
	}},
	relay.Index[vote]{Name: "user", Key: func(v *vote) [][]byte { return [][]byte{v.User[:]} }},
	relay.Index[vote]{Name: "channel", Key: func(v *vote) [][]byte { return [][]byte{v.Channel[:]} }},
).GoesWith("channel", nil).GoesWith("user", uncount)

func optionValue(poll relay.ID, option int) []byte {
	return binary.BigEndian.AppendUint16(append([]byte(nil), poll[:]...), uint16(option))
}

// voteID is where the vote of somebody for an option is kept: there is one.
func voteID(poll, who relay.ID, option int) relay.ID {
	d := relay.DigestOf([]byte("chatalot vote"), poll[:], who[:], optionValue(poll, option))
	return relay.ID(d[:16])
}

// uncount takes a vote out of its poll's counts, when its account goes.
func uncount(tx *relay.Tx, v *vote) error {
	p, found, err := polls.Get(tx, v.Poll)
	if err != nil || !found || v.Option >= len(p.Counts) {
		return err
	}
	p.Counts[v.Option]--
	return polls.Put(tx, v.Poll, p)
}

type pollIn struct {
	Question  string   `json:"question"`
	Options   []string `json:"options"`
	Multi     bool     `json:"multi_select"`
	Anonymous bool     `json:"anonymous"`
	Minutes   *int     `json:"expires_in_minutes"`
}

func (in *pollIn) Check() (err error) {
	if in.Question, err = sized(in.Question, "question", 1, maxQuestion); err != nil {
		return err
	}
	if n := len(in.Options); n < 2 || n > 10 {
		return bad("options must be 2 to 10")
	}
	for i := range in.Options {
		if in.Options[i], err = sized(in.Options[i], "option", 1, maxOption); err != nil {
			return err
		}
	}
	if in.Minutes != nil && (*in.Minutes < 1 || *in.Minutes > maxPollMinutes) {
		return bad("expires_in_minutes must be 1 to %d", maxPollMinutes)
	}
	return nil
}

// votesOut is a PollOptionVotes. The web client needs the list to be there.
type votesOut struct {
	Option int    `json:"option_index"`
	Count  int    `json:"count"`
	Voters []uuid `json:"voter_ids"`
}

type pollOut struct {
	ID        uuid       `json:"id"`
	ChannelID uuid       `json:"channel_id"`
	CreatedBy uuid       `json:"created_by"`
	Question  string     `json:"question"`
	Options   []string   `json:"options"`
	Multi     bool       `json:"multi_select"`
	Anonymous bool       `json:"anonymous"`
	Closed    bool       `json:"closed"`
	ExpiresAt moment     `json:"expires_at"`
	CreatedAt moment     `json:"created_at"`
	Votes     []votesOut `json:"votes"`
}

// over reports whether nobody may vote any more.
func (p *poll) over(tx *relay.Tx) bool { return p.Closed || p.Expires != 0 && p.Expires <= tx.Wall() }

func newPoll(tx *relay.Tx, id relay.ID, p *poll) (out pollOut, err error) {
	by, err := lasting(tx, p.By)
	out = pollOut{
		uuid(id), uuid(p.Channel), uuid(by), p.Question, p.Options, p.Multi, p.Anonymous, p.over(tx), moment(p.Expires),
		moment(p.Created), make([]votesOut, 0, len(p.Options)),
	}
	for i := range p.Options {
		v := votesOut{i, p.Counts[i], []uuid{}}
		if !p.Anonymous && err == nil {
			v.Voters, err = votersOf(tx, id, i)
		}
		out.Votes = append(out.Votes, v)
	}
	return out, err
}

func votersOf(tx *relay.Tx, poll relay.ID, option int) ([]uuid, error) {
	list := []uuid{}
	for f, err := range votes.Scan(tx, "option", relay.Span{Prefix: optionValue(poll, option), Limit: maxVotersShown}) {
		if err != nil {
			return nil, err
		}
		list = append(list, uuid(f.Record.User))
	}
	return list, nil
}

// postPoll asks a channel. Whoever may write in it may ask; slow mode is about
// messages.
func postPoll(c *wire.Call, tx *relay.Tx, in pollIn) (pollOut, error) {
	p, err := pathChannel(c, tx, relay.ToRead)
	if err != nil {
		return pollOut{}, err
	}
	acc, err := p.access(tx)
	if err != nil {
		return pollOut{}, err
	}
	if err := p.mayPost(tx, acc, true); err != nil {
		return pollOut{}, err
	}
	if polls.Count(tx, "channel", relay.Span{Prefix: p.Room.ID[:], Limit: maxPolls}) >= maxPolls {
		return pollOut{}, bad("a channel can have %d polls", maxPolls)
	}
	v := &poll{
		Channel: p.Room.ID, By: p.who, Question: in.Question, Options: in.Options, Multi: in.Multi, Anonymous: in.Anonymous,
		Created: relay.Time(tx.Now()), Counts: make([]int, len(in.Options)),
	}
	id := newRecordID(tx)
	if in.Minutes != nil {
		v.Expires = tx.Wall().Add(time.Duration(*in.Minutes) * time.Minute)
		if v.Timer, err = endPoll.At(tx, v.Expires, id[:]); err != nil {
			return pollOut{}, err
		}
	}
	if err := polls.Put(tx, id, v); err != nil {
		return pollOut{}, err
	}
	if err := tell(tx, p.Box, p.who, tellPollCreated, happening{Record: id}); err != nil {
		return pollOut{}, err
	}
	return newPoll(tx, id, v)
}

// endPoll closes a poll whose time is over.
var endPoll = relay.NewVerb("chatalot end poll", func(tx *relay.Tx, arg []byte) error {
	id := relay.ID(arg)
	p, found, err := polls.Get(tx, id)
	if err != nil || !found || p.Closed {
		return err
	}
	r, err := tx.Room(p.Channel)
	if relay.Is(err, relay.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.close(tx, id, r.Box, relay.ID{})
})

// close ends a poll and tells its channel.
func (p *poll) close(tx *relay.Tx, id relay.ID, b relay.BoxID, by relay.ID) error {
	tx.CancelTimer(p.Timer)
	p.Closed, p.Timer = true, relay.TimerID{}
	if err := polls.Put(tx, id, p); err != nil {
		return err
	}
	return tell(tx, b, by, tellPollClosed, happening{Record: id})
}

// pathPoll is the poll in the path, for a member of its channel.
func pathPoll(c *wire.Call, tx *relay.Tx) (id relay.ID, v *poll, p place, err error) {
	if id, v, p, err = findPoll(c, tx); err == nil && !p.In {
		err = notMember()
	}
	return id, v, p, err
}

// findPoll is the poll in the path, and how the caller stands in its channel.
func findPoll(c *wire.Call, tx *relay.Tx) (id relay.ID, v *poll, p place, err error) {
	if id, err = pathID(c, "id"); err != nil {
		return id, nil, p, err
	}
	v, found, err := polls.Get(tx, id)
	if err == nil && !found {
		err = relay.Errorf(relay.NotFound, relay.SubjectRecord, "poll not found")
	}
	if err != nil {
		return id, nil, p, err
	}
	p, err = channelAt(tx, c.Who.Account, v.Channel)
	return id, v, p, err
}

func getPoll(c *wire.Call, tx *relay.Tx, _ wire.None) (pollOut, error) {
	id, v, _, err := pathPoll(c, tx)
	if err != nil {
		return pollOut{}, err
	}
	return newPoll(tx, id, v)
}

func listPolls(c *wire.Call, tx *relay.Tx, _ wire.None) ([]pollOut, error) {
	p, err := pathChannel(c, tx, relay.ToRead)
	if err != nil {
		return nil, err
	}
	list := []pollOut{}
	span := relay.Span{Prefix: p.Room.ID[:], Reverse: true, Limit: maxPollsListed}
	for f, err := range polls.Scan(tx, "channel", span) {
		if err != nil {
			return nil, err
		}
		out, err := newPoll(tx, f.ID, f.Record)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	slices.SortStableFunc(list, func(a, b pollOut) int { return cmp.Compare(b.CreatedAt, a.CreatedAt) })
	return list, nil
}

type voteIn struct {
	Option *int `json:"option_index"`
}

func (in *voteIn) Check() error {
	if in.Option == nil {
		return wire.MissingField("option_index")
	}
	return nil
}

// open fails when nobody may vote any more, or there is no such option.
func (p *poll) open(tx *relay.Tx, option int) error {
	switch {
	case p.over(tx):
		return bad("this poll is closed")
	case option < 0 || option >= len(p.Options):
		return bad("option_index must be 0 to %d", len(p.Options)-1)
	}
	return nil
}

// votePoll votes for an option; where one has one vote, it moves there. Voting
// for the same again changes nothing.
func votePoll(c *wire.Call, tx *relay.Tx, in voteIn) (none wire.None, err error) {
	id, v, p, err := pathPoll(c, tx)
	if err != nil {
		return none, err
	}
	if err := v.open(tx, *in.Option); err != nil {
		return none, err
	}
	b := ballot{tx, id, v, p}
	for other := range v.Options {
		if v.Multi || other == *in.Option {
			continue
		}
		if err := b.take(other); err != nil {
			return none, err
		}
	}
	return none, b.cast(*in.Option)
}

func unvotePoll(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	option, err := strconv.Atoi(c.Param("idx"))
	if err != nil {
		return none, bad("the option must be a number")
	}
	id, v, p, err := pathPoll(c, tx)
	if err != nil {
		return none, err
	}
	if err := v.open(tx, option); err != nil {
		return none, err
	}
	b := ballot{tx, id, v, p}
	return none, b.take(option)
}

// A ballot is somebody voting in a poll.
type ballot struct {
	tx   *relay.Tx
	id   relay.ID
	poll *poll
	place
}

// cast votes for an option, if that was not done already, and tells the channel.
func (b ballot) cast(option int) error {
	at := voteID(b.id, b.who, option)
	if _, found, err := votes.Get(b.tx, at); err != nil || found {
		return err
	}
	v := &vote{b.id, b.who, option, relay.Time(b.tx.Now()), b.poll.Channel}
	if err := votes.Put(b.tx, at, v); err != nil {
		return err
	}
	return b.count(option, 1, tellPollVoted)
}

// take takes a vote back, if there is one, and tells the channel.
func (b ballot) take(option int) error {
	was, err := votes.Delete(b.tx, voteID(b.id, b.who, option))
	if err != nil || !was {
		return err
	}
	return b.count(option, -1, tellPollUnvoted)
}

func (b ballot) count(option, n int, kind string) error {
	b.poll.Counts[option] += n
	if err := polls.Put(b.tx, b.id, b.poll); err != nil {
		return err
	}
	h := happening{Record: b.id, Count: option, Account: b.who}
	by := b.who
	if b.poll.Anonymous {
		h.Account, by = relay.ID{}, relay.ID{}
	}
	return tell(b.tx, b.Box, by, kind, h)
}

// closePoll ends a poll: for who asked, and who rules the channel.
func closePoll(c *wire.Call, tx *relay.Tx, _ wire.None) (none wire.None, err error) {
	id, v, p, err := findPoll(c, tx)
	if err != nil {
		return none, err
	}
	if v.By != p.who || !p.In {
		if err := p.permit(relay.ToEndPoll); err != nil {
			return none, err
		}
	}
	if v.Closed {
		return none, nil
	}
	return none, v.close(tx, id, p.Box, p.who)
}
