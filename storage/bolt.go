package storage

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The file holds two buckets: all keys lie flat in the first, whose bbolt
// sequence is the commit clock; the second holds the schema version, and the
// mark where there is a journal.
var (
	dataBucket = []byte("data")
	metaBucket = []byte("meta")
	schemaKey  = []byte("schema")
)

const (
	defaultMaxQueue = 4096
	// allocSize is the step in which the file grows. bbolt's 16 MiB would be
	// a large part of a small MaxSize.
	allocSize = 4 << 20
)

// Options are the knobs of [Open]. The zero value is what a relay wants.
type Options struct {
	// MaxSize bounds the file, in bytes; 0 is no bound, less than 32 MiB is
	// refused. Part of it is a reserve in which deletions work (see ErrFull).
	MaxSize int64
	// SyncFreelist writes the list of free pages with every commit. Without
	// it commits write less, and opening the file reads its tree once.
	SyncFreelist bool
	// Clock is the wall clock, time.Now when nil.
	Clock func() time.Time
	// MaxQueue bounds the updates that wait (4,096 when 0); beyond it they get
	// ErrBusy.
	MaxQueue int
	// NoBallast leaves out the ballast file (see ballast).
	NoBallast bool
	// Journal is the size of each of the journal's two files: 16 MiB when 0,
	// without a journal when negative (see NoJournal). A journal that a crash
	// has left keeps its size until the next orderly end.
	Journal int64
	// NoSync leaves out every sync, so that success means nothing. For
	// benchmarks that do not measure the disk.
	NoSync bool

	// For tests: where the journal is, how bbolt commits, keys in a slice of a
	// checkpoint.
	disk   disk
	commit func(*bolt.Tx) error
	slice  int
}

// NoJournal, as Options.Journal, has every commit go to bbolt's pages at once.
// A journal that is there is carried over and removed.
const NoJournal = -1

// withDefaults fills in what was left out, and refuses what cannot work.
func (o Options) withDefaults() (Options, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.MaxQueue <= 0 {
		o.MaxQueue = defaultMaxQueue
	}
	if o.MaxSize != 0 && o.MaxSize < minMaxSize {
		return o, fmt.Errorf("a maximum size of %d bytes is below the least of %d", o.MaxSize, minMaxSize)
	}
	if o.Journal == 0 {
		o.Journal = defaultJournal
	}
	if o.Journal > 0 {
		if o.MaxSize > 0 { // which must have room for what the journal holds
			o.Journal = min(o.Journal, o.MaxSize/16)
		}
		o.Journal = max(o.Journal, minJournal) / blockSize * blockSize
	}
	if o.disk == nil {
		o.disk = realDisk{noSync: o.NoSync}
	}
	if o.commit == nil {
		o.commit = (*bolt.Tx).Commit
	}
	if o.slice == 0 {
		o.slice = sliceKeys
	}
	return o, nil
}

// Bolt is the engine in one bbolt file with a journal beside it. Its methods may be called from any
// goroutine, but not from inside a closure or a hook of its own.
type Bolt struct {
	db       *bolt.DB
	pageSize int64
	path     string
	opts     Options
	commit   func(*bolt.Tx) error // (*bolt.Tx).Commit, unless a test wants it to fail

	turn    turn // of the one that writes
	queue   chan *request
	work    chan struct{} // capacity 1: something was put into the queue
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed by the writer goroutine when it has ended
	close   sync.Once
	closed  error // what Close returned

	feed     atomic.Pointer[func(last int64)]
	broken   atomic.Pointer[error]
	pressure pressure
	counters counters

	journal *journal   // nil: every commit goes to the pages
	mu      sync.Mutex // held to change state
	state   atomic.Pointer[state]
	tight   atomic.Bool // the disk could not take what the journal holds and much more
	looked  int64       // the writer's: what was outstanding when it looked last

	// The writer's.
	carry  *request // did not fit into the last batch
	recent recent
}

// Open opens the file at path, and creates it when it is missing, with a
// journal and a ballast file beside it. The errors are ErrLocked, ErrNewer and ErrFull,
// wrapped, and whatever the file system says.
func Open(path string, o Options) (*Bolt, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := initialise(path); err != nil {
		return nil, fmt.Errorf("create %s: %w", path, err)
	}
	db, err := openFile(path, fileOptions(o))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	b := &Bolt{
		db: db, path: path, opts: o, commit: o.commit,
		turn:    newTurn(),
		queue:   make(chan *request, o.MaxQueue),
		work:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		stopped: make(chan struct{}),
	}
	if err := b.prepare(); err != nil {
		if b.journal != nil {
			err = errors.Join(err, b.journal.close())
		}
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	if b.journal != nil {
		go b.checkpoints()
	}
	go b.write()
	return b, nil
}

func fileOptions(o Options) *bolt.Options {
	return &bolt.Options{
		NoFreelistSync:  !o.SyncFreelist,
		FreelistType:    bolt.FreelistMapType,
		MaxSize:         int(min(o.MaxSize, maxInt)),
		NoSync:          o.NoSync,
		InitialMmapSize: initialMmap(),
	}
}

const maxInt = int64(^uint(0) >> 1)

// initialMmap is how much address space is taken at once. Growing beyond it
// means a new mapping, which waits for every open View.
func initialMmap() int {
	if strconv.IntSize == 32 {
		return 64 << 20
	}
	return 1 << 30
}

// prepare does what is left to do before the writer starts.
func (b *Bolt) prepare() error {
	if err := b.db.View(checkSchema); err != nil {
		return err
	}
	b.db.AllocSize = allocSize
	b.pageSize = int64(b.db.Info().PageSize)
	if err := b.pressure.open(b.path, b.opts); err != nil {
		return err
	}
	if err := b.openJournal(); err != nil {
		return err
	}
	b.counters.lastStamp.Store(b.state.Load().last)
	return nil
}

// View implements [Engine].
func (b *Bolt) View(ctx context.Context, fn func(Txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	base, err := b.snapshot()
	if err != nil {
		return err
	}
	defer base.close()
	t := &txn{base: base, now: base.now}
	defer t.end()
	err = fn(t)
	if t.err != nil {
		return t.err
	}
	return err
}

// AdvanceClock moves the commit clock to at least to (milliseconds since the
// Unix epoch): every later stamp is greater. It returns what Update returns.
// A restored file needs it, or it would give out again the times that its
// readers have seen already.
func (b *Bolt) AdvanceClock(ctx context.Context, to int64) error {
	return b.Update(ctx, func(tx Txn) error {
		tx.(*txn).clock.raise(to)
		return nil
	})
}

// Close implements [Engine]. Further calls return what the first one did.
func (b *Bolt) Close() error {
	b.close.Do(func() {
		close(b.closing)
		<-b.stopped
		b.turn.begin() // for good
		if b.journal != nil {
			b.closed = b.endJournal()
		}
		b.closed = errors.Join(b.closed, b.db.Close())
	})
	return b.closed
}
