package storage_test

import (
	"path/filepath"
	"testing"
	"time"

	"restante/storage"
	"restante/storage/storagetest"
)

func TestBolt_Suite(t *testing.T) { suite(t, storage.NoJournal) }

// The small journal turns often, and many batches are longer than its files.
func TestBolt_Suite_Journal(t *testing.T) { suite(t, 1<<20) }

func TestBolt_Suite_SmallJournal(t *testing.T) { suite(t, 1) }

func suite(t *testing.T, journal int64) {
	storagetest.Run(t, func(t testing.TB, dir string, clock func() time.Time) storage.Engine {
		b, err := storage.Open(filepath.Join(dir, "store"), storage.Options{Clock: clock, NoBallast: true, Journal: journal})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
