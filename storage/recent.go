package storage

// Nearly every update looks at the same few rows again: those of who calls and
// of who is written to. So the writer keeps the rows that were recalled of late
// ([Txn.Recall]) as the last commit left them: one look into a map instead of a
// way through the journal's trees and the pages, and what its reader made of
// the bytes need not be made again.
//
// There are two generations. A row is found in the young one, or taken over
// from the old one; when the young one is full it becomes the old one, whose
// rows nobody asked for since are dropped.
type recent struct{ young, old map[string]*row }

// A row is a committed value, and what a reader has left beside it.
type row struct {
	value []byte
	kept  any
}

const (
	recentRows  = 2048 // in one generation
	recentBytes = 1024 // the longest value that is kept
)

// recall returns the row of a key, read from base if it must be; nil when
// there is none.
func (c *recent) recall(base *snapshot, key []byte) *row {
	if r := c.young[string(key)]; r != nil {
		return r
	}
	r := c.old[string(key)]
	if r == nil {
		value := base.get(key)
		if value == nil {
			return nil
		}
		r = &row{value: append(make([]byte, 0, len(value)), value...)}
	}
	if len(r.value) <= recentBytes {
		c.keep(key, r)
	}
	return r
}

func (c *recent) keep(key []byte, r *row) {
	if len(c.young) >= recentRows {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[string]*row, len(c.old))
	}
	c.young[string(key)] = r
}

// changed forgets rows that a commit has changed.
func (c *recent) changed(list []*entry) {
	if len(c.young)+len(c.old) == 0 {
		return
	}
	for _, e := range list {
		delete(c.young, string(e.key))
		delete(c.old, string(e.key))
	}
}
