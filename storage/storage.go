// Package storage keeps ordered keys and values in one file, with a journal
// beside it, and gives them out in transactions. It knows bytes and order; what
// they mean is decided in package relay.
//
// There are three things to know:
//
//   - An [Engine] runs closures: [Engine.View] over a snapshot, [Engine.Update]
//     with the right to change things. When Update returns nil, what the closure
//     wrote is on the disk, synced; when it returns an error, nothing of it is.
//   - A closure sees a [Txn]: get, put, delete, scan over a range of keys in
//     either direction. A closure may be run again (it lost a race, its batch
//     was full), so it changes nothing but its transaction and the variables it
//     assigns from scratch each time.
//   - The commit clock ([Txn.Stamp]) gives times that follow commit order, over
//     a clock set back and over restarts. The cursors that readers keep rest
//     on it.
//
// The engine here is bbolt ([Open]) with one writer at a time, who commits
// everything that waits as one batch: one write and one sync to the journal
// (journal.go), from where it reaches bbolt's file later, with many others. A
// second engine would be one more file; storagetest runs the same suite over
// each.
//
// Caveats, most of them bbolt's: slices that a Txn gives out die with it, so
// copy what must outlive it; keep closures short, for there is one writer, and
// bbolt frees no page behind an open View; never open a transaction inside a
// closure, and never call t.Fatal there (it would take the writer's turn with it,
// so it panics).
package storage

import (
	"context"
	"errors"
	"iter"
)

// Limits of one transaction. A closure that goes beyond them fails with
// [ErrTooLarge]; larger work comes in several transactions.
const (
	MaxTxnKeys    = 20_000  // keys put or deleted by one closure
	MaxTxnBytes   = 4 << 20 // bytes put by one closure, and by one batch
	MaxScanKeys   = 5_000   // pairs one Scan yields at most, see [Range.Limit]
	MaxKeyBytes   = 1024
	MaxValueBytes = 2 << 20
)

// Errors that an engine returns. Errors of the closures come back as they are.
var (
	// ErrFull: the file has reached its maximum, or the disk has. Closures
	// that free more than they add still succeed.
	ErrFull = errors.New("storage: full")
	// ErrBusy: too many updates are waiting already. Nothing was done.
	ErrBusy = errors.New("storage: busy")
	// ErrTooLarge: the closure passed a limit of one transaction.
	ErrTooLarge = errors.New("storage: transaction too large")
	// ErrReadOnly: a put, delete, stamp or hook inside a View.
	ErrReadOnly = errors.New("storage: write in a view")
	// ErrBroken: a write or sync failed earlier, so the writer has stopped for
	// good. Reads go on; restart to recover what is on the disk.
	ErrBroken = errors.New("storage: writer stopped after an I/O error")
	// ErrClosed: the engine was closed.
	ErrClosed = errors.New("storage: closed")
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("storage: the file is in use by another process")
	// ErrNewer: the file was written by a newer version of the program.
	ErrNewer = errors.New("storage: the file was written by a newer version")
)

// An Engine is a store of ordered keys.
type Engine interface {
	// View runs fn over a snapshot: everything committed before, nothing
	// committed later, all keys at one instant.
	View(ctx context.Context, fn func(Txn) error) error

	// Update runs fn and commits what it wrote. Updates of many callers are
	// committed together, but each succeeds or fails alone: if fn returns an
	// error, nothing of it is kept and Update returns that error. A nil result
	// means committed and synced. If ctx ends while the update still waits for
	// its turn, it is not run and Update returns the context's error; once
	// running it is not interrupted. A panic in fn is raised in the caller.
	Update(ctx context.Context, fn func(Txn) error) error

	// Feed has fn told of every commit, after the OnCommit hooks of its updates,
	// with the greatest stamp that was ever committed: everybody has been told
	// of everything up to it. It is set once, before the first update; like the
	// hooks, fn is called by the writer and must not block.
	Feed(fn func(last int64))

	// Close waits for running transactions, then releases the file. Updates
	// that wait get ErrClosed.
	Close() error
}

// A Txn is one transaction. It is used by one goroutine, inside its closure.
//
// Reads and writes have no error results: the first failure sticks, everything
// after it reads as absent, and the transaction as a whole fails with it. So a
// closure decides on what it reads without asking each time, and a decision
// taken on a failed read is never committed.
type Txn interface {
	// Get returns the value, or nil when the key is absent. The slice is valid
	// until the transaction ends and must not be changed.
	Get(key []byte) []byte

	// Recall is Get for a row that one update after another looks at. In an
	// Update, kept is a place where the caller may leave what it made of the
	// value: whoever recalls the row later finds it there, until the value
	// changes. It is shared, so what is left there must not be changed any more.
	// kept is nil where nothing can be left: in a View, for an absent row, and
	// for one that this commit changes.
	Recall(key []byte) (value []byte, kept *any)

	// Put sets the value. Key and value are copied.
	Put(key, value []byte)

	// Delete removes the key; an absent one is no error.
	Delete(key []byte)

	// Scan yields the pairs of a range in order, this transaction's own writes
	// included. The slices are valid until the next pair. The loop may delete
	// or put what it has passed; what it writes ahead of itself may or may not
	// be yielded.
	Scan(r Range) iter.Seq2[[]byte, []byte]

	// Now is the commit clock: in an Update a time greater than every stamp
	// ever committed, in a View the greatest stamp that this snapshot holds
	// (0 in a fresh file). Milliseconds since the Unix epoch; ahead of the wall
	// clock after that was set back.
	Now() int64

	// Stamp returns the next time for a sequence (a name, at most 64 bytes):
	// max(wall clock, last stamp of all earlier commits + 1), and one more than
	// the sequence's last stamp where that was given in the same batch. Within
	// one transaction stamps never fall. So stamps follow commit order over
	// the whole store, and within one sequence no two are equal.
	Stamp(seq []byte) int64

	// OnCommit has fn run after the commit is on the disk, before Update
	// returns. Calls come one at a time, in commit order, from the writer, who
	// waits for them: fn must be quick and must not block. In a View it is
	// ErrReadOnly.
	OnCommit(fn func())
}

// A Range is a range of keys: From inclusive, To exclusive (nil: no bound).
type Range struct {
	From, To []byte
	// Reverse yields the greatest key first.
	Reverse bool
	// Limit ends the scan after so many pairs; 0 and anything above
	// MaxScanKeys mean MaxScanKeys.
	Limit int
}

// Prefix returns the range of all keys that begin with p.
func Prefix(p []byte) Range { return Range{From: p, To: After(p)} }

// After returns the smallest key greater than all keys that begin with p, or
// nil when there is none.
func After(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] < 0xff {
			q := append([]byte(nil), p[:i+1]...)
			q[i]++
			return q
		}
	}
	return nil
}
