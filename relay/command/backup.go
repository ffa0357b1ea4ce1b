package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"restante/storage"
)

// backup copies the store to a file: through the relay where one is running,
// else from the store itself. The file gets its name when it is complete, and
// then replaces an earlier backup of that name.
func backup(ctx context.Context, e *Env) error {
	if err := e.haveStore(); err != nil {
		return err
	}
	file := e.Args[0]
	if err := e.checkTarget(file); err != nil {
		return err
	}
	part := file + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := e.fetchBackup(ctx, part)
	if errors.Is(err, errNotRunning) {
		err = e.makeBackup(ctx, part)
	}
	if err == nil {
		err = publish(part, file)
	}
	if err != nil {
		_ = os.Remove(part) // the error before it matters more
		return fmt.Errorf("backup: %w", err)
	}
	return e.sayBackup(file)
}

// checkTarget refuses to write a backup over anything that is none.
func (c Config) checkTarget(file string) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	store, err := os.Stat(c.StorePath())
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || os.SameFile(info, store) {
		return fmt.Errorf("backup: %s is not a file that a backup may replace", file)
	}
	return nil
}

// fetchBackup has the running relay send a copy, and syncs it to disk.
func (c Config) fetchBackup(ctx context.Context, part string) (err error) {
	answer, err := c.askAdmin(ctx, http.MethodPost, "/backup")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// An answer that breaks off is an error here, for its length was told.
	if _, err := io.Copy(f, answer.Body); err != nil {
		return err
	}
	return f.Sync()
}

// makeBackup copies a store that nobody uses.
func (c Config) makeBackup(ctx context.Context, part string) error {
	return c.inUse(storage.BackupFile(ctx, c.StorePath(), part))
}

// publish gives a complete file its name, and makes the name durable.
func publish(part, file string) error {
	if err := os.Rename(part, file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (e *Env) sayBackup(file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.Out, "%s, %s\n", file, formatSize(info.Size()))
	return err
}
