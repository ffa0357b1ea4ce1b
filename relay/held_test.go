package relay_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
	"restante/storage"
)

// scanned counts what a box holds the slow way.
func scanned(tx *relay.Tx, b relay.BoxID) (h relay.Held) {
	for _, v := range tx.Scan(storage.Prefix(append([]byte{'e'}, b[:]...))) {
		h.Entries++
		h.Bytes += int64(len(v))
	}
	for k, v := range tx.Scan(storage.Prefix(append([]byte{'m'}, b[:]...))) {
		if k[13] == 'v' {
			h.Bytes += int64(len(v))
		}
	}
	return h
}

// wantHolding fails unless the relay's count of a box is right, in a view and
// in an update.
func wantHolding(t testing.TB, r *relay.Relay, b relay.BoxID) (want relay.Held) {
	t.Helper()
	look := func(tx *relay.Tx) error {
		got, err := tx.Holding(b)
		if want = scanned(tx, b); got != want {
			t.Errorf("the box is said to hold %+v, and holds %+v", got, want)
		}
		return err
	}
	relaytest.View(t, r, look)
	relaytest.Update(t, r, look)
	return want
}

func TestTx_Holding_NonExistent(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	relaytest.View(t, r, func(tx *relay.Tx) error {
		_, err := tx.Holding(relay.BoxID{1})
		wantCode(t, "holding", err, relay.NotFound, relay.SubjectRoom)
		return nil
	})
}

func TestTx_Append_Full(t *testing.T) {
	r := relaytest.New(t, relay.Options{BoxEntries: 3})
	b := box(t, r)
	es := fill(t, r, b, 3)
	full := func(tx *relay.Tx) error { _, err := tx.Append(b, relay.Draft{}); return err }
	wantCode(t, "a fourth", attempt(r, full), relay.Full, relay.SubjectRoom)
	if got := wantHolding(t, r, b); got.Entries != 3 {
		t.Errorf("the box holds %+v", got)
	}
	// Events are not counted.
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Append(b, relay.Draft{Lane: relay.Events}); return err })
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(es[1].ID) })
	fill(t, r, b, 1)
	wantCode(t, "a fourth again", attempt(r, full), relay.Full, relay.SubjectRoom)
	// Erasing and appending are one transaction's business, too.
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		if err := tx.Erase(es[0].ID); err != nil {
			return err
		}
		return full(tx)
	})
	wantHolding(t, r, b)
}

func TestTx_Append_FullOfBytes(t *testing.T) {
	const quota = 4000
	r := relaytest.New(t, relay.Options{BoxBytes: quota})
	b := box(t, r)
	grow := func(n int) error {
		return attempt(r, func(tx *relay.Tx) error { _, err := tx.Append(b, relay.Draft{Body: make([]byte, n)}); return err })
	}
	if err := grow(1000); err != nil {
		t.Fatal(err)
	}
	over := int(wantHolding(t, r, b).Bytes) - 1000 // of a row over its body of that size
	if err := grow(2000); err != nil {
		t.Fatal(err)
	}
	left := quota - int(wantHolding(t, r, b).Bytes) - over
	wantCode(t, "one byte too many", grow(left+1), relay.Full, relay.SubjectRoom)
	if err := grow(left); err != nil {
		t.Fatal(err)
	}
	if got := wantHolding(t, r, b); got.Bytes != quota {
		t.Errorf("a full box holds %+v", got)
	}
	wantCode(t, "an empty one", grow(0), relay.Full, relay.SubjectRoom)
}

// What a closure did that failed, before or after it was Full, is not there.
func TestTx_Append_FullLeavesNothing(t *testing.T) {
	r := relaytest.New(t, relay.Options{BoxEntries: 2})
	b, other := box(t, r), box(t, r)
	w := r.Hub().Watch(b, other)
	defer w.Close()
	before := rows(t, r, nil)
	err := attempt(r, func(tx *relay.Tx) error {
		if _, err := tx.Append(other, relay.Draft{Expires: r.Now().Add(time.Hour), Thread: 1}); err != nil {
			return err
		}
		for {
			if _, err := tx.Append(b, relay.Draft{}); err != nil {
				return err
			}
		}
	})
	wantCode(t, "three", err, relay.Full, relay.SubjectRoom)
	after := rows(t, r, nil)
	for kind, n := range after {
		if before[kind] != n {
			t.Errorf("%d rows of kind %q, were %d", n, kind, before[kind])
		}
	}
	fill(t, r, b, 2) // all of the quota is there still
	wantHolding(t, r, other)
}

