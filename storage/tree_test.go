package storage

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// Versions of a tree are compared with maps, all of them again at the end: what
// comes later must not change them.
func TestTree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var versions []*tree
	var models []map[string]string
	var now *tree
	model := map[string]string{}
	for range 60 {
		var list []*entry
		for range r.IntN(200) {
			e := &entry{key: fmt.Appendf(nil, "%05d", r.IntN(20_000))}
			if r.IntN(5) > 0 {
				e.value = fmt.Append(nil, r.IntN(1000))
			}
			list = append(list, e)
			model[string(e.key)] = string(e.value)
			if e.value == nil {
				model[string(e.key)] = "-"
			}
		}
		now = now.with(list)
		versions, models = append(versions, now), append(models, maps.Clone(model))
	}
	for i := 0; i < len(versions); i += 7 {
		compareTree(t, versions[i], models[i], r)
	}
}

func compareTree(t *testing.T, v *tree, model map[string]string, r *rand.Rand) {
	t.Helper()
	keys := slices.Sorted(maps.Keys(model))
	dead, cost := 0, 0
	for _, k := range keys {
		e := v.get([]byte(k))
		if e == nil || text(e.value) != model[k] {
			t.Fatalf("%s: got %v, want %s", k, e, model[k])
		}
		if e.value == nil {
			dead++
		}
		cost += e.cost()
	}
	if v.size != len(keys) || v.dead != dead || v.cost != cost || v.get([]byte("x")) != nil {
		t.Fatalf("got %d keys, %d deleted, cost %d; want %d, %d, %d", v.size, v.dead, v.cost, len(keys), dead, cost)
	}
	for range 20 {
		from, to := fmt.Appendf(nil, "%05d", r.IntN(20_000)), fmt.Appendf(nil, "%05d", r.IntN(20_000))
		for _, rg := range []Range{{}, {From: from}, {To: to}, {From: from, To: to}} {
			for _, rg.Reverse = range []bool{false, true} {
				compareRange(t, v, rg, keys)
			}
		}
	}
}

func compareRange(t *testing.T, v *tree, r Range, keys []string) {
	t.Helper()
	low, _ := slices.BinarySearch(keys, string(r.From))
	high := len(keys)
	if r.To != nil {
		high, _ = slices.BinarySearch(keys, string(r.To))
	}
	want := slices.Clone(keys[low:max(low, high)])
	if r.Reverse {
		slices.Reverse(want)
	}
	c := newClimber(v, r)
	for _, k := range want {
		if got, _ := c.peek(); string(got) != k {
			t.Fatalf("%+v: got %q, want %q", r, got, k)
		}
		c.advance()
	}
	if got, _ := c.peek(); got != nil {
		t.Fatalf("%+v: %q at the end", r, got)
	}
	c.advance() // of no consequence
}

func text(value []byte) string {
	if value == nil {
		return "-"
	}
	return string(value)
}

// One that is filled in order has no nodes but those it needs.
func TestTree_InOrder(t *testing.T) {
	var list []*entry
	for i := range 10_000 {
		list = append(list, &entry{key: number(i), value: []byte{}})
	}
	v := (*tree)(nil).with(list)
	if got := v.list(); !slices.EqualFunc(got, list, func(a, b *entry) bool { return bytes.Equal(a.key, b.key) }) {
		t.Errorf("got %d entries", len(got))
	}
}
