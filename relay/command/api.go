package command

import (
	"context"
	"fmt"
	"text/tabwriter"
)

// api prints the operations that are served, from the rows that serve them.
func api(_ context.Context, e *Env) error {
	var defaults Config
	if _, err := parse(&defaults, settings, nil, func(string) string { return "" }); err != nil {
		return err
	}
	table := tabwriter.NewWriter(e.Out, 0, 0, 3, ' ', 0)
	found := false
	for _, f := range e.Program.Families(defaults) {
		if len(e.Args) > 0 && f.Name != e.Args[0] {
			continue
		}
		found = true
		for _, op := range f.Ops {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Name, op.Name, op.Need, op.About)
		}
	}
	if !found {
		return usagef("no family is called %q", e.Args[0])
	}
	return table.Flush()
}