func TestTx_Holding_Reopened(t *testing.T) {
	dir := t.TempDir()
	var b relay.BoxID
	reopen(t, dir, func(t *testing.T, r *relay.Relay) {
		b = box(t, r)
		es := fill(t, r, b, 300) // beyond where the count is written down
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(es[299].ID) })
		fill(t, r, b, 7)
	})
	reopen(t, dir, func(t *testing.T, r *relay.Relay) {
		if got := wantHolding(t, r, b); got.Entries != 306 {
			t.Errorf("holds %+v", got)
		}
		fill(t, r, b, 1)
		wantHolding(t, r, b)
	})
}

// A count that lost its place in memory is found again.
func TestTx_Holding_Evicted(t *testing.T) {
	r := relaytest.New(t, relay.Options{BoxEntries: 5})
	b := box(t, r)
	fill(t, r, b, 3)
	for range 20 { // any one may go
		r.EvictCounts()
	}
	if n, most := r.Counted(); n != most {
		t.Errorf("%d counts in memory, want %d", n, most)
	}
	wantHolding(t, r, b)
	fill(t, r, b, 2)
	err := attempt(r, func(tx *relay.Tx) error { _, err := tx.Append(b, relay.Draft{}); return err })
	wantCode(t, "a sixth", err, relay.Full, relay.SubjectRoom)
}

// A discarded is an engine that runs each closure once for nothing, as one that
// did not fit into its batch is, or one that was refused after it ran.
type discarded struct{ storage.Engine }

var errDiscarded = errors.New("discarded")

func (d discarded) Update(ctx context.Context, fn func(storage.Txn) error) error {
	err := d.Engine.Update(ctx, func(tx storage.Txn) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errDiscarded
	})
	if !errors.Is(err, errDiscarded) {
		return err
	}
	return d.Engine.Update(ctx, fn)
}

func TestTx_Holding_RunTwice(t *testing.T) {
	r := relaytest.Over(t, t.TempDir(), relay.Options{BoxEntries: 10}, func(e storage.Engine) storage.Engine { return discarded{e} })
	b := box(t, r)
	var e relay.Entry
	for range 10 { // each counted once, or the quota would end this early
		e = write(t, r, b, relay.NewID())
		wantHolding(t, r, b)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { _, err := tx.Amend(e.ID, []byte("a longer body"), nil, false); return err })
	wantHolding(t, r, b)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(e.ID) })
	wantHolding(t, r, b)
}

// A refused closure is one that the engine did not commit, though it counted.
func TestTx_Holding_Refused(t *testing.T) {
	refuse := false
	r := relaytest.Over(t, t.TempDir(), relay.Options{Fault: func(string, error) {}}, func(e storage.Engine) storage.Engine { return refusing{e, &refuse} })
	b := box(t, r)
	es := fill(t, r, b, 5)
	verbs := map[string]func(*relay.Tx) error{
		"append": func(tx *relay.Tx) error { _, err := tx.Append(b, relay.Draft{}); return err },
		"erase":  func(tx *relay.Tx) error { return tx.Erase(es[0].ID) },
		"amend":  func(tx *relay.Tx) error { _, err := tx.Amend(es[1].ID, []byte("more of it"), nil, true); return err },
		"both": func(tx *relay.Tx) error {
			_, err := tx.Append(b, relay.Draft{})
			return errors.Join(err, tx.Erase(es[2].ID))
		},
	}
	for name, verb := range verbs {
		refuse = true
		if err := attempt(r, verb); !errors.Is(err, errDiscarded) {
			t.Fatalf("%s: %v", name, err)
		}
		refuse = false
		wantHolding(t, r, b)
	}
	for name, verb := range verbs {
		if err := attempt(r, verb); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		wantHolding(t, r, b)
	}
}

type refusing struct {
	storage.Engine
	refuse *bool // read by nobody else while it changes
}

