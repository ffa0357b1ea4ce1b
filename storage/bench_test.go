package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// appendTo is the write that a relay makes most: 1 KiB at the end of one of
// 1,000 sequences.
func appendTo(b *Bolt, seq uint16, value []byte) error {
	return b.Update(context.Background(), func(tx Txn) error {
		name := binary.BigEndian.AppendUint16(nil, seq)
		tx.Put(binary.BigEndian.AppendUint64(name, uint64(tx.Stamp(name))), value)
		return nil
	})
}

// BenchmarkUpdate is durable appends by many callers at once: with the journal,
// with one that goes through the page cache, and without.
func BenchmarkUpdate(b *testing.B) {
	for _, way := range []struct {
		name string
		o    Options
	}{
		{"journal", Options{Journal: defaultJournal}},
		{"cached", Options{Journal: defaultJournal, disk: realDisk{noDirect: true}}},
		{"pages", Options{Journal: NoJournal}},
	} {
		b.Run(way.name, func(b *testing.B) { benchUpdate(b, way.o) })
	}
}

func benchUpdate(b *testing.B, o Options) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			o.NoBallast = true
			s := open(b, o)
			b.ResetTimer()
			each(b, callers, func(i int) {
				if err := appendTo(s, uint16(rand.IntN(1000)), make([]byte, 1024)); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
			b.ReportMetric(s.Stats().MeanBatch(), "updates/commit")
		})
	}
}

// each runs do b.N times, spread over so many goroutines.
func each(b *testing.B, callers int, do func(i int)) {
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := c; i < b.N; i += callers {
				do(i)
			}
		})
	}
	wg.Wait()
}

// BenchmarkUpdate_Long is one update with as many keys as there may be.
func BenchmarkUpdate_Long(b *testing.B) {
	for _, order := range []string{"sequential", "random"} {
		b.Run(order, func(b *testing.B) {
			s := open(b, Options{NoBallast: true, NoSync: true})
			keys := rand.Perm(MaxTxnKeys)
			for b.Loop() {
				err := s.Update(context.Background(), func(tx Txn) error {
					for i := range MaxTxnKeys {
						if order == "random" {
							i = keys[i]
						}
						tx.Put(binary.BigEndian.AppendUint64(nil, uint64(i)), nil)
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkScan is ten pairs behind a cursor, in short and long sequences.
func BenchmarkScan(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, Options{NoBallast: true, NoSync: true})
			load(b, s, n, 128)
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				got := 0
				err := s.View(context.Background(), func(tx Txn) error {
					got = 0
					for range tx.Scan(Range{From: number(i % (n - 10)), Limit: 10}) {
						got++
					}
					return nil
				})
				if err != nil || got != 10 {
					b.Fatal(got, err)
				}
			}
		})
	}
}

func number(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }

// load puts n values in order.
func load(b *testing.B, s *Bolt, n, size int) {
	for i := 0; i < n; i += 1000 {
		err := s.Update(context.Background(), func(tx Txn) error {
			for j := i; j < min(i+1000, n); j++ {
				tx.Put(number(j), make([]byte, size))
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a file of 200 MB (20 with -short) of which half was
// deleted here and there: without a synced freelist the tree is read for it.
func BenchmarkOpen(b *testing.B) {
	n := 200_000
	if testing.Short() {
		n /= 10
	}
	for _, synced := range []bool{false, true} {
		b.Run(fmt.Sprintf("synced=%v", synced), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "store")
			s := openAt(b, path, Options{NoBallast: true, NoSync: true, SyncFreelist: synced})
			load(b, s, n, 1024)
			thin(b, s, n)
			for b.Loop() {
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				s = openAt(b, path, Options{NoBallast: true, SyncFreelist: synced})
				b.ReportMetric(float64(time.Since(start).Microseconds())/1e3, "ms-open")
			}
			b.ReportMetric(float64(s.Stats().FileSize)/1e6, "MB")
			b.ReportMetric(float64(s.Stats().FreeBytes)/1e6, "MB-free")
		})
	}
}

// thin deletes every second run of 50 keys.
func thin(b *testing.B, s *Bolt, n int) {
	for i := 0; i < n; i += 10_000 {
		err := s.Update(context.Background(), func(tx Txn) error {
			for j := i; j < min(i+10_000, n); j++ {
				if j/50%2 == 0 {
					tx.Delete(number(j))
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen_Journal opens a store that was killed with both files of its
// journal full: until it can be used, and until the older file is carried over.
func BenchmarkOpen_Journal(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		path := killedFull(b)
		b.StartTimer()
		start := time.Now()
		s, err := Open(path, Options{NoBallast: true})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/1e3, "ms-open")
		for s.state.Load().frozen != nil {
			<-s.journal.check.moved // nobody writes, so nobody else hears of it
		}
		b.ReportMetric(float64(time.Since(start).Microseconds())/1e3, "ms-carried")
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// killedFull makes a store whose second file was about to be full when the
// process died, and the first not carried over at all.
func killedFull(b *testing.B) (path string) {
	s := open(b, Options{NoBallast: true, NoSync: true, Journal: defaultJournal})
	hold := make(chan struct{})
	s.commit = func(tx *bolt.Tx) error { <-hold; return errors.Join(errors.New("killed"), tx.Rollback()) }
	for i := 0; s.journal.epoch < 2 || s.journal.tail < s.journal.segment().size-64<<10; i++ {
		err := s.Update(context.Background(), func(tx Txn) error {
			for j := range 20 {
				name := binary.BigEndian.AppendUint16(nil, uint16(rand.IntN(1000)))
				tx.Put(binary.BigEndian.AppendUint64(name, uint64(20*i+j)), make([]byte, 1024))
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	close(hold)
	die(b, s)
	return s.path
}
