package chatalot

import (
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// opened returns a relay for a benchmark, on a real file that is not synced.
func opened(b *testing.B) *relay.Relay {
	b.Helper()
	dir := b.TempDir()
	store, err := storage.Open(filepath.Join(dir, "store"), storage.Options{NoSync: true, NoBallast: true})
	if err != nil {
		b.Fatal(err)
	}
	r, err := relay.New(store, relay.Options{Dir: dir, NoLimits: true, BoxEntries: 200_000})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		r.Close()
		store.Close()
	})
	return r
}

// post fills a channel with n messages of 300 bytes.
func post(b *testing.B, r *relay.Relay, who relay.ID, box relay.BoxID, n int) {
	b.Helper()
	body, nonce := make([]byte, 300), make([]byte, 12)
	for done := 0; done < n; done += 1000 {
		relaytest.Update(b, r, func(tx *relay.Tx) error {
			for range min(1000, n-done) {
				if _, err := tx.Append(box, relay.Draft{Kind: kindText, From: who, Body: body, Nonce: nonce}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// BenchmarkHistory is a page of 50 of a channel of 100,000, found, shown and
// encoded: the newest one, and one from the middle.
func BenchmarkHistory(b *testing.B) {
	r := opened(b)
	community, owner, _ := newTown(b, r, 1, 1)
	var room relay.Room
	relaytest.View(b, r, func(tx *relay.Tx) error {
		return eachChannel(tx, owner, func(acc relay.Access) error { room = acc.Room; return nil })
	})
	_ = community
	post(b, r, owner, room.Box, 100_000)
	var middle relay.Time
	relaytest.View(b, r, func(tx *relay.Tx) error {
		es, err := tx.Before(relay.Messages, room.Box, 0, 0, 50_000)
		middle = es[len(es)-1].ID.Time
		return err
	})
	for _, bench := range []struct {
		name   string
		before relay.Time
	}{{"newest", 0}, {"middle", middle}} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				var list []messageOut
				err := r.View(b.Context(), func(tx *relay.Tx) error {
					p, err := channelFor(tx, owner, room.ID, relay.ToRead)
					if err != nil {
						return err
					}
					page, err := p.page(tx, bench.before, 50, false)
					if err != nil {
						return err
					}
					list, err = show(tx).messages(room.ID, page.found)
					return err
				})
				if err != nil || len(list) != 50 {
					b.Fatal(len(list), err)
				}
				if _, err := json.Marshal(list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkUnread counts what is unread in 200 channels: in each 20 messages,
// or more than are ever counted.
func BenchmarkUnread(b *testing.B) {
	for _, bench := range []struct {
		name string
		each int
	}{{"20 each", 20}, {"2000 each", 2000}} {
		b.Run(bench.name, func(b *testing.B) {
			r := opened(b)
			community, owner, _ := newTown(b, r, 2, 100)
			reader := person(b, r, "reader")
			relaytest.Update(b, r, func(tx *relay.Tx) error {
				if _, err := tx.Join(community, relay.Joining{By: reader.ID, Seat: relay.Seat{Account: reader.ID}}); err != nil {
					return err
				}
				return enterPublicGroups(tx, community, reader.ID, reader.ID)
			})
			var boxes []relay.BoxID
			relaytest.View(b, r, func(tx *relay.Tx) error {
				return eachChannel(tx, owner, func(acc relay.Access) error { boxes = append(boxes, acc.Room.Box); return nil })
			})
			for _, box := range boxes {
				post(b, r, owner, box, bench.each)
			}
			b.ResetTimer()
			for b.Loop() {
				err := r.View(b.Context(), func(tx *relay.Tx) error {
					list := 0
					err := eachChannel(tx, reader.ID, func(acc relay.Access) error {
						n, err := unread(tx, acc)
						if n > 0 {
							list++
						}
						return err
					})
					if list != 200 {
						b.Fatalf("%d channels", list)
					}
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
