//go:build !linux

package wire

// goroutinesOnly is the only way here.
var goroutinesOnly = true

// watch puts a waiter to sleep in an epoll set, which there is on Linux only.
func (p *parked) watch() bool { return false }

func (p *parked) unwatch() {}
