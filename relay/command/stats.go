package command

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
)

var statsSettings = []setting{
	stateSetting,
	bare("json", "print the numbers as one JSON object", func(c *Config) *bool { return &c.JSON }),
}

// stats prints what the running relay says about itself.
func stats(ctx context.Context, e *Env) error {
	answer, err := e.askAdmin(ctx, http.MethodGet, "/stats")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var all []Metric
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		return fmt.Errorf("admin socket: %w", err)
	}
	if e.JSON {
		return printStatsJSON(e, all)
	}
	table := tabwriter.NewWriter(e.Out, 0, 0, 3, ' ', 0)
	for _, m := range all {
		fmt.Fprintf(table, "%s\t%s\n", m.About, m.text())
	}
	return table.Flush()
}

func printStatsJSON(e *Env, all []Metric) error {
	values := map[string]int64{}
	for _, m := range all {
		values[m.Name] = m.Value
	}
	out, err := json.MarshalIndent(values, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Out, "%s\n", out)
	return err
}
