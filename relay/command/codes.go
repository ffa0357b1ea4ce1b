package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"
)

// codes prints the one-time codes that wait to be passed on: on a small relay
// its operator is the post, and knows whose number that is.
func codes(ctx context.Context, e *Env) error {
	answer, err := e.askAdmin(ctx, http.MethodGet, "/codes")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(e.Out, answer.Body)
	return err
}

func (r *Running) serveCodes(w http.ResponseWriter, _ *http.Request) {
	now := r.relay.Now().Time()
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range r.service.Codes.Pending(now) {
		to, _ := json.Marshal(c.To) // a string always can be; a stranger wrote it, and it stays on its line
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\tfor %s\n", c.Key.Family, c.Key.Purpose, to, c.Code, c.Expires.Sub(now).Round(time.Second))
	}
	_ = table.Flush() // the other end has gone
}
