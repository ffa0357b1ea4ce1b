package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"restante/relay"
	"restante/storage"
)

// check reads the whole store: its pages, and whether every row is one that
// the relay can read.
func check(_ context.Context, e *Env) error {
	if err := e.haveStore(); err != nil {
		return err
	}
	report, err := storage.CheckFile(e.StorePath(), relay.CheckRow)
	if err != nil {
		return e.inUse(err)
	}
	fmt.Fprintf(e.Out, "%s: %s, of which %s free; schema %d\n", e.StorePath(), formatSize(report.FileSize), formatSize(report.FreeBytes), report.Schema)
	if report.Journal {
		fmt.Fprintln(e.Out, "the journal beside it holds what was written last; the two are the store only together")
	}
	fmt.Fprintf(e.Out, "%d rows, %s of keys, %s of values\n", report.Keys, formatSize(report.KeyBytes), formatSize(report.ValueBytes))
	if report.LastStamp > 0 {
		fmt.Fprintf(e.Out, "last commit at %s\n", time.UnixMilli(report.LastStamp).UTC().Format(time.RFC3339))
	}
	for _, p := range report.Problems {
		fmt.Fprintf(e.Out, "damaged: %s\n", p)
	}
	if report.Broken > 0 {
		return fmt.Errorf("%d things are wrong with it; keep this file, and go back to a backup", report.Broken)
	}
	if _, err := fmt.Fprintln(e.Out, "sound"); err != nil {
		return errors.Join(errors.New("cannot print"), err)
	}
	return nil
}
