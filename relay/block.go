package relay

// A blockRow says since when, and until when a mute lasts.
type blockRow struct {
	Since Time `cbor:"1,keyasint"`
	Until Time `cbor:"2,keyasint,omitempty"`
}

const (
	blocked   = 'b'
	muted     = 'm'
	unblocked = 'o' // of nobody: the blocks are there, and do not hold
)

// Block keeps what other sends from id, through every family. Repeating it
// changes nothing.
func (tx *Tx) Block(id, other ID) error {
	if tx.hasBlock(id, other) {
		return nil
	}
	return tx.put(blockKey(id, blocked, other), blockRow{Since: tx.r.Now()})
}

// Unblock takes a block back and reports whether there was one.
func (tx *Tx) Unblock(id, other ID) (was bool) {
	was = tx.hasBlock(id, other)
	tx.Delete(blockKey(id, blocked, other))
	return was
}

// HoldBlocks has all blocks of id hold, as they do at first, or none of them.
// Those that are made meanwhile are kept with the others.
func (tx *Tx) HoldBlocks(id ID, hold bool) error {
	k := blockKey(id, unblocked, ID{})
	if hold {
		tx.Delete(k)
		return nil
	}
	return tx.put(k, blockRow{Since: tx.r.Now()})
}

// Blocked reports whether id has blocked other, and id's blocks hold. Most
// people are blocked by nobody: for them it is one look-up.
func (tx *Tx) Blocked(id, other ID) bool {
	return tx.hasBlock(id, other) && tx.Get(blockKey(id, unblocked, ID{})) == nil
}

func (tx *Tx) hasBlock(id, other ID) bool { return tx.Get(blockKey(id, blocked, other)) != nil }

// Blocks returns up to max accounts that id has blocked, whether that holds or
// not, after the given one, with the times of their blocks.
func (tx *Tx) Blocks(id, after ID, max int) ([]ID, []Time, error) {
	rg := newKey(kindBlock).id(id).byte(blocked).all()
	rg.From = blockKey(id, blocked, after).byte(0)
	rg.Limit = max
	var ids []ID
	var since []Time
	for k, v := range tx.Scan(rg) {
		var row blockRow
		if err := decode(v, &row); err != nil {
			return nil, nil, err
		}
		ids, since = append(ids, tailID(k)), append(since, row.Since)
	}
	return ids, since, nil
}

// Mute has other not announced to id until a time; 0 ends it. What other sends
// arrives all the same.
func (tx *Tx) Mute(id, other ID, until Time) error {
	if until <= tx.r.Now() {
		tx.Delete(blockKey(id, muted, other))
		return nil
	}
	return tx.put(blockKey(id, muted, other), blockRow{Since: tx.r.Now(), Until: until})
}

// Muted reports whether id has muted other now.
func (tx *Tx) Muted(id, other ID) (bool, error) {
	var row blockRow
	found, err := tx.get(blockKey(id, muted, other), &row)
	return found && row.Until > tx.r.Now(), err
}

func blockKey(id ID, kind byte, other ID) key {
	return newKey(kindBlock).id(id).byte(kind).id(other)
}
