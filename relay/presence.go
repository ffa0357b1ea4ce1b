package relay

import "sync"

// Presence counts the sessions of each account, in memory only: who is there
// now is nobody's business later.
type Presence struct {
	mu       sync.Mutex
	sessions map[ID]int // guarded by mu
}

// Presence returns who has sessions open, in whatever family.
func (r *Relay) Presence() *Presence { return &r.presence }

// Enter counts a session in, and reports whether it is the account's first.
func (p *Presence) Enter(who ID) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions == nil {
		p.sessions = map[ID]int{}
	}
	p.sessions[who]++
	return p.sessions[who] == 1
}

// Exit counts a session out, and reports whether it was the account's last. One
// Exit follows each Enter.
func (p *Presence) Exit(who ID) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions[who]--; p.sessions[who] > 0 {
		return false
	}
	delete(p.sessions, who)
	return true
}

// Present reports whether an account has a session open.
func (p *Presence) Present(who ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[who] > 0
}

// Count returns how many accounts have sessions open.
func (p *Presence) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions)
}
