package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// An Env is what a command works with: its configuration, its remaining
// arguments and the process's streams.
type Env struct {
	Config
	Program Program
	Args    []string
	Out     io.Writer
	Err     io.Writer
}

// A verb is one command of the program.
type verb struct {
	name     string
	args     string // what it takes, for the help
	about    string
	settings []setting
	minArgs  int
	maxArgs  int
	run      func(ctx context.Context, e *Env) error
}

// verbs returns the table of commands. It is a function because help, one of
// them, prints it.
func verbs() []verb {
	state := []setting{stateSetting}
	return []verb{
		{name: "serve", about: "run the relay; what happens when no command is given", settings: settings, run: serve},
		{name: "check", about: "read the whole store and say whether it is sound; the relay must not run", settings: state, run: check},
		{name: "compact", about: "write the store anew without its free space; the relay must not run", settings: state, run: compact},
		{name: "backup", args: "FILE", about: "copy the store, compacted, to a file, whether the relay runs or not", settings: state, minArgs: 1, maxArgs: 1, run: backup},
		{name: "restore", args: "FILE", about: "put a backup in place of the store, which stays as restante.db.before-restore; who has a password logs in again, one-time codes and prekeys are void; the relay must not run", settings: state, minArgs: 1, maxArgs: 1, run: restore},
		{name: "stats", about: "what the running relay holds and does", settings: statsSettings, run: stats},
		{name: "invite", about: "make a code that lets somebody register at the running relay", settings: inviteSettings, run: invite},
		{name: "account", args: "FAMILY NAME [ACTION]", about: "what the running relay says of an account, by its id or its family's name for it; or what becomes of it: suspend, restore, remove, owner", settings: state, minArgs: 2, maxArgs: 3, run: account},
		{name: "codes", about: "the one-time codes that wait at the running relay for somebody to pass them on", settings: state, run: codes},
		{name: "api", args: "[FAMILY]", about: "the operations that are served, one a line", maxArgs: 1, run: api},
		{name: "version", about: "the version of this program", run: version},
		{name: "help", args: "[COMMAND]", about: "this, or all about one command", maxArgs: 1, run: help},
	}
}

// Main runs the command that args name and returns the exit status: 0 when it
// succeeded, 1 when it failed, 2 when it was called wrongly.
func Main(ctx context.Context, args []string, p Program) int {
	e := &Env{Program: p, Out: os.Stdout, Err: os.Stderr}
	err := e.run(ctx, args, os.Getenv)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(e.Err, "restante: %v (see: restante help)\n", err)
		return 2
	}
	fmt.Fprintf(e.Err, "restante: %v\n", err)
	return 1
}

// run finds the command, reads its flags and runs it.
func (e *Env) run(ctx context.Context, args []string, getenv func(string) string) error {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	v, ok := findVerb(name)
	if !ok {
		return usagef("there is no command %q", name)
	}
	rest, err := parse(&e.Config, v.settings, args, getenv)
	if errors.Is(err, errHelp) {
		return helpVerb(e.Out, v)
	}
	if err != nil {
		return err
	}
	if len(rest) < v.minArgs || len(rest) > v.maxArgs {
		return usagef("%s", v.arguments())
	}
	e.Args = rest
	if len(v.settings) > 0 {
		if err := e.findState(getenv); err != nil {
			return err
		}
	}
	return v.run(ctx, e)
}

func findVerb(name string) (verb, bool) {
	for _, v := range verbs() {
		if v.name == name {
			return v, true
		}
	}
	return verb{}, false
}

// arguments says what a command takes besides flags.
func (v verb) arguments() string {
	if v.args == "" {
		return fmt.Sprintf("%s takes no arguments, only flags; a command comes before its flags", v.name)
	}
	return fmt.Sprintf("%s takes %s", v.name, v.args)
}
