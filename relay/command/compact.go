package command

import (
	"context"
	"errors"
	"fmt"

	"restante/storage"
)

// compact rewrites the store without its free space.
func compact(_ context.Context, e *Env) error {
	if err := e.haveStore(); err != nil {
		return err
	}
	before, after, err := storage.CompactFile(e.StorePath())
	if err != nil {
		return e.inUse(err)
	}
	_, err = fmt.Fprintf(e.Out, "%s before, %s after\n", formatSize(before), formatSize(after))
	return err
}

// inUse says in other words that another process has the store.
func (c Config) inUse(err error) error {
	if errors.Is(err, storage.ErrLocked) {
		return fmt.Errorf("a relay is running in %s; stop it first, or name another directory with --state", c.State)
	}
	return err
}
