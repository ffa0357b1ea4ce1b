package relay

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"restante/storage"
)

// Options are what an operator decides about a relay. Zero values mean the
// defaults that [Options.withDefaults] names.
type Options struct {
	// BoxEntries and BoxBytes bound what one box holds (100,000; 256 MiB).
	BoxEntries int
	BoxBytes   int64
	// Retention is how long mailboxes and open rooms keep an entry; 0 is for
	// ever.
	Retention time.Duration
	// RoomRetention is the same for rooms with members; 0 is for ever.
	RoomRetention time.Duration
	// UnusedAfter is when an account that never called, and an open room in
	// which nothing was posted, are removed (30 days).
	UnusedAfter time.Duration
	// Now is the wall clock (time.Now).
	Now func() time.Time
	// Dir is the state directory: blobs and the key file lie there. Without
	// it there are no blobs, and keys are made up for the life of the process.
	Dir string
	// NoLimits lifts the limits of rate and share, none of size.
	NoLimits bool
	// NoCrossing keeps the families apart: nobody reaches an account or a room of
	// another than his own.
	NoCrossing bool
	// Free reports the free bytes of the disk; nil means plenty. Reserve is how
	// many of them are kept free, see space; 0 watches nothing.
	Free    func() int64
	Reserve int64
	// Fault is told of errors in work nobody waits for (timers, sweeps).
	Fault func(doing string, err error)
}

