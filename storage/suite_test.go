package storage_test

import (
	"path/filepath"
	"testing"
	"time"

	"restante/storage"
	"restante/storage/storagetest"
)

func TestBolt_Suite(t *testing.T) {
	storagetest.Run(t, func(t testing.TB, dir string, clock func() time.Time) storage.Engine {
		b, err := storage.Open(filepath.Join(dir, "store"), storage.Options{Clock: clock, NoBallast: true})
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}
