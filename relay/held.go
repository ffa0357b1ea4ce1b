package relay

import (
	"sync"
)

// Held is what the lane of messages of a box holds. Bytes are those of its
// entries and of their old versions.
type Held struct {
	Entries int   `cbor:"1,keyasint,omitempty"`
	Bytes   int64 `cbor:"2,keyasint,omitempty"`
}

const (
	// writeDownEvery is how many appends pass before a box's count is written
	// into its row; until then it is kept in memory, so that a post costs no
	// second page.
	writeDownEvery = 256
	// maxCounted bounds the counts kept in memory; a box that lost its place is
	// counted again from its row.
	maxCounted = 1 << 15
)

// A count is what a box holds, as the writer knows it.
type count struct {
	Held
	last    Time // of the newest message counted
	unsaved int  // appends since the row was written
	settled bool // all that it counts is committed
}

// A counting is a transaction's own count of a box.
type counting struct {
	box BoxID
	count
}

// counts are the counts of the boxes used of late.
type counts struct {
	mu sync.Mutex
	m  map[BoxID]count
}

func (c *counts) get(b BoxID) (count, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.m[b]
	return n, ok
}

func (c *counts) set(b BoxID, n count) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.m[b]; !known && len(c.m) >= maxCounted {
		for other := range c.m { // any: it only costs counting it again
			delete(c.m, other)
			break
		}
	}
	c.m[b] = n
}

// settle says that a count is committed, if it is still the one that is kept.
func (c *counts) settle(b BoxID, n count) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m[b] == n {
		n.settled = true
		c.m[b] = n
	}
}

// held returns the transaction's own count of a box.
func (tx *Tx) held(b BoxID) (*count, error) {
	for _, n := range tx.counts {
		if n.box == b {
			return &n.count, nil
		}
	}
	n, known := tx.r.counts.get(b)
	if known && !(n.settled && tx.writes) {
		var err error
		if known, err = tx.witnessed(b, n); err != nil {
			return nil, err
		}
	}
	if !known {
		var err error
		if n, err = tx.recount(b); err != nil {
			return nil, err
		}
	}
	n.settled = false // what this transaction counts is not, yet
	own := &counting{b, n}
	tx.counts = append(tx.counts, own)
	return &own.count, nil
}

// witnessed reports whether what a count was last changed by is there: its
// newest message, or the row it was written into. It is not when the closure
// that counted was not committed after all (it did not fit into its batch, the
// store was full), or is not yet in this snapshot. Looking costs one row, and
// asks nothing of the engine about who failed when. A count that has settled is
// right for every later update.
func (tx *Tx) witnessed(b BoxID, n count) (bool, error) {
	if n.unsaved > 0 {
		return tx.Get(entryKey(kindEntry, EntryID{b, n.last})) != nil, nil
	}
	box, err := tx.Box(b)
	return box.Held == n.Held && box.HeldTo == n.last, err
}

// recount adds what came after the last count written down.
func (tx *Tx) recount(b BoxID) (count, error) {
	box, err := tx.Box(b)
	if err != nil {
		return count{}, err
	}
	n := count{Held: box.Held, last: box.HeldTo}
	for k, v := range tx.each(between(kindEntry, b, box.HeldTo, maxTime)) {
		n.Entries++
		n.Bytes += int64(len(v))
		n.last = entryTime(k)
		n.unsaved++
	}
	return n, nil
}

// Holding returns what the lane of messages of a box holds. NotFound: no such
// box.
func (tx *Tx) Holding(b BoxID) (Held, error) {
	n, err := tx.held(b)
	if err != nil {
		return Held{}, err
	}
	return n.Held, nil
}

// admit counts a message of so many bytes in, or fails with Full.
func (tx *Tx) admit(b BoxID, bytes int) (*count, error) {
	n, err := tx.held(b)
	if err != nil {
		return nil, err
	}
	if n.Entries >= tx.r.opts.BoxEntries || n.Bytes+int64(bytes) > tx.r.opts.BoxBytes {
		return nil, Errorf(Full, SubjectRoom, "mailbox full")
	}
	n.Entries++
	n.Bytes += int64(bytes)
	n.unsaved++
	return n, nil
}

// discount counts a message out again and writes the new count down: a count
// from an older row would still have the message in it.
func (tx *Tx) discount(b BoxID, bytes int) error {
	n, err := tx.held(b)
	if err != nil {
		return err
	}
	n.Entries--
	n.Bytes = max(n.Bytes-int64(bytes), 0) // versions of before they counted
	return tx.writeDown(b, n)
}

// writeDown puts a count into its box's row.
func (tx *Tx) writeDown(b BoxID, n *count) error {
	box, err := tx.Box(b)
	if err != nil {
		return err
	}
	box.Held, box.HeldTo = n.Held, n.last
	n.unsaved = 0
	return tx.put(newKey(kindBox).box(b), box)
}
