package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"restante/relay"
	"restante/storage"
)

// restore puts a backup in place of the store, or where there is none yet.
// Nothing is changed unless the backup is sound, and the store that was there
// stays under another name.
func restore(ctx context.Context, e *Env) error {
	if err := e.notRunning(ctx); err != nil {
		return err
	}
	file := e.Args[0]
	report, err := checkBackup(file)
	if err != nil {
		return fmt.Errorf("restore: %w; nothing was changed", err)
	}
	if err := e.makeState(); err != nil {
		return err
	}
	kept := e.StorePath() + ".before-restore"
	done, err := storage.RestoreFile(ctx, file, e.StorePath(), kept, func(b *storage.Bolt) error { return relay.AfterRestore(ctx, b) })
	if err != nil {
		return e.inUse(err)
	}
	fmt.Fprintf(e.Out, "%s is the backup as of %s now\n", e.StorePath(), time.UnixMilli(report.LastStamp).UTC().Format(time.RFC3339))
	if done.Replaced {
		fmt.Fprintf(e.Out, "the store that was there is %s; remove it when all is well\n", kept)
	}
	e.warnOfClock(report, done)
	if _, err := os.Stat(filepath.Join(e.State, "key")); err != nil {
		fmt.Fprintf(e.Out, "there is no key in %s: put its copy back before the relay starts, or what it seals is lost\n", e.State)
	}
	_, err = fmt.Fprintln(e.Out, "who logs in with a password or a code has to do so again")
	return err
}

// notRunning fails when a relay answers: a store so damaged that it cannot be
// locked does not tell.
func (c Config) notRunning(ctx context.Context) error {
	answer, err := c.askAdmin(ctx, http.MethodGet, "/stats")
	if errors.Is(err, errNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	_ = answer.Body.Close() // what it says does not matter
	return c.inUse(storage.ErrLocked)
}

// checkBackup fails unless file is a store that is sound.
func checkBackup(file string) (storage.Report, error) {
	report, err := storage.CheckFile(file, relay.CheckRow)
	switch {
	case errors.Is(err, storage.ErrLocked):
		err = fmt.Errorf("a relay is using %s; make a backup of it, and restore that", file)
	case err == nil && report.Broken > 0:
		err = fmt.Errorf("%s is damaged: %s", file, report.Problems[0])
	}
	return report, err
}

// warnOfClock says so when times that readers have seen may come again. With
// the clock of the store that was replaced they cannot.
func (e *Env) warnOfClock(backup storage.Report, done storage.Restored) {
	switch behind := time.Now().UnixMilli() < backup.LastStamp; {
	case done.Unread != nil:
		fmt.Fprintf(e.Out, "its clock could not be read (%v): if this machine's clock is behind, set it and restore again\n", done.Unread)
	case behind && !done.Replaced:
		fmt.Fprintln(e.Out, "this machine's clock is behind the backup: if it is wrong, set it and restore again")
	}
}
