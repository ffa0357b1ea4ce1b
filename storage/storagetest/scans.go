package storagetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"restante/storage"
)

func testScan(t *testing.T, s *store) {
	s.put("a", "", "ab", "", "b", "", "b\xff", "", "b\xff\xff", "", "c", "")
	for _, c := range []struct {
		name string
		r    storage.Range
		want string
	}{
		{"all", storage.Range{}, "a ab b b\xff b\xff\xff c"},
		{"all, backwards", storage.Range{Reverse: true}, "c b\xff\xff b\xff b ab a"},
		{"from", storage.Range{From: []byte("ab")}, "ab b b\xff b\xff\xff c"},
		{"to is outside", storage.Range{To: []byte("b")}, "a ab"},
		{"to is outside, backwards", storage.Range{To: []byte("b"), Reverse: true}, "ab a"},
		{"between keys", storage.Range{From: []byte("aa"), To: []byte("bb")}, "ab b"},
		{"prefix", storage.Prefix([]byte("b")), "b b\xff b\xff\xff"},
		{"prefix of ff", storage.Prefix([]byte("b\xff")), "b\xff b\xff\xff"},
		{"no prefix", storage.Prefix(nil), "a ab b b\xff b\xff\xff c"},
		{"nothing inside", storage.Range{From: []byte("d")}, ""},
		{"nothing inside, backwards", storage.Range{To: []byte("a"), Reverse: true}, ""},
		{"upside down", storage.Range{From: []byte("c"), To: []byte("a")}, ""},
		{"upside down, backwards", storage.Range{From: []byte("c"), To: []byte("a"), Reverse: true}, ""},
		{"limit", storage.Range{Limit: 2}, "a ab"},
		{"limit, backwards", storage.Range{Limit: 2, Reverse: true}, "c b\xff\xff"},
	} {
		s.view(func(tx storage.Txn) {
			if got := strings.Join(keys(tx, c.r), " "); got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		})
	}
}

func testScanLimit(t *testing.T, s *store) {
	n := storage.MaxScanKeys + 10
	s.update(func(tx storage.Txn) {
		for i := range n {
			tx.Put(fmt.Appendf(nil, "%06d", i), nil)
		}
	})
	s.view(func(tx storage.Txn) {
		for _, limit := range []int{0, -1, storage.MaxScanKeys, n} {
			if got := len(keys(tx, storage.Range{Limit: limit})); got != storage.MaxScanKeys {
				t.Errorf("limit %d: got %d pairs", limit, got)
			}
		}
	})
}

// A loop may write what it has passed. What it inserts shifts nothing.
func testScanWritesInLoop(t *testing.T, s *store) {
	s.put("b", "", "d", "", "f", "")
	for _, reverse := range []bool{false, true} {
		want := []string{"b", "c", "d", "e", "f"}
		if reverse {
			slices.Reverse(want)
		}
		err := s.Update(t.Context(), func(tx storage.Txn) error {
			tx.Put([]byte("c"), nil)
			tx.Put([]byte("e"), nil)
			var got []string
			for k := range tx.Scan(storage.Range{From: []byte("b"), Reverse: reverse}) {
				got = append(got, string(k))
				tx.Delete(k)
				tx.Put(append([]byte("a"), k...), nil)
				if reverse {
					tx.Put(append(k[:1:1], '1'), nil)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("reverse %v: got %q, want %q", reverse, got, want)
			}
			return errors.New("not kept")
		})
		if err == nil {
			t.Error("no error")
		}
	}
}

// What a loop inserts behind itself brings nothing back.
func testScanInsertsBehind(t *testing.T, s *store) {
	s.put("b", "", "f", "")
	for _, reverse := range []bool{false, true} {
		want, behind := "b c d e f", "0"
		if reverse {
			want, behind = "f e d c b", "9"
		}
		s.update(func(tx storage.Txn) {
			for _, k := range []string{"c", "d", "e"} {
				tx.Put([]byte(k), nil)
			}
			var got []string
			for k := range tx.Scan(storage.Range{From: []byte("a"), Reverse: reverse}) {
				got = append(got, string(k))
				tx.Put([]byte(behind+string(k)), nil)
				tx.Put([]byte(string(k)+"9"), nil)
				if !reverse {
					tx.Delete([]byte(string(k) + "9"))
				}
			}
			if got := strings.Join(got, " "); got != want {
				t.Errorf("reverse %v: got %q, want %q", reverse, got, want)
			}
		})
		s.clear()
		s.put("b", "", "f", "")
	}
}

// testScanModel writes at random, in batches of several updates some of which
// fail, and compares every read with a map.
func testScanModel(t *testing.T, s *store) {
	rapid.Check(t, func(rt *rapid.T) {
		m := model{}
		s.clear()
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			var updates []update
			for range rapid.IntRange(1, 4).Draw(rt, "updates") {
				updates = append(updates, drawUpdate(rt))
			}
			m = s.compare(rt, m, updates)
			s.view(func(tx storage.Txn) {
				if err := m.check(tx, storage.Range{}); err != nil {
					rt.Fatalf("after the commit: %v", err)
				}
			})
		}
	})
}

