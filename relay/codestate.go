package relay

// A CodeState is how a one-time code stands.
type CodeState uint8

const (
	CodeNone    CodeState = iota // none was made, or it was used or withdrawn
	CodeOpen                     // waits to be used
	CodeExpired                  // was not used in time
	CodeSpent                    // ended by wrong tries
)

// CodeState tells how the code for a key stands, for families that tell their
// callers why one did not do.
func (tx *Tx) CodeState(k CodeKey) (CodeState, error) {
	row, found, err := codes.Get(tx, k.id())
	switch {
	case err != nil || !found:
		return CodeNone, err
	case row.Sum == (Digest{}) && row.Tries >= codeTries:
		return CodeSpent, nil
	case row.Sum == (Digest{}):
		return CodeNone, nil
	case row.Expires <= tx.r.Now():
		return CodeExpired, nil
	}
	return CodeOpen, nil
}
