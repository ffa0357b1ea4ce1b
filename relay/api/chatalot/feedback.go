package chatalot

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"restante/relay"
	"restante/relay/api/wire"
)

// feedbackOps are the rows of feedback.
func (a *api) feedbackOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/feedback", wire.User, wire.Raw(a.feedback), "tell the operator what could be better").NamesNobody(),
	}
}

// A remark is feedback that is kept here. Its picture is a blob.
type remark struct {
	By       relay.ID   `cbor:"1,keyasint"`
	Title    string     `cbor:"2,keyasint"`
	Body     string     `cbor:"3,keyasint"`
	Category string     `cbor:"4,keyasint"`
	Picture  relay.ID   `cbor:"5,keyasint,omitzero"`
	Created  relay.Time `cbor:"6,keyasint"`
}

var remarks = relay.NewRecords("chatalot feedback",
	relay.Index[remark]{Name: "by", Key: func(r *remark) [][]byte { return [][]byte{r.By[:]} }},
).GoesWith("by", func(tx *relay.Tx, r *remark) error {
	if r.Picture.IsZero() {
		return nil
	}
	if err := tx.RemoveBlob(r.Picture); !relay.Is(err, relay.NotFound) {
		return err
	}
	return nil
})

const (
	maxScreenshot = 5 << 20 // bytes
	maxRemarks    = 50      // of one user
)

// Categories of feedback: how an issue is titled and labelled.
var categories = map[string]struct{ title, label string }{
	"bug": {"Bug", "bug"}, "feature": {"Feature", "enhancement"}, "ui": {"UI", "ui"}, "other": {"Feedback", "feedback"},
}

type feedbackIn struct {
	Title    string `json:"title"`
	Body     string `json:"description"`
	Category string `json:"category"`
}

type feedbackOut struct {
	Success bool   `json:"success"`
	Issue   *int   `json:"issue_number"`
	Message string `json:"message"`
}

// check trims the fields and refuses what makes no sense.
func (in *feedbackIn) check() (err error) {
	if in.Title, err = sized(in.Title, "title", 1, 200); err != nil {
		return err
	}
	if in.Body, err = sized(in.Body, "description", 1, 5000); err != nil {
		return err
	}
	return oneOf(in.Category, "category", "bug", "feature", "ui", "other")
}

// feedback makes an issue of it where the operator has a repository, without the
// picture, for which that has no place; otherwise it is kept here, with it.
func (a *api) feedback(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	if err := often(a.limits.uploads, c.Who.Account, "too much feedback at once"); err != nil {
		return err
	}
	if !c.Service.Purse.Take(maxScreenshot) { // it is read whole
		return busy()
	}
	defer c.Service.Purse.Give(maxScreenshot)
	in, picture, err := readFeedback(r)
	if err == nil {
		err = in.check()
	}
	if err != nil {
		return err
	}
	out := feedbackOut{Success: true, Message: "Thank you for your feedback!"}
	if a.o.FeedbackRepo != "" {
		out.Issue, err = a.openIssue(c, in)
	} else {
		err = keepRemark(c, in, picture)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err = w.Write(wire.MustEncode(out))
	return err
}

// readFeedback reads a form with a picture, or JSON without.
func readFeedback(r *http.Request) (in feedbackIn, picture []byte, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "multipart/form-data" {
		body, err := io.ReadAll(wire.Limit(r.Body, 64<<10))
		if err == nil && json.Unmarshal(body, &in) != nil {
			err = bad("bad JSON")
		}
		return in, nil, err
	}
	f, err := wire.ReadForm(r, maxScreenshot)
	if err != nil {
		return in, nil, err
	}
	if f.File != nil {
		if picture, err = io.ReadAll(f.File); err != nil {
			return in, nil, err
		}
		if f.Field != "screenshot" || len(picture) > 0 && !isPicture(picture) {
			return in, nil, bad("screenshot must be a picture")
		}
		if err := f.Rest(); err != nil {
			return in, nil, err
		}
	}
	return feedbackIn{f.Fields["title"], f.Fields["description"], f.Fields["category"]}, picture, nil
}

// isPicture reports whether bytes begin as a raster picture does.
func isPicture(b []byte) bool {
	kind := http.DetectContentType(b)
	return strings.HasPrefix(kind, "image/") && !strings.Contains(kind, "svg")
}

func keepRemark(c *wire.Call, in feedbackIn, picture []byte) error {
	who := c.Who.Account
	put := func(tx *relay.Tx, blob relay.ID) error {
		if remarks.Count(tx, "by", relay.Span{Exact: who[:], Limit: maxRemarks}) == maxRemarks {
			return relay.Errorf(relay.TooMany, relay.SubjectRecord, "you have given too much feedback")
		}
		m := remark{who, in.Title, in.Body, in.Category, blob, relay.Time(tx.Now())}
		return remarks.Put(tx, newRecordID(tx), &m)
	}
	if len(picture) == 0 {
		return c.Update(func(tx *relay.Tx) error { return put(tx, relay.ID{}) })
	}
	d := relay.BlobDraft{Owner: who, Family: family, Type: http.DetectContentType(picture), MaxSize: int64(len(picture))}
	_, err := c.Service.Relay.PutBlob(c.Context(), d, bytes.NewReader(picture), func(tx *relay.Tx, b relay.Blob) error {
		return put(tx, b.ID)
	})
	return err
}

type issueIn struct {
	Title  string   `json:"title"`
	Body   string   `json:"body"`
	Labels []string `json:"labels"`
}

// openIssue makes an issue in the operator's repository and returns its number.
func (a *api) openIssue(c *wire.Call, in feedbackIn) (*int, error) {
	cat := categories[in.Category]
	body := wire.MustEncode(issueIn{"[" + cat.title + "] " + in.Title, in.Body, []string{cat.label}})
	req, err := http.NewRequestWithContext(c.Context(), http.MethodPost, a.o.FeedbackURL+"/repos/"+a.o.FeedbackRepo+"/issues", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.o.FeedbackToken)
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("Content-Type", "application/json")
	got, err := c.Service.Outgoing.Do(req, wire.OutgoingLimits{})
	var issue struct {
		Number int `json:"number"`
	}
	if err != nil || got.Status != http.StatusCreated || json.Unmarshal(got.Body, &issue) != nil {
		return nil, relay.Errorf(relay.Internal, relay.SubjectNone, "the issue was not made") // a matter between the operator and his host
	}
	return &issue.Number, nil
}
