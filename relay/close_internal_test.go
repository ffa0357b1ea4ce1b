package relay

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"

	"restante/storage"
)

// What is named within a room goes with it, in steps; names elsewhere stay.
func TestTx_CloseRoom_Names(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := storage.Open(filepath.Join(t.TempDir(), "db"), storage.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		r, err := New(store, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var room, other Room
		err = r.Update(context.Background(), func(tx *Tx) (err error) {
			if room, err = tx.OpenRoom(RoomDraft{}); err != nil {
				return err
			}
			if other, err = tx.OpenRoom(RoomDraft{}); err != nil {
				return err
			}
			for range closeStep + 1 {
				id := NewID()
				tx.Put(newKey(kindAlias).id(room.ID).word("test").id(id), id[:])
			}
			tx.Put(newKey(kindAlias).id(other.ID).word("test"), other.ID[:])
			return tx.CloseRoom(ID{}, room.ID, nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		err = r.View(context.Background(), func(tx *Tx) error {
			for scope, want := range map[ID]int{room.ID: 0, other.ID: 1} {
				n := 0
				for range tx.Scan(newKey(kindAlias).id(scope).all()) {
					n++
				}
				if n != want {
					t.Errorf("%d names are left, want %d", n, want)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
