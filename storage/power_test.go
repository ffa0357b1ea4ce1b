package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
)

// What several workers write must come through power cuts whole: worker w
// counts in its update number i, puts a value under that number, and deletes
// that of number i-kept.
const (
	powerWorkers = 4
	powerKept    = 8
)

// A history is what was acknowledged.
type history struct {
	mu    sync.Mutex
	acked [powerWorkers]int
	sizes [powerWorkers][]int // of all values, acknowledged or not
	stamp int64
}

func (h *history) value(w, i int) []byte {
	return bytes.Repeat(fmt.Appendf(nil, "%d/%d,", w, i), 1+h.sizes[w][i])
}

// work has a worker write until an update fails or it has done enough.
func (h *history) work(b *Bolt, w, rounds int, r *rand.Rand) error {
	for range rounds {
		h.mu.Lock()
		i := h.acked[w] + 1
		for len(h.sizes[w]) <= i+1 {
			size := r.IntN(600)
			if r.IntN(20) == 0 {
				size *= 30 // longer than a small journal's file
			}
			h.sizes[w] = append(h.sizes[w], size)
		}
		value := h.value(w, i)
		h.mu.Unlock()
		var stamp int64
		err := b.Update(context.Background(), func(tx Txn) error {
			stamp = tx.Stamp(fmt.Append(nil, w))
			if got := counter(tx, w); got != i-1 {
				return fmt.Errorf("worker %d wants to write %d and finds %d", w, i, got)
			}
			tx.Put(fmt.Appendf(nil, "n/%d", w), fmt.Append(nil, i))
			tx.Put(fmt.Appendf(nil, "v/%d/%06d", w, i), value)
			tx.Delete(fmt.Appendf(nil, "v/%d/%06d", w, i-powerKept))
			return nil
		})
		if err != nil {
			return err
		}
		h.mu.Lock()
		h.acked[w] = i
		h.stamp = max(h.stamp, stamp)
		h.mu.Unlock()
	}
	return nil
}

func counter(tx Txn, w int) (n int) {
	_, _ = fmt.Sscan(string(tx.Get(fmt.Appendf(nil, "n/%d", w))), &n)
	return n
}

// compare holds the store against what was acknowledged. The update that the
// cut met may have come through or not; it counts as acknowledged from here on.
func (h *history) compare(b *Bolt) error {
	return b.View(context.Background(), func(tx Txn) error {
		if tx.Now() < h.stamp {
			return fmt.Errorf("the clock fell to %d from %d", tx.Now(), h.stamp)
		}
		for w := range powerWorkers {
			n := counter(tx, w)
			if n != h.acked[w] && n != h.acked[w]+1 {
				return fmt.Errorf("worker %d: %d in the store, %d were acknowledged", w, n, h.acked[w])
			}
			h.acked[w] = n
			if err := h.compareValues(tx, w, n); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *history) compareValues(tx Txn, w, n int) error {
	i := max(1, n-powerKept+1)
	for k, v := range tx.Scan(Prefix(fmt.Appendf(nil, "v/%d/", w))) {
		if want := fmt.Sprintf("v/%d/%06d", w, i); string(k) != want {
			return fmt.Errorf("after %d: got %s, want %s", n, k, want)
		}
		if !bytes.Equal(v, h.value(w, i)) {
			return fmt.Errorf("the value of %s is not what was written", k)
		}
		i++
	}
	if i != n+1 {
		return fmt.Errorf("worker %d: %d values are missing", w, n+1-i)
	}
	return nil
}

// A house is a store over several lives.
type house struct {
	t     *testing.T
	path  string
	disk  *simDisk
	hist  history
	rand  *rand.Rand
	size  int64
	lives []string
}

func newHouse(t *testing.T, seed uint64) *house {
	h := &house{t: t, path: filepath.Join(t.TempDir(), "store"), disk: newSimDisk(seed), rand: rand.New(rand.NewPCG(seed, 1))}
	h.size = []int64{minJournal, 48 << 10, 128 << 10}[seed%3]
	return h
}

func (h *house) open() (*Bolt, error) {
	return Open(h.path, Options{
		NoBallast: true, NoSync: true, Journal: h.size,
		disk: h.disk, commit: h.disk.commit, slice: 1 + h.rand.IntN(40),
	})
}

// live opens the store, compares, works with all workers, and returns when they
// have ended.
func (h *house) live(rounds int) (*Bolt, error) {
	b, err := h.open()
	if err != nil {
		return nil, err
	}
	if err := h.hist.compare(b); err != nil && !errors.Is(err, errPower) {
		h.t.Fatalf("%v\n%v", err, h.lives)
	}
	errs := make([]error, powerWorkers)
	var wg sync.WaitGroup
	for w := range powerWorkers {
		r := rand.New(rand.NewPCG(h.rand.Uint64(), 2))
		wg.Go(func() { errs[w] = h.hist.work(b, w, rounds, r) })
	}
	wg.Wait()
	return b, errors.Join(errs...)
}

// Power fails at any step, opening included, again and again.
func TestPower(t *testing.T) {
	seeds := 200
	if testing.Short() || raceDetector {
		seeds = 40
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, uint64(seed))
			for range 5 {
				h.livePowerCut()
			}
			h.disk.fault = nil
			b, err := h.live(20)
			if err != nil {
				t.Fatalf("with power: %v\n%v", err, h.lives)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			h.checkWhole()
		})
	}
}

// livePowerCut is a life that ends without power, or a process that dies.
func (h *house) livePowerCut() {
	last := 1 + h.rand.IntN(250)
	h.disk.fault = func(step int, _ string) error {
		if step >= last {
			return errPower
		}
		return nil
	}
	b, err := h.live(60)
	if err != nil && !errors.Is(err, errPower) && !errors.Is(err, ErrBroken) {
		h.t.Fatalf("%v\n%v", err, h.lives)
	}
	if b != nil {
		_ = b.Close() // the power is off, or fails just now
	}
	h.lives = append(h.lives, fmt.Sprintf("%d steps, the last: %s; %v", h.disk.steps, h.disk.trace[len(h.disk.trace)-1], err))
	if h.rand.IntN(4) == 0 {
		h.disk = h.disk.process()
	} else {
		h.disk = h.disk.restart()
	}
}

// checkWhole opens what an orderly end has left without its journal.
func (h *house) checkWhole() {
	h.t.Helper()
	for _, path := range journalPaths(h.path) {
		f := h.disk.names[path]
		if f == nil || !zero(f.data[blockSize:]) {
			h.t.Errorf("%s is not wiped", filepath.Base(path))
		}
	}
	r, err := CheckFile(h.path, nil)
	if err != nil || r.Broken > 0 || r.Schema != wholeSchema || r.Journal {
		h.t.Errorf("check: %v, %+v", err, r)
	}
	b, err := Open(h.path, Options{NoBallast: true, NoSync: true, Journal: NoJournal})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := errors.Join(h.hist.compare(b), b.Close()); err != nil {
		h.t.Error(err)
	}
}