func (o Options) withDefaults() Options {
	if o.BoxEntries == 0 {
		o.BoxEntries = 100_000
	}
	if o.BoxBytes == 0 {
		o.BoxBytes = 256 << 20
	}
	if o.UnusedAfter == 0 {
		o.UnusedAfter = 30 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Fault == nil {
		o.Fault = func(string, error) {}
	}
	return o
}

// A Relay is the post office: a store, the rules over it, and the bell. Its
// methods may be called by any goroutine.
type Relay struct {
	store  storage.Engine
	opts   Options
	hub    *Hub
	counts counts
	limits limits
	space  space
	timers *timers
	keys   *keyring
	blobs  *blobFiles // nil without a state directory

	stop     context.CancelFunc // of the background work
	work     sync.WaitGroup
	presence Presence
}

// New returns a relay over store, with its background work started. The caller
// closes the relay first and the store after it.
func New(store storage.Engine, o Options) (*Relay, error) {
	r, err := build(store, o)
	if err == nil {
		err = r.start()
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// build makes a relay whose background work has not started.
func build(store storage.Engine, o Options) (*Relay, error) {
	o = o.withDefaults()
	keys, err := openKeyring(o.Dir)
	if err != nil {
		return nil, err
	}
	blobs, err := openBlobFiles(o.Dir)
	if err != nil {
		return nil, err
	}
	r := &Relay{
		store: store, opts: o, timers: newTimers(), limits: newLimits(o),
		counts: counts{m: map[BoxID]count{}}, space: space{free: o.Free, reserve: o.Reserve},
		keys: keys, blobs: blobs,
	}
	r.handleTimer(verbDropBox, dropBox)
	r.handleTimer(verbDropCode, dropCode)
	r.handleTimer(verbExpire, expireEntry)
	r.handleTimer(verbDropUnused, dropUnused)
	r.handleTimer(verbDropAccount, dropAccount)
	r.handleTimer(verbDropInvite, dropInvite)
	r.roomVerbs()
	r.markVerbs()
	r.blobVerbs()
	return r, nil
}

// start rings from now on, and starts the background work.
func (r *Relay) start() error {
	var last Time
	if err := r.View(context.Background(), func(tx *Tx) error { last = Time(tx.Now()); return nil }); err != nil {
		return err
	}
	r.hub = newHub(last)
	r.store.Feed(r.hub.told)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.work.Go(func() { r.runTimers(ctx) })
	r.work.Go(func() { r.runSweeps(ctx) })
	r.work.Go(func() { r.tidyBlobs(ctx) })
	return nil
}

// Close ends the background work. Transactions that run are not interrupted.
func (r *Relay) Close() {
	r.stop()
	r.work.Wait()
	r.blobs.wait()
	r.hub.close()
}

// Hub returns the bell that rings when a box has moved.
func (r *Relay) Hub() *Hub { return r.hub }

// Now is the wall clock as the relay sees it.
func (r *Relay) Now() Time { return At(r.opts.Now()) }

// A Tx is one transaction over the nouns of this package; the verbs are its
// methods, so that several in one closure are one commit. It dies with its
// closure.
type Tx struct {
	storage.Txn
	r       *Relay
	writes  bool        // it is an Update
	moved   []EntryID   // what was appended, rung after the commit; without a time: a box that went
	place   uint16      // of the next entry in this transaction
	counts  []*counting // what the boxes it counted hold with its own entries
	account Account     // the one looked at last
	met     int         // people its caller brought into rooms and shared none with
}

// View runs fn over a snapshot. Nothing may be changed in it.
func (r *Relay) View(ctx context.Context, fn func(*Tx) error) error {
	return r.store.View(ctx, func(t storage.Txn) error { return fn(&Tx{Txn: t, r: r}) })
}

// Update runs fn in a transaction. When Update returns nil, all of it is on the
// disk and whoever watches the boxes it touched is being woken; otherwise none
// of it happened. fn may run again: it changes nothing but the transaction, and
// assigns its results from scratch.
func (r *Relay) Update(ctx context.Context, fn func(*Tx) error) error {
	return r.store.Update(ctx, func(t storage.Txn) error {
		tx := &Tx{Txn: t, r: r, writes: true}
		if err := fn(tx); err != nil {
			return err
		}
		tx.finish()
		return nil
	})
}

// finish takes down what the boxes hold now, before the commit, so that the next
// closure of the same batch sees it (should the commit then fail, that is found
// out, see [Tx.witnessed]), and has the bell rung once it is on the disk.
func (tx *Tx) finish() {
	for _, n := range tx.counts {
		tx.r.counts.set(n.box, n.count)
	}
	if len(tx.moved)+len(tx.counts) > 0 {
		tx.OnCommit(tx.committed)
	}
}

func (tx *Tx) committed() {
	for _, n := range tx.counts {
		tx.r.counts.settle(n.box, n.count)
	}
	if len(tx.moved) > 0 {
		tx.r.hub.moved(tx.moved)
	}
}

// Wrote returns the entries this transaction has appended so far, in that order.
func (tx *Tx) Wrote() []EntryID {
	if !slices.ContainsFunc(tx.moved, func(id EntryID) bool { return id.Time == 0 }) {
		return slices.Clip(tx.moved)
	}
	return slices.DeleteFunc(slices.Clone(tx.moved), func(id EntryID) bool { return id.Time == 0 })
}

// encoding is the form of all values: CBOR with small integer keys, the same
// bytes for the same value.
var encoding = func() cbor.EncMode {
	m, err := cbor.EncOptions{Sort: cbor.SortBytewiseLexical, OmitEmpty: cbor.OmitEmptyGoValue}.EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

// put stores v under k.
func (tx *Tx) put(k key, v any) error {
	b, err := encoding.Marshal(v)
	if err != nil {
		return err
	}
	tx.Put(k, b)
	return nil
}

// get reads the value under k into v and reports whether there was one.
func (tx *Tx) get(k key, v any) (bool, error) {
	b := tx.Get(k)
	if b == nil {
		return false, nil
	}
	return true, decode(b, v)
}

// recall is get for the rows that nearly every post looks at: what was decoded
// once is kept beside the row. Its slices are shared and must not be changed.
func recall[T any](tx *Tx, k key, v *T) (bool, error) {
	b, kept := tx.Recall(k)
	if b == nil {
		return false, nil
	}
	if kept != nil {
		if known, ok := (*kept).(*T); ok {
			*v = *known
			return true, nil
		}
	}
	if err := decode(b, v); err != nil {
		return true, err
	}
	if kept != nil {
		known := *v
		*kept = &known
	}
	return true, nil
}

func decode(b []byte, v any) error { return cbor.Unmarshal(b, v) }
