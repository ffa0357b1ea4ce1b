package command

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
)

// help prints the commands, or all about one of them.
func help(_ context.Context, e *Env) error {
	if len(e.Args) == 0 {
		return helpAll(e.Out)
	}
	v, ok := findVerb(e.Args[0])
	if !ok {
		return usagef("there is no command %q", e.Args[0])
	}
	return helpVerb(e.Out, v)
}

// helpAll prints the commands and the flags of the relay itself.
func helpAll(w io.Writer) error {
	fmt.Fprint(w, "restante keeps sealed messages until they are collected.\n\nusage: restante [command] [flags]\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, v := range verbs() {
		fmt.Fprintf(table, "  %s\t%s\n", v.usage(), v.about)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprint(w, "\nFlags of the relay (restante, or restante serve):\n\n")
	return helpSettings(w, settings)
}

// helpVerb prints one command and its flags. It serves --help, too.
func helpVerb(w io.Writer, v verb) error {
	if v.name == "serve" {
		return helpAll(w)
	}
	fmt.Fprintf(w, "usage: restante %s [flags]\n\n%s\n", v.usage(), v.about)
	if len(v.settings) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return helpSettings(w, v.settings)
}

// usage is the command and what it takes.
func (v verb) usage() string {
	if v.args == "" {
		return v.name
	}
	return v.name + " " + v.args
}

// helpSettings prints flags: the name with its unit, the environment variable,
// the default, and what it does on a line of its own.
func helpSettings(w io.Writer, table []setting) error {
	for _, s := range table {
		line := "  --" + s.name
		if s.unit != "" {
			line += " <" + s.unit + ">"
		}
		if s.many {
			line += ", repeatable"
		}
		if !s.local {
			line += "  $" + s.env()
		}
		if s.def != "" {
			line += "  (" + s.def + ")"
		}
		if _, err := fmt.Fprintf(w, "%s\n        %s\n", line, s.about); err != nil {
			return err
		}
	}
	return nil
}
