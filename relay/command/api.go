package command

import (
	"context"
	"fmt"
	"text/tabwriter"
)

// An Operation is one row of a family's table, as people read it.
type Operation struct {
	Family string // its name, and where it is mounted
	Name   string
	Need   string // who may call it
	About  string
}

// api prints the operations that are served.
func api(_ context.Context, e *Env) error {
	table := tabwriter.NewWriter(e.Out, 0, 0, 3, ' ', 0)
	found := false
	for _, op := range e.Program.Operations() {
		if len(e.Args) > 0 && op.Family != e.Args[0] {
			continue
		}
		found = true
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", op.Family, op.Name, op.Need, op.About)
	}
	if !found {
		return usagef("no family is called %q", e.Args[0])
	}
	return table.Flush()
}
