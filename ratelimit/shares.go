package ratelimit

import "time"

// day is the length of a share's window.
const day = 24 * time.Hour

// A Share is what one key may use up in a day: that many entries and, in all, that many bytes. Zero of either is no limit
// on it.
type Share struct {
	Entries int
	Bytes   int64
}

// Shares holds every key to one Share a day, remembering at most a fixed number of them. A key's day begins with its first
// entry and lasts 24 hours; then it starts anew. A nil Shares allows everything. Its methods may be called from many
// goroutines.
type Shares struct {
	share Share
	table *table[*window]
}

// A window is one key's day. It is clear before its first entry and after its end.
type window struct {
	until   time.Time
	entries int
	bytes   int64
}

// NewShares makes Shares that remember size keys, at about 140 bytes each, taken as they come.
func NewShares(s Share, size int) *Shares {
	fresh := func() *window { return new(window) }
	clear := func(w *window, now time.Time) bool { return !now.Before(w.until) }
	return &Shares{share: s, table: newTable(size, fresh, clear)}
}

// Peek reports whether one more entry of so many bytes is within the key's share, and takes nothing; else it says when the
// next day begins.
func (s *Shares) Peek(key []byte, bytes int) (ok bool, retryAfter time.Duration) {
	if s == nil {
		return true, 0
	}
	now, d := time.Now(), s.table.digest(key)
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	w := s.table.findLocked(d, now)
	w.turn(now)
	entries := s.share.Entries > 0 && w.entries >= s.share.Entries
	size := s.share.Bytes > 0 && int64(bytes) > s.share.Bytes-w.bytes
	if !entries && !size {
		return true, 0
	}
	if w.until.IsZero() {
		return false, day // larger than a whole share: no day will do
	}
	return false, w.until.Sub(now)
}

// Add counts an entry that was stored. It is never refused: what was stored is stored.
func (s *Shares) Add(key []byte, bytes int) {
	if s == nil {
		return
	}
	now, d := time.Now(), s.table.digest(key)
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	w := s.table.findLocked(d, now)
	w.turn(now)
	if w.until.IsZero() {
		w.until = now.Add(day)
	}
	w.entries++
	w.bytes += int64(bytes)
}

// turn starts a new day when the last one is over.
func (w *window) turn(now time.Time) {
	if !now.Before(w.until) {
		*w = window{}
	}
}
