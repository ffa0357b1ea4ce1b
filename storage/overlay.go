package storage

import (
	"bytes"
	"slices"
	"sort"
)

// An overlay holds what one closure has written, in key order, until the
// closure is known to have succeeded; or what a batch has, until it is
// complete. It is a sorted slice of pointers: the
// usual closure writes a handful of keys, and a long one writes them in order,
// which appends. At worst (MaxTxnKeys keys at random) an insertion moves
// 160 KB.
type overlay struct {
	entries []*entry
	// grown counts insertions, so that a scan knows when its place has moved.
	grown int
	// put is the bytes put so far, overwritten ones included.
	put int
}

// An entry is one written key; a nil value says that it was deleted.
type entry struct {
	key, value []byte
}

func (o *overlay) empty() bool { return len(o.entries) == 0 }

// get returns what was written to key, if anything was.
func (o *overlay) get(key []byte) (value []byte, written bool) {
	if o.empty() {
		return nil, false
	}
	i, found := o.search(key)
	if !found {
		return nil, false
	}
	return o.entries[i].value, true
}

// search returns the index of the first entry at or after key, and whether it
// is that very key.
func (o *overlay) search(key []byte) (int, bool) {
	n := len(o.entries)
	if n == 0 || bytes.Compare(o.entries[n-1].key, key) < 0 {
		return n, false // the common case: keys come in order
	}
	i := sort.Search(n, func(i int) bool { return bytes.Compare(o.entries[i].key, key) >= 0 })
	return i, bytes.Equal(o.entries[i].key, key)
}

// set records a value for key, or with nil its deletion. The value is kept as
// it is, the key is copied when it is new.
func (o *overlay) set(key, value []byte) {
	i, found := o.search(key)
	if found {
		o.entries[i].value = value
		return
	}
	o.entries = slices.Insert(o.entries, i, &entry{key: bytes.Clone(key), value: value})
	o.grown++
}

// merge takes over everything that was written later.
func (o *overlay) merge(later *overlay) {
	o.put += later.put
	if o.empty() {
		o.entries = later.entries
		return
	}
	for _, e := range later.entries {
		if i, found := o.search(e.key); found {
			o.entries[i] = e
		} else {
			o.entries = slices.Insert(o.entries, i, e)
		}
	}
}