func (f refusing) Update(ctx context.Context, fn func(storage.Txn) error) error {
	refuse := *f.refuse
	return f.Engine.Update(ctx, func(tx storage.Txn) error {
		if err := fn(tx); err != nil || !refuse {
			return err
		}
		return errDiscarded
	})
}

// Erasing what the row does not count yet, when the count must be found again.
func TestTx_Erase_Recounted(t *testing.T) {
	dir := t.TempDir()
	var b relay.BoxID
	var es []relay.Entry
	reopen(t, dir, func(t *testing.T, r *relay.Relay) {
		b = box(t, r)
		es = fill(t, r, b, 3)
	})
	reopen(t, dir, func(t *testing.T, r *relay.Relay) {
		relaytest.Update(t, r, func(tx *relay.Tx) error { return tx.Erase(es[2].ID) })
		wantHolding(t, r, b)
	})
}

// Whatever is done to a few boxes, in closures that succeed, fail, or are
// refused, over restarts: the count is that of a full scan.
func TestTx_Holding_Model(t *testing.T) {
	for seed := range uint64(6) {
		dir, rnd := t.TempDir(), rand.New(rand.NewPCG(seed, 1))
		var boxes []relay.BoxID
		for range 3 {
			t.Run("open", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					o := relay.Options{BoxEntries: 40, BoxBytes: 4000, NoLimits: true, Fault: func(string, error) {}}
					r := relaytest.Over(t, dir, o, func(e storage.Engine) storage.Engine {
						return chancy{e, new(atomic.Int64)}
					})
					for len(boxes) < 3 {
						var b relay.BoxID
						err := attempt(r, func(tx *relay.Tx) (err error) {
							b, err = tx.NewBox(relay.Owner{Kind: relay.OwnerRelay})
							return err
						})
						if err == nil {
							boxes = append(boxes, b)
						}
					}
					for range 150 {
						b := boxes[rnd.IntN(len(boxes))]
						_ = attempt(r, func(tx *relay.Tx) error { return holdingStep(tx, r, rnd, b) })
						relaytest.View(t, r, func(tx *relay.Tx) error {
							got, err := tx.Holding(b)
							if want := scanned(tx, b); got != want {
								t.Fatalf("the box is said to hold %+v, and holds %+v", got, want)
							}
							return err
						})
						time.Sleep(time.Minute) // so that what expires does
						synctest.Wait()
					}
				})
			})
		}
	}
}

// A chancy engine refuses every third closure, and runs every third twice.
type chancy struct {
	storage.Engine
	n *atomic.Int64
}

func (c chancy) Update(ctx context.Context, fn func(storage.Txn) error) error {
	refuse := true
	switch c.n.Add(1) % 3 {
	case 1:
		return refusing{c.Engine, &refuse}.Update(ctx, fn)
	case 2:
		return discarded{c.Engine}.Update(ctx, fn)
	}
	return c.Engine.Update(ctx, fn)
}

// holdingStep does one to four random things to a box.
func holdingStep(tx *relay.Tx, r *relay.Relay, rnd *rand.Rand, b relay.BoxID) error {
	es, err := tx.Since(relay.Messages, []relay.Reading{{Box: b}}, relay.Page{Entries: 1000, Bytes: 1 << 30})
	if err != nil {
		return err
	}
	for range 1 + rnd.IntN(4) {
		d := relay.Draft{Body: make([]byte, rnd.IntN(300))}
		if rnd.IntN(4) == 0 {
			d.Expires = r.Now().Add(time.Duration(rnd.IntN(20)) * time.Minute)
		}
		op := rnd.IntN(7)
		if len(es) == 0 {
			op = 0
		}
		switch op {
		case 3:
			err = tx.Erase(es[rnd.IntN(len(es))].ID)
		case 4:
			_, err = tx.Amend(es[rnd.IntN(len(es))].ID, d.Body, nil, rnd.IntN(2) == 0)
		case 5:
			_, err = tx.Tombstone(es[rnd.IntN(len(es))].ID)
		case 6:
			_, err = tx.EraseThrough(b, es[rnd.IntN(len(es))].ID.Time, 1+rnd.IntN(5))
		default:
			_, err = tx.Append(b, d)
		}
		if err != nil && !relay.Is(err, relay.NotFound) {
			return err
		}
	}
	return nil
}
