package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// reportOps are the rows of the administration of reports.
func (a *api) reportOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/admin/reports", wire.User, wire.Read(listReports), "what users have reported, newest first"),
		wire.Row("POST /api/admin/reports/:id/review", wire.User, wire.Write(a.reviewReport), "say what became of a report"),
	}
}

// A report is what somebody told the administrators of.
type report struct {
	By       relay.ID   `cbor:"1,keyasint"`
	Type     string     `cbor:"2,keyasint"` // message, user, file
	Target   relay.ID   `cbor:"3,keyasint"` // as the client named it; it may be gone, or never have been
	Reason   string     `cbor:"4,keyasint"`
	Status   string     `cbor:"5,keyasint"`
	Reviewer relay.ID   `cbor:"6,keyasint,omitzero"`
	Reviewed relay.Time `cbor:"7,keyasint,omitempty"`
	Notes    string     `cbor:"8,keyasint,omitempty"`
	Created  relay.Time `cbor:"9,keyasint"`
}

var reports = relay.NewRecords("chatalot report",
	relay.Index[report]{Name: "time", Key: func(r *report) [][]byte { return [][]byte{timeKey(r.Created)} }},
	relay.Index[report]{Name: "status", Key: func(r *report) [][]byte {
		return [][]byte{append(wordKey(r.Status), timeKey(r.Created)...)}
	}},
	relay.Index[report]{Name: "by", Key: func(r *report) [][]byte { return [][]byte{r.By[:]} }},
).GoesWith("by", nil)

// maxReportsBy is how many reports of one user are kept.
const maxReportsBy = 200

type reportIn struct {
	Type   string `json:"report_type"`
	Target uuid   `json:"target_id"`
	Reason string `json:"reason"`
}

// reportOut is a Report.
type reportOut struct {
	ID         uuid     `json:"id"`
	By         uuid     `json:"reporter_id"`
	Type       string   `json:"report_type"`
	Target     uuid     `json:"target_id"`
	Reason     string   `json:"reason"`
	Status     string   `json:"status"`
	Reviewer   uuid     `json:"reviewed_by"`
	ReviewedAt moment   `json:"reviewed_at"`
	Notes      nullable `json:"admin_notes"`
	CreatedAt  moment   `json:"created_at"`
}

func newReport(tx *relay.Tx, id relay.ID, r *report) (reportOut, error) {
	reviewer, err := lasting(tx, r.Reviewer)
	return reportOut{
		uuid(id), uuid(r.By), r.Type, uuid(r.Target), r.Reason, r.Status, uuid(reviewer), moment(r.Reviewed),
		nullable(r.Notes), moment(r.Created),
	}, err
}

// report takes a report. Whether its target is there is not said: it may be
// hidden from the caller.
func (a *api) report(c *wire.Call, tx *relay.Tx, in reportIn) (reportOut, error) {
	err := oneOf(in.Type, "report_type", "message", "user", "file")
	if err == nil && in.Target == (uuid{}) {
		err = bad("target_id is required")
	}
	if err == nil {
		in.Reason, err = sized(in.Reason, "reason", 1, 2000)
	}
	if err != nil {
		return reportOut{}, err
	}
	by := c.Who.Account
	if reports.Count(tx, "by", relay.Span{Exact: by[:], Limit: maxReportsBy}) == maxReportsBy {
		return reportOut{}, relay.Errorf(relay.TooMany, relay.SubjectRecord, "you have made too many reports")
	}
	r := report{By: by, Type: in.Type, Target: in.Target.id(), Reason: in.Reason, Status: "pending", Created: relay.Time(tx.Now())}
	id := newRecordID(tx)
	if err := reports.Put(tx, id, &r); err != nil {
		return reportOut{}, err
	}
	meta := map[string]any{"report_id": uuid(id), "report_type": r.Type, "target_id": uuid(r.Target)}
	if err := a.audit(c, tx, by, "report_created", meta); err != nil {
		return reportOut{}, err
	}
	return newReport(tx, id, &r)
}

type reportPageOut struct {
	Reports []reportOut `json:"reports"`
	page
}

func listReports(c *wire.Call, tx *relay.Tx, _ wire.None) (out reportPageOut, err error) {
	if err := administers(c, tx); err != nil {
		return out, err
	}
	if out.page, err = pageQuery(c); err != nil {
		return out, err
	}
	index, span := "time", relay.Span{Reverse: true}
	if status := c.Query("status"); status != "" {
		if err := oneOf(status, "status", "pending", "reviewed", "resolved", "dismissed"); err != nil {
			return out, err
		}
		index, span.Prefix = "status", wordKey(status)
	}
	rows, total, err := turnTo(tx, reports, index, span, out.page.offset(), out.PerPage)
	out.Total, out.Reports = total, []reportOut{}
	for _, r := range rows {
		v, err := newReport(tx, r.ID, r.Record)
		if err != nil {
			return out, err
		}
		out.Reports = append(out.Reports, v)
	}
	return out, err
}

type reviewIn struct {
	Status string `json:"status"`
	Notes  string `json:"admin_notes"`
}

// reviewReport may be called again: the last word counts.
func (a *api) reviewReport(c *wire.Call, tx *relay.Tx, in reviewIn) (reportOut, error) {
	id, err := pathID(c, "id")
	if err == nil {
		err = administers(c, tx)
	}
	if err == nil {
		err = oneOf(in.Status, "status", "reviewed", "resolved", "dismissed")
	}
	if err == nil {
		in.Notes, err = sized(in.Notes, "admin_notes", 0, 5000)
	}
	if err != nil {
		return reportOut{}, err
	}
	r, found, err := reports.Get(tx, id)
	if err := firstError(err, missing(found, "report")); err != nil {
		return reportOut{}, err
	}
	r.Status, r.Notes, r.Reviewer, r.Reviewed = in.Status, in.Notes, c.Who.Account, relay.Time(tx.Now())
	if err := reports.Put(tx, id, r); err != nil {
		return reportOut{}, err
	}
	meta := map[string]any{"report_id": uuid(id), "new_status": r.Status}
	if err := a.audit(c, tx, c.Who.Account, "report_reviewed", meta); err != nil {
		return reportOut{}, err
	}
	return newReport(tx, id, r)
}
