package storage

import (
	"bytes"
	"sort"
)

// A tree holds what was committed and does not lie in the pages yet, in key
// order: a B-tree that never changes. [tree.with] returns another one, which
// shares all nodes but those on the way to what is new. So a View keeps the
// tree it began with, and holds nobody up. A nil tree is empty.
type tree struct {
	root *node
	own  *token
	size int // keys
	dead int // those of them that are deleted
	cost int // roughly the bytes of memory it holds
}

// A token marks the nodes that one call of with has made: it alone may change
// them.
type token struct{ _ byte }

type node struct {
	own     *token
	entries []*entry
	kids    []*node // one more than entries; nil in a leaf
}

const (
	fanOut    = 31  // entries of a full node
	entryCost = 120 // bytes that an entry takes besides its key and value
)

func (e *entry) cost() int { return entryCost + len(e.key) + len(e.value) }

// with returns the tree with some entries put over it. They must not be
// changed afterwards.
func (t *tree) with(list []*entry) *tree {
	next := &tree{}
	if t != nil {
		*next = *t
	}
	next.own = new(token)
	for _, e := range list {
		next.set(e)
	}
	return next
}

// list returns all entries in order.
func (t *tree) list() []*entry {
	var list []*entry
	for c := newClimber(t, Range{}); c.at != nil; c.advance() {
		list = append(list, c.at)
	}
	return list
}

func (t *tree) empty() bool { return t == nil || t.size == 0 }

// get returns the entry of a key, nil when there is none.
func (t *tree) get(key []byte) *entry {
	if t.empty() {
		return nil
	}
	for n := t.root; ; {
		i, found := n.search(key)
		if found {
			return n.entries[i]
		}
		if n.kids == nil {
			return nil
		}
		n = n.kids[i]
	}
}

// search returns the index of the first entry at or after key, and whether it
// is that very key.
func (n *node) search(key []byte) (int, bool) {
	last := len(n.entries)
	if last == 0 || bytes.Compare(n.entries[last-1].key, key) < 0 {
		return last, false
	}
	i := sort.Search(last, func(i int) bool { return bytes.Compare(n.entries[i].key, key) >= 0 })
	return i, bytes.Equal(n.entries[i].key, key)
}

// set puts an entry into nodes that this call of with owns, splitting full ones
// on the way down.
func (t *tree) set(e *entry) {
	switch {
	case t.root == nil:
		t.root = newNode(t.own, false)
	case len(t.root.entries) == fanOut:
		root := newNode(t.own, true)
		root.kids = append(root.kids, t.root)
		root.split(0, t.own)
		t.root = root
	default:
		t.root = t.root.owned(t.own)
	}
	for n := t.root; ; {
		i, found := n.search(e.key)
		if !found && n.kids != nil && len(n.kids[i].entries) == fanOut {
			n.split(i, t.own)
			i, found = n.search(e.key)
		}
		switch {
		case found:
			t.count(n.entries[i], -1)
			n.entries[i] = e
		case n.kids == nil:
			n.entries = insert(n.entries, i, e)
		default:
			n.kids[i] = n.kids[i].owned(t.own)
			n = n.kids[i]
			continue
		}
		t.count(e, 1)
		return
	}
}

// count adds an entry to the sums, or with -1 takes it off.
func (t *tree) count(e *entry, sign int) {
	t.size += sign
	t.cost += sign * e.cost()
	if e.value == nil {
		t.dead += sign
	}
}

func newNode(own *token, inner bool) *node {
	n := &node{own: own, entries: make([]*entry, 0, fanOut)}
	if inner {
		n.kids = make([]*node, 0, fanOut+1)
	}
	return n
}

// owned returns the node, or a copy that may be changed.
func (n *node) owned(own *token) *node {
	if n.own == own {
		return n
	}
	c := newNode(own, n.kids != nil)
	c.entries = append(c.entries, n.entries...)
	c.kids = append(c.kids, n.kids...)
	return c
}

// split makes two of the full kid i. One that is filled in order stays nearly
// full, as most are: messages come with rising times.
func (n *node) split(i int, own *token) {
	kid := n.kids[i].owned(own)
	mid := fanOut / 2
	right := newNode(own, kid.kids != nil)
	right.entries = append(right.entries, kid.entries[mid+1:]...)
	if kid.kids != nil {
		right.kids = append(right.kids, kid.kids[mid+1:]...)
		kid.kids = kid.kids[:mid+1]
	}
	n.entries = insert(n.entries, i, kid.entries[mid])
	n.kids[i] = kid
	n.kids = insert(n.kids, i+1, right)
	clear(kid.entries[mid:])
	kid.entries = kid.entries[:mid]
}

// insert puts v at i of a list with room for it.
func insert[T any](list []T, i int, v T) []T {
	list = append(list, v)
	copy(list[i+1:], list[i:])
	list[i] = v
	return list
}

// A climber is a cursor over part of a tree, a [source].
type climber struct {
	r     Range
	stack []place
	at    *entry // nil at the end
}

// A place is a node and the entry in it that comes next, once everything below
// on the stack is through.
type place struct {
	n *node
	i int
}

func newClimber(t *tree, r Range) *climber {
	c := &climber{r: r}
	if t.empty() {
		return c
	}
	for n := t.root; ; {
		var i int
		found := false
		if r.Reverse && r.To == nil {
			i = len(n.entries)
		} else if r.Reverse {
			i, _ = n.search(r.To)
		} else {
			i, found = n.search(r.From)
		}
		if r.Reverse {
			c.stack = append(c.stack, place{n, i - 1})
		} else {
			c.stack = append(c.stack, place{n, i})
		}
		if found || n.kids == nil {
			break
		}
		n = n.kids[i]
	}
	c.settle()
	return c
}

// settle climbs to the next place that holds an entry.
func (c *climber) settle() {
	c.at = nil
	for len(c.stack) > 0 {
		p := c.stack[len(c.stack)-1]
		if p.i >= 0 && p.i < len(p.n.entries) {
			if e := p.n.entries[p.i]; c.r.holds(e.key) {
				c.at = e
			}
			return
		}
		c.stack = c.stack[:len(c.stack)-1]
	}
}

func (c *climber) peek() (key, value []byte) {
	if c.at == nil {
		return nil, nil
	}
	return c.at.key, c.at.value
}

func (c *climber) advance() {
	if c.at == nil {
		return
	}
	p := &c.stack[len(c.stack)-1]
	var below *node
	if c.r.Reverse {
		if p.n.kids != nil {
			below = p.n.kids[p.i]
		}
		p.i--
	} else {
		p.i++
		if p.n.kids != nil {
			below = p.n.kids[p.i]
		}
	}
	c.descend(below)
	c.settle()
}

// descend goes to the near end of what lies below.
func (c *climber) descend(n *node) {
	for n != nil {
		if !c.r.Reverse {
			c.stack = append(c.stack, place{n, 0})
			if n.kids == nil {
				return
			}
			n = n.kids[0]
			continue
		}
		c.stack = append(c.stack, place{n, len(n.entries) - 1})
		if n.kids == nil {
			return
		}
		n = n.kids[len(n.kids)-1]
	}
}
