//go:build !linux

package storage

import (
	"errors"
	"os"
)

// openDirect is for Linux only; elsewhere every write is followed by a sync.
func openDirect(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func syncData(f *os.File) error { return f.Sync() }

// diskFree is not known; writing will tell.
func diskFree(string) (int64, error) { return 0, errors.ErrUnsupported }
