package relay

import (
	"sync"
	"time"
)

// Space watches the free space of the disk, so that the relay says "full" while
// there is still room for deleting. The reserve is what is kept free: below
// four times of it nothing new is founded (registrations of strangers, rooms,
// blobs), below twice strangers post nothing, below it nobody does. Reading and
// deleting always work.
type space struct {
	free    func() int64 // nil: plenty
	reserve int64        // bytes; 0 switches all of this off

	mu     sync.Mutex
	looked time.Time
	left   int64
}

// lookEvery is how long a look at the disk is good for.
const lookEvery = 2 * time.Second

// below reports whether less than n reserves are free.
func (s *space) below(n int64) bool {
	if s.free == nil || s.reserve == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.looked) >= lookEvery || now.Before(s.looked) {
		s.looked, s.left = now, s.free()
	}
	return s.left < n*s.reserve
}

// founding fails with Full when there is no room for anything new to live on.
func (s *space) founding() error {
	if s.below(4) {
		return Errorf(Full, SubjectNone, "relay full")
	}
	return nil
}

// strangers fails with Full when there is no room for messages from somebody
// the recipient has not met.
func (s *space) strangers() error {
	if s.below(2) {
		return Errorf(Full, SubjectNone, "relay full")
	}
	return nil
}

// posts fails with Full when there is no room for messages.
func (s *space) posts() error {
	if s.below(1) {
		return Errorf(Full, SubjectNone, "relay full")
	}
	return nil
}

// Founding fails with Full when the disk has no room for new accounts, rooms
// or blobs of strangers.
func (r *Relay) Founding() error { return r.space.founding() }