// compare runs updates as a batch against the model, and returns what the
// model is afterwards.
func (s *store) compare(rt *rapid.T, m model, updates []update) model {
	var fns []func(storage.Txn) error
	for _, u := range updates {
		fns = append(fns, func(tx storage.Txn) error {
			next := maps.Clone(m)
			for _, do := range u.steps {
				if err := do(tx, next); err != nil {
					return err
				}
			}
			if u.fails {
				return errOnPurpose
			}
			m = next
			return nil
		})
	}
	for i, err := range s.together(fns...) {
		if updates[i].fails != errors.Is(err, errOnPurpose) || !updates[i].fails && err != nil {
			rt.Fatalf("update %d: %v", i, err)
		}
	}
	return m
}

var errOnPurpose = errors.New("on purpose")

// An update is a list of steps, and whether it fails at its end.
type update struct {
	steps []func(storage.Txn, model) error
	fails bool
}

// Values of 700 bytes put few pairs on a page, so that a few deletions empty
// one in the middle of a batch.
var (
	drawKey   = rapid.StringOfN(rapid.SampledFrom([]rune("abcd")), 1, 4, -1)
	drawValue = rapid.Map(rapid.IntRange(0, 700), func(n int) string { return strings.Repeat("v", n) })
)

func drawUpdate(rt *rapid.T) update {
	u := update{fails: rapid.IntRange(0, 4).Draw(rt, "fails") == 0}
	for range rapid.IntRange(1, 12).Draw(rt, "steps") {
		u.steps = append(u.steps, drawStep(rt))
	}
	return u
}

func drawStep(rt *rapid.T) func(storage.Txn, model) error {
	key := drawKey.Draw(rt, "key")
	switch rapid.IntRange(0, 5).Draw(rt, "step") {
	case 0:
		return func(tx storage.Txn, m model) error {
			tx.Delete([]byte(key))
			delete(m, key)
			return nil
		}
	case 1:
		return fill(key, rapid.IntRange(1, 40).Draw(rt, "n"))
	case 2:
		return empty(drawRange(rt))
	case 3, 4:
		r := drawRange(rt)
		return func(tx storage.Txn, m model) error { return m.check(tx, r) }
	default:
		value := drawValue.Draw(rt, "value")
		return func(tx storage.Txn, m model) error {
			tx.Put([]byte(key), []byte(value))
			m[key] = value
			return nil
		}
	}
}

func drawRange(rt *rapid.T) storage.Range {
	r := storage.Range{
		Reverse: rapid.Bool().Draw(rt, "reverse"),
		Limit:   rapid.SampledFrom([]int{0, 0, 1, 5, 50}).Draw(rt, "limit"),
	}
	if rapid.Bool().Draw(rt, "from a key") {
		r.From = []byte(drawKey.Draw(rt, "from"))
	}
	if rapid.Bool().Draw(rt, "to a key") {
		r.To = []byte(drawKey.Draw(rt, "to"))
	}
	return r
}

// fill puts n large values in order.
func fill(prefix string, n int) func(storage.Txn, model) error {
	return func(tx storage.Txn, m model) error {
		for i := range n {
			k, v := fmt.Sprintf("%s%03d", prefix, i), strings.Repeat("w", 700)
			tx.Put([]byte(k), []byte(v))
			m[k] = v
		}
		return nil
	}
}

// empty deletes what a scan yields, while it does.
func empty(r storage.Range) func(storage.Txn, model) error {
	return func(tx storage.Txn, m model) error {
		want := m.keys(r)
		var got []string
		for k := range tx.Scan(r) {
			got = append(got, string(k))
			tx.Delete(k)
			delete(m, string(k))
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("deleting %v: got %q, want %q", r, got, want)
		}
		return nil
	}
}

// A model is what the store should hold.
type model map[string]string

// keys are those of a range, in its order.
func (m model) keys(r storage.Range) (list []string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k >= string(r.From) && (r.To == nil || k < string(r.To)) {
			list = append(list, k)
		}
	}
	if r.Reverse {
		slices.Reverse(list)
	}
	if r.Limit > 0 && len(list) > r.Limit {
		list = list[:r.Limit]
	}
	return list
}

// check compares a scan, and a get of each key, with the model.
func (m model) check(tx storage.Txn, r storage.Range) error {
	var got []string
	for k, v := range tx.Scan(r) {
		got = append(got, string(k))
		if want := m[string(k)]; string(v) != want {
			return fmt.Errorf("scan at %q: got %d bytes, want %d", k, len(v), len(want))
		}
		if v := tx.Get(k); string(v) != m[string(k)] {
			return fmt.Errorf("get %q: got %d bytes", k, len(v))
		}
	}
	if want := m.keys(r); !slices.Equal(got, want) {
		return fmt.Errorf("scan %q to %q, reverse %v, limit %d: got %q, want %q", r.From, r.To, r.Reverse, r.Limit, got, want)
	}
	return nil
}

// clear deletes everything.
func (s *store) clear() {
	for more := true; more; {
		s.update(func(tx storage.Txn) {
			more = false
			for k := range tx.Scan(storage.Range{}) {
				tx.Delete(k)
				more = true
			}
		})
	}
}
