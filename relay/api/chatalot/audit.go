package chatalot

import (
	"encoding/binary"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// auditFor is how long the audit log keeps an entry.
const auditFor = 90 * 24 * time.Hour

// auditOps are the rows of the audit log.
func (a *api) auditOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/admin/audit-log", wire.User, wire.Read(listAudit), "who did what, newest first"),
	}
}

// An auditRow is what somebody did: an action, and words about it.
type auditRow struct {
	Who     relay.ID   `cbor:"1,keyasint,omitzero"`
	Action  string     `cbor:"2,keyasint"`
	At      relay.Time `cbor:"3,keyasint"`
	Address string     `cbor:"4,keyasint,omitempty"`
	Agent   string     `cbor:"5,keyasint,omitempty"`
	Meta    []byte     `cbor:"6,keyasint,omitempty"` // JSON
}

var audits = relay.NewRecords("chatalot audit",
	relay.Index[auditRow]{Name: "time", Key: func(r *auditRow) [][]byte { return [][]byte{timeKey(r.At)} }},
	relay.Index[auditRow]{Name: "action", Key: func(r *auditRow) [][]byte {
		return [][]byte{append(wordKey(r.Action), timeKey(r.At)...)}
	}},
	relay.Index[auditRow]{Name: "who", Key: func(r *auditRow) [][]byte {
		return [][]byte{append(r.Who[:], timeKey(r.At)...)}
	}},
	relay.Index[auditRow]{Name: "who action", Key: func(r *auditRow) [][]byte {
		return [][]byte{append(append(r.Who[:], wordKey(r.Action)...), timeKey(r.At)...)}
	}},
)

// timeKey is a time as an index value: it orders as the time does.
func timeKey(t relay.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(max(t, 0))) }

// wordKey is a word as the beginning of an index value: no other word begins so.
func wordKey(s string) []byte { return append([]byte(s), 0) }

// audit writes down what somebody did, and forgets some of what is too old.
func (a *api) audit(c *wire.Call, tx *relay.Tx, who relay.ID, action string, meta map[string]any) error {
	return a.auditBy(c, who, action).write(tx, meta)
}

// auditBy begins an entry that is written later, when it is known what came of
// it.
func (a *api) auditBy(c *wire.Call, who relay.ID, action string) auditRow {
	row := auditRow{Who: who, Action: action, Address: a.address(c)}
	if agent := c.Header("User-Agent"); len(agent) <= 512 {
		row.Agent = agent
	}
	return row
}

func (r auditRow) write(tx *relay.Tx, meta map[string]any) (err error) {
	r.At = relay.Time(tx.Now())
	if meta != nil {
		if r.Meta, err = json.Marshal(meta, json.Deterministic(true)); err != nil {
			return err
		}
	}
	if err := dropBefore(tx, audits, "time", tx.Wall().Add(-auditFor), 4); err != nil {
		return err
	}
	return audits.Put(tx, newRecordID(tx), &r)
}

// dropBefore removes up to max records that stand in an index by time before
// one.
func dropBefore[T any](tx *relay.Tx, rs *relay.Records[T], index string, before relay.Time, max int) error {
	var old []relay.ID
	for p := range rs.Places(tx, index, relay.Span{To: timeKey(before), Limit: max}) {
		old = append(old, p.ID)
	}
	for _, id := range old {
		if _, err := rs.Delete(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// auditOut is an AuditEntry.
type auditOut struct {
	ID        uuid           `json:"id"`
	Who       uuid           `json:"user_id"`
	Action    string         `json:"action"`
	Address   nullable       `json:"ip_address"`
	Agent     nullable       `json:"user_agent"`
	Meta      jsontext.Value `json:"metadata"`
	CreatedAt moment         `json:"created_at"`
}

type auditPageOut struct {
	Entries []auditOut `json:"entries"`
	page
}

func listAudit(c *wire.Call, tx *relay.Tx, _ wire.None) (out auditPageOut, err error) {
	if err := administers(c, tx); err != nil {
		return out, err
	}
	if out.page, err = pageQuery(c); err != nil {
		return out, err
	}
	index, span := "time", relay.Span{Reverse: true}
	action, user := c.Query("action"), c.Query("user_id")
	who, ok := parseID(user)
	switch {
	case user != "" && !ok:
		return out, bad("invalid user_id")
	case user != "" && action != "":
		index, span.Prefix = "who action", append(who[:], wordKey(action)...)
	case user != "":
		index, span.Prefix = "who", who[:]
	case action != "":
		index, span.Prefix = "action", wordKey(action)
	}
	rows, total, err := turnTo(tx, audits, index, span, out.page.offset(), out.PerPage)
	out.Total, out.Entries = total, []auditOut{}
	for _, r := range rows {
		v, err := newAudit(tx, r.ID, r.Record)
		if err != nil {
			return out, err
		}
		out.Entries = append(out.Entries, v)
	}
	return out, err
}

// newAudit shows an entry. Who did it is not said any more once he is gone.
func newAudit(tx *relay.Tx, id relay.ID, r *auditRow) (auditOut, error) {
	who, err := lasting(tx, r.Who)
	out := auditOut{uuid(id), uuid(who), r.Action, nullable(r.Address), nullable(r.Agent), jsontext.Value("null"), moment(r.At)}
	if r.Meta != nil {
		out.Meta = r.Meta
	}
	return out, err
}

// lasting returns an account's id while it is in use, and the zero one, which is
// null on the wire, for somebody who is gone.
func lasting(tx *relay.Tx, who relay.ID) (relay.ID, error) {
	if who.IsZero() {
		return who, nil
	}
	_, err := tx.Account(who)
	if relay.Is(err, relay.NotFound) {
		return relay.ID{}, nil
	}
	return who, err
}
