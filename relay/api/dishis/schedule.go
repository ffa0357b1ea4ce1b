package dishis

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// Limits of scheduling, in milliseconds where they are times.
const (
	maxScheduled  = 50                    // waiting, of one account
	scheduleSkew  = 5_000                 // so far in the past is now
	scheduleAhead = 366 * 24 * 3_600_000  // no further than that
	failedFor     = 30 * 24 * 3_600_000   // how long one that failed is known
	leastMillis   = 100_000_000_000       // a number from here on is milliseconds, below seconds
	tryAgain      = relay.Time(60 * 1000) // where the recipient's box is full for now
)

// A scheduled message waits for its time under the id that it will have. One
// that could not be sent then keeps nothing of what it said.
type scheduled struct {
	From   relay.ID      `cbor:"1,keyasint"`
	To     relay.ID      `cbor:"2,keyasint"`
	Due    relay.Time    `cbor:"3,keyasint"`
	Kind   string        `cbor:"4,keyasint,omitempty"`
	Body   []byte        `cbor:"5,keyasint,omitempty"`
	Reply  relay.Time    `cbor:"6,keyasint,omitempty"`
	Extra  []byte        `cbor:"7,keyasint,omitempty"`
	Timer  relay.TimerID `cbor:"8,keyasint,omitzero"`
	Failed bool          `cbor:"9,keyasint,omitempty"`
}

const byScheduler = "sender"

var schedules = relay.NewRecords[scheduled]("dishis scheduled", relay.Index[scheduled]{
	Name: byScheduler,
	Key: func(s *scheduled) [][]byte {
		if s.Failed {
			return nil // goes by its timer, and counts no more
		}
		return [][]byte{s.From[:]}
	},
}).GoesWith(byScheduler, nil)

func (s *scheduled) status() string {
	if s.Failed {
		return statusFailed
	}
	return statusScheduled
}

// findScheduled returns the message that waits under an id, or failed.
func findScheduled(tx *relay.Tx, s string) (*scheduled, bool, error) {
	id, ok := parseID(prefixMessage, s)
	if !ok {
		return nil, false, nil
	}
	return schedules.Get(tx, id)
}

type scheduleIn struct {
	sendIn
	ScheduledFor  jsontext.Value `json:"scheduledFor"`
	ScheduledAt   jsontext.Value `json:"scheduledAt"` // other names of the same
	ScheduleAt    jsontext.Value `json:"scheduleAt"`
	SendAt        jsontext.Value `json:"sendAt"`
	ScheduledTime jsontext.Value `json:"scheduledTime"`

	due relay.Time // 0: none given
}

func (in *scheduleIn) Check() (err error) {
	for _, v := range []jsontext.Value{in.ScheduledFor, in.ScheduledAt, in.ScheduleAt, in.SendAt, in.ScheduledTime} {
		if len(v) > 0 && v.Kind() != 'n' {
			if in.due, err = parseDue(v); err != nil {
				return err
			}
			break
		}
	}
	return in.sendIn.Check()
}

// parseDue reads a time: ISO 8601, or a number of milliseconds or seconds, as a
// string, too.
func parseDue(v jsontext.Value) (relay.Time, error) {
	s := strings.TrimSpace(string(v))
	if v.Kind() == '"' && wire.Decode(v, &s) != nil {
		return 0, bad("scheduledFor")
	}
	t, ok := parseTime(strings.TrimSpace(s))
	if !ok || t == 0 {
		return 0, bad("scheduledFor")
	}
	if !strings.ContainsAny(s, "-:") && t < leastMillis {
		t *= 1000
	}
	return t, nil
}

// schedule sends a message at a time, or now where none is given.
func (a *api) schedule(c *wire.Call, tx *relay.Tx, in scheduleIn) (answer, error) {
	now := tx.Wall()
	switch {
	case in.due == 0 || in.due <= now && in.due >= now-scheduleSkew:
		return a.sendDirect(c, tx, in.sendIn)
	case in.due <= now:
		return answer{}, refused("scheduledFor must lie in the future")
	case in.due > now+scheduleAhead:
		return answer{}, bad("scheduledFor")
	}
	to, d, err := a.address(c, tx, in.sendIn)
	if err != nil {
		return answer{}, err
	}
	if schedules.Count(tx, byScheduler, relay.Span{Exact: c.Who.Account[:], Limit: maxScheduled}) == maxScheduled {
		return answer{}, refused("Too many scheduled messages")
	}
	id := relay.NewID()
	s := &scheduled{From: c.Who.Account, To: to, Due: in.due, Kind: d.Kind, Body: d.Body, Reply: d.Reply, Extra: d.Extra}
	if s.Timer, err = dispatch.At(tx, s.Due, id[:]); err != nil {
		return answer{}, err
	}
	due := wire.ISO(s.Due)
	out := sentOut{MessageID: prefixMessage + id.String(), Status: statusScheduled, SentAt: due, ScheduledFor: due}
	return created(out), schedules.Put(tx, id, s)
}

// callOff takes a scheduled message back for its sender, and reports whether
// there was one.
func callOff(tx *relay.Tx, who relay.ID, s string) (off bool, err error) {
	m, found, err := findScheduled(tx, s)
	if err != nil || !found || m.From != who {
		return false, err
	}
	tx.CancelTimer(m.Timer)
	id, _ := parseID(prefixMessage, s)
	return schedules.Delete(tx, id)
}

const verbDispatch = "dishis dispatch"

// dispatch sends a message whose time has come, or forgets one that failed long
// ago.
var dispatch = relay.NewVerb(verbDispatch, func(tx *relay.Tx, arg []byte) error {
	id := relay.ID(arg)
	s, found, err := schedules.Get(tx, id)
	if err != nil || !found {
		return err
	}
	if s.Failed {
		_, err := schedules.Delete(tx, id)
		return err
	}
	x := extra{}
	if len(s.Extra) > 0 {
		if err := wire.Decode(s.Extra, &x); err != nil {
			return err
		}
	}
	x.Given = id.String()
	e, err := tx.Send(s.From, s.To, relay.Draft{Kind: s.Kind, Body: s.Body, Reply: s.Reply, Extra: x.bytes()})
	if err != nil {
		return postpone(tx, id, s, err)
	}
	if err := tx.NameEntry(givenName(id), e.ID); err != nil {
		return err
	}
	if _, err := schedules.Delete(tx, id); err != nil {
		return err
	}
	return countSent(tx, s.From, addressed)
})

// postpone settles what becomes of a message that could not be sent: refused, it
// has failed; where there is no room for it now, it is tried again.
func postpone(tx *relay.Tx, id relay.ID, s *scheduled, why error) (err error) {
	switch relay.AsError(why).Code {
	case relay.TooMany, relay.Full:
		s.Timer, err = tx.SetTimer(tx.Wall()+tryAgain, verbDispatch, id[:])
	case relay.NotFound, relay.Forbidden:
		*s = scheduled{From: s.From, To: s.To, Due: s.Due, Failed: true}
		s.Timer, err = tx.SetTimer(tx.Wall()+failedFor, verbDispatch, id[:])
	default:
		return why
	}
	if err != nil {
		return err
	}
	return schedules.Put(tx, id, s)
}
